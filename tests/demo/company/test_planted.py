"""What is planted in the company's history, looked for by plain loops over its actions."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

import pytest

from doaudit.demo import company_world, planted
from doaudit.demo.world.clock import START

DAY_S = 86_400
SEEDS = [7, 1, *(pytest.param(seed, marks=pytest.mark.release) for seed in range(40) if seed not in (1, 7))]
BACKUPS = ("backup", "snapshot")


def moment(second):
    """A second as a time in UTC."""
    return datetime.fromtimestamp(second, UTC)


def actions_of(world):
    """Every action of a world, oldest first."""
    rows = world.log.page(1, world.log.total(world.now), world.now)
    return sorted(rows, key=lambda row: (row.started_at, row.id))


def by_resource(rows):
    """The actions of each resource, oldest first."""
    found = defaultdict(list)
    for row in rows:
        found[row.resource].append(row)
    return found


def last_backups(rows):
    """The start of each droplet's last completed backup or snapshot."""
    taken = [row for row in rows if row.type in BACKUPS and row.outcome == "completed"]
    return {row.resource_id: row.started_at for row in taken if row.ends_at is not None and row.ends_at <= START}


@pytest.fixture(scope="module", params=SEEDS)
def seed(request):
    """Each seed in turn."""
    return request.param


@pytest.fixture(scope="module")
def listed(seed):
    """What is said to be planted."""
    return planted(seed)


@pytest.fixture(scope="module")
def world(seed):
    """The account in which it is."""
    return company_world(seed)


@pytest.fixture(scope="module")
def rows(world):
    """The actions of the account."""
    return actions_of(world)


@pytest.fixture(scope="module")
def known(rows):
    """The actions by their ids."""
    return {row.id: row for row in rows}


@pytest.fixture(scope="module")
def quiet(seed):
    """A company of the same seed in which nothing is planted."""
    return company_world(seed, quiet=True)


def test_the_incident_is_in_the_actions(listed, rows, known):
    """Its failures are errors of one region within its hours, and hardly anything else failed there then."""
    incident = listed.incident
    failures = [known[id_] for id_ in incident.failures]
    errors = [
        row
        for row in rows
        if row.outcome == "errored" and row.region == incident.region
        and incident.began <= moment(row.started_at) < incident.ended
    ]  # fmt: skip
    usual = median(row.ends_at - row.started_at for row in rows if row.type == "snapshot" and row.ends_at)

    assert len(failures) == len(set(incident.failures)) == 150
    assert {row.id for row in failures} <= {row.id for row in errors}
    assert len(errors) < 160
    assert len(incident.slow) == 60
    assert median(known[id_].ends_at - known[id_].started_at for id_ in incident.slow) > 5 * usual


def test_the_type_that_drifts_gets_slower_by_its_factor(listed, rows):
    """The median of its first and last half year differ by about the factor; nothing else is said to drift."""
    ran = [row for row in rows if row.type == listed.drift.type and row.outcome == "completed" and row.ends_at]
    first = median(row.ends_at - row.started_at for row in ran if row.started_at < START - 2.5 * 365 * DAY_S)
    last = median(row.ends_at - row.started_at for row in ran if row.started_at > START - 0.5 * 365 * DAY_S)

    assert listed.drift.factor == pytest.approx(2.5, abs=0.05)
    assert last / first == pytest.approx((1 + 1.5 * 11 / 12) / (1 + 1.5 / 12), rel=0.25)


def test_stuck_actions_are_those_that_never_end(listed, rows):
    """Every action without an end is listed, and no other."""
    assert listed.stuck == tuple(row.id for row in rows if row.ends_at is None)
    assert len(listed.stuck) == 6


