"""What a report says of its completeness: it is about the rows in it, and about no others."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

import doaudit as da
from doaudit.actions import Record
from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action
from doaudit.errors import ReadIncomplete
from doaudit.report.completeness import ask, judge
from doaudit.report.manifest import files_listed

START = 1_795_435_200


def some_actions(count: int) -> list[Action]:
    """Finished reboots, a third of them in nyc3."""
    return [
        Action(
            id=100 + n, type="reboot", resource_id=5, region=("nyc3", "fra1", "ams3")[n % 3],
            started_at=START - 600 * n - 900, ends_at=START - 600 * n - 840,
        )
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def world():
    """A simulated account of thirty actions."""
    return World(actions=some_actions(30))


@pytest.fixture
def server(world):
    """The account's server."""
    with serve(world, speed=0) as running:
        yield running


@pytest.fixture
def account(server):
    """The account before the first read, with a history in memory, which takes less time."""
    with da.connect(token=server.token, base_url=server.url, history=":memory:") as opened:
        yield opened


def said(actions: pd.DataFrame, account) -> tuple[str, str]:
    """The verdict on a frame, and the sentence."""
    found = ask(actions["id"].to_numpy(), account)
    assert found.complete == (found.verdict == "complete") == found.sentence.startswith("Complete:")
    return found.verdict, found.sentence


def written(report) -> tuple[str, dict]:
    """The text of a page, and what its manifest says of completeness."""
    manifest = json.loads((report.folder / "manifest.json").read_text(encoding="utf-8"))
    assert report.completeness == manifest["completeness"]["sentence"]
    return report.path.read_text(encoding="utf-8"), manifest["completeness"]


def test_a_selection_is_called_one(account, tmp_path):
    """Page and manifest of a part say that it is a part, of how many, and nothing of it is called complete."""
    actions = account.actions()
    page, completeness = written(da.report(actions[actions["region"] == "nyc3"], tmp_path / "out", account=account))

    sentence = "This is a selection of 10 of 30 actions (the history is complete)."
    assert f'<p class="badge warn"><strong>Selection</strong> <span>{sentence}</span></p>' in page
    assert "Complete:" not in page
    assert (completeness["complete"], completeness["verdict"], completeness["sentence"]) == (
        False,
        "selection",
        sentence,
    )
    assert (completeness["actions"], completeness["held"], completeness["proof"]["distinct_ids"]) == (10, 30, 30)


def test_a_report_of_every_action_has_the_log_of_reads_and_the_next_without_it_keeps_none(account, tmp_path):
    """reads.csv belongs to a report with its account; what an earlier one left goes, what is somebody's own stays."""
    actions, folder = account.actions(), tmp_path / "out"
    page, completeness = written(da.report(actions, folder, account=account))
    log = pd.read_csv(folder / "reads.csv")

    assert "Complete: 30 distinct ids, exactly as many as the API reports." in page
    assert (completeness["complete"], completeness["verdict"]) == (True, "complete")
    assert ">Log of reads</span> The account was read 1 time</h2>" in page
    assert account.source in page
    assert log[["new", "total_reported", "complete"]].to_numpy().tolist() == [[30, 30, True]]

    (folder / "mine.csv").write_text("mine")
    page, completeness = written(da.report(actions, folder))

    assert "No proof of completeness: no account was given" in page
    assert (completeness["complete"], completeness["verdict"], completeness["proof"]) == (False, "unproved", None)
    assert "Log of reads" not in page
    assert not (folder / "reads.csv").exists()
    assert "reads.csv" not in json.loads((folder / "manifest.json").read_text())["files"]
    assert (folder / "mine.csv").read_text() == "mine"


@pytest.mark.thorough
def test_somebodys_own_file_of_that_name_stays(account, tmp_path):
    """A reads.csv that no manifest lists is not of a report, and is left alone, whatever stands for a manifest."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "reads.csv").write_text("mine")
    (folder / "manifest.json").write_text('["reads.csv"]')

    da.report(account.actions(refresh=False), folder)

    assert (folder / "reads.csv").read_text() == "mine"


def test_every_action_is_complete_in_any_order(account):
    """The same ids are the whole, however the frame is sorted."""
    actions = account.actions()

    assert said(actions.sample(frac=1, random_state=1), account) == (
        "complete",
        "Complete: 30 distinct ids, exactly as many as the API reports.",
    )


def test_a_part_is_a_selection(account):
    """From no row to all but one."""
    actions = account.actions()

    assert [said(actions.head(rows), account) for rows in (0, 1, 29)] == [
        ("selection", f"This is a selection of {rows} of 30 actions (the history is complete).") for rows in (0, 1, 29)
    ]


@pytest.mark.parametrize("text", ["", "[1]", '["reads.csv"]', '{"files": ["reads.csv"]}', "{}", "[" * 99_999, "\udcff"])
def test_what_is_no_manifest_lists_nothing(tmp_path, text):
    """Whatever stands in place of an earlier manifest, no file is taken for one of its report."""
    (tmp_path / "manifest.json").write_bytes(text.encode(errors="surrogateescape"))

    assert files_listed(tmp_path / "manifest.json") == files_listed(tmp_path / "none.json") == set()


def test_as_many_actions_with_other_ids_are_not_complete(account):
    """Thirty rows of which two are another account's are no proof, though their number is right."""
    actions = account.actions()
    actions.loc[actions.index[:2], "id"] = [1, 2]

    verdict, sentence = said(actions, account)

    assert verdict == "unproved"
    assert "does not have 2 of these 30 actions" in sentence


