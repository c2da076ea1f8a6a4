"""A report: what is in it, and that the same actions give the same bytes."""

from __future__ import annotations

import hashlib
import json
from html.parser import HTMLParser

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import doaudit as da
from doaudit.actions import Record, categorical, to_frame
from doaudit.errors import FileProblem, InvalidArgument

TABLES = [
    "actions",
    "activity_by_day",
    "activity_by_week",
    "backups",
    "changes",
    "churn",
    "compare",
    "concurrency_by_type",
    "durations_by_resource",
    "durations_by_type",
    "failure_rates_by_resource",
    "failure_rates_by_type",
    "failures",
    "findings",
    "incidents",
    "last_actions",
    "lifespans",
    "open_actions",
    "power_periods",
    "problems",
    "retries",
    "retry_rates_by_type",
    "slowest",
    "week_pattern",
]
FIGURES = [
    "activity_by_week",
    "backups",
    "changes",
    "churn",
    "compare",
    "concurrency_by_type",
    "durations_by_type",
    "failure_rates_by_type",
    "incidents",
    "open_actions",
    "power_periods",
    "retry_rates_by_type",
    "slowest",
    "week_pattern",
]


def few_actions() -> pd.DataFrame:
    """Three finished actions, one of them errored, and an open one, with names that mean harm."""
    records = [
        Record(1, "completed", "snapshot", "2026-03-02T10:00:00Z", "2026-03-02T10:01:30Z", 5, "droplet", None, "fra1"),
        Record(2, "errored", "snapshot", "2026-03-03T10:00:00Z", "2026-03-03T10:00:03Z", 5, "droplet", None, "fra1"),
        Record(3, "completed", "<script>x", "2026-03-03T11:00:00Z", "2026-03-03T11:00:00Z", 6, "droplet", None, "=1+1"),
        Record(4, "in-progress", "resize", "2026-03-04T09:00:00Z", None, 6, "droplet", None, "fra1"),
    ]
    actions = to_frame(records, 1_772_700_000)
    return actions.assign(resource_name=categorical(["<img src=x onerror=alert(1)>", "=cmd()", None, "web"]))


def contents(folder) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder of a report of few actions, which no test changes."""
    folder = tmp_path_factory.mktemp("report") / "out"
    assert da.report(few_actions(), folder, source="<b>me</b>") == folder / "index.html"
    return folder


def test_a_report_has_its_files(out):
    """Tables, figures, page and manifest, and nothing else."""
    expected = {f"{n}.csv" for n in TABLES} | {f"{n}.png" for n in FIGURES} | {"index.html", "manifest.json"}
    expected |= {"manifest.sha256"}
    assert set(contents(out)) == expected
    assert all(body.startswith(b"\x89PNG") for name, body in contents(out).items() if name.endswith(".png"))


def test_the_same_actions_give_the_same_bytes(out, tmp_path):
    """Two reports of one frame do not differ in one byte."""
    da.report(few_actions(), tmp_path / "two", source="<b>me</b>")

    assert contents(out) == contents(tmp_path / "two")


def test_the_manifest_seals_each_file(out):
    """The hashes are those of the files, and the counts those of the actions."""
    files = contents(out)
    sealed = files.pop("manifest.sha256").decode()
    assert sealed == f"{hashlib.sha256(files['manifest.json']).hexdigest()}  manifest.json\n"
    manifest = json.loads(files.pop("manifest.json"))

    assert {name: entry["sha256"] for name, entry in manifest["files"].items()} == {
        name: hashlib.sha256(body).hexdigest() for name, body in files.items()
    }
    assert (manifest["actions"], manifest["finished"], manifest["errored"], manifest["open"]) == (4, 3, 1, 1)
    assert manifest["window"] == {
        "first_started_at": "2026-03-02T10:00:00Z",
        "last_started_at": "2026-03-04T09:00:00Z",
    }
    assert manifest["completeness"]["complete"] is False
    assert manifest["completeness"]["proof"] is None


def test_actions_come_back_from_a_report(out):
    """What the report wrote is the frame it was given."""
    assert_frame_equal(da.read_csv(out / "actions.csv"), few_actions(), check_exact=True)


def test_text_of_the_api_is_text(out):
    """Neither a script in the page nor a formula in a table comes to life."""
    page = (out / "index.html").read_text(encoding="utf-8")

    tags = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: tags.add(tag)
    parser.feed(page)

    assert tags.isdisjoint({"script", "b"})
    assert "onerror=alert(1)" in page
    assert "&lt;img src=x" in page
    assert "'=cmd()" in (out / "actions.csv").read_text(encoding="utf-8")


def test_a_report_without_proof_says_so(out):
    """A reader is told when nobody can say whether actions are missing."""
    page = (out / "index.html").read_text(encoding="utf-8")

    assert "No proof of completeness" in page


@pytest.mark.parametrize("rows", [slice(0, 0), slice(0, 1), slice(3, 4)])
def test_a_report_of_next_to_nothing_is_whole(tmp_path, rows):
    """No actions, or one, give the same files."""
    da.report(few_actions().iloc[rows], tmp_path / "out")

    assert len(contents(tmp_path / "out")) == len(TABLES) + len(FIGURES) + 3


@pytest.mark.parametrize("written", ["{home}/out", "~/out"])
def test_a_folder_that_is_a_file_is_refused(written, tmp_path, monkeypatch):
    """What stands in the way is named and left as it is, also in the user's own folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "out").write_text("mine")

    with pytest.raises(FileProblem, match="is a file"):
        da.report(few_actions(), written.format(home=tmp_path))

    assert (tmp_path / "out").read_text() == "mine"


def test_another_frame_is_refused(tmp_path):
    """A frame that lacks columns is named with them, and nothing is written."""
    with pytest.raises(InvalidArgument, match="lacks id, type"):
        da.report(pd.DataFrame({"a": [1]}), tmp_path / "out")

    assert not (tmp_path / "out").exists()
