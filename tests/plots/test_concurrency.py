"""The plot of concurrency: the peak of each row, the steps of its days, and the texts beside."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import legend_labels, row_names, texts
from matplotlib.dates import date2num
from matplotlib.patches import Rectangle, StepPatch

from doaudit import plots
from doaudit.errors import InvalidArgument

DAY = date2num(pd.Timestamp("2026-06-10"))


def daily(**columns):
    """Build a table of days in June 2026."""
    table = pd.DataFrame(columns)
    return table.assign(day=pd.to_datetime([f"2026-06-{day}" for day in table["day"]], utc=True))


def test_a_peak_is_a_bar_as_high_as_its_row(concurrency_table, ax):
    """It stands at the day on which so many ran for the first time, whatever the others' most is."""
    when = pd.to_datetime(["2026-06-10T13:00:00Z", "2026-06-20T23:59:59Z"])

    plots.concurrency(concurrency_table(type=["snapshot", "reboot"], most=[15, 2], most_at=when), ax=ax)

    bars = [bar for bar in ax.patches if isinstance(bar, Rectangle)]
    assert [(bar.get_x() - DAY, bar.get_width(), bar.get_y(), bar.get_height()) for bar in bars] == [
        pytest.approx((0, 1, 0.4, -0.8)),
        pytest.approx((10, 1, 1.4, -0.8)),
    ]
    assert row_names(ax) == ["snapshot", "reboot"]
    assert legend_labels(ax) == ["the most, when it was first reached"]


def test_each_day_is_a_step_of_its_own_height(concurrency_table, ax):
    """It is a share of its row's most; a day without an action has none, and days of another group are not drawn."""
    days = daily(type=["snapshot", "snapshot", "snapshot", "reboot"], day=[10, 11, 13, 12], most=[15, 3, 6, 9])

    plots.concurrency(concurrency_table(type=["snapshot", "resize"], most=[15, 99]), daily=days, ax=ax)

    [steps] = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    values, edges, baseline = steps.get_data()
    steps_of = zip(values, edges[:-1], edges[1:], strict=True)
    drawn = {begin - DAY: (baseline - value) / 0.8 * 15 for value, begin, end in steps_of if end > begin}
    assert drawn == pytest.approx({0: 15, 1: 3, 2: 0, 3: 6, 4: 0})
    assert legend_labels(ax) == ["the most, when it was first reached", "the most of each day"]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"type": ["reboot"]}, ["15 at once for 1 min 4 s", "2026-06-17 13:26, busy 2.8 %"]),
        ({"busy_share": [0.0002]}, ["15 at once for 1 min 4 s", "2026-06-17 13:26, busy less than 0.1 %"]),
    ],
)
def test_the_most_its_time_and_the_share_stand_beside(concurrency_table, ax, columns, expected):
    """A share that is too small for one decimal is not called none."""
    plots.concurrency(concurrency_table(**columns), ax=ax)

    assert texts(ax) == expected


def test_a_group_without_a_timed_action_keeps_its_row(concurrency_table, ax):
    """It has no bar, and says why; if no group has one there is nothing to show."""
    columns = {"most": [15, 0], "most_at": [pd.Timestamp("2026-06-17T13:26:30Z"), pd.NaT], "busy_share": [0.5, 0.0]}
    table = concurrency_table(type=["snapshot", "reboot"], **columns)

    plots.concurrency(table, ax=ax)

    assert texts(ax)[-1] == "none timed"
    assert len(ax.patches) == 1
    assert texts(plots.concurrency(table.tail(1))) == ["no actions to show"]


def test_days_of_another_grouping_are_refused(concurrency_table, ax):
    """The error names the column that is missing, and who makes such a table."""
    with pytest.raises(InvalidArgument, match=r"'type'; draw what doaudit\.daily_concurrency"):
        plots.concurrency(concurrency_table(type=["x"]), daily=daily(region=["ams3"], day=[10], most=[1]), ax=ax)
