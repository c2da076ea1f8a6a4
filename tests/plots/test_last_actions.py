"""The plot of last actions: a dot for each resource at the age of its last action."""

from __future__ import annotations

import numpy as np
from drawn import legend_labels, row_names, texts
from matplotlib.colors import same_color

from doaudit import plots


def dots(ax, color):
    """Return the dots of a colour as (seconds, row)."""
    layers = [line for line in ax.lines if same_color(line.get_color(), color)]
    return [tuple(point) for layer in layers for point in layer.get_xydata().tolist()]


def test_each_resource_has_a_dot_in_the_row_of_the_type(last_actions_table, ax):
    """The type that was used last is at the top; what errored has a colour of its own."""
    table = last_actions_table(
        type=["reboot", "resize", "reboot"], age_s=[60.0, 3600.0, 86_400.0], status=["completed", "errored", "errored"]
    )

    plots.last_actions(table, ax=ax)

    assert row_names(ax) == ["reboot", "resize"]
    assert dots(ax, plots.style.BLUE) == [(60, 0)]
    assert dots(ax, plots.style.VERMILLION) == [(86_400, 0), (3600, 1)]
    assert legend_labels(ax) == ["the last action of a resource", "errored"]
    assert texts(ax) == ["2 resources", "1 resource"]


def test_dots_of_a_crowd_are_fainter(last_actions_table, ax):
    """But not what errored: one in a thousand is seen."""
    status = ["completed"] * 1000 + ["errored"]

    plots.last_actions(last_actions_table(status=status), ax=ax)

    assert [line.get_alpha() for line in ax.lines] == [plots.style.opacity(1001), None]


def test_an_action_without_a_start_is_counted_and_not_drawn(last_actions_table, ax):
    """Nobody knows its age."""
    plots.last_actions(last_actions_table(age_s=[np.nan, 60.0]), ax=ax)

    assert [point for point in dots(ax, plots.style.BLUE) if not np.isnan(point[0])] == [(60, 0)]
    assert texts(ax) == ["2 resources"]


def test_the_title_says_that_there_are_more_types(last_actions_table, ax):
    """Those that were used last are drawn."""
    plots.last_actions(last_actions_table(type=["resize", "reboot", "restore"]), ax=ax, top=2)

    assert row_names(ax) == ["resize", "reboot"]
    assert ax.get_title(loc="left") == "Last action of each type (first 2 of 3 types)"


def test_accounts_do_not_share_a_row(last_actions_table, ax):
    """A type has a row for each account."""
    table = last_actions_table(type=["resize"] * 2)
    table.insert(0, "account", ["acme", "globex"])

    plots.last_actions(table, ax=ax)

    assert row_names(ax) == ["acme: resize", "globex: resize"]
