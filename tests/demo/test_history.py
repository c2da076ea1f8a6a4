"""The company's three years, checked by plain counting in what the API lists."""

from __future__ import annotations

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


def _took(row):
    return _second(row["completed_at"]) - _second(row["started_at"])


def _finished(rows, type_):
    return [row for row in rows if row["type"] == type_ and row["completed_at"] and row["status"] == "completed"]


def test_there_are_exactly_as_many_actions_as_the_largest_account_known(its_rows):
    """52,292 rows in 262 pages, each id once."""
    assert len(its_rows) == len({row["id"] for row in its_rows}) == 52_292


def test_they_are_listed_newest_first_over_three_years(its_rows):
    """From three years before the clock's start to a few seconds before it, never rising."""
    seconds = [_second(row["started_at"]) for row in its_rows]

    assert all(earlier <= later for later, earlier in pairwise(seconds))
    assert START - 60 < seconds[0] <= START
    assert START - 3 * 365 * DAY_S < seconds[-1] < START - (3 * 365 - 2) * DAY_S


def test_ids_rise_with_time_past_2_to_the_31(its_rows):
    """The history begins below 2^31 and ends near 3.33 thousand million; only within a second is the order free."""
    ids = [row["id"] for row in its_rows]
    newest_of = defaultdict(int)
    for row in its_rows:
        newest_of[row["started_at"]] = max(newest_of[row["started_at"]], row["id"])

    assert min(ids) < 2**31 < max(ids)
    assert 3.32e9 < max(ids) < 3.34e9
    assert all(row["id"] > newest_of.get(older, 0) for row, older in _with_second_before(its_rows))


def _with_second_before(rows):
    seconds = sorted({row["started_at"] for row in rows})
    before = dict(zip(seconds[1:], seconds, strict=False))
    return [(row, before[row["started_at"]]) for row in rows if row["started_at"] in before]


def test_some_actions_share_a_second_and_are_not_in_the_order_of_their_ids(its_rows):
    """Reserving an address onto a droplet makes two actions at once; either may be the first, and have the lower id."""
    by_second = defaultdict(list)
    for row in its_rows:
        by_second[row["started_at"], row.get("resource_id")].append(row)
    pairs = [rows for rows in by_second.values() if {"reserve_ip", "assign_ip"} <= {row["type"] for row in rows}]

    reserved_lower = [
        next(r["id"] for r in rows if r["type"] == "reserve_ip")
        < next(r["id"] for r in rows if r["type"] == "assign_ip")
        for rows in pairs
    ]

    assert len(pairs) > 50
    assert 0.25 < sum(reserved_lower) / len(pairs) < 0.75


def test_the_working_day_and_the_night_can_be_seen(its_rows):
    """Reboots belong to weekdays and office hours (UTC), backups to every night alike."""
    when = {type_: Counter() for type_ in ("reboot", "backup")}
    for row in its_rows:
        if row["type"] in when and row["status"] == "completed":
            moment = datetime.fromisoformat(row["started_at"]).astimezone(UTC)
            when[row["type"]][moment.weekday() < 5, 6 <= moment.hour < 18] += 1

    assert when["reboot"][True, True] > 0.95 * when["reboot"].total()
    assert when["backup"][True, False] + when["backup"][False, False] == when["backup"].total()
    assert when["backup"][True, False] / when["backup"].total() == pytest.approx(5 / 7, abs=0.01)


def test_autoscaling_comes_in_waves(its_rows):
    """Most creations have another within five seconds, and what is created is destroyed again."""
    created = sorted(_second(row["started_at"]) for row in its_rows if row["type"] == "create")
    near = sum(later - earlier <= 5 for earlier, later in pairwise(created))
    destroyed = {row["resource_id"] for row in its_rows if row["type"] == "destroy"}

    assert near > 0.7 * len(created)
    assert len(destroyed) > 2_900


