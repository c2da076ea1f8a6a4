"""Names of resources, and the volume of each action on a volume."""

from __future__ import annotations

import re
import threading
import time

import pytest
from at_once import Concurrency, reading_at_once
from served import reading

from doaudit.demo import DEMO_TOKEN, Fault, World
from doaudit.demo.world.records import Action, Droplet, Volume
from doaudit.errors import ReadIncomplete, ReadInterrupted
from doaudit.history.refresh import refresh
from doaudit.history.store import open_store

START = 1_795_435_200
VOLUME = "7724db7c-e098-11e5-b522-000f53304e51"


def small_account() -> World:
    """A droplet, a volume, and an action on each."""
    world = World(
        droplets=[Droplet(560_000_001, "<b>db</b>")],
        volumes=[Volume(VOLUME, "data")],
        actions=[
            Action(id=1, type="reboot", resource_id=560_000_001, resource="droplet:560000001", started_at=5, ends_at=9)
        ],
    )
    world.act_on_volume(VOLUME, {"type": "attach", "droplet_id": 560_000_001})
    world.advance(600)
    return world


def names(store) -> dict:
    """The resource and its name, by id."""
    rows = store.sql("SELECT type, resource, resource_name FROM actions ORDER BY id")
    return {row.type: (row.resource, row.resource_name) for row in rows.itertuples()}


def test_names_are_joined_and_outlive_the_resource():
    """A droplet's name stays with its actions after it is destroyed, and a volume's actions find their volume."""
    world, store = small_account(), open_store(":memory:", "mine")
    with reading(world) as client:
        refresh(client, store)
        before = names(store)
        world.destroy_droplet(560_000_001)
        world.advance(90_000)
        result = refresh(client, store)

    expected = {"reboot": ("droplet:560000001", "<b>db</b>"), "attach_volume": (f"volume:{VOLUME}", "data")}
    assert before == expected
    assert names(store) == {**expected, "destroy": ("droplet:560000001", "<b>db</b>")}
    assert result.lacking == ()


def test_names_are_not_read_again_for_nothing():
    """Within a day, without an unknown resource, a refresh asks for no names."""
    world, store = small_account(), open_store(":memory:", "mine")
    with reading(world) as client:
        refresh(client, store)
        world.requests.clear()
        refresh(client, store)
        calm = len(world.requests)
        world.arrive(1)
        refresh(client, store)

    assert calm == 1
    assert any(request.startswith("GET /v2/droplets") for request in world.requests)


def test_a_token_for_actions_alone_gets_its_history():
    """Without the other scopes there is a whole history, and one line that says what is missing."""
    world, store = small_account(), open_store(":memory:", "mine")
    world.tokens[DEMO_TOKEN] = frozenset({"actions:read"})
    with reading(world) as client:
        result = refresh(client, store)

    assert result.complete
    assert store.count() == 2
    assert set(result.lacking) >= {"droplet:read", "image:read", "block_storage:read", "reserved_ip:read"}
    assert len([line for line in str(result).splitlines() if "lacks" in line]) == 1


def test_a_note_without_a_count_costs_one_more_read():
    """Where an earlier version noted under another word how many volumes are unknown, names are read once more."""
    deleted = Action(id=1, type="attach_volume", resource_type="volume", resource="volume:?", started_at=5, ends_at=9)
    world, store = World(actions=[deleted]), open_store(":memory:", "mine")
    with reading(world) as client:
        refresh(client, store)
        noted = store.recall("names")
        store.remember({"names": {"at": noted["at"], "unnamed": noted["unnamed"]}})
        requests = [refresh(client, store).requests for _ in range(2)]

    assert noted["without_volume"] == 1
    assert (requests[0] > 1, requests[1]) == (True, 1)
    assert store.recall("names")["without_volume"] == 1


LISTS = ("/v2/droplets", "/v2/images", "/v2/snapshots", "/v2/volumes", "/v2/reserved_ips")
PATIENCE_S = 60


def with_volumes(volumes, actions):
    """An account with volumes, and so many pages of actions on a droplet."""
    ids = [f"7724db7c-e098-11e5-b522-{number:012}" for number in range(volumes)]
    reboots = [
        Action(id=n, type="reboot", resource_id=560_000_001, resource="droplet:560000001", started_at=n, ends_at=n + 1)
        for n in range(1, actions + 1)
    ]
    return World(droplets=[Droplet(560_000_001, "db")], volumes=[Volume(name, "data") for name in ids], actions=reboots)


def nothing_is_left_running(before):
    """Whether the threads that read end by themselves, soon."""
    until = time.monotonic() + PATIENCE_S
    while any(thread.name in {"doaudit-names", "doaudit-fetch"} for thread in set(threading.enumerate()) - before):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


