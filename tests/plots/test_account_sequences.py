"""The plots of sequences of many accounts: each row says of which account it is."""

from __future__ import annotations

import pandas as pd
from drawn import row_names, texts

from doaudit import plots

DAY = pd.Timestamp("2026-03-02", tz="UTC")
TWO = {"account": ["globex", "acme"], "resource": "droplet:7", "resource_name": ["web", None]}


def test_a_droplet_has_its_account_in_front(ax):
    """A key that two accounts have is two rows, each with its account."""
    period = {"off_from": DAY, "still_off": True, "off_s": 9e4, "off_by": "power_off", "on_by": None, "certain": True}

    plots.power_periods(pd.DataFrame(TWO | period), ax=ax)

    assert row_names(ax) == ["globex: web 2026-03-02", "acme: droplet:7 2026-03-02"]


def test_a_timeline_has_a_row_for_each_resource_of_each_account(ax):
    """A key that two accounts have is two rows; of one resource alone the title says of which account it is."""
    table = pd.DataFrame(TWO | {"type": "reboot", "start": [DAY, DAY + pd.Timedelta(1, "h")], "outcome": "completed"})
    table = table.assign(end=table["start"] + pd.Timedelta(1, "m"))

    plots.timeline(table, ax=ax)
    rows = row_names(ax)
    ax.clear()
    plots.timeline(table.head(1), ax=ax)

    assert rows == ["acme: droplet:7", "globex: web"]
    assert ax.get_title(loc="left") == "What happened to globex: web"


def test_each_account_has_a_row_of_weeks(ax):
    """What was created and destroyed in one account is not added to that of another."""
    weeks = {"kind": "droplet", "week": [DAY, DAY + pd.Timedelta(7, "D"), DAY], "created": [2, 1, 5]}
    table = pd.DataFrame({"account": ["acme", "acme", "globex"], **weeks, "destroyed": 0, "existed": [2, 3, 5]})

    plots.churn(table, ax=ax)

    assert row_names(ax) == ["acme", "globex"]
    assert texts(ax) == ["3 at the end", "3 at most", "5 at the end", "5 at most"]