def test_droplets_that_stay_off_are_off(listed, world, rows):
    """Each was switched off by its action, and nothing switched it on before the listed end."""
    events = by_resource(rows)

    assert len(listed.power_offs) == 3
    for off in listed.power_offs:
        own = events[f"droplet:{off.droplet}"]
        [switched] = [row for row in own if row.id == off.action]
        switched_on = [
            moment(row.ends_at)
            for row in own
            if row.started_at > switched.started_at
            and row.type in ("power_on", "destroy")
            and row.outcome == "completed"
        ]
        assert (switched.type, switched.outcome, moment(switched.ends_at)) == ("power_off", "completed", off.began)
        assert off.ended == (switched_on[0] if switched_on else None)
        assert (world.droplets[off.droplet].status == "off") == (off.ended is None)


def test_droplets_without_backup_have_none(listed, world, rows):
    """No action made an image of them, and of every other droplet one did."""
    assert set(listed.without_backup) == set(world.droplets) - set(last_backups(rows))
    assert listed.without_backup


def test_the_retried_snapshot_fails_until_it_works(listed, rows, known):
    """Each attempt follows the one before within minutes, on the same droplet, and nothing else comes between."""
    attempts = [known[id_] for id_ in listed.retry_chain.actions]
    between = [
        row.id for row in rows
        if row.resource == listed.retry_chain.resource
        and attempts[0].started_at <= row.started_at <= attempts[-1].started_at
    ]  # fmt: skip

    assert [row.outcome for row in attempts] == ["errored"] * 3 + ["completed"]
    assert {(row.type, row.resource) for row in attempts} == {(listed.retry_chain.type, listed.retry_chain.resource)}
    assert all(60 < later.started_at - row.ends_at < 600 for row, later in pairwise(attempts))
    assert tuple(between) == listed.retry_chain.actions


def test_a_dozen_droplets_are_destroyed_on_a_sunday_night(listed, world, rows, known):
    """Within half an hour, each once, each after it was created; in no other such night are there as many."""
    destroyed = listed.mass_destroy
    own = [known[id_] for id_ in destroyed.actions]
    created = {row.resource_id: row.started_at for row in rows if row.type == "create"}
    nights = Counter(
        row.started_at // 1_800 for row in rows if row.type == "destroy" and moment(row.started_at).weekday() == 6
        and moment(row.started_at).hour >= 22 and row.id not in destroyed.actions
    )  # fmt: skip

    assert len(set(destroyed.droplets)) == len(own) == 12
    assert [row.resource_id for row in own] == list(destroyed.droplets)
    assert {(row.type, row.outcome) for row in own} == {("destroy", "completed")}
    assert (moment(own[0].started_at), moment(own[-1].started_at)) == (destroyed.began, destroyed.ended)
    assert destroyed.began.weekday() == destroyed.ended.weekday() == 6
    assert destroyed.ended - destroyed.began < timedelta(minutes=30)
    assert all(created[row.resource_id] < row.started_at for row in own)
    assert not set(destroyed.droplets) & set(world.droplets)
    assert max(nights.values(), default=0) < 12


def test_what_is_planted_leaves_the_order_of_ids(rows):
    """Ids rise with time although actions were moved; only within a second they are in no order."""
    newest = 0
    for _, same in sorted(by_second(rows).items()):
        assert min(same) > newest
        newest = max(same)


def by_second(rows):
    """The ids of each second."""
    found = defaultdict(list)
    for row in rows:
        found[row.started_at].append(row.id)
    return found


def ids_of(part):
    """The ids of the actions of something planted."""
    return part.failures if hasattr(part, "failures") else part.actions


@pytest.mark.parametrize("count", [1, 300, 5_000, 20_000])
def test_a_small_account_lists_only_what_it_has(known, seed, count):
    """What happened before a smaller history begins is not listed; what is, is in its actions."""
    small = company_world(seed, actions=count)
    rows = actions_of(small)
    listed = planted(seed, actions=count)
    whole = planted(seed)

    ids = {row.id for row in rows}
    there, in_all = (
        [set(ids_of(part)) for part in (each.incident, each.retry_chain, each.mass_destroy) if part]
        for each in (listed, whole)
    )
    assert set(listed.stuck) == {row.id for row in rows if row.ends_at is None}
    assert {off.action for off in listed.power_offs} == {off.action for off in whole.power_offs} & ids
    assert set(listed.without_backup) == set(small.droplets) - set(last_backups(rows))
    assert there == [part for part in in_all if part <= ids]
    assert bool(there) == (count == 20_000)
    assert listed.drift is None or listed.drift.factor < whole.drift.factor
    assert ids <= set(known)


