"""The plot of retries: parts of a bar, and the texts beside it."""

from __future__ import annotations

import pytest
from drawn import legend_labels, row_names, texts

from doaudit import plots


def test_a_bar_has_a_part_for_each_outcome(retry_rates_table, ax):
    """The parts lie end to end, as long as their counts, and those that nobody has are not in the legend."""
    plots.retry_rates(retry_rates_table(type=["snapshot", "reboot"], not_retried=[63, 0], open=[0, 2]), ax=ax)

    parts = [[(bar.get_x(), bar.get_width()) for bar in layer] for layer in ax.containers]
    assert row_names(ax) == ["snapshot", "reboot"]
    assert legend_labels(ax) == ["recovered", "failed again", "open", "not retried"]
    assert parts == [[(0, 29), (0, 29)], [(29, 5), (29, 5)], [(34, 0), (34, 2)], [(34, 63), (36, 0)]]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"type": ["reboot"]}, ["29 of 34 retried recovered", "69.8-93.6 %, half within 1 h 11 min"]),
        ({"p50_recovery_s": [None]}, ["29 of 34 retried recovered", "69.8-93.6 %"]),
        ({"recovered": [0], "failed_again": [0], "low": [None], "p50_recovery_s": [None]}, ["none retried"]),
    ],
)
def test_the_share_and_the_time_stand_beside(retry_rates_table, ax, columns, expected):
    """Counts first, below them the interval and, where it is known, the median time to recovery."""
    plots.retry_rates(retry_rates_table(**columns), ax=ax)

    assert texts(ax) == expected


def test_without_columns_to_group_by_there_is_one_bar(retry_rates_table, ax):
    """All failures together are named so."""
    plots.retry_rates(retry_rates_table(type=["reboot"]).drop(columns="type"), ax=ax)

    assert row_names(ax) == ["all actions"]
    assert ax.get_title(loc="left") == "What followed a failure"