def test_one_afternoon_in_one_region_was_bad(its_rows):
    """On 2026-06-17 ams3 has about 150 errors, no other day anywhere has ten; snapshots that worked were slow."""
    errors = Counter(
        (row["started_at"][:10], row["region_slug"])
        for row in its_rows
        if row["status"] == "errored" and "region_slug" in row
    )
    (worst, count), (_, next_count) = errors.most_common(2)
    bad = [row for row in _finished(its_rows, "snapshot") if "2026-06-17T13" <= row["started_at"] < "2026-06-17T17:30"]
    slow = median(_took(row) for row in bad if row["region_slug"] == "ams3")

    assert worst == ("2026-06-17", "ams3")
    assert 140 <= count <= 165
    assert next_count < 10
    assert slow > 5 * median(_took(row) for row in _finished(its_rows, "snapshot"))


def test_attaching_volumes_has_slowly_become_slower(its_rows):
    """Year by year the median of attach_volume rises, to about twice what it was; detach_volume's stays."""
    medians = defaultdict(list)
    for type_ in ("attach_volume", "detach_volume"):
        for year in range(3):
            begins = START - (3 - year) * 365 * DAY_S
            rows = [r for r in _finished(its_rows, type_) if begins <= _second(r["started_at"]) < begins + 365 * DAY_S]
            medians[type_].append(median(_took(row) for row in rows))

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
def test_actions_take_as_long_as_they_are_known_to(its_rows, type_, low, high):
    """The median of each type is near what has been seen on the live API."""
    assert low <= median(_took(row) for row in _finished(its_rows, type_)) <= high


@pytest.mark.parametrize("type_", ["snapshot", "backup", "transfer"])
def test_durations_have_a_long_tail(its_rows, type_):
    """The slowest in a hundred take more than four times the median."""
    took = sorted(_took(row) for row in _finished(its_rows, type_))

    assert took[round(0.99 * len(took)) - 1] > 4 * median(took)


def test_a_few_actions_never_end_and_a_few_are_under_way(its_rows):
    """Six have been open for days or weeks, four are minutes old; more time ends the four and not the six."""
    open_s = sorted(START - _second(row["started_at"]) for row in its_rows if row["status"] == "in-progress")
    world = company_world()

    world.advance(30 * DAY_S)

    assert len(open_s) == 10
    assert max(open_s[:4]) < 3_600
    assert min(open_s[4:]) > 3 * DAY_S
    assert max(open_s) > 30 * DAY_S
    rows = [action for page in range(1, 263) for action in world.log.page(page, 200, world.now)]
    assert len({action.id for action in rows if not action.finished(world.now)}) == 6


def test_every_oddity_of_the_api_is_there(its_rows):
    """Null, zero, absent and large resource ids, null and text regions, `done`, an unknown type, old and new names."""
    ids = defaultdict(Counter)
    for row in its_rows:
        ids[row["resource_type"]][type(row["resource_id"]) if "resource_id" in row else "absent"] += 1
    texts = [place for place, row in enumerate(its_rows) if isinstance(row["region"], str)]

    assert ids["volume"].keys() == {type(None), "absent"}
    assert ids["backend"].keys() == {type(None)}
    assert {row["resource_id"] for row in its_rows if row["resource_type"] == "reserved_ipv6"} == {0}
    assert {
        (row["region"], row["region_slug"] is None) for row in its_rows if row["resource_type"] == "reserved_ipv6"
    } == {(None, False)}
    assert max(row.get("resource_id") or 0 for row in its_rows if "ip" in row["resource_type"]) > 2**31
    assert {row["region"] for row in its_rows if row["type"] == "image_destroy"} == {None}
    assert min(texts) > 52_292 - 60
    assert all("region_slug" not in its_rows[place] for place in texts)
    assert sum(row["status"] == "done" for row in its_rows) == 1
    assert sum(row["type"] == "rotate_console_key" for row in its_rows) == 3
    old = {row["started_at"][:4] for row in its_rows if row["resource_type"] == "floating_ip"}
    assert old == {"2023", "2024"}
    assert {row["started_at"][:4] for row in its_rows if row["resource_type"] == "reserved_ip"} == {
        "2024",
        "2025",
        "2026",
    }


def test_two_completed_actions_have_no_end_in_the_list(its_rows, the_company, served):
    """One of them has its end when it is read by itself, the other never does."""
    lacking = [row for row in its_rows if row["status"] == "completed" and row["completed_at"] is None]
    talk = served(the_company)

    alone = [talk.get(f"/v2/actions/{row['id']}").json()["action"]["completed_at"] is None for row in lacking]

    assert sorted(alone) == [False, True]