def test_a_quiet_company_lists_nothing(seed):
    """Nothing is planted, of no kind."""
    listed = planted(seed, quiet=True)

    assert (listed.incident, listed.drift, listed.retry_chain, listed.mass_destroy) == (None,) * 4
    assert (listed.stuck, listed.power_offs, listed.without_backup) == ((), (), ())


def test_a_quiet_company_has_nothing_to_find(quiet):
    """Nothing is stuck, stays off, lacks a backup, gets slower, fails in a burst, or is retried again and again."""
    rows = actions_of(quiet)
    errors = Counter((row.started_at // DAY_S, row.region) for row in rows if row.outcome == "errored")
    attached = [row for row in rows if row.type == "attach_volume" and row.ends_at]
    halves = [
        median(
            row.ends_at - row.started_at for row in attached if (row.started_at < START - 1.5 * 365 * DAY_S) == early
        )
        for early in (True, False)
    ]
    last = last_backups(rows)

    assert len(rows) == 52_292
    assert all(row.ends_at is not None and row.ends_at < START + 3_600 for row in rows)
    assert max(errors.values()) < 8
    assert abs(halves[0] - halves[1]) <= 1
    assert all(START - last[droplet] < 22 * DAY_S for droplet in quiet.droplets)
    assert max(off_spans_s(rows)) < 4 * DAY_S
    assert all(chain < 3 for chain in failures_in_a_row(rows))
    assert {droplet.status for droplet in quiet.droplets.values()} <= {"active", "off"}


def off_spans_s(rows):
    """For how long each droplet was off, each time, until now."""
    spans, off = [], {}
    for row in rows:
        if row.outcome == "completed" and row.type in ("power_off", "shutdown"):
            off.setdefault(row.resource, row.started_at)
        elif row.outcome == "completed" and row.type in ("power_on", "destroy") and row.resource in off:
            spans.append(row.started_at - off.pop(row.resource))
    return [*spans, *(START - since for since in off.values())]


def failures_in_a_row(rows):
    """For each resource and type the failures that follow each other within an hour."""
    for own in by_resource(row for row in rows if row.resource).values():
        chain, before = 0, None
        for row in own:
            follows = before and before.type == row.type and row.started_at - before.started_at < 3_600
            chain = (chain if follows else 0) + 1 if row.outcome == "errored" else 0
            before = row
            yield chain


def test_a_quiet_company_grows_shrinks_and_fails_as_usual(quiet, rows):
    """Droplets come and go as in the usual one, and each type fails as often as there, but for the incident."""
    calm = actions_of(quiet)
    types = Counter(row.type for row in calm)
    usual = Counter(row.type for row in rows)

    assert types["create"] > 2_900
    assert types["destroy"] > 2_900
    assert abs(types["create"] - usual["create"]) < 60
    rates = {"snapshot": 0.012, "shutdown": 0.02, "create": 0.007, "backup": 0.004, "reboot": 0.008}
    for type_, rate in rates.items():
        failed = sum(row.type == type_ and row.outcome == "errored" for row in calm)
        expected = rate * types[type_]
        assert abs(failed - expected) < 5 * expected**0.5, type_


def test_a_quiet_company_is_the_same_each_time(quiet, rows, seed):
    """The same seed gives the same actions, and those of another company than the usual one."""
    assert actions_of(quiet) == actions_of(company_world(seed, quiet=True))
    assert actions_of(quiet) != rows


def test_an_impossible_account_has_nothing_planted():
    """The possible numbers of actions are named, as by the account itself."""
    with pytest.raises(ValueError, match="choose a number from 1 to"):
        planted(actions=0)
