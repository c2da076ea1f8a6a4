"""The plot of retries: a bar until a retry has worked, a mark where none has."""

from __future__ import annotations

import numpy as np
import pytest
from drawn import bars, legend_labels, row_names, texts

from doaudit import plots


def marks(ax):
    """Return the marks as (marker, seconds, row), from the top."""
    points = [(line.get_marker(), *point) for line in ax.lines for point in line.get_xydata().tolist()]
    return sorted(points, key=lambda mark: mark[2])


def test_a_bar_is_as_long_as_the_recovery_took(retries_table, ax):
    """What was not recovered from has a mark at the beginning, by what it came to."""
    outcome = ["not retried", "recovered", "failed again", "open", "unclear"]
    seconds = [np.nan, 4306.0, np.nan, np.nan, np.nan]

    plots.retries(retries_table(outcome=outcome, recovery_s=seconds, attempts=[1, 3, 2, 1, 2]), ax=ax)

    assert bars(ax) == [(1, 4306, False)]
    assert marks(ax) == [("o", 0, 0), ("X", 0, 2), (">", 0, 3), ("s", 0, 4)]
    assert legend_labels(ax) == ["recovered", "failed again", "not retried", "open", "unclear"]
    assert texts(ax) == [
        "not retried", "recovered after 1 h 11 min, 3 attempts", "failed again, 2 attempts", "open",
        "unclear, 2 attempts",
    ]  # fmt: skip


def test_a_recovery_of_unknown_length_has_no_bar(retries_table, ax):
    """It is called recovered all the same."""
    plots.retries(retries_table(recovery_s=[np.nan]), ax=ax)

    assert bars(ax) == marks(ax) == []
    assert texts(ax) == ["recovered, 2 attempts"]


@pytest.mark.parametrize(
    ("count", "title"),
    [(3, "Failures, and whether trying again helped (latest 2 of 3 failures)"),
     (2, "Failures, and whether trying again helped")],
)  # fmt: skip
def test_the_latest_are_drawn(retries_table, ax, count, title):
    """Each by type, resource and day; the title says that there are more."""
    plots.retries(retries_table(type=["resize", "reboot", "restore"][:count]), ax=ax, top=2)

    assert row_names(ax) == ["resize web-1 2026-03-12", "reboot web-1 2026-03-12"]
    assert ax.get_title(loc="left") == title
