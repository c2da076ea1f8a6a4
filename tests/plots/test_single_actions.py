"""The pictures of single actions: the slowest, and those still open."""

from __future__ import annotations

import numpy as np
import pandas as pd

from doaudit import plots


def bars(ax):
    """Every bar as (row, length, hatched), from the top."""
    drawn = [bar for layer in ax.containers for bar in layer]
    return sorted((round(bar.get_y() + bar.get_height() / 2), bar.get_width(), bool(bar.get_hatch())) for bar in drawn)


def names(ax):
    """The names of the rows, from the top."""
    return [label.get_text() for label in ax.get_yticklabels()]


def beside(ax):
    """What stands beside the rows."""
    return [text.get_text() for text in ax.texts]


def legend(ax):
    """The words in the legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def arrows(ax):
    """The rows that end in an arrow."""
    return [row for line in ax.lines if line.get_marker() == ">" for row in line.get_ydata()]


def test_the_slowest_are_bars_named_by_type_resource_and_day(slowest_table, ax):
    """Longest on top, as the table has them, each with its time in words."""
    plots.slowest(slowest_table(type=["snapshot", "backup"], duration_s=[11_520, 61]), ax=ax)

    assert names(ax) == ["snapshot droplet:123 2026-03-12", "backup droplet:123 2026-03-12"]
    assert bars(ax) == [(0, 11_520, False), (1, 61, False)]
    assert beside(ax) == ["3 h 12 min", "1 min 1 s"]
    assert legend(ax) == ["completed"]


def test_errored_actions_are_told_apart_without_colour(slowest_table, ax):
    """An errored action is hatched, named in the legend and said beside its bar."""
    plots.slowest(slowest_table(duration_s=[60, 50, 40], status=["completed", "errored", None]), ax=ax)

    assert [hatched for _, _, hatched in bars(ax)] == [False, True, False]
    assert beside(ax) == ["1 min", "50 s, errored", "40 s"]
    assert legend(ax) == ["completed", "errored"]


def test_bars_begin_at_0_s(slowest_table, ax):
    """A bar on a time axis starts where time starts, and 0 s is a place on the axis."""
    plots.slowest(slowest_table(duration_s=[90_000, 80_000]), ax=ax)

    assert ax.get_xlim()[0] < 0
    assert {bar.get_x() for layer in ax.containers for bar in layer} == {0}


def test_the_day_survives_a_long_name_and_nulls_are_named(slowest_table, ax):
    """What cannot be told is called so; a long resource loses its middle, never its day."""
    start = pd.Timestamp("2026-03-12", tz="UTC")
    table = slowest_table(
        resource=[None, "volume:" + "0123456789" * 6], type=["transfer", None], started_at=[pd.NaT, start]
    )

    plots.slowest(table, ax=ax)

    unknown, long = names(ax)
    assert unknown == "transfer (none) (no start)"
    assert long.startswith("(none) volume:0")
    assert long.endswith("89 2026-03-12")
    assert len(long) <= 44


def test_open_actions_are_bars_as_long_as_their_age(open_table, ax):
    """Age, and how it compares, for each open action; the oldest on top."""
    table = open_table(type=["snapshot", "resize"], age_s=[200_000, 90], older_than=[0.9996, 0.5], finished=[2140, 23])

    plots.open_actions(table, ax=ax)

    assert names(ax)[0] == "snapshot droplet:123 2026-03-12"
    assert bars(ax) == [(0, 200_000, False), (1, 90, False)]
    assert beside(ax) == ["2 d 7 h", "older than 99.9 % of 2,140", "1 min 30 s", "older than 50 % of 23"]


def test_the_expected_end_is_a_range_beyond_the_age(open_table, ax):
    """An action of 90 s with 30 s to 80 s left is expected to end at an age of 120 s to 170 s."""
    plots.open_actions(open_table(age_s=[90]), ax=ax)

    (expected,) = ax.collections
    assert expected.get_segments()[0].tolist() == [[120, 0], [170, 0]]
    assert arrows(ax) == []
    assert legend(ax) == ["age", "expected end, p50 to p90"]
    assert ax.get_xlim()[1] > 170


def test_an_end_that_the_data_cannot_bound_is_an_arrow(open_table, ax):
    """An unknown p90 leaves the range open; an unknown p50 leaves no range to draw."""
    table = open_table(p50_left_s=[30, np.inf, np.nan], p90_left_s=[np.inf, np.inf, np.nan])

    plots.open_actions(table, ax=ax)

    (expected,) = ax.collections
    assert [segment.tolist() for segment in expected.get_segments()] == [[[120, 0], [ax.get_xlim()[1], 0]]]
    assert arrows(ax) == [0]


def test_stuck_actions_are_told_apart_without_colour(open_table, ax):
    """A stuck action is hatched, named in the legend and said beside its bar."""
    plots.open_actions(open_table(age_s=[7200, 90], stuck=[True, False], p50_left_s=[np.nan] * 2), ax=ax)

    assert bars(ax) == [(0, 7200, True), (1, 90, False)]
    assert beside(ax)[0] == "2 h, stuck"
    assert legend(ax) == ["age", "age, stuck"]


def test_an_action_without_its_like_says_so(open_table, ax):
    """With nothing finished to compare with there is no share to state."""
    plots.open_actions(open_table(finished=[0], older_than=[np.nan]), ax=ax)

    assert beside(ax) == ["1 min 30 s", "nothing to compare with"]


def test_the_oldest_are_drawn_and_the_title_says_how_many_there_are(open_table, ax):
    """A picture that leaves actions out says so."""
    plots.open_actions(open_table(age_s=[900, 800, 700]), ax=ax, top=2)

    assert len(bars(ax)) == 2
    assert ax.get_title(loc="left") == "Open actions, by age (first 2 of 3 actions)"