def test_rows_that_are_twice_are_not_complete(account):
    """Thirty rows in place of thirty ids are not thirty actions."""
    actions = account.actions()
    verdict, sentence = said(pd.concat([actions.head(29), actions.head(1)]), account)

    assert verdict == "unproved"
    assert "30 rows have only 29 distinct ids" in sentence


def test_a_history_that_was_never_read_proves_nothing(account):
    """No read, no proof."""
    assert said(account.actions(refresh=False), account) == (
        "unproved",
        "No proof of completeness: the history of this account was never read, so actions may be missing.",
    )


def test_an_incomplete_history_is_called_incomplete(world, account):
    """A read that lacks a page says what is lacking, over all that was read and over a part of it."""
    world.log = World(actions=some_actions(450)).log
    world.faults.add(Fault("forbidden", path="page=2&", times=None))
    with pytest.raises(ReadIncomplete):
        account.refresh()
    actions = account.actions(refresh=False)

    lacks = rf"{len(actions)} of 450 actions"
    assert said(actions, account) == ("incomplete", f"INCOMPLETE: {lacks} (a page failed).")
    verdict, sentence = said(actions.head(7), account)
    assert verdict == "selection"
    assert sentence.startswith(
        f"This is a selection of 7 of {len(actions)} actions (the history is INCOMPLETE: {lacks}"
    )


def test_rows_of_a_later_read_are_told_from_those_of_the_proof(world, account):
    """After a read that was killed, the old rows alone are complete, and with the new ones nothing is claimed."""
    before = account.actions()
    world.advance(60)
    later = [Record(n, "completed", "reboot", "2026-11-23T12:00:30Z", "2026-11-23T12:00:40Z") for n in (901, 902)]
    account.history.upsert(later, [START + 60] * 2)
    after = account.actions(refresh=False)

    assert said(before, account)[0] == "complete"
    verdict, sentence = said(after, account)
    assert verdict == "unproved"
    assert sentence.endswith("30 of them, and 2 of a later read that was cut off.")
    assert said(after.head(3), account) == (
        "selection",
        "This is a selection of 1 of 30 actions (the history is complete), and 2 more that were read since.",
    )


def test_rows_of_the_same_second_are_not_told_apart(account):
    """Where nothing tells which rows came in after the proof, nothing is claimed until the next read."""
    before = account.actions()
    account.history.upsert([Record(901, "completed", "reboot")], [START])

    verdict, sentence = said(before, account)

    assert verdict == "unproved"
    assert "nothing tells which" in sentence
    assert said(before, account)[0] == "unproved"


def test_what_arrives_is_missing_in_an_older_frame(world, account):
    """A frame from before a refresh is a selection of what the history holds after it."""
    before = account.actions()
    world.advance(60)
    world.arrive(2)
    after = account.actions()

    assert said(before, account)[1] == "This is a selection of 30 of 32 actions (the history is complete)."
    assert said(after, account)[0] == "complete"


def test_actions_that_left_the_list_belong_to_the_whole(account):
    """An action that the API no longer lists is kept, counted by itself, and its absence makes a selection."""
    account.refresh()
    account.history.upsert([Record(7, "completed", "reboot", "2020-01-01T00:00:00Z", "2020-01-01T00:00:05Z")], [START])
    actions = account.actions()

    assert said(actions, account) == (
        "complete",
        "Complete: 30 distinct ids, exactly as many as the API reports, and 1 more that have left its list.",
    )
    assert said(actions[actions["id"] != 7], account)[0] == "selection"


def test_a_history_in_a_file_proves_as_much(server, tmp_path):
    """A history that another process may open tells a selection from the whole as one in memory does."""
    path = tmp_path / "kept.duckdb"
    with da.connect(token=server.token, base_url=server.url, history=path) as account:
        actions = account.actions()
    with da.connect(token=server.token, base_url=server.url, history=path) as account:
        assert said(actions, account)[0] == "complete"
        assert said(actions.tail(3), account)[0] == "selection"


IDS = st.lists(st.integers(1, 9), max_size=9)


@examples(300)
@given(ids=IDS, held=st.none() | st.sets(st.integers(1, 9)), later=st.sets(st.integers(1, 9)), complete=st.booleans())
def test_only_the_very_ids_are_complete(some_proof, ids, held, later, complete):
    """Whatever the ids, complete is only a frame that has each id of a complete proof once, and no other."""
    proof = replace(some_proof, complete=complete, distinct_ids=len(held or ()))
    known = np.array(sorted({*(held or ()), *later}), dtype="int64")
    at_proof = None if held is None else np.array(sorted(held), dtype="int64")

    found = judge(np.array(ids, dtype="int64"), proof, at_proof, known)

    assert found.complete == (complete and held is not None and sorted(ids) == sorted(held))
    assert found.foreign == len(set(ids) - set(known.tolist()))


@pytest.fixture(scope="module")
def some_proof():
    """The proof of a read of nothing."""
    with serve(World(), speed=0) as server, da.connect(token=server.token, base_url=server.url) as account:
        return account.refresh().proof


@pytest.mark.thorough
def test_one_region_of_three_years_is_a_selection(tmp_path):
    """The company's nyc3 is 10,950 of 52,292 actions, and its report says so."""
    with da.demo() as account:
        actions = account.actions()
        page, _ = written(da.report(actions[actions["region"] == "nyc3"], tmp_path / "out", account=account))

    assert '<p class="banner">SIMULATED ACCOUNT: none of this is real.</p>' in page
    assert "This is a selection of 10,950 of 52,292 actions" in page