def test_a_frame_of_it_stays_small(its_rows):
    """Fewer than 4,000 droplets and 6,000 resources in all; the newest droplet ids are near 560 million."""
    resources = {(row["resource_type"], row["resource_id"]) for row in its_rows if row.get("resource_id")}
    droplets = {number for kind, number in resources if kind == "droplet"}

    assert len(droplets) < 4_000
    assert len(resources) < 6_000
    assert 5.5e8 < max(droplets) < 5.7e8
    assert {row["region_slug"] for row in its_rows if "region_slug" in row} == {
        None,
        "fra1",
        "ams3",
        "nyc3",
        "sfo3",
        "blr1",
    }


def test_what_exists_has_names_and_what_is_gone_has_none(its_rows, the_company, served):
    """The living droplets are named, two of them awkwardly; a destroyed one of the history is a 404."""
    talk = served(the_company)
    listed = talk.get("/v2/droplets?per_page=200").json()["droplets"]
    names = {one["name"] for one in listed}
    alive = {one["id"] for one in listed}
    gone = {row["resource_id"] for row in its_rows if row["type"] == "destroy" and row["status"] == "completed"}

    assert '<b>db</b> & "co"' in names
    assert any(name.startswith("=") for name in names)
    assert len(names) == len(listed) > 50
    assert not alive & gone
    assert {one["status"] for one in listed} == {"active", "off"}
    assert talk.get(f"/v2/droplets/{min(gone)}/actions").status_code == 404


def test_snapshots_that_are_listed_were_taken_by_an_action(its_rows, the_company, served):
    """Each image of a living droplet is dated to the second at which a completed action of it started."""
    started = {(row.get("resource_id"), row["started_at"], row["type"]) for row in its_rows}
    talk = served(the_company)
    droplets = talk.get("/v2/droplets?per_page=200").json()["droplets"]

    images = [
        (one["id"], snapshot["created_at"], snapshot["type"])
        for one in droplets
        for snapshot in talk.get(f"/v2/droplets/{one['id']}/snapshots").json()["snapshots"]
    ]

    assert len(images) > 100
    assert set(images) <= started


def test_a_snapshot_that_is_under_way_is_listed_when_it_is_done(its_rows, served):
    """The open snapshots of minutes ago have no image yet, and have one ten minutes later."""
    talk = served(company_world())
    young = [
        row
        for row in its_rows
        if row["status"] == "in-progress" and row["type"] == "snapshot" and row["started_at"] > "2026-11-23"
    ]

    def listed():
        snapshots = [talk.get(f"/v2/droplets/{row['resource_id']}/snapshots").json()["snapshots"] for row in young]
        return [
            row["started_at"] in {one["created_at"] for one in own} for row, own in zip(young, snapshots, strict=True)
        ]

    before = listed()
    talk.world.advance(600)

    assert (before, listed()) == ([False, False], [True, True])


def test_the_same_seed_gives_the_same_bytes():
    """Two companies of one seed are one, byte for byte; another seed is another company."""

    def told(seed):
        world = company_world(seed)
        rows = [row for page in range(1, 263, 9) for row in world.log.page(page, 200, world.now)]
        return b"\n".join(action_json(row, world.now) for row in rows)

    one, same, other = told(7), told(7), told(8)

    assert one == same
    assert one != other


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_any_seed_gives_the_same_count(seed):
    """However chance falls, the history has exactly the asked number of actions."""
    world = company_world(seed)

    assert world.log.total(world.now) == 52_292


def test_a_history_can_end_at_another_time():
    """A company whose clock starts a year earlier is complete by then: nothing in it lies in the future."""
    world = company_world(start=START - 365 * DAY_S)

    assert world.now == START - 365 * DAY_S
    assert world.log.total(world.now) == 52_292


def test_a_history_of_another_size_can_be_asked_for_within_limits():
    """Some thousands fewer are fine; an impossible number is refused with what is possible."""
    assert len(company_world(actions=48_000).log) == 48_000
    with pytest.raises(ValueError, match="choose a number between"):
        company_world(actions=100)
