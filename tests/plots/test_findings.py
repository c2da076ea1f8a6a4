"""The plot of findings: a mark at the beginning of each, by severity."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import legend_labels, row_names, texts
from matplotlib.dates import date2num

from doaudit import plots

DAYS = pd.to_datetime(["2026-03-02", None, "2026-03-12T22:27:07", "2026-03-09"], utc=True, format="ISO8601")


def marks(ax):
    """Return the marks as (marker, row, date, filled), from the top."""
    return sorted(
        (
            (line.get_marker(), row, date, line.get_markerfacecolor() != plots.style.BACKGROUND)
            for line in ax.lines
            for date, row in line.get_xydata().tolist()
        ),
        key=lambda mark: mark[1],
    )


def test_a_mark_is_where_the_finding_began(findings_table, ax):
    """Its shape says how bad it is; where the beginning is not known it is hollow, and at the right end."""
    severity = pd.Categorical(["act now", "look", "look", "know"], ["know", "look", "act now"], ordered=True)

    plots.findings(findings_table(severity=severity, since=DAYS, group=list("abcd")), ax=ax)

    first, _, third, fourth = (date2num(day) for day in DAYS.tz_localize(None))
    assert marks(ax) == [
        ("D", 0, pytest.approx(first), True),
        ("s", 1, ax.get_xlim()[1], False),
        ("s", 2, pytest.approx(third), True),
        ("o", 3, pytest.approx(fourth), True),
    ]
    assert legend_labels(ax) == ["act now", "look", "know", "beginning not known"]


def test_rows_have_kind_group_and_time(findings_table, ax):
    """In the order of the table; the time is in UTC, to the minute."""
    table = findings_table(kind=["incident", "odd rows"], group=["ams3", "history"], since=[DAYS[2], pd.NaT])

    plots.findings(table, ax=ax)

    assert row_names(ax) == ["incident · ams3", "odd rows · history"]
    assert texts(ax) == ["2026-03-12 22:27", "not known"]


def test_the_title_says_that_there_are_more(findings_table, ax):
    """Of forty findings the worst are drawn."""
    plots.findings(findings_table(group=[f"web-{n}" for n in range(40)]), ax=ax, top=12)

    assert row_names(ax) == [f"droplet off · web-{n}" for n in range(12)]
    assert ax.get_title(loc="left") == "Findings, the worst first (first 12 of 40 findings)"


def test_without_any_known_beginning_there_are_no_dates(findings_table, ax):
    """As where the only finding is that there is nothing unusual."""
    plots.findings(findings_table(severity=["know"], since=[pd.NaT]), ax=ax)

    assert [len(ax.get_xticks()), ax.get_xlabel()] == [0, ""]
    assert texts(ax) == ["not known"]


def test_one_finding_stands_in_the_middle_of_a_day(findings_table, ax):
    """A time axis is never of no length."""
    plots.findings(findings_table(since=[DAYS[0]]), ax=ax)

    left, right = ax.get_xlim()
    assert right - left == pytest.approx(1.06)
    assert (left + right) / 2 == pytest.approx(date2num(pd.Timestamp("2026-03-02")))
