"""The plot of the slowest actions: a bar for each."""

from __future__ import annotations

import pandas as pd
from drawn import bars, legend_labels, row_names, texts

from doaudit import plots


def test_the_slowest_are_bars_named_by_type_resource_and_day(slowest_table, ax):
    """Longest on top, as the table has them, each with its time in words."""
    plots.slowest(slowest_table(type=["snapshot", "backup"], duration_s=[11_520, 61]), ax=ax)

    assert row_names(ax) == ["snapshot web-1 2026-03-12", "backup web-1 2026-03-12"]
    assert bars(ax) == [(0, 11_520, False), (1, 61, False)]
    assert texts(ax) == ["3 h 12 min", "1 min 1 s"]
    assert legend_labels(ax) == ["completed"]


def test_errored_actions_are_told_apart_without_colour(slowest_table, ax):
    """An errored action is hatched, named in the legend and said next to its bar."""
    plots.slowest(slowest_table(duration_s=[60, 50, 40], status=["completed", "errored", None]), ax=ax)

    assert [hatched for _, _, hatched in bars(ax)] == [False, True, False]
    assert texts(ax) == ["1 min", "50 s, errored", "40 s"]
    assert legend_labels(ax) == ["completed", "errored"]


def test_bars_begin_at_0_s(slowest_table, ax):
    """A bar on a time axis starts where time starts, and 0 s is a place on the axis."""
    plots.slowest(slowest_table(duration_s=[90_000, 80_000]), ax=ax)

    assert ax.get_xlim()[0] < 0
    assert {bar.get_x() for layer in ax.containers for bar in layer} == {0}


def test_the_day_survives_a_long_name_and_nulls_are_named(slowest_table, ax):
    """What cannot be told is called so; a long resource loses its middle, never its day."""
    start = pd.Timestamp("2026-03-12", tz="UTC")
    table = slowest_table(
        resource=[None, "volume:" + "0123456789" * 6],
        resource_name=["web-1", None],
        type=["transfer", None],
        started_at=[pd.NaT, start],
    )

    plots.slowest(table, ax=ax)

    unknown, long = row_names(ax)
    assert unknown == "transfer (none) (no start)"
    assert long.startswith("(none) volume:0")
    assert long.endswith("89 2026-03-12")
    assert len(long) <= 44
