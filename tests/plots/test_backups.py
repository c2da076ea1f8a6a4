"""The plot of backups: a dot at the age of each droplet's last, and which are too long ago."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from doaudit import plots


def marks(ax):
    """Return the markers as (marker, seconds, rows)."""
    return [(line.get_marker(), line.get_xdata().tolist(), line.get_ydata().tolist()) for line in ax.lines]


def test_each_droplet_has_a_mark_at_its_age(backups_table, ax):
    """A dot for what is recent enough, a diamond for what is not, an arrow at the end where none was taken."""
    table = backups_table(
        resource_name=["cache-01", "web-01", "db-01"],
        age_s=[np.nan, 9 * 86_400.0, 3600.0],
        taken=[0, 12, 1_086],
        without=[True, True, False],
        longest_gap_s=[np.nan, 9 * 86_400.0, 90_000.0],
    )

    plots.backups(table, ax=ax)

    right = ax.get_xlim()[1]
    assert marks(ax) == [(">", [right], [0]), ("D", [9 * 86_400], [1]), ("o", [3600], [2])]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "none was taken", "too long ago", "recent enough",
    ]  # fmt: skip
    assert [text.get_text() for text in ax.texts] == [
        "none was taken", "9 d, backup", "12 taken, at most 9 d without",
        "1 h, backup", "1,086 taken, at most 1 d 1 h without",
    ]  # fmt: skip


@pytest.mark.parametrize(("exists", "said"), [(True, ""), (None, ""), (False, ", none exists")])
def test_what_was_taken_and_exists_no_more_is_said(backups_table, ax, exists, said):
    """Only what the account denies is called gone."""
    table = backups_table(still_exists=pd.array([exists], dtype="boolean"))

    plots.backups(table, ax=ax)

    assert [text.get_text() for text in ax.texts][1] == f"12 taken, at most 2 d 7 h without{said}"


def test_droplets_that_never_had_one_are_drawn(backups_table, ax):
    """An account in which nothing was ever taken is drawn, too."""
    plots.backups(backups_table(age_s=[np.nan] * 3, taken=[0] * 3, without=[True] * 3), ax=ax)

    assert [len(rows) for _, _, rows in marks(ax)] == [3]