@pytest.mark.parametrize("days", [0, 1], ids=["at first", "after a day"])
def test_names_are_read_beside_each_other_and_beside_the_actions(days):
    """At first, and a day after, four lists of resources are under way at once, and with them a page of actions."""
    world, store = with_volumes(1, 450), open_store(":memory:", "mine")
    if days:
        with reading(world) as client:
            refresh(client, store)
        world.advance(86_400 * days)
        world.arrive(450)
        world.advance(600)
    together = threading.Barrier(4 + 1, timeout=PATIENCE_S)
    waits_for_all = re.compile(
        "|".join([*(f"{path}[?](.*&)?page=1&.*" for path in LISTS[:4]), "/v2/actions[?]page=2&.*"])
    ).fullmatch
    account = Concurrency(world, lambda request: together.wait() if waits_for_all(request) else None)
    with reading_at_once(account) as client:
        result = refresh(client, store)

    assert (result.complete, result.names_problem) == (True, "")
    assert names(store)["reboot"] == ("droplet:560000001", "db")


def test_no_more_than_sixteen_requests_are_under_way():
    """However many pages of actions and volumes there are, names and pages together keep to sixteen requests."""
    world, store = with_volumes(40, 4000), open_store(":memory:", "mine")

    def wait_for_others(_):
        """Answer once more than twelve are under way, or in a second: page 1 comes before the others."""
        until = time.monotonic() + 1.0
        while account.most <= 12 and time.monotonic() < until:
            time.sleep(0.01)

    account = Concurrency(world, wait_for_others)
    with reading_at_once(account) as client:
        result = refresh(client, store)

    assert result.complete
    assert result.requests == 20 + 1 + len(LISTS) + 40 == client.sent
    assert 12 < account.most <= 16, "twelve for pages, and four for names"


def test_names_that_cannot_be_read_cost_no_actions_and_no_other_names():
    """Where one list fails for good, the actions are whole, the other lists are stored, and it is tried again."""
    world, store, before = small_account(), open_store(":memory:", "mine"), set(threading.enumerate())
    world.faults.add(Fault("server_error", path="/v2/images", times=None))
    with reading(world) as client:
        result = refresh(client, store)
        world.faults.clear()
        again = refresh(client, store)

    assert (result.complete, store.count()) == (True, 2)
    assert "/v2/images" in result.names_problem
    assert names(store)["reboot"] == ("droplet:560000001", "<b>db</b>")
    assert (again.names_problem, again.requests) == ("", 1 + len(LISTS) + 1)
    assert nothing_is_left_running(before)


def test_lacking_scopes_are_named_in_the_order_of_the_kinds():
    """Whichever response comes first, the line that names the scopes is the same."""
    world, store = small_account(), open_store(":memory:", "mine")
    world.tokens[DEMO_TOKEN] = frozenset({"actions:read", "block_storage:read"})
    with reading(world) as client:
        result = refresh(client, store)

    assert result.lacking == (
        *("droplet:read", "image:read", "snapshot:read", "reserved_ip:read"),
        "block_storage_action:read",
    )


@pytest.mark.parametrize("days", [0, 1], ids=["within a day", "after a day"])
def test_a_later_action_on_a_volume_finds_its_volume(days):
    """Whether names are read beside the actions or after them, the volumes' own lists are read where needed."""
    world, store = small_account(), open_store(":memory:", "mine")
    with reading(world) as client:
        refresh(client, store)
        world.advance(600 + 86_400 * days)
        world.act_on_volume(VOLUME, {"type": "detach", "droplet_id": 560_000_001})
        world.advance(600)
        result = refresh(client, store)

    assert (result.names_problem, result.requests) == ("", 1 + len(LISTS) + 1)
    assert names(store)["detach_volume"] == (f"volume:{VOLUME}", "data")


def test_volumes_whose_actions_may_not_be_read_are_not_asked_for_each_time():
    """Where the token may not read what was done to volumes, a later action on one asks for it once, not each time."""
    world, store = with_volumes(30, 5), open_store(":memory:", "mine")
    scopes = ("actions", "droplet", "image", "snapshot", "reserved_ip", "block_storage")
    world.tokens[DEMO_TOKEN] = frozenset(f"{scope}:read" for scope in scopes)
    with reading(world) as client:
        refresh(client, store)
        world.advance(87_000)
        world.act_on_volume(f"7724db7c-e098-11e5-b522-{0:012}", {"type": "attach", "droplet_id": 560_000_001})
        world.advance(600)
        results = [refresh(client, store) for _ in range(2)]

    assert results[0].lacking == ("block_storage_action:read",)
    assert results[1].requests == 1


@pytest.mark.parametrize("stops", ["a page that fails", "Ctrl-C"])
def test_nothing_is_left_running_after_a_read_that_ended_early(stops):
    """The lists of resources hang; the error comes at once all the same, and no thread goes on to read names."""
    world, store, before = with_volumes(30, 1000), open_store(":memory:", "mine"), set(threading.enumerate())
    world.faults.add(Fault("hang", path="/v2/(droplets|images)", times=None, seconds=1))

    def on_progress(_, progress):
        if progress.pages == 2:
            raise KeyboardInterrupt

    if stops != "Ctrl-C":
        world.faults.add(Fault("not_found", path="page=3&", times=None))
    options = {"on_progress": on_progress} if stops == "Ctrl-C" else {}
    with reading(world) as client, pytest.raises((ReadIncomplete, ReadInterrupted)):
        refresh(client, store, **options)

    sent = client.sent
    assert nothing_is_left_running(before)
    assert client.sent == sent
    assert store.recall("names") is None
