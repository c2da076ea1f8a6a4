"""The plot of changes: weeks as dots, and the level before and since as lines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn import legend_labels, row_names, texts
from matplotlib.colors import same_color
from matplotlib.dates import date2num

from doaudit import plots
from doaudit.errors import InvalidArgument


def weeks(what="duration", **columns):
    """Build a table of the weeks of one change."""
    table = pd.DataFrame({"type": "snapshot", "what": what, "median_s": np.nan, "failure_rate": np.nan} | columns)
    return table.assign(week=pd.to_datetime(table["week"], utc=True), actions=20)


def lines(ax, color):
    """Return the lines of a colour as (first day, last day, height, style)."""
    drawn = [line for line in ax.lines if same_color(line.get_color(), color)]
    return [(*line.get_xdata(), line.get_ydata()[0], line.get_linestyle()) for line in drawn]


def dots(ax):
    """Return the dots as (day, height)."""
    return [point for line in ax.lines if line.get_marker() == "o" for point in line.get_xydata().tolist()]


def test_weeks_and_levels_stand_in_the_row_of_their_change(changes_table, ax):
    """A row begins at 0 and ends at 1.8 times the higher level; a week above is drawn at its upper edge."""
    table = changes_table(type=["snapshot"], before_s=[60], after_s=[100])
    series = weeks(
        week=["2026-06-01", "2026-06-15", "2026-06-15"], is_after=[False, False, True], median_s=[45, 90, 400]
    )

    plots.changes(table, series=series, ax=ax)

    day = date2num(pd.Timestamp("2026-06-01"))
    low, height = 0.4, 0.8 / 180
    assert dots(ax) == [
        pytest.approx([day, low - 45 * height]),
        pytest.approx([day + 14, low - 90 * height]),
        pytest.approx([day + 16, -0.4]),
    ]
    left, right = ax.get_xlim()
    assert lines(ax, plots.style.BLUE) == [pytest.approx((left, day + 16, low - 60 * height, "-"))]
    assert lines(ax, plots.style.VERMILLION) == [pytest.approx((day + 16, right, low - 100 * height, "-"))]


def test_texts_tell_the_levels_the_ratio_and_the_day(changes_table, ax):
    """Seconds and shares are written as people read them, and a row names what changed."""
    rates = {"before_s": [60, None], "after_s": [90, None], "rate_before": [None, 0.0], "rate_after": [None, 0.04]}
    what = {"what": ["duration", "failure rate"], "ratio": [1.5, np.inf], "ratio_low": [1.4, 3.0]}

    plots.changes(changes_table(type=["resize", None], **what, **rates), ax=ax)

    assert row_names(ax) == ["resize · duration", "(none) · failure rate"]
    assert texts(ax) == [
        "1 min → 1 min 30 s",
        "1.50 x (1.40 to 1.60), since 2026-06-17",
        "0.00 % → 4.00 %",
        "at least 3.00 x, since 2026-06-17",
    ]
    assert legend_labels(ax) == ["before", "since", "may have begun"]


def test_a_gradual_change_is_dashed_and_has_no_day(changes_table, ax):
    """Its levels meet at the first week after the day that divides it, and nothing says since when."""
    never = pd.to_datetime([None], utc=True)
    table = changes_table(type=["snapshot"], shape=["gradual"], since=never, since_low=never, since_high=never)
    series = weeks(week=["2026-06-01", "2026-06-08"], is_after=[False, True], median_s=[60, 90])

    plots.changes(table, series=series, ax=ax)

    day = date2num(pd.Timestamp("2026-06-08"))
    assert [line[1:2] + line[3:] for line in lines(ax, plots.style.BLUE)] == [(day, "--")]
    assert texts(ax)[1].endswith("gradually")
    assert legend_labels(ax) == ["median or rate of a week", "before", "since"]


def test_a_gradual_change_without_weeks_has_no_axis_of_days(changes_table, ax):
    """Where nothing has a day, only the two levels are drawn."""
    never = pd.to_datetime([None], utc=True)

    plots.changes(changes_table(type=["resize"], since=never, since_low=never, since_high=never), ax=ax)

    assert len(ax.get_xticks()) == 0
    assert len(lines(ax, plots.style.BLUE)) == 1


def test_only_the_first_changes_are_drawn(changes_table, ax):
    """The title says of how many."""
    plots.changes(changes_table(type=list("abcdefgh")), ax=ax)

    assert ax.get_title(loc="left") == "What changed, by type (first 6 of 8 changes, what got worse first)"
    assert len(row_names(ax)) == 6


def test_weeks_of_another_grouping_are_refused(changes_table, ax):
    """A series without the columns of the table is an error that names its maker."""
    series = weeks(week=["2026-06-01"], is_after=[False]).drop(columns="type")

    with pytest.raises(InvalidArgument, match=r"no column 'type'; draw what doaudit\.change_series"):
        plots.changes(changes_table(type=["snapshot"]), series=series, ax=ax)
