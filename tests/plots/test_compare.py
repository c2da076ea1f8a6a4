"""The plot of two periods: medians with intervals, faint where there is no difference, and the rates beside."""

from __future__ import annotations

import numpy as np
from drawn import legend_labels, row_names, texts
from matplotlib.colors import same_color

from doaudit import plots


def markers(ax, color):
    """Return the markers of a colour as (seconds, row)."""
    drawn = [line for line in ax.lines if same_color(line.get_color(), color) and line.get_marker() in ("o", "D")]
    return [tuple(point) for line in drawn for point in line.get_xydata().tolist()]


def intervals(ax):
    """Return the intervals as (row, from, to)."""
    segments = [segment for layer in ax.collections for segment in layer.get_segments()]
    return sorted((round(segment[0][1], 2), *segment[:, 0].tolist()) for segment in segments)


def test_medians_have_their_intervals_in_the_row_of_the_group(compare_table, ax):
    """Before is above after in each row, and each has a colour of its own."""
    plots.compare(compare_table(type=["resize"]), ax=ax)

    assert markers(ax, plots.style.BLUE) == [(60, -0.15)]
    assert markers(ax, plots.style.VERMILLION) == [(90, 0.15)]
    assert intervals(ax) == [(-0.15, 50, 70), (0.15, 80, 99)]
    assert row_names(ax) == ["resize"]
    assert legend_labels(ax) == ["before", "after"]


def test_what_does_not_differ_is_faint(compare_table, ax):
    """A group whose q is above 5 %, or that was not tested, has no colour."""
    plots.compare(compare_table(type=["resize", "reboot"], q=[0.051, np.nan]), ax=ax)

    assert markers(ax, plots.style.BLUE) == markers(ax, plots.style.VERMILLION) == []
    assert legend_labels(ax)[-1] == "no difference beyond chance"


def test_an_interval_that_bounds_nothing_is_not_drawn(compare_table, ax):
    """A median of a few actions has a marker alone, and one without an upper end an arrow."""
    table = compare_table(
        type=["resize"], p50_before_low_s=[0.0], p50_before_high_s=[np.inf], p50_after_high_s=[np.inf]
    )

    plots.compare(table, ax=ax)

    right = ax.get_xlim()[1]
    assert intervals(ax) == [(0.15, 80, right)]
    assert [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == ">" and len(line.get_xdata())] == [
        [right]
    ]


def test_texts_have_rates_and_counts(compare_table, ax):
    """A rate that differs is said to; a group of one period is new or has vanished, and lacks a rate."""
    table = compare_table(
        type=["resize", "reboot"],
        presence=["both", "new"],
        actions_before=[1812, 0],
        rate_before=[0.01, np.nan],
        p50_before_s=[60, np.nan],
        q_rate=[0.01, np.nan],
    )

    plots.compare(table, ax=ax)

    assert texts(ax) == [
        "1.00 % → 2.00 % fail, differs",
        "1,812 → 790 actions",
        "- → 2.00 % fail",
        "0 → 790 actions, new",
    ]
