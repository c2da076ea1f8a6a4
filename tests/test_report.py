"""A report: what is in it, what it says of a part, and that the same actions give the same bytes."""

from __future__ import annotations

import hashlib
import json
import os
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import doaudit as da
from doaudit.actions import Record, categorical, to_frame
from doaudit.errors import FileProblem, InvalidArgument
from doaudit.report.chapters import CHAPTERS
from doaudit.tables import TABLES as REGISTRY

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
    assert da.report(few_actions(), folder, source="<b>me</b>").path == folder / "index.html"
    return folder


def test_a_report_has_its_files(out):
    """Tables, figures, page and manifest, and nothing else."""
    expected = {f"{n}.csv" for n in TABLES} | {f"{n}.svg" for n in FIGURES} | {"index.html", "manifest.json"}
    expected |= {"manifest.sha256"}
    assert set(contents(out)) == expected
    drawn = [
        ET.fromstring(body)  # noqa: S314 -- our own files
        for name, body in contents(out).items()
        if name.endswith(".svg")
    ]
    assert {each.tag for each in drawn} == {"{http://www.w3.org/2000/svg}svg"}


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


class Elements(HTMLParser):
    """Every element of a page with its attributes, and its text."""

    def __init__(self, page):
        """Read a page."""
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        """Keep an element."""
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        """Keep a text."""
        self.text += data

    def values(self, name):
        """The values of an attribute, in order."""
        return [attributes[name] for _, attributes in self.elements if name in attributes]


def page_of(folder) -> Elements:
    """The page of a report."""
    return Elements((folder / "index.html").read_text(encoding="utf-8"))


def test_text_of_the_api_is_text(out):
    """Neither a script in the page nor a formula in a table comes to life."""
    page = page_of(out)
    tags = {tag for tag, _ in page.elements}

    assert tags.isdisjoint({"script", "img", "iframe", "object", "foreignobject"})
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "<script>x" in page.text
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "'=cmd()" in (out / "actions.csv").read_text(encoding="utf-8")


def test_the_page_needs_nothing_beside_it(out):
    """It names no address but its own parts and the files of its folder, and forbids itself any request."""
    page = page_of(out)
    links = page.values("href") + page.values("xlink:href") + page.values("src")
    files = [link for link in links if not link.startswith(("#", "data:image/png;base64,"))]

    assert set(files) <= set(contents(out))
    assert {link[1:] for link in links if link.startswith("#")} <= set(page.values("id"))
    assert len(page.values("id")) == len(set(page.values("id")))
    assert any("default-src 'none'" in value for value in page.values("content"))
    assert not re.findall(r"url\((?!#)", (out / "index.html").read_text(encoding="utf-8"))


def test_each_figure_and_each_table_of_a_chapter_is_in_the_page(out):
    """What the registry has for a chapter is shown, with a link to all of it; chapters come in their order."""
    page = page_of(out)
    shown = [variant.name for table in REGISTRY for variant in table.variants if variant.section or variant.figure]

    assert len([tag for tag, _ in page.elements if tag == "figure"]) == len(FIGURES)
    assert {f"{name}.csv" for name in shown} <= set(page.values("href"))
    assert {table.chapter for table in REGISTRY if table.chapter} == {chapter.name for chapter in CHAPTERS}
    assert all(table.chapter for table in REGISTRY for variant in table.variants if variant.section or variant.figure)
    order = ["findings", "open", "incidents", "changes", "failures", "durations", "activity", "power", "backups"]
    ids = page.values("id")
    assert [name for name in ids if name in {*order, "problems", "limits", "words", "files"}] == [
        *order,
        "problems",
        "limits",
        "words",
        "files",
    ]


@pytest.fixture(scope="module")
def simulated():
    """The actions of six weeks of a simulated account."""
    with da.demo(actions=1500) as account:
        return account.actions()


@pytest.fixture(scope="module")
def part(simulated, tmp_path_factory):
    """A report of some types in the last 20 days of it, by region."""
    folder = tmp_path_factory.mktemp("part") / "out"
    return da.report(simulated, folder, by="region", since="20d", type=["snapshot", "reboot", "assign_ip"])


def test_a_report_of_a_part_judges_by_all(simulated, part):
    """Open actions of a part have the verdicts that they have among all, and the page names the conditions."""
    selection = da.Selection(since="20d", type=["snapshot", "reboot", "assign_ip"])
    chosen = set(selection.apply(simulated)["id"])

    judged = da.open_actions(simulated)
    expected = judged[judged["id"].isin(chosen)]
    written = pd.read_csv(part.folder / "open_actions.csv")
    assert set(da.read_csv(part.folder / "actions.csv")["id"]) == chosen
    assert dict(zip(written["id"], written["verdict"], strict=True)) == dict(
        zip(expected["id"], expected["verdict"].astype(str), strict=True)
    )
    assert "stuck" in set(written["verdict"])
    assert selection.code() in page_of(part.folder).text
    named = [set(map(int, ids.split(", "))) for ids in part.findings["ids"] if ids]
    assert all(ids & chosen for ids in named)
    assert set.union(*named) >= set(expected[expected["verdict"] == "stuck"]["id"])
    assert len(part.findings) < len(da.findings(simulated, since="20d"))


