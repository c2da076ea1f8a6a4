"""Plots of curves: which groups are drawn, and that shares fill the height."""

from __future__ import annotations

import numpy as np

from doaudit import plots


def test_duration_curves_are_told_apart_without_colour(curves_table, ax):
    """Each group has its own dashes, at most four unless more are asked for, and the title counts them."""
    plots.duration_curves(curves_table(type=["a", "b", "c", "d", "e", "f"]), ax=ax)

    lines = [line for line in ax.lines if not line.get_label().startswith("_")]
    assert [line.get_label() for line in lines] == ["a", "b", "c", "d"]
    assert len({line.get_linestyle() for line in lines}) == 4
    order = "(first 4 of 6 groups, most actions first)"
    assert ax.get_title(loc="left") == f"How many have ended after how long, by type {order}"


def test_a_curve_is_drawn_to_the_right_end(curves_table, ax):
    """After its last second a curve goes on at its last share."""
    plots.duration_curves(curves_table(type=["a"]), ax=ax)

    [line] = ax.lines
    assert line.get_xdata()[-1] == ax.get_xlim()[1]
    assert line.get_ydata()[-1] == line.get_ydata()[-2] == 0.9


def test_outcomes_fill_the_height(curves_table, ax):
    """The shares of the first group are stacked from 0 to 1 at each moment, and the title names it."""
    plots.outcome_curves(curves_table(type=["a", "b"]), ax=ax)

    highest = max(np.max(path.vertices[:, 1]) for area in ax.collections for path in area.get_paths())
    assert highest == 1
    assert ax.get_title(loc="left") == "What has become of actions after how long: a (first of 2 groups)"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["errored", "open", "completed"]
