"""The plot of failure rates: dots with intervals, and the counts next to them."""

from __future__ import annotations

import numpy as np
from drawn import row_names, texts, tick_labels

from doaudit import plots


def dots(ax):
    """Return the dots as (rate, row)."""
    (line,) = ax.lines
    return [tuple(point) for point in line.get_xydata()]


def test_dots_and_intervals_stand_where_the_table_says(rates_table, ax):
    """Each group has a dot at its rate and a line from low to high, the first on top."""
    table = rates_table(type=["resize", "reboot"], failure_rate=[0.25, 0.1], low=[0.1, 0.02], high=[0.5, 0.3])

    plots.failure_rates(table, ax=ax)

    assert dots(ax) == [(0.25, 0), (0.1, 1)]
    (intervals,) = ax.collections
    assert [segment.tolist() for segment in intervals.get_segments()] == [[[0.1, 0], [0.5, 0]], [[0.02, 1], [0.3, 1]]]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]


def test_counts_are_written_next_to_each_group(rates_table, ax):
    """A percentage never stands without the numbers it was made from; open actions are told apart."""
    table = rates_table(type=["resize", "reboot"], errored=[3, 1200], finished=[812, 50_000], open=[0, 4])

    plots.failure_rates(table, ax=ax)

    assert texts(ax) == ["3 of 812", "1,200 of 50,000, 4 open"]
    assert [text.xy[1] for text in ax.texts] == [0, 1]


def test_a_group_of_which_nothing_finished_has_no_dot(rates_table, ax):
    """There is no rate to show, and the row says why."""
    nothing = {"failure_rate": [0.25, np.nan], "low": [0.1, np.nan], "high": [0.5, np.nan]}
    table = rates_table(type=["resize", "transfer"], finished=[8, 0], errored=[2, 0], open=[0, 3], **nothing)

    plots.failure_rates(table, ax=ax)

    assert dots(ax) == [(0.25, 0)]
    assert texts(ax) == ["2 of 8", "none finished, 3 open"]


def test_what_fails_more_often_than_the_rest_stands_out(rates_table, ax):
    """Up to a q of 5 % a group has another marker and colour, which the legend explains."""
    table = rates_table(type=["resize", "reboot", "backup"], q=[0.05, 0.051, np.nan], failure_rate=[0.5, 0.3, 0.1])

    plots.failure_rates(table, ax=ax)

    ordinary, more_often = ax.lines
    assert more_often.get_xydata().tolist() == [[0.5, 0]]
    assert ordinary.get_xydata().tolist() == [[0.3, 1], [0.1, 2]]
    assert (ordinary.get_marker(), ordinary.get_color()) != (more_often.get_marker(), more_often.get_color())
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "more often than the other groups (q at most 5 %)"
    ]


def test_without_such_a_group_there_is_no_legend(rates_table, ax):
    """An ordinary plot has nothing to explain."""
    assert plots.failure_rates(rates_table(type=["resize"], q=[0.9]), ax=ax).get_legend() is None


def test_failures_that_come_together_are_said_to(rates_table, ax):
    """A design effect above 2 is named beside the counts."""
    table = rates_table(type=["a", "b", "c"], deff=[2.0, 2.1, np.nan])

    assert texts(plots.failure_rates(table, ax=ax)) == ["3 of 812", "3 of 812, in bursts", "3 of 812"]


def test_the_axis_is_in_percent_and_shows_every_interval(rates_table):
    """Zero and the largest upper limit are both inside, whatever their size."""
    ax = plots.failure_rates(rates_table(type=["resize"], failure_rate=[0.25], low=[0.1], high=[0.5]))

    low, high = ax.get_xlim()
    assert low < 0
    assert 0.5 < high < 0.55
    assert tick_labels(ax) == ["0 %", "10 %", "20 %", "30 %", "40 %", "50 %"]


def test_only_unfinished_groups_are_drawn_too(rates_table, ax):
    """With no rate at all the axis is the whole range from 0 to 100 %."""
    table = rates_table(type=["resize"], finished=[0], failure_rate=[np.nan], low=[np.nan], high=[np.nan])

    plots.failure_rates(table, ax=ax)

    assert ax.get_xlim()[0] < 0
    assert ax.get_xlim()[1] > 1


def test_the_first_groups_are_drawn_and_named_by_all_their_columns(rates_table, ax):
    """Group columns are those before the counts."""
    table = rates_table(type=["resize", "reboot", "backup"])
    table.insert(0, "resource_type", ["droplet", None, "droplet"])

    plots.failure_rates(table, ax=ax, top=2)

    assert row_names(ax) == ["droplet · resize", "(none) · reboot"]
    order = "(first 2 of 3 groups, surest first)"
    assert ax.get_title(loc="left") == f"How often actions fail, by resource type and type {order}"
