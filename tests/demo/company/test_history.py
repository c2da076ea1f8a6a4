"""The company's three years of history, checked by plain counting in the list that the API returns."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

import pytest

from doaudit.demo import company_world
from doaudit.demo.http.serialize import action_json
from doaudit.demo.world.clock import START

DAY_S = 86_400


def _second(text):
    return int(datetime.fromisoformat(text).timestamp())


def _duration_s(row):
    return _second(row["completed_at"]) - _second(row["started_at"])


def _finished(rows, type_):
    return [row for row in rows if row["type"] == type_ and row["completed_at"] and row["status"] == "completed"]


def test_the_history_has_the_size_of_the_largest_known_account(company_rows):
    """52,292 actions are listed on 262 pages, each id once."""
    assert len(company_rows) == len({row["id"] for row in company_rows}) == 52_292


def test_actions_are_listed_newest_first_over_three_years(company_rows):
    """Start times fall from a few seconds before the clock's start to three years before it, and never rise."""
    seconds = [_second(row["started_at"]) for row in company_rows]

    assert all(earlier <= later for later, earlier in pairwise(seconds))
    assert START - 60 < seconds[0] <= START
    assert START - 3 * 365 * DAY_S < seconds[-1] < START - (3 * 365 - 2) * DAY_S


def test_ids_rise_with_time_past_2_to_the_31(company_rows):
    """Ids begin below 2^31 and end near 3.33 billion; only within a second is their order free."""
    ids = [row["id"] for row in company_rows]
    newest_of = defaultdict(int)
    for row in company_rows:
        newest_of[row["started_at"]] = max(newest_of[row["started_at"]], row["id"])

    assert min(ids) < 2**31 < max(ids)
    assert 3.32e9 < max(ids) < 3.34e9
    assert all(row["id"] > newest_of.get(older, 0) for row, older in _with_second_before(company_rows))


def _with_second_before(rows):
    seconds = sorted({row["started_at"] for row in rows})
    before = dict(zip(seconds[1:], seconds, strict=False))
    return [(row, before[row["started_at"]]) for row in rows if row["started_at"] in before]


def test_actions_of_the_same_second_are_in_no_order_of_ids(company_rows):
    """Reserving an address for a droplet makes two actions in one second, and either may have the lower id."""
    by_second = defaultdict(list)
    for row in company_rows:
        by_second[row["started_at"], row.get("resource_id")].append(row)
    pairs = [rows for rows in by_second.values() if {"reserve_ip", "assign_ip"} <= {row["type"] for row in rows}]

    reserved_lower = [
        next(r["id"] for r in rows if r["type"] == "reserve_ip")
        < next(r["id"] for r in rows if r["type"] == "assign_ip")
        for rows in pairs
    ]

    assert len(pairs) > 50
    assert 0.25 < sum(reserved_lower) / len(pairs) < 0.75


def test_reboots_keep_office_hours_and_backups_do_not(company_rows):
    """Reboots fall on weekdays and office hours (UTC), backups on every night alike."""
    when = {type_: Counter() for type_ in ("reboot", "backup")}
    for row in company_rows:
        if row["type"] in when and row["status"] == "completed":
            moment = datetime.fromisoformat(row["started_at"]).astimezone(UTC)
            when[row["type"]][moment.weekday() < 5, 6 <= moment.hour < 18] += 1

    assert when["reboot"][True, True] > 0.95 * when["reboot"].total()
    assert when["backup"][True, False] + when["backup"][False, False] == when["backup"].total()
    assert when["backup"][True, False] / when["backup"].total() == pytest.approx(5 / 7, abs=0.01)


def test_autoscaling_comes_in_waves(company_rows):
    """Most creations have another within five seconds, and created droplets are destroyed again."""
    created = sorted(_second(row["started_at"]) for row in company_rows if row["type"] == "create")
    near = sum(later - earlier <= 5 for earlier, later in pairwise(created))
    destroyed = {row["resource_id"] for row in company_rows if row["type"] == "destroy"}

    assert near > 0.7 * len(created)
    assert len(destroyed) > 2_900


