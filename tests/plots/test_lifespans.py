"""The plot of lifespans: a line from the creation of each resource to its destruction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawn import legend_labels, row_names, texts
from matplotlib.colors import same_color
from matplotlib.dates import date2num

from doaudit import plots

MARCH = date2num(pd.Timestamp("2026-03-01")) - 1
DAY_S = 86_400.0


def days(*numbers):
    """Return these days of March, none for None."""
    return [pd.NaT if number is None else pd.Timestamp(2026, 3, number, tz="UTC") for number in numbers]


def lines(ax, color):
    """Return the lines of a colour as (row, from, to), in days of March."""
    layers = [layer for layer in ax.collections if same_color(layer.get_color()[0], color)]
    return [
        (int(begin[1]), pytest.approx(begin[0] - MARCH), pytest.approx(end[0] - MARCH))
        for layer in layers for begin, end in layer.get_segments()
    ]  # fmt: skip


def test_a_line_goes_from_creation_to_destruction(lifespans_table, ax):
    """One that lives goes on to the right edge with an arrow; one of unknown creation begins at the left edge."""
    table = lifespans_table(
        kind=["droplet", "reserved_ip", "droplet", "droplet"],
        created_at=days(20, 10, None, None),
        destroyed_at=days(None, 15, 12, None),
        lifespan_s=[2 * DAY_S, 5 * DAY_S, np.nan, np.nan],
        lives=[True, False, False, True],
    )

    plots.lifespans(table, ax=ax)

    left, right = (end - MARCH for end in ax.get_xlim())
    assert left == pytest.approx(10 - 0.12)
    assert right == pytest.approx(22 + 0.12)
    assert lines(ax, plots.style.BLUE) == [(0, 20, right), (2, left, 12), (3, left, right)]
    assert lines(ax, plots.style.ORANGE) == [(1, 10, 15)]
    assert [(line.get_marker(), line.get_ydata().tolist()) for line in ax.lines] == [(">", [0, 3]), (">", [])]
    assert legend_labels(ax) == ["droplet", "reserved IP"]
    assert texts(ax) == ["2 d, lives", "5 d", "creation not known", "creation not known, lives"]


def test_a_kind_that_comes_later_is_drawn(lifespans_table, ax):
    """It is grey, and in the legend."""
    plots.lifespans(lifespans_table(kind=["droplet", "load_balancer"]), ax=ax)

    assert [row for row, _, _ in lines(ax, plots.style.MUTED_TEXT)] == [1]
    assert legend_labels(ax) == ["droplet", "load balancer"]


def test_a_short_life_is_seen(lifespans_table, ax):
    """Of a second among years: a four hundredth of the time shown, and within the axes."""
    table = lifespans_table(
        created_at=days(30, 1), destroyed_at=days(30, 1), lifespan_s=[0.0, 0.0], lives=[False, False]
    )

    plots.lifespans(table, ax=ax)

    left, right = ax.get_xlim()
    segments = [segment[:, 0] for layer in ax.collections for segment in layer.get_segments()]
    assert [end - begin for begin, end in segments] == pytest.approx([(right - left) / 400] * 2)
    assert max(end for _, end in segments) <= right


def test_many_are_thin_lines_without_names(lifespans_table, ax):
    """More than forty: the axis says how many, and which way they are ordered."""
    plots.lifespans(lifespans_table(resource=[f"droplet:{number}" for number in range(2000)]), ax=ax)

    assert row_names(ax) == texts(ax) == []
    assert ax.get_ylabel() == "2,000 resources, the newest at the top"
    assert ax.collections[0].get_linewidth() < 1
    assert len(ax.lines) == 0


def test_forty_have_names(lifespans_table, ax):
    """In the order of the table."""
    names = [f"web-{number}" for number in range(40)]

    plots.lifespans(lifespans_table(resource_name=names), ax=ax)

    assert row_names(ax) == names
    assert ax.get_ylabel() == ""


def test_without_any_time_there_are_no_dates(lifespans_table, ax):
    """A resource of which only a rename is known has lived all the time."""
    plots.lifespans(lifespans_table(created_at=[pd.NaT], lifespan_s=[np.nan]), ax=ax)

    assert len(ax.get_xticks()) == 0
    assert lines(ax, plots.style.BLUE) == [(0, *(end - MARCH for end in ax.get_xlim()))]
