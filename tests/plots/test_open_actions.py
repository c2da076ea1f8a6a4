"""The plot of open actions: bars of their age, and the range in which their end is expected."""

from __future__ import annotations

import numpy as np
from drawn import bars, legend_labels, row_names, texts

from doaudit import plots


def arrows(ax):
    """Return the rows that end in an arrow."""
    return [row for line in ax.lines if line.get_marker() == ">" for row in line.get_ydata()]


def test_open_actions_are_bars_as_long_as_their_age(open_table, ax):
    """Age, and how it compares, for each open action; the oldest on top."""
    table = open_table(type=["snapshot", "resize"], age_s=[200_000, 90], older_than=[0.9996, 0.5], finished=[2140, 23])

    plots.open_actions(table, ax=ax)

    assert row_names(ax)[0] == "snapshot web-1 2026-03-12"
    assert bars(ax) == [(0, 200_000, False), (1, 90, False)]
    assert texts(ax) == ["2 d 7 h", "older than 99.9 % of 2,140", "1 min 30 s", "older than 50 % of 23"]


def test_the_expected_end_is_a_range_beyond_the_age(open_table, ax):
    """An action of 90 s with 30 s to 80 s left is expected to end at an age of 120 s to 170 s."""
    plots.open_actions(open_table(age_s=[90]), ax=ax)

    (expected,) = ax.collections
    assert expected.get_segments()[0].tolist() == [[120, 0], [170, 0]]
    assert arrows(ax) == []
    assert legend_labels(ax) == ["age", "expected end, p50 to p90"]
    assert ax.get_xlim()[1] > 170


def test_an_end_that_the_data_cannot_bound_is_an_arrow(open_table, ax):
    """An unknown p90 leaves the range open; an unknown p50 leaves no range to draw."""
    table = open_table(p50_left_s=[30, np.inf, np.nan], p90_left_s=[np.inf, np.inf, np.nan])

    plots.open_actions(table, ax=ax)

    (expected,) = ax.collections
    assert [segment.tolist() for segment in expected.get_segments()] == [[[120, 0], [ax.get_xlim()[1], 0]]]
    assert arrows(ax) == [0]


def test_stuck_actions_are_told_apart_without_colour(open_table, ax):
    """A stuck action is hatched, named in the legend and said next to its bar."""
    plots.open_actions(open_table(age_s=[7200, 90], verdict=["stuck", "normal"], p50_left_s=[np.nan] * 2), ax=ax)

    assert bars(ax) == [(0, 7200, True), (1, 90, False)]
    assert texts(ax)[0] == "2 h, stuck"
    assert legend_labels(ax) == ["age", "age, stuck"]


def test_an_action_that_nothing_compares_with_says_so(open_table, ax):
    """With nothing finished to compare with there is no share to state."""
    plots.open_actions(open_table(finished=[0], older_than=[np.nan]), ax=ax)

    assert texts(ax) == ["1 min 30 s", "nothing to compare with"]


def test_the_oldest_are_drawn_and_the_title_says_how_many_there_are(open_table, ax):
    """A plot that leaves actions out says so."""
    plots.open_actions(open_table(age_s=[900, 800, 700]), ax=ax, top=2)

    assert len(bars(ax)) == 2
    assert ax.get_title(loc="left") == "Open actions, by age (first 2 of 3 actions)"