def test_one_region_has_an_incident_on_one_afternoon(company_rows):
    """On 2026-06-17 ams3 has about 150 errors and slow snapshots; no other day and region has ten errors."""
    errors = Counter((row["started_at"][:10], row["region_slug"]) for row in company_rows if row["status"] == "errored")
    (worst, count), (_, next_count) = errors.most_common(2)
    snapshots = _finished(company_rows, "snapshot")
    during = [row for row in snapshots if "2026-06-17T13" <= row["started_at"] < "2026-06-17T17:30"]
    slow = median(_duration_s(row) for row in during if row["region_slug"] == "ams3")

    assert worst == ("2026-06-17", "ams3")
    assert 140 <= count <= 165
    assert next_count < 10
    assert slow > 5 * median(_duration_s(row) for row in snapshots)


def test_attaching_volumes_slowly_gets_slower(company_rows):
    """The median of attach_volume rises from year to year to about twice its value; that of detach_volume does not."""
    medians = defaultdict(list)
    for type_ in ("attach_volume", "detach_volume"):
        finished = _finished(company_rows, type_)
        for year in range(3):
            begins = START - (3 - year) * 365 * DAY_S
            rows = [row for row in finished if begins <= _second(row["started_at"]) < begins + 365 * DAY_S]
            medians[type_].append(median(_duration_s(row) for row in rows))

    first, second, third = medians["attach_volume"]
    assert first < second < third
    assert 1.6 < third / first < 2.4
    assert max(medians["detach_volume"]) - min(medians["detach_volume"]) <= 1


@pytest.mark.parametrize(
    ("type_", "low", "high"),
    [
        ("power_off", 7, 9),
        ("power_on", 2, 4),
        ("shutdown", 1, 2),
        ("create", 24, 32),
        ("destroy", 6, 8),
        ("reserve_ip", 0, 0),
        ("image_destroy", 1, 1),
        ("transfer", 130, 210),
        ("snapshot", 45, 180),
    ],
)
def test_durations_are_those_of_the_live_api(company_rows, type_, low, high):
    """The median duration of each type is near the one seen on the live API."""
    assert low <= median(_duration_s(row) for row in _finished(company_rows, type_)) <= high


@pytest.mark.parametrize("type_", ["snapshot", "backup", "transfer"])
def test_durations_have_a_long_tail(company_rows, type_):
    """The slowest percent takes more than four times the median."""
    durations_s = sorted(_duration_s(row) for row in _finished(company_rows, type_))

    assert durations_s[round(0.99 * len(durations_s)) - 1] > 4 * median(durations_s)


def test_a_few_actions_never_end_and_a_few_are_under_way(company_rows):
    """Six actions have been open for days and never end; four are minutes old and end later."""
    open_s = sorted(START - _second(row["started_at"]) for row in company_rows if row["status"] == "in-progress")
    world = company_world()

    world.advance(30 * DAY_S)

    assert len(open_s) == 10
    assert max(open_s[:4]) < 3_600
    assert min(open_s[4:]) > 3 * DAY_S
    assert max(open_s) > 30 * DAY_S
    rows = [action for page in range(1, 263) for action in world.log.page(page, 200, world.now)]
    assert len({action.id for action in rows if not action.finished(world.now)}) == 6


