"""The plot of churn: steps above and below zero, and the line of how many there are."""

from __future__ import annotations

import pytest
from matplotlib.dates import date2num

from doaudit import plots


def test_created_is_up_destroyed_is_down_and_a_line_is_what_exists(churn_table, ax):
    """Each week is a step of its length at the height of its count."""
    table = churn_table(created=[5, 0], destroyed=[1, 4], existed=[12, 8])

    plots.churn(table, ax=ax)

    created, destroyed, existed = (steps.get_data() for steps in ax.patches)
    begin = date2num(table["week"].iloc[0].tz_localize(None))
    assert created.edges == pytest.approx([begin, begin + 7, begin + 14])
    assert [steps.values.tolist() for steps in (created, destroyed, existed)] == [[5, 0], [-1, -4], [12, 8]]


def test_below_zero_are_counts_too(churn_table, ax):
    """Nobody reads of minus four droplets."""
    plots.churn(churn_table(created=[5, 0], destroyed=[1, 40], existed=[12, 8]), ax=ax)

    ax.figure.canvas.draw()
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert all(label.isdecimal() for label in labels)


def test_another_kind_is_drawn_alone(churn_table, ax):
    """The weeks of the other kind are left out, and the title says which it is."""
    table = churn_table(kind=["droplet", "reserved_ip"], created=[5, 3], existed=[9, 4])

    plots.churn(table, kind="reserved_ip", ax=ax)

    assert ax.patches[0].get_data().values.tolist() == [3]
    assert ax.get_title(loc="left") == "Reserved IPs created and destroyed in each week"


def test_a_kind_without_weeks_is_a_message(churn_table, ax):
    """Where there is nothing of a kind, that is said."""
    plots.churn(churn_table(created=[5]), kind="reserved_ip", ax=ax)

    assert [text.get_text() for text in ax.texts] == ["no weeks to show"]
