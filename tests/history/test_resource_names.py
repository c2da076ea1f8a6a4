"""Names of resources, and the volume of each action on a volume."""

from __future__ import annotations

from served import reading

from doaudit.demo import DEMO_TOKEN, World
from doaudit.demo.world.records import Action, Droplet, Volume
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
