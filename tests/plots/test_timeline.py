"""The plot of a timeline: a row for each resource or type, and bars at their times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn import legend_labels, row_names
from matplotlib.dates import date2num

from doaudit import plots

DAY = date2num(pd.Timestamp("2026-03-02"))


def bars(ax):
    """Return the bars as (row, begin and end in days from DAY), in the order in which they are drawn."""
    boxes = [path.get_extents() for layer in ax.collections for path in layer.get_paths()]
    return [(round((box.y0 + box.y1) / 2), round(box.x0 - DAY, 6), round(box.x1 - DAY, 6)) for box in boxes]


def times(*hours):
    """Return the times at these hours from DAY, none for None."""
    return [
        pd.NaT if hour is None else pd.Timestamp(1_772_409_600 + int(3600 * hour), unit="s", tz="UTC") for hour in hours
    ]


def test_a_bar_reaches_from_start_to_end(timeline_table, ax):
    """Rows are resources by their newest names, the one active last first; errored actions lie on top of others."""
    table = timeline_table(
        resource=["droplet:1", "droplet:2", "droplet:1"],
        resource_name=["web-1", None, "web-2"],
        start=times(0, 6, 12),
        end=times(6, 12, 24),
        outcome=["errored", "completed", "completed"],
    )

    plots.timeline(table, ax=ax)

    assert row_names(ax) == ["web-2", "droplet:2"]
    assert bars(ax) == [(0, 0.5, 1), (1, 0.25, 0.5), (0, 0, 0.25)]
    assert legend_labels(ax) == ["completed", "errored"]
    assert ax.get_title(loc="left") == "What happened, by resource"


def test_an_open_action_goes_on_to_the_edge(timeline_table, ax):
    """Its bar ends where the axis does, with an arrow."""
    table = timeline_table(start=times(0, 12), end=times(12, None), outcome=["completed", "open"])

    plots.timeline(table, ax=ax)

    right = ax.get_xlim()[1] - DAY
    assert bars(ax)[-1] == (0, 0.5, pytest.approx(right, abs=1e-6))
    assert [(line.get_marker(), list(line.get_ydata())) for line in ax.lines] == [(">", [0])]


def test_a_short_action_is_wide_enough_to_be_seen(timeline_table, ax):
    """Of a second, of no time, and without a known end: a bar of a four hundredth of the time shown."""
    table = timeline_table(
        start=times(0, 12, 18), end=times(0, 12, None), outcome=["completed", "completed", "unclear"]
    )

    plots.timeline(table, ax=ax)

    assert np.allclose([end - begin for _, begin, end in bars(ax)], 0.75 / 400, atol=1e-5)


def test_of_one_resource_the_rows_are_types(timeline_table, ax):
    """The title has the resource, and each type its row."""
    table = timeline_table(type=["resize", "reboot", "resize"], start=times(0, 1, 2), end=times(1, 2, 3))

    plots.timeline(table, ax=ax)

    assert row_names(ax) == ["resize", "reboot"]
    assert ax.get_title(loc="left") == "What happened to web-1"


def test_only_the_latest_rows_are_drawn(timeline_table, ax):
    """The title says so."""
    keys = [f"droplet:{number}" for number in range(9)]
    table = timeline_table(resource=keys, start=times(*range(9)), end=times(*range(1, 10)))

    plots.timeline(table, ax=ax, top=2)

    assert row_names(ax) == ["web-1 (droplet:8)", "web-1 (droplet:7)"]
    assert ax.get_title(loc="left") == "What happened, by resource (latest 2 of 9 resources)"


def test_actions_without_a_start_are_nowhere(timeline_table, ax):
    """With none other there is nothing to show."""
    plots.timeline(timeline_table(start=times(None), end=times(None)), ax=ax)

    assert [text.get_text() for text in ax.texts] == ["no actions to show"]
