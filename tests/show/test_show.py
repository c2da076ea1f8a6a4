"""Tables as people read them: what a cell says, which columns are shown, and that hostile text stays text."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import doaudit as da
from doaudit.errors import InvalidArgument
from doaudit.show import make_grid
from doaudit.tables import TABLES

HOSTILE = "<script>alert(1)</script>=cmd()\x1b]0;title\x07\u202e{{ 7 * 7 }}[bold]\"'"


class Page(HTMLParser):
    """What a browser sees of a table: its tags, and the text of each cell."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.cells, self.headings, self.styles = [], [], [], []
        self._into = None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        """Note a tag, and begin a cell."""
        self.tags.append(tag)
        self.styles += [value for name, value in attributes if name == "style"]
        if tag in ("td", "th"):
            self._into = self.cells if tag == "td" else self.headings
            self._into.append("")

    def handle_endtag(self, tag):
        """End a cell."""
        if tag in ("td", "th"):
            self._into = None

    def handle_data(self, data):
        """Add to the cell."""
        if self._into is not None:
            self._into[-1] += data


def texts(table, **options):
    """The texts of a grid by heading, with what stands in brackets."""
    grid = make_grid(table, **options)
    rows = [[f"{cell.text} ({cell.detail})" if cell.detail else cell.text for cell in row] for row in grid.rows]
    return {column.heading: [row[at] for row in rows] for at, column in enumerate(grid.columns)}


def utc(*moments):
    """Times in UTC."""
    return pd.to_datetime(list(moments), utc=True).as_unit("s")


def test_units_are_read_from_names_and_each_cell_says_its_own():
    """Spans, shares with their interval, ratios, chances, moments and counts are written as people write them."""
    table = pd.DataFrame(
        {
            "age_s": [3_568_322.0, 0.5],
            "failure_rate": [0.0102, np.nan],
            "low": [0.0059, np.nan],
            "high": [0.0174, np.nan],
            "ratio": [1.5612, 0.5],
            "ratio_low": [1.5, 0.25],
            "ratio_high": [1.62, np.nan],
            "q": [7e-62, 0.347],
            "started_at": utc("2026-06-17T13:12:37Z", None),
            "actions": [10_331, 7],
            "expected": [2.219867, 1_234.5],
            "still_off": pd.array([True, None], dtype="boolean"),
            "weekday": [0, 6],
        }
    )

    assert texts(table) == {
        "age": ["41 d 7 h", "0.5 s"],
        "failure rate": ["1.02 % (0.59-1.74)", "-"],
        "ratio": ["1.56 x (1.50 to 1.62)", "0.50 x (0.25 to -)"],
        "q": ["< 0.001", "0.347"],
        "started at (UTC)": ["2026-06-17 13:12", "-"],
        "actions": ["10,331", "7"],
        "expected": ["2.22", "1,234"],
        "still off": ["yes", "-"],
        "weekday": ["Mon", "Sun"],
    }


def test_moments_are_written_in_utc_whatever_their_zone_and_days_as_days():
    """A time of another zone is written in UTC, and a column in which all are midnight has no time of day."""
    table = pd.DataFrame(
        {
            "started_at": pd.to_datetime(["2026-06-17T01:30:00+02:00"]).tz_convert("Europe/Berlin"),
            "since": utc("2026-06-17T00:00:00Z"),
            "since_low": utc("2026-06-15T00:00:00Z"),
            "since_high": utc("2026-06-20T00:00:00Z"),
        }
    )

    assert texts(table) == {
        "started at (UTC)": ["2026-06-16 23:30"],
        "since (UTC)": ["2026-06-17 (2026-06-15 to 2026-06-20)"],
    }


def test_resources_are_called_by_their_name_and_ids_come_last():
    """A name that two resources have is followed by the key, and one without a name is its key."""
    table = pd.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "resource_id": [11, 12, 13, 11],
            "resource": ["droplet:11", "droplet:12", "droplet:13", "droplet:11"],
            "resource_name": ["web", "web", None, "web"],
            "type": ["resize"] * 4,
        }
    ).astype({"resource": "category", "resource_name": "category"})

    shown = texts(table)

    assert list(shown) == ["resource", "type", "id"]
    assert shown["resource"] == ["web (droplet:11)", "web (droplet:12)", "droplet:13", "web (droplet:11)"]
    assert texts(table.iloc[[0, 2]])["resource"] == ["web", "droplet:13"]
    assert texts(table, columns=["id", "resource_id"]) == {
        "id": ["1", "2", "3", "4"],
        "resource id": list(map(str, table["resource_id"])),
    }


