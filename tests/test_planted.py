"""What an audit finds in the simulated account: what was planted in it, and nothing in a quiet one."""

from __future__ import annotations

import pytest

import doaudit as da
from doaudit.demo import planted


@pytest.fixture(scope="module")
def usual():
    """The actions and droplets of the usual company."""
    with da.demo() as account:
        return account.actions(), account.droplets()


@pytest.fixture(scope="module")
def quiet():
    """Those of a quiet one."""
    with da.demo(quiet=True) as account:
        return account.actions(), account.droplets()


def test_what_is_planted_is_found(usual):
    """Each table shows what it is there for, and apart from that no incident, change or lasting power-off."""
    actions, droplets = usual
    listed = planted()
    [incident] = da.incidents(actions).itertuples()
    [change] = da.changes(actions).itertuples()
    off, backups, retries = da.power_periods(actions), da.backups(actions, droplets), da.retries(actions)
    open_actions = da.open_actions(actions)

    assert incident.region == listed.incident.region
    assert set(listed.incident.failures) <= {int(id_) for id_ in incident.ids.split(", ")}
    assert (change.type, change.what) == (listed.drift.type, "duration")
    assert set(off[off["still_off"]]["off_id"]) == {each.action for each in listed.power_offs}
    never = backups[backups["last_taken_at"].isna()]["resource"]
    assert set(never) == {f"droplet:{droplet}" for droplet in listed.without_backup}
    assert ", ".join(map(str, listed.retry_chain.actions)) in set(retries["ids"])
    assert set(open_actions[open_actions["age_s"] > 86_400]["id"]) == set(listed.stuck)


def test_nothing_is_found_where_nothing_is_planted(quiet):
    """In a quiet company whatever were found would be a false alarm."""
    actions, droplets = quiet
    backups = da.backups(actions, droplets)

    assert len(da.incidents(actions)) == 0
    assert len(da.changes(actions)) == 0
    assert not da.power_periods(actions)["still_off"].any()
    assert not backups["last_taken_at"].isna().any()
    assert da.open_actions(actions)["age_s"].max() < 3_600
