"""The plot of the slowest actions: a dot for each, and a mark at what is usual for its type."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import legend_labels, row_names, texts

from doaudit import plots
from doaudit.errors import InvalidArgument


def marks(ax) -> dict[str, list[tuple[float, float]]]:
    """Each mark as (seconds, row), by what the legend calls it."""
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in ax.get_lines()}


def test_the_slowest_are_dots_named_by_type_resource_and_day(slowest_table, ax):
    """Longest on top, as the table has them, each with its time in words."""
    plots.slowest(slowest_table(type=["snapshot", "backup"], duration_s=[11_520, 61]), ax=ax)

    assert row_names(ax) == ["snapshot web-1 2026-03-12", "backup web-1 2026-03-12"]
    assert marks(ax) == {"completed": [(11_520, 0), (61, 1)]}
    assert texts(ax) == ["3 h 12 min", "1 min 1 s"]
    assert legend_labels(ax) == ["completed"]


def test_errored_actions_are_told_apart_without_colour(slowest_table, ax):
    """An errored action is a cross, named in the legend and said next to it."""
    plots.slowest(slowest_table(duration_s=[60, 50, 40], status=["completed", "errored", None]), ax=ax)

    assert marks(ax) == {"completed": [(60, 0), (40, 2)], "errored": [(50, 1)]}
    assert {line.get_marker() for line in ax.get_lines()} == {"o", "X"}
    assert texts(ax) == ["1 min", "50 s, errored", "40 s"]
    assert legend_labels(ax) == ["completed", "errored"]


def test_the_p99_of_a_type_is_a_mark_and_a_note(slowest_table, ax):
    """A type without a p99 has none, and one that is not in the table of durations neither."""
    usual = pd.DataFrame({"type": ["snapshot", "resize"], "p99_s": [960.0, float("nan")]})

    plots.slowest(slowest_table(type=["snapshot", "resize", "backup"], duration_s=[5_000, 400, 61]), usual=usual, ax=ax)

    assert marks(ax)["p99 of its type"][0] == (960.0, 0)
    assert [text for text in texts(ax) if "99 %" in text] == ["99 % of its type within 16 min"]
    with pytest.raises(InvalidArgument, match="p99_s"):
        plots.slowest(slowest_table(duration_s=[1]), usual=usual.drop(columns="p99_s"))


def test_the_axis_begins_at_0_s(slowest_table, ax):
    """0 s is a place on the axis, so that lengths can be compared."""
    plots.slowest(slowest_table(duration_s=[90_000, 80_000]), ax=ax)

    assert ax.get_xlim()[0] < 0


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