def test_every_known_oddity_of_the_api_occurs(company_rows):
    """Null, zero, absent and large resource ids, null regions, `done`, an unknown type, old and new names."""
    ids = defaultdict(Counter)
    for row in company_rows:
        ids[row["resource_type"]][type(row["resource_id"]) if "resource_id" in row else "absent"] += 1

    assert ids["volume"].keys() == {type(None), "absent"}
    assert ids["backend"].keys() == {type(None)}
    assert {row["resource_id"] for row in company_rows if row["resource_type"] == "reserved_ipv6"} == {0}
    assert {
        (row["region"], row["region_slug"] is None) for row in company_rows if row["resource_type"] == "reserved_ipv6"
    } == {(None, False)}
    assert max(row.get("resource_id") or 0 for row in company_rows if "ip" in row["resource_type"]) > 2**31
    assert {row["region"] for row in company_rows if row["type"] == "image_destroy"} == {None}
    assert sum(row["status"] == "done" for row in company_rows) == 1
    assert sum(row["type"] == "rotate_console_key" for row in company_rows) == 3
    old = {row["started_at"][:4] for row in company_rows if row["resource_type"] == "floating_ip"}
    assert old == {"2023", "2024"}
    assert {row["started_at"][:4] for row in company_rows if row["resource_type"] == "reserved_ip"} == {
        "2024",
        "2025",
        "2026",
    }


def test_two_completed_actions_have_no_end_in_the_list(company_rows, company, served):
    """One of the two has its end when it is read alone, the other never does."""
    lacking = [row for row in company_rows if row["status"] == "completed" and row["completed_at"] is None]
    api = served(company)

    alone = [api.get(f"/v2/actions/{row['id']}").json()["action"]["completed_at"] is None for row in lacking]

    assert sorted(alone) == [False, True]


def test_the_number_of_resources_stays_small(company_rows):
    """There are fewer than 4,000 droplets and 6,000 resources; the newest droplet ids are near 560 million."""
    resources = {(row["resource_type"], row["resource_id"]) for row in company_rows if row.get("resource_id")}
    droplets = {number for kind, number in resources if kind == "droplet"}

    assert len(droplets) < 4_000
    assert len(resources) < 6_000
    assert 5.5e8 < max(droplets) < 5.7e8
    assert {row["region_slug"] for row in company_rows} == {
        None,
        "fra1",
        "ams3",
        "nyc3",
        "sfo3",
        "blr1",
    }


def test_a_region_is_an_object_or_null_but_never_text(company_rows):
    """Typed clients drop a whole page over one text; the slug stands beside each region."""
    assert {type(row["region"]) for row in company_rows} == {dict, type(None)}
    assert all(row["region"]["slug"] == row["region_slug"] for row in company_rows if row["region"])


def test_existing_droplets_have_names_and_destroyed_ones_are_not_found(company_rows, company, served):
    """Existing droplets have plain names; a destroyed droplet of the history is a 404."""
    api = served(company)
    listed = api.get("/v2/droplets?per_page=200").json()["droplets"]
    names = {droplet["name"] for droplet in listed}
    existing = {droplet["id"] for droplet in listed}
    destroyed = {
        row["resource_id"] for row in company_rows if row["type"] == "destroy" and row["status"] == "completed"
    }

    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    assert len(names) == len(listed) > 50
    assert not existing & destroyed
    assert {droplet["status"] for droplet in listed} == {"active", "off"}
    assert api.get(f"/v2/droplets/{min(destroyed)}/actions").status_code == 404


def test_listed_snapshots_were_taken_by_an_action(company_rows, company, served):
    """Each image of an existing droplet is dated to the second at which a completed action of it started."""
    started = {(row.get("resource_id"), row["started_at"], row["type"]) for row in company_rows}
    api = served(company)
    droplets = api.get("/v2/droplets?per_page=200").json()["droplets"]

    images = [
        (droplet["id"], snapshot["created_at"], snapshot["type"])
        for droplet in droplets
        for snapshot in api.get(f"/v2/droplets/{droplet['id']}/snapshots").json()["snapshots"]
    ]

    assert len(images) > 100
    assert set(images) <= started


