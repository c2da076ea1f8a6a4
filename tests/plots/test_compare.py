"""The plot of two periods: medians with intervals and failure rates, faint where there is no difference."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import legend_labels, row_names, texts, tick_labels
from matplotlib.colors import same_color

from doaudit import plots

MEDIANS, RATES = 0, 1


def markers(ax, color, panel=MEDIANS):
    """Return the markers of a colour as (seconds or share, row)."""
    lines = ax.child_axes[panel].lines
    drawn = [line for line in lines if same_color(line.get_color(), color) and line.get_marker() in ("o", "D")]
    return [tuple(point) for line in drawn for point in line.get_xydata().tolist()]


def joined(ax, panel):
    """Return the lines from before to after as ((from, to), (row, row))."""
    drawn = [line for line in ax.child_axes[panel].lines if line.get_linestyle() == "-"]
    return [(tuple(line.get_xdata()), tuple(line.get_ydata())) for line in drawn]


def intervals(ax):
    """Return the intervals of the medians as (row, from, to)."""
    ax = ax.child_axes[MEDIANS]
    segments = [segment for layer in ax.collections for segment in layer.get_segments()]
    return sorted((round(segment[0][1], 2), *segment[:, 0].tolist()) for segment in segments)


def test_medians_have_their_intervals_in_the_row_of_the_group(compare_table, ax):
    """Before is above after in each row, and each has a colour of its own."""
    plots.compare(compare_table(type=["resize"]), ax=ax)

    assert markers(ax, plots.style.BLUE) == [(60, -0.15)]
    assert markers(ax, plots.style.VERMILLION) == [(90, 0.15)]
    assert intervals(ax) == [(-0.15, 50, 70), (0.15, 80, 99)]
    assert row_names(ax) == ["resize"]
    assert joined(ax, MEDIANS) == [((60, 90), (-0.15, 0.15))]


def test_rates_have_a_panel_of_their_own(compare_table, ax):
    """Each in the row of its group, on an axis from zero in per cent; medians and rates differ by their own tests."""
    table = compare_table(
        type=["resize", "reboot"], q_rate=[0.4, 0.05], rate_before=[0.01, 0.04], rate_after=[0.0, 0.08]
    )

    plots.compare(table, ax=ax)

    assert markers(ax, plots.style.BLUE, RATES) == [(0.04, 0.85)]
    assert markers(ax, plots.style.VERMILLION, RATES) == [(0.08, 1.15)]
    assert joined(ax, RATES) == [((0.01, 0.0), (-0.15, 0.15)), ((0.04, 0.08), (0.85, 1.15))]
    assert tick_labels(ax.child_axes[RATES])[0] == "0 %"
    assert [panel.get_ylim() for panel in ax.child_axes] == [ax.get_ylim()] * 2
    assert len(markers(ax, plots.style.BLUE)) == 2


def test_the_panels_stay_within_the_axes(compare_table, ax):
    """They share its place side by side, so that a figure of several plots is laid out as ever."""
    other = ax.figure.add_subplot(1, 2, 2)
    ax.set_subplotspec(other.get_subplotspec().get_gridspec()[0])

    plots.compare(compare_table(type=["resize"]), ax=ax)

    ax.figure.draw_without_rendering()
    whole, (left, right) = ax.get_position(), (panel.get_position() for panel in ax.child_axes)
    assert ax.figure.axes == [ax, other]
    assert (left.x0, right.x1) == pytest.approx((whole.x0, whole.x1))
    assert left.x1 < right.x0
    assert ax.get_tightbbox().x1 <= other.get_tightbbox().x0


def test_the_legend_explains_what_is_there(compare_table, ax):
    """Where everything differs nothing is faint, and it is enough that one panel has something that is."""
    faint = "no difference beyond chance"
    for q_rate, q_duration, expected in ((0.01, 0.01, []), (0.4, 0.01, [faint]), (0.01, 0.4, [faint])):
        ax.clear()

        plots.compare(compare_table(type=["resize"], q_rate=[q_rate], q_duration=[q_duration]), ax=ax)

        assert legend_labels(ax) == ["before", "after", *expected]


def test_what_does_not_differ_is_faint(compare_table, ax):
    """A group whose q is above 5 %, or that was not tested, has no colour; that of its tail counts, too."""
    table = compare_table(
        type=["resize", "reboot", "restore"], q_duration=[0.051, np.nan, 0.9], q_tail=[0.4, np.nan, 0.05], q=[0.01] * 3
    )

    plots.compare(table, ax=ax)

    assert markers(ax, plots.style.BLUE) == [(60, 1.85)]
    assert [markers(ax, color, RATES) for color in (plots.style.BLUE, plots.style.VERMILLION)] == [[], []]
    assert legend_labels(ax)[-1] == "no difference beyond chance"


def test_an_interval_that_bounds_nothing_is_not_drawn(compare_table, ax):
    """A median of a few actions has a marker alone, and one without an upper end an arrow."""
    table = compare_table(
        type=["resize"], p50_before_low_s=[0.0], p50_before_high_s=[np.inf], p50_after_high_s=[np.inf]
    )

    plots.compare(table, ax=ax)

    medians = ax.child_axes[MEDIANS]
    right = medians.get_xlim()[1]
    assert intervals(ax) == [(0.15, 80, right)]
    assert [
        line.get_xdata().tolist() for line in medians.lines if line.get_marker() == ">" and len(line.get_xdata())
    ] == [[right]]


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
