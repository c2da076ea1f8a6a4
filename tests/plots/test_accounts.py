"""The plots of tables of many accounts: each row says of which account it is."""

from __future__ import annotations

import pandas as pd
import pytest
from drawn import row_names

from doaudit import plots

GROUPED = {
    "incidents_table": ("incidents", " 2026-06-17"),
    "changes_table": ("changes", " · duration"),
    "compare_table": ("compare", ""),
    "durations_table": ("durations", ""),
    "rates_table": ("failure_rates", ""),
}


@pytest.mark.parametrize("table", GROUPED)
def test_a_group_has_its_account_in_front(request, ax, table):
    """Two groups of one name are told apart by their accounts, as the title says."""
    plot, end = GROUPED[table]
    key, group = ("region", "ams3") if plot == "incidents" else ("type", "snapshot")
    two = request.getfixturevalue(table)(**{key: [group] * 2})
    two.insert(0, "account", pd.Categorical(["globex", "acme"]))

    getattr(plots, plot)(two, ax=ax)

    assert row_names(ax) == [f"globex: {group}{end}", f"acme: {group}{end}"]
    assert "by account and " in ax.get_title(loc="left")


def test_days_of_another_account_are_not_drawn_beside_an_incident(incidents_table, ax):
    """A group is that of its account, in the days of `daily_failures` too."""
    table = incidents_table(region=["ams3"])
    table.insert(0, "account", pd.Categorical(["acme"]))
    day = pd.Timestamp("2026-06-01", tz="UTC")
    days = {"region": "ams3", "day": [day, day + pd.Timedelta(1, "D")], "actions": 9, "errored": [3, 4]}
    daily = pd.DataFrame({"account": ["acme", "globex"], **days})

    plots.incidents(table, daily=daily, ax=ax)

    assert len([bar for layer in ax.containers for bar in layer]) == 2  # the incident, and one of the other days


@pytest.mark.parametrize(("table", "plot"), [("slowest_table", "slowest"), ("open_table", "open_actions")])
def test_an_action_has_its_account_in_front(request, ax, table, plot):
    """Neither a long account nor a long name takes the place of the other, or of the day."""
    made = request.getfixturevalue(table)(resource_name=["web-1", "web-1", "0123456789" * 6])
    made.insert(0, "account", pd.Categorical(["globex", "acme", "initech-" * 4]))

    getattr(plots, plot)(made, ax=ax)

    assert row_names(ax)[:2] == ["globex: snapshot web-1 2026-03-12", "acme: snapshot web-1 2026-03-12"]
    long = row_names(ax)[2]
    assert long.startswith("initech")
    assert long.endswith("6789 2026-03-12")
    assert ": snapsho" in long
    assert len(long) <= 44


def test_a_name_that_two_accounts_have_needs_no_key(rates_table, ax):
    """Of one account, two resources of one name have their keys; of two, the accounts tell them apart."""
    keys = {"resource": ["droplet:1", "droplet:2", "droplet:3"], "resource_name": "web-1"}
    rates = rates_table(errored=[1, 1, 1]).drop(columns="type")
    for place, (name, words) in enumerate({"account": ["acme", "acme", "globex"], **keys}.items()):
        rates.insert(place, name, words)

    plots.failure_rates(rates.iloc[1:], ax=ax)
    alone = row_names(ax)
    ax.clear()
    plots.failure_rates(rates, ax=ax)

    assert alone == ["acme: web-1", "globex: web-1"]
    assert row_names(ax)[:2] == ["acme: web-1 (droplet:1)", "acme: web-1 (droplet:2)"]
