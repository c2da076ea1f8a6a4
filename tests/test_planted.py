"""What an audit finds in the simulated account: what was planted in it, and nothing in a quiet one."""

from __future__ import annotations

import msgspec
import pytest

import doaudit as da
from doaudit.actions import categorical, to_frame
from doaudit.demo import company_world, planted
from doaudit.demo.http.serialize import action_json
from doaudit.records import Record


def read_of(seed, **kind):
    """Return the frame of a company's list without a server in between, with the resources that an account looks up."""
    world = company_world(seed=seed, **kind)
    now = int(world.now)
    listed = world.log.page(1, len(world.log), now=now)
    frame = to_frame([msgspec.json.decode(action_json(each, now), type=Record) for each in listed], now)
    told = frame["resource"].astype(object)
    return frame.assign(resource=categorical(told.where(told.notna(), [each.resource for each in listed])))


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


def test_findings_say_what_was_planted(usual, quiet):
    """Each planted fault is a finding with its ids, and of a quiet company there is nothing to look at."""
    listed, found = planted(), da.findings(*usual)
    ids = {kind: set(", ".join(rows).split(", ")) for kind, rows in found.groupby("kind")["ids"]}

    assert ids["stuck action"] == {str(action) for action in listed.stuck}
    assert ids["incident"] >= {str(action) for action in listed.incident.failures}
    assert ids["droplet off"] == {str(each.action) for each in listed.power_offs}
    assert ids["many destroyed"] == {str(action) for action in listed.mass_destroy.actions}
    assert ids["failed again and again"] == {str(action) for action in listed.retry_chain.actions}
    assert found.loc[found["kind"] == "change of duration", "group"].tolist() == [listed.drift.type]
    assert "50 of 64 droplets" in found.loc[found["kind"] == "no backup", "sentence"].item()
    assert found["severity"].is_monotonic_decreasing
    assert "nothing unusual" in set(da.findings(*quiet)["kind"])


@pytest.mark.release
def test_in_each_company_what_is_planted_is_found_and_hardly_anything_else():
    """Of seeds 1 to 20 at most three have another incident or change, and at most three quiet twins have one."""
    others = {"incidents": 0, "changes": 0, "quiet": 0}
    for seed in range(1, 21):
        with da.demo(seed=seed) as account:
            actions, droplets = account.actions(), account.droplets()
        with da.demo(seed=seed, quiet=True) as account:
            quiet = account.actions()
        listed, found = planted(seed), da.findings(actions, droplets)
        incidents, changes, opened = da.incidents(actions), da.changes(actions), da.open_actions(actions)

        of_incident = [set(map(str, listed.incident.failures)) <= set(ids.split(", ")) for ids in incidents["ids"]]
        of_drift = (changes["type"] == listed.drift.type) & (changes["what"] == "duration")
        assert (sum(of_incident), of_drift.sum()) == (1, 1), seed
        assert set(opened.loc[opened["verdict"] == "stuck", "id"]) == set(listed.stuck), seed
        destroyed = found.loc[found["kind"] == "many destroyed", "ids"].tolist()
        assert {str(action) for action in listed.mass_destroy.actions} <= set(", ".join(destroyed).split(", ")), seed
        others["incidents"] += len(incidents) > 1
        others["changes"] += len(changes) > 1
        others["quiet"] += bool(len(da.incidents(quiet)) or len(da.changes(quiet)))

    assert max(others.values()) <= 3, others


@pytest.mark.release
def test_of_a_hundred_companies_hardly_any_has_what_was_not_planted():
    """Of seeds 1 to 100 at most nine have another incident, nine another change, and nine quiet twins any of them."""
    others = {"incidents": 0, "changes": 0, "quiet": 0}
    for seed in range(1, 101):
        actions, quiet, listed = read_of(seed), read_of(seed, quiet=True), planted(seed)
        incidents, changes = da.incidents(actions), da.changes(actions)

        of_incident = [set(map(str, listed.incident.failures)) <= set(ids.split(", ")) for ids in incidents["ids"]]
        of_drift = (changes["type"] == listed.drift.type) & (changes["what"] == "duration")
        assert (sum(of_incident), of_drift.sum()) == (1, 1), seed
        others["incidents"] += len(incidents) > 1
        others["changes"] += len(changes) > 1
        others["quiet"] += bool(len(da.incidents(quiet)) or len(da.changes(quiet)))

    assert max(others.values()) <= 9, others
