"""The plot of the week pattern: a map of weekdays and hours."""

from __future__ import annotations

import numpy as np
from drawn import row_names, texts

from doaudit import plots


def test_the_week_is_a_map_with_monday_on_top(week_table, ax):
    """Every hour of the week has its cell at its weekday and hour, in whatever order the rows come."""
    plots.week_pattern(week_table, ax=ax)

    (mesh,) = ax.collections
    counts = np.asarray(mesh.get_array()).reshape(7, 24)
    assert counts.tolist() == np.arange(168).reshape(7, 24).tolist()
    assert row_names(ax)[0] == "Monday"
    assert ax.get_ylim() == (7, 0)
    assert mesh.get_clim() == (0, 167)


def test_hours_are_named_under_their_cells_and_counts_in_a_colour_bar(week_table, ax):
    """The reader sees which hour a column is, that it is UTC, and what the colours mean."""
    plots.week_pattern(week_table, ax=ax)

    named = {label.get_text(): place for place, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)}
    assert named["09"] == 9.5
    assert ax.get_xlabel() == "hour in which the action started, UTC"
    (bar,) = [axes for axes in ax.figure.axes if axes is not ax]
    assert bar.get_ylabel() == "actions started"


def test_the_darker_a_cell_the_more_actions(week_table, ax):
    """Lightness alone carries the meaning: the map reads the same without colour."""
    plots.week_pattern(week_table, ax=ax)

    (mesh,) = ax.collections
    lightness = mesh.to_rgba(np.linspace(0, 167, 20))[:, :3] @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) < 0).all()


def test_a_week_without_actions_is_a_message(week_table, ax):
    """168 zeroes are no pattern."""
    plots.week_pattern(week_table.assign(actions=0), ax=ax)

    assert texts(ax) == ["no actions to show"]
    assert not ax.collections


def test_the_axis_names_the_zone_of_the_table(week_table, ax):
    """Hours by another clock say whose they are."""
    plots.week_pattern(week_table.assign(zone="Asia/Kolkata"), ax=ax)

    assert ax.get_xlabel() == "hour in which the action started, Asia/Kolkata"