def test_a_snapshot_that_is_under_way_is_listed_when_it_is_done(company_rows, served):
    """Snapshots in progress have no image, and have one ten minutes later."""
    api = served(company_world())
    recent = [
        row
        for row in company_rows
        if row["status"] == "in-progress" and row["type"] == "snapshot" and row["started_at"] > "2026-11-23"
    ]

    def listed():
        snapshots = [api.get(f"/v2/droplets/{row['resource_id']}/snapshots").json()["snapshots"] for row in recent]
        return [
            row["started_at"] in {snapshot["created_at"] for snapshot in own}
            for row, own in zip(recent, snapshots, strict=True)
        ]

    before = listed()
    api.world.advance(600)

    assert (before, listed()) == ([False, False], [True, True])


def test_the_same_seed_gives_the_same_bytes():
    """Two companies of the same seed are equal byte for byte; another seed gives another company."""

    def history(seed):
        world = company_world(seed)
        rows = [row for page in range(1, 263, 9) for row in world.log.page(page, 200, world.now)]
        return b"\n".join(action_json(row, world.now) for row in rows)

    first, same, other = history(7), history(7), history(8)

    assert first == same
    assert first != other


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_any_seed_gives_the_same_count(seed):
    """The history has exactly the requested number of actions with every seed."""
    world = company_world(seed)

    assert world.log.total(world.now) == 52_292


def test_a_history_can_end_at_another_time():
    """A company whose clock starts a year earlier has all its actions before that start."""
    world = company_world(start=START - 365 * DAY_S)

    assert world.now == START - 365 * DAY_S
    assert world.log.total(world.now) == 52_292


def test_a_few_droplets_have_hostile_names_on_request(company, served):
    """Markup, a formula and control characters are names of droplets; nothing else differs."""
    hostile = company_world(hostile_names=True)
    names = {droplet["name"] for droplet in served(hostile).get("/v2/droplets?per_page=200").json()["droplets"]}

    assert '<b>db</b> & "co"' in names
    assert any(name.startswith("=") for name in names)
    assert any("\x1b" in name and "\u202e" in name for name in names)
    assert hostile.log.page(1, 200, hostile.now) == company.log.page(1, 200, company.now)


@pytest.mark.parametrize("count", [1, 10, 300, 20_000])
def test_a_history_can_be_smaller(company, count):
    """It has exactly as many actions, the newest of the large one and those that have not ended; ids stay unique."""
    small = company_world(actions=count)
    rows = [row for page in range(1, count // 200 + 2) for row in small.log.page(page, 200, small.now)]
    known = {row.id for row in company.log.page(1, 200, company.now)}

    assert len({row.id for row in rows}) == small.log.total(small.now) == count
    assert sum(not row.finished(small.now) for row in rows) == min(count, 10)
    if count == 300:
        assert known - {row.id for row in rows} == set()


def test_a_small_account_fits_together(company, served):
    """Its images were taken by listed actions, its droplets were on and off as in the large one, its volumes exist."""
    small = company_world(actions=300)
    api = served(small)
    started = {(row.resource_id, row.started_at, row.type) for row in small.log.page(1, 200, small.now)}
    started |= {(row.resource_id, row.started_at, row.type) for row in small.log.page(2, 200, small.now)}
    existing = {droplet["id"] for droplet in api.get("/v2/droplets?per_page=200").json()["droplets"]}
    created = {number for number, _, type_ in started if type_ == "create"}
    large = {droplet.id: droplet.status for droplet in company.droplets.values()}

    assert {droplet.id: droplet.status for droplet in small.droplets.values()} == large
    taken = {(image.droplet_id, image.created_at, image.type) for image in small.images.values() if image.droplet_id}
    assert taken
    assert taken <= started
    for row in small.log.page(1, 200, small.now):
        kind, _, key = row.resource.partition(":")
        if kind == "volume":
            assert key in small.volumes
        if kind == "droplet" and int(key) not in existing | created:
            assert any(number == int(key) and type_ == "destroy" for number, _, type_ in started)


@pytest.mark.parametrize("count", [0, -1, 1_000_000])
def test_an_impossible_history_is_rejected(count):
    """A number that three years do not make is rejected with the possible ones."""
    with pytest.raises(ValueError, match="choose a number from 1 to"):
        company_world(actions=count)
