"""The plot of incidents: bars at their days, faint ones for other days, and the counts beside."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import row_names, texts
from matplotlib.colors import same_color
from matplotlib.dates import date2num

from doaudit import plots
from doaudit.errors import InvalidArgument


def bars(ax):
    """Return the bars as (day they begin at, width in days, height in rows, whether they are faint)."""
    return [
        (bar.get_x(), bar.get_width(), -bar.get_height(), not same_color(bar.get_facecolor(), plots.style.VERMILLION))
        for bar in ax.patches
    ]


def daily(**columns):
    """Build a table of days."""
    table = pd.DataFrame(columns)
    return table.assign(day=pd.to_datetime(table["day"], utc=True), actions=20)


def test_bars_stand_at_the_days_of_the_incident(incidents_table, ax):
    """A bar reaches from the first day to the last, and is as high as its failures are of the most of any."""
    times = {
        "first_failure_at": pd.to_datetime(["2026-06-17T13:04:28Z", "2026-08-01T23:00:00Z"]),
        "last_failure_at": pd.to_datetime(["2026-06-17T17:16:58Z", "2026-08-02T01:00:00Z"]),
    }
    table = incidents_table(region=["ams3", "fra1"], errored=[150, 75], **times)

    plots.incidents(table, ax=ax)

    start = date2num(pd.Timestamp("2026-06-17"))
    assert bars(ax) == [pytest.approx((start, 1, 0.8, False)), pytest.approx((start + 45, 2, 0.4, False))]
    assert row_names(ax) == ["ams3 2026-06-17", "fra1 2026-08-01"]
    assert texts(ax) == ["150 of 239 failed", "2.2 expected", "75 of 239 failed", "2.2 expected"]


def test_other_days_of_the_same_group_are_faint(incidents_table, ax):
    """Days with failures outside the incident are drawn in its row, those of other groups and without failures not."""
    days = daily(
        region=["ams3", "ams3", "ams3", "fra1"],
        day=["2026-06-10", "2026-06-12", "2026-06-17", "2026-06-11"],
        errored=[2, 0, 150, 9],
    )

    plots.incidents(incidents_table(region=["ams3"]), daily=days, ax=ax)

    faint = [bar for bar in bars(ax) if bar[3]]
    assert faint == [pytest.approx((date2num(pd.Timestamp("2026-06-10")), 1, 0.08, True))], "high enough to be seen"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["failures in the incident", "on other days"]


def test_one_group_of_all_is_named_by_its_day(incidents_table, ax):
    """Without columns to group by, rows are labelled by their days."""
    table = incidents_table(region=["ams3"]).drop(columns="region")

    plots.incidents(table, ax=ax)

    assert row_names(ax) == ["2026-06-17"]
    assert ax.get_title(loc="left") == "Incidents"


def test_days_of_another_grouping_are_refused(incidents_table, ax):
    """The error names the column that is missing, and who makes such a table."""
    days = daily(type=["resize"], day=["2026-06-10"], errored=[1])

    with pytest.raises(InvalidArgument, match=r"'region'; draw what doaudit\.daily_failures"):
        plots.incidents(incidents_table(region=["ams3"]), daily=days, ax=ax)