def test_a_bar_is_where_its_interval_is():
    """Shares begin at nought and end at the largest upper end; spans are placed by their logarithm."""
    shares = pd.DataFrame({"failure_rate": [0.1, 0.2, np.nan], "low": [0.05, 0.1, np.nan], "high": [0.2, 0.4, np.nan]})
    spans = pd.DataFrame({"p50_s": [10.0, 100.0], "p50_low_s": [1.0, 10.0], "p50_high_s": [100.0, 10_000.0]})

    [[first], [second], [none]] = make_grid(shares).rows

    assert first.bar == pytest.approx((0.125, 0.25, 0.5))
    assert second.bar == pytest.approx((0.25, 0.5, 1.0))
    assert none.bar is None
    assert [cell.bar for [cell] in make_grid(spans).rows] == [
        pytest.approx((0.0, 0.25, 0.5)),
        pytest.approx((0.25, 0.5, 1.0)),
    ]
    assert Page(da.show(shares)._repr_html_()).styles == [
        *("left:12.5%;width:37.5%", "left:25%", "left:25%;width:75%", "left:50%")
    ]


def test_verdicts_are_marked_by_what_they_mean():
    """A stuck action and a failure are bad, an unknown verdict is pale, and a missing one is nothing."""
    table = pd.DataFrame({"verdict": ["stuck", "slow", "normal", "too few to tell", None], "outcome": ["errored"] * 5})

    tones = [[cell.tone for cell in row] for row in make_grid(table).rows]

    assert tones == [[tone, "bad"] for tone in ("bad", "warn", "good", "muted", "")]


def test_only_the_first_rows_are_shown_and_their_number_is_said():
    """Of 532 rows twelve are shown unless another number is asked for; the table itself stays what it is."""
    table = pd.DataFrame({"type": [f"type {number}" for number in range(532)], "deff": 1.0})
    before = table.copy(deep=True)

    assert len(make_grid(table).rows) == 532
    assert repr(da.show(table)).splitlines()[-1] == "12 of 532 rows; columns not shown: deff"
    assert len(repr(da.show(table)).splitlines()) == 1 + 12 + 1
    assert Page(da.show(table)._repr_html_()).cells == table["type"].head(12).tolist()
    assert len(Page(da.show(table, rows=None)._repr_html_()).cells) == 532
    assert repr(da.show(table.iloc[:0])) == "no rows; columns not shown: deff"
    pd.testing.assert_frame_equal(table, before)


def test_hostile_text_stays_text():
    """Markup, formulas, control characters, templates and rich's own markup are shown as they are written."""
    table = pd.DataFrame({"resource": [HOSTILE], "resource_name": [HOSTILE], "verdict": [HOSTILE], HOSTILE: [HOSTILE]})

    view = da.show(table)
    page = Page(view._repr_html_())

    assert set(page.tags) == {"style", "div", "table", "caption", "thead", "tr", "th", "tbody", "td", "span"}
    visible = HOSTILE.replace("\x1b", r"\x1b").replace("\x07", r"\x07").replace("\u202e", r"\u202e")
    assert page.cells == [visible] * 3
    assert page.headings[-1] == visible
    for text in (repr(view), view._repr_html_()):
        assert not set("\x1b\x07\u202e") & set(text)
    assert visible in repr(view)


@pytest.mark.parametrize(
    ("options", "words"),
    [({"columns": ["age"]}, "no column age; it has type"), ({"rows": -1}, "rows is -1")],
)
def test_what_cannot_be_shown_is_said(options, words):
    """A column that is not there, or a negative number of rows, is an error that says what would do."""
    with pytest.raises(InvalidArgument, match=words):
        da.show(pd.DataFrame({"type": ["resize"]}), **options)


def test_two_columns_of_one_name_are_refused():
    """Which of them is meant cannot be told."""
    with pytest.raises(InvalidArgument, match="several columns called a"):
        da.show(pd.DataFrame([[1, 2]], columns=["a", "a"]))


@pytest.fixture(scope="module")
def actions():
    """The actions of a small simulated account."""
    with da.demo(actions=3_000) as account:
        return account.actions()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_every_table_can_be_shown(table, actions):
    """Each shows something of each row, no column twice, no heading twice, and as HTML the same words as in text."""
    made = table.function(actions, **({"by": table.by} if table.by else {})).head(40)

    grid, page = make_grid(made), Page(da.show(made, rows=None)._repr_html_())

    headings = [column.heading for column in grid.columns]
    assert len(set(headings)) == len(headings) > 1
    assert page.headings == headings
    assert len(grid.rows) == len(made)
    words = [f"{cell.text} ({cell.detail})" if cell.detail else cell.text for row in grid.rows for cell in row]
    assert [cell.replace("\u00a0", " ") for cell in page.cells] == words
    assert "nan" not in repr(da.show(made, rows=None)).lower()


@pytest.mark.parametrize("by", ["type", "region", "resource_type", "resource_id", "resource", "status", "observed_at"])
def test_the_name_of_each_row_is_shown(actions, by):
    """Whatever a table is grouped by stands in its first column, also what is left out where it says nothing new."""
    assert make_grid(da.failure_rates(actions, by=by)).columns[0].name == by


def test_nothing_heavy_is_loaded_before_something_is_shown():
    """`import doaudit` loads neither jinja2 nor rich, and text needs no jinja2."""
    program = (
        "import sys, doaudit; early = {'jinja2', 'rich'} & set(sys.modules); import pandas; "
        "repr(doaudit.show(pandas.DataFrame({'a': [1]}))); print(early, 'jinja2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["set()", "False"]
