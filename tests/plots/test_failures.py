"""The plot of failures: a line at the time of each, in the row of its type."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import row_names, texts
from matplotlib.dates import date2num

from doaudit import plots


def days(*numbers):
    """Return these days of March, none for None."""
    return [pd.NaT if number is None else pd.Timestamp(2026, 3, number, tz="UTC") for number in numbers]


def lines(ax):
    """Return for each row the dates of its lines, as days of March, and their opacity."""
    march = date2num(pd.Timestamp("2026-03-01")) - 1
    _, *layers = ax.collections
    return [
        (sorted(round(segment[0][0] - march, 6) for segment in layer.get_segments()), layer.get_alpha())
        for layer in layers
    ]


def test_each_failure_is_a_line_in_the_row_of_its_type(failures_table, ax):
    """The type with most of them is at the top; of two with as many, the one that failed last."""
    table = failures_table(type=["boot", "resize", "reboot", "resize"], started_at=days(9, 8, 7, 2))

    plots.failures(table, ax=ax)

    assert row_names(ax) == ["resize", "boot", "reboot"]
    assert [dates for dates, _ in lines(ax)] == [[2, 8], [9], [7]]
    assert texts(ax) == ["2 failures, last 2026-03-08", "1 failure, last 2026-03-09", "1 failure, last 2026-03-07"]


def test_lines_of_a_crowd_are_fainter(failures_table, ax):
    """Where they lie on each other it becomes dark, and one among few is plain to see."""
    plots.failures(failures_table(type=["resize"] * 400 + ["reboot"]), ax=ax)

    (_, crowded), (_, alone) = lines(ax)
    assert crowded < 0.2
    assert alone > 0.8


def test_a_failure_without_a_start_is_counted_and_not_drawn(failures_table, ax):
    """Nobody knows when it was."""
    plots.failures(failures_table(type=["resize", "resize", "reboot"], started_at=days(2, None, None)), ax=ax)

    assert [dates for dates, _ in lines(ax)] == [[2], []]
    assert texts(ax) == ["2 failures, last 2026-03-02", "1 failure"]


def test_rows_may_be_resources(failures_table, ax):
    """Another column can have the rows; a resource goes by its name."""
    table = failures_table(resource=["droplet:1", "droplet:2", "droplet:2"], resource_name=["web-1", None, None])

    plots.failures(table, by="resource", ax=ax, top=1)

    assert row_names(ax) == ["droplet:2"]
    assert ax.get_title(loc="left") == "When actions failed, by resource (first 1 of 2 groups, most failures first)"


@pytest.mark.parametrize("by", ["type", "account"])
def test_accounts_do_not_share_a_row(failures_table, ax, by):
    """A type has a row for each account, or an account has one."""
    table = failures_table(type=["resize"] * 3)
    table.insert(0, "account", ["acme", "globex", "globex"])

    plots.failures(table, by=by, ax=ax)

    assert row_names(ax) == {"type": ["globex: resize", "acme: resize"], "account": ["globex", "acme"]}[by]
