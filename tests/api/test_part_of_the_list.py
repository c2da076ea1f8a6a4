"""Reads that go no further back than asked, and long reads that are cut off: the newest part of the list, proved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from changing_list import START as LIST_START
from changing_list import ChangingList, reading_list, row
from served import START, finished_actions, reading

import doaudit as da
from doaudit.demo import Fault, World, serve
from doaudit.errors import InvalidArgument, ReadIncomplete
from doaudit.history.proof import stored_proof
from doaudit.history.refresh import refresh
from doaudit.history.state import HistoryState
from doaudit.history.store import open_store
from doaudit.report.completeness import ask
from doaudit.since import parse_since

NOW = datetime.fromtimestamp(START, UTC)
FIRST = START - 60 * 3000 - 600


def world_of_3000() -> World:
    """Return an account of 3,000 actions, one a minute."""
    return World(actions=finished_actions(3000), tie_shuffle=0)


def listed_since(moment: datetime) -> int:
    """Return how many of them started at a moment or later: the plain model."""
    return sum(FIRST + 60 * n >= moment.timestamp() for n in range(3000))


def asked_for_actions(world: World) -> list[str]:
    """Return the requests for pages."""
    return [request for request in world.requests if request.startswith("GET /v2/actions?")]


@pytest.fixture
def store():
    """A history that ends with the test."""
    return open_store(":memory:", "mine")


@pytest.mark.parametrize(("hours", "pages"), [(1, 1), (3, 1), (20, 12), (24, 12)])
def test_a_first_read_goes_no_further_back_than_asked(store, hours, pages):
    """What is asked for is in the history and proved, with the pages that have it, and eight too many at most."""
    world, since = world_of_3000(), NOW - timedelta(hours=hours)
    with reading(world) as client:
        result = refresh(client, store, since=since)

    proof = result.proof
    assert (result.complete, result.as_asked, proof.covers(since)) == (False, True, True)
    assert len(asked_for_actions(world)) <= pages
    assert len(store.ids(since=since - timedelta(seconds=1))) == listed_since(since)
    assert proof.complete_since <= since
    assert proof.total_reported - proof.older == listed_since(proof.complete_since)
    assert "complete from" in str(result)
    assert "were asked for" in str(result)


def test_a_part_stays_proved_for_one_request_and_a_whole_read_goes_on_from_it(store):
    """What has been read is not read again: not by a refresh of the same part, nor by the first one of everything."""
    world, since = world_of_3000(), NOW - timedelta(hours=20)
    with reading(world) as client:
        refresh(client, store, since=since)
        held = store.count()
        world.requests.clear()
        again = refresh(client, store, since=since, names=False)
        requests = [len(asked_for_actions(world))]
        world.arrive(30)
        world.advance(600)
        more = refresh(client, store, since=since, names=False)
        world.requests.clear()
        whole = refresh(client, store, names=False)
        requests.append(len(asked_for_actions(world)))

    assert (again.as_asked, more.as_asked, more.new, again.proof.older) == (True, True, 30, more.proof.older)
    assert (whole.complete, whole.new) == (True, 3000 - held)
    assert requests[0] == 1
    assert requests[1] <= 2 + (3000 - held) // 200 + 1


def test_a_part_is_extended_by_what_is_missing_of_it(store):
    """A longer part than the last one costs the pages between them."""
    world = world_of_3000()
    with reading(world) as client:
        refresh(client, store, since=NOW - timedelta(hours=5))
        world.requests.clear()
        result = refresh(client, store, since=NOW - timedelta(hours=40), names=False)

    assert result.as_asked
    assert len(store.ids(since=NOW - timedelta(hours=40, seconds=1))) == listed_since(NOW - timedelta(hours=40))
    assert not any("page=2&" in request for request in asked_for_actions(world))


def test_a_whole_history_stays_whole(store):
    """Where everything is in hand, since= changes nothing."""
    world = world_of_3000()
    with reading(world) as client:
        refresh(client, store)
        world.requests.clear()
        result = refresh(client, store, since=NOW - timedelta(hours=1))

    assert (result.complete, result.requests) == (True, 1)


def test_a_long_read_that_is_cut_off_says_from_when_on_it_is_whole(store, monkeypatch):
    """What a look on the way proved is said of a read that did not come to its end, and stays said."""
    monkeypatch.setattr("doaudit.api.read_attempt._PAGES_BETWEEN_LOOKS", 4)
    monkeypatch.setattr("doaudit.api.read_attempt._FEW_PAGES", 1)
    world = world_of_3000()
    world.faults.add(Fault("forbidden", path="page=13&"))
    with reading(world) as client, pytest.raises(ReadIncomplete):
        refresh(client, store)

    proof = stored_proof(store)
    assert not proof.complete
    assert proof.complete_since is not None
    held = store.ids(since=proof.complete_since - timedelta(seconds=1))
    assert len(held) == listed_since(proof.complete_since) == 3000 - proof.older >= 1500
    state = str(HistoryState(None, store.count(), 0, proof))
    assert state.startswith("Complete from 2026-")
    assert f"{proof.older:,} of 3,000 actions are older" in state


def test_a_row_that_left_is_no_part_of_what_is_proved(store):
    """Where a row has left, the part is read again; the row is named, and does not count as one of it."""
    changing, since = ChangingList([row(n) for n in range(4000)]), datetime.fromtimestamp(LIST_START + 60 * 3600, UTC)
    with reading_list(changing) as client:
        refresh(client, store, names=False, since=since)
        changing.leave(3900, 10)
        result = refresh(client, store, names=False, since=since)
        again = refresh(client, store, names=False, since=since)

    assert (result.vanished, result.as_asked) == ((4900,), True)
    assert (again.vanished, again.as_asked, again.requests) == ((), True, 1)
    assert len(store.proved_ids()) - 1 == again.proof.total_reported - again.proof.older


def test_a_frame_and_a_report_of_a_part_say_that_it_is_one():
    """The frame has what started since then; a report of it is complete from there on, and a part of it a selection."""
    with (
        serve(world_of_3000(), speed=0) as server,
        da.connect(token=server.token, base_url=server.url, history=":memory:") as account,
    ):
        since = NOW - timedelta(hours=20)
        actions = account.actions(since=since.isoformat())
        whole = account.actions(refresh=False)
        frames = (actions, whole, actions.iloc[5:], actions.iloc[:-5])
        found = [ask(rows["id"].to_numpy(), account, rows["started_at"].min()) for rows in frames]
        account.refresh()
        of_all = ask(actions["id"].to_numpy(), account, actions["started_at"].min())

    assert len(actions) == listed_since(since)
    assert (actions["started_at"] >= since).all()
    assert [each.verdict for each in found] == ["complete since", "complete since", "selection", "complete since"]
    for each, rows in zip(found, frames, strict=True):
        assert each.complete is False
        if each.verdict == "complete since":
            first = rows["started_at"].min() if rows is not whole else account.proof.complete_since
            assert each.sentence.startswith("Every action from ")
            assert rows is whole or f"from {first:%Y-%m-%d %H:%M:%S} to" in each.sentence
            assert "older ones are not all known (only actions from" in each.sentence
    assert of_all.verdict == "complete since"
    assert f"the history is complete, and has {3000 - len(actions):,} that are older" in of_all.sentence


def test_everything_again_and_only_the_newest_contradict_each_other(store):
    """A read of everything again cannot be one of a part."""
    with reading(world_of_3000()) as client, pytest.raises(InvalidArgument, match="leave one of them out"):
        refresh(client, store, full=True, since=NOW)


@pytest.mark.parametrize(
    ("since", "meant"),
    [
        ("90d", "2026-08-25T12:00:00+00:00"),
        (" 12 h ", "2026-11-23T00:00:00+00:00"),
        ("2w", "2026-11-09T12:00:00+00:00"),
        ("2026-06-01", "2026-06-01T00:00:00+00:00"),
        ("2026-06-01T08:00:00+02:00", "2026-06-01T06:00:00+00:00"),
        (timedelta(hours=1), "2026-11-23T11:00:00+00:00"),
        ("999999w", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_a_moment_is_a_span_back_a_date_or_a_time_with_a_zone(since, meant):
    """Each way to say a moment means one moment in UTC."""
    assert parse_since(since, datetime(2026, 11, 23, 12, tzinfo=UTC)).isoformat() == meant


@pytest.mark.parametrize("since", ["", "yesterday", "2026-06-01T08:00:00", "90", "-3d", "2027-01-01"])
def test_what_is_no_moment_is_refused_in_words(since):
    """A text that could mean two things, or nothing, or the future, is an error that says what to write."""
    with pytest.raises(InvalidArgument, match="since"):
        parse_since(since, datetime(2026, 11, 23, 12, tzinfo=UTC))