def test_a_part_with_a_window_is_compared_with_the_one_before(simulated, part):
    """The later period is the window, and the earlier one as long and directly before it."""
    rows = simulated[simulated["type"].isin(["snapshot", "reboot", "assign_ip"])]
    middle, long = simulated["observed_at"].max() - pd.Timedelta("20D"), pd.Timedelta("20D")
    expected = [
        rows[(rows["started_at"] >= begin) & (rows["started_at"] < begin + long)]["region"].value_counts()
        for begin in (middle - long, middle)
    ]

    written = pd.read_csv(part.folder / "compare.csv").set_index("region")

    assert min(counts.sum() for counts in expected) > 100
    for name, counts in zip(("actions_before", "actions_after"), expected, strict=True):
        assert written[name].to_dict() == {region: counts.get(region, 0) for region in written.index}
    assert "is compared with the 20 d before" in page_of(part.folder).text


def test_tables_are_grouped_by_another_column(part):
    """Files, sections and figures have its name, and hold each action once."""
    names = set(contents(part.folder))

    assert not [name for name in names if "by_type" in name]
    assert {"durations_by_region.csv", "durations_by_region.svg", "failure_rates_by_region.csv"} <= names
    table = pd.read_csv(part.folder / "failure_rates_by_region.csv")
    assert table["actions"].sum() == len(pd.read_csv(part.folder / "actions.csv"))


def test_what_an_earlier_report_had_besides_is_gone(tmp_path):
    """A report by region leaves nothing by type; what no manifest lists stays."""
    da.report(few_actions(), tmp_path / "out")
    (tmp_path / "out" / "mine.csv").write_text("mine")

    da.report(few_actions(), tmp_path / "out", by="region")

    names = set(contents(tmp_path / "out"))
    assert not [name for name in names if "by_type" in name]
    assert {"durations_by_region.svg", "mine.csv"} <= names
    assert da.verify(tmp_path / "out").differences == ("mine.csv is not in the manifest.",)


def test_a_manifest_deletes_no_file_that_a_report_cannot_have(tmp_path):
    """Names in the manifest of an earlier report are followed only within the folder, and to files of its kinds."""
    folder = tmp_path / "out"
    folder.mkdir()
    (tmp_path / "above.csv").write_text("mine")
    (folder / "notes.txt").write_text("mine")
    (folder / "manifest.json").write_text(json.dumps({"files": {"../above.csv": {}, "notes.txt": {}}}))

    da.report(few_actions(), folder)

    assert ((tmp_path / "above.csv").read_text(), (folder / "notes.txt").read_text()) == ("mine", "mine")


def test_what_is_returned_shows_a_link_and_the_findings(tmp_path, monkeypatch):
    """In a notebook it is a link seen from there, and texts of the API are text; as text it names the path."""
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")

    report = da.report(few_actions(), tmp_path / "data" / "a b", title="<i>mine</i>")

    shown = Elements(report._repr_html_())
    assert shown.values("href") == ["../data/a%20b/index.html"]
    assert {tag for tag, _ in shown.elements} == {"p", "a", "ul", "li", "code"}
    assert len([tag for tag, _ in shown.elements if tag == "li"]) == len(set(report.findings["kind"]))
    assert str(report.path) in repr(report)
    assert os.fspath(report) == str(report.path)
    assert report.sha256 == hashlib.sha256((report.folder / "manifest.json").read_bytes()).hexdigest()
    assert "<i>mine</i>" in page_of(report.folder).text


def test_figures_on_top_agree_with_the_tables(simulated, part):
    """The tiles say what the functions say of the same actions."""
    chosen = da.select(simulated, since="20d", type=["snapshot", "reboot", "assign_ip"])
    rates, judged = da.failure_rates(chosen, by=()).iloc[0], da.open_actions(simulated)
    opened = judged[judged["id"].isin(chosen["id"])]

    tiles = re.findall(r'class="label">([^<]+)</span> <strong>([^<]+)<', part.path.read_text(encoding="utf-8"))

    assert dict(tiles) == {
        "Actions": f"{len(chosen):,}",
        "Failure rate": f"{100 * rates['errored'] / rates['finished']:.2f} %",
        "Open": str(len(opened)),
        "Stuck": str((opened["verdict"] == "stuck").sum()),
        "Different from before": str((pd.read_csv(part.folder / "compare.csv")["q"] <= 0.05).sum()),
    }


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
