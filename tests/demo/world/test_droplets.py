"""The events of droplets: which are accepted, what they change, and when the account shows it."""

from __future__ import annotations

import pytest

from doaudit.demo import Fault, World
from doaudit.demo.world.api_errors import ErrorResponse
from doaudit.demo.world.clock import START
from doaudit.demo.world.events import EVENTS
from doaudit.demo.world.records import Droplet


@pytest.fixture
def world():
    """An account with one droplet that is on, and one that is off."""
    return World(droplets=[Droplet(1, "web-01"), Droplet(2, "db-01", status="off")])


def _status(world, droplet_id):
    return world.droplet(droplet_id).get("status", world.now)


def _rejection(world, droplet_id, body):
    with pytest.raises(ErrorResponse) as rejection:
        world.act_on_droplet(droplet_id, body)
    return rejection.value.status, rejection.value.message


def _advance_to_end(world, action):
    world.advance(action.ends_at - world.now)


def test_only_one_event_at_a_time(world):
    """While an action runs, another action and a destruction are rejected with the API's own message."""
    action = world.act_on_droplet(1, {"type": "reboot"})

    assert _rejection(world, 1, {"type": "snapshot"}) == (422, "Droplet already has a pending event.")
    with pytest.raises(ErrorResponse, match="Droplet already has a pending event"):
        world.destroy_droplet(1)

    _advance_to_end(world, action)
    assert world.act_on_droplet(1, {"type": "snapshot"}).status(world.now) == "in-progress"


def test_a_pending_event_blocks_no_other_droplet(world):
    """An event that is pending on a droplet does not affect other droplets."""
    world.act_on_droplet(1, {"type": "reboot"})

    assert world.act_on_droplet(2, {"type": "power_on"}).status(world.now) == "in-progress"


@pytest.mark.parametrize(("droplet_id", "type_", "becomes"), [(1, "power_off", "off"), (2, "power_on", "active")])
def test_the_status_changes_seconds_after_the_action(world, droplet_id, type_, becomes):
    """When an action completes the droplet still shows its old status; within 5 seconds it shows the new one."""
    before = _status(world, droplet_id)
    action = world.act_on_droplet(droplet_id, {"type": type_})

    _advance_to_end(world, action)

    assert action.status(world.now) == "completed"
    assert _status(world, droplet_id) == before
    world.advance(0.9)
    assert _status(world, droplet_id) == before
    world.advance(4.2)
    assert _status(world, droplet_id) == becomes


def test_a_droplet_that_is_off_cannot_be_powered_off(world):
    """The error is the one Terraform looks for; it comes as soon as the droplet is really off."""
    assert _rejection(world, 2, {"type": "power_off"}) == (422, "Droplet is already powered off")

    _advance_to_end(world, world.act_on_droplet(1, {"type": "power_off"}))

    assert _status(world, 1) == "active"
    assert _rejection(world, 1, {"type": "power_off"}) == (422, "Droplet is already powered off")


def test_a_shutdown_of_a_droplet_that_is_off_is_accepted_and_changes_nothing(world):
    """The shutdown completes without an effect, also on a droplet that is powered on meanwhile."""
    _advance_to_end(world, world.act_on_droplet(2, {"type": "shutdown"}))
    _advance_to_end(world, world.act_on_droplet(2, {"type": "power_on"}))
    world.advance(60)

    assert _status(world, 2) == "active"


def test_a_power_on_of_a_droplet_that_is_on_is_accepted_and_changes_nothing(world):
    """The power-on completes, and a shutdown that the guest still carries out is not undone; a switch rejects it."""
    _advance_to_end(world, world.act_on_droplet(1, {"type": "shutdown"}))
    assert world.droplet(1).real("status", world.now) == "active"
    action = world.act_on_droplet(1, {"type": "power_on"})
    world.advance(60)

    assert (action.status(world.now), _status(world, 1)) == ("completed", "off")

    world.power_on_twice = False
    _advance_to_end(world, world.act_on_droplet(1, {"type": "power_on"}))
    assert _rejection(world, 1, {"type": "power_on"}) == (422, "Droplet is already powered on")


@pytest.mark.parametrize(
    ("fault", "outcome", "after_a_minute", "after_an_hour"),
    [
        (None, "completed", "off", "off"),
        (Fault("without_effect", type="shutdown"), "completed", "active", "active"),
        (Fault("errored", type="shutdown"), "errored", "active", "active"),
        (Fault("slow_event", type="shutdown", seconds=300), "completed", "active", "off"),
        (Fault("stuck", type="shutdown"), "in-progress", "active", "active"),
    ],
)
def test_a_shutdown_can_work_have_no_effect_fail_or_take_long(world, fault, outcome, after_a_minute, after_an_hour):
    """A completed shutdown says only that the guest was asked to shut down."""
    world.faults.add(*[fault] if fault else [])

    action = world.act_on_droplet(1, {"type": "shutdown"})

    world.advance(60)
    assert (action.status(world.now), _status(world, 1)) == (outcome, after_a_minute)
    world.advance(3600)
    assert (action.status(world.now), _status(world, 1)) == (outcome, after_an_hour)


def test_a_power_off_ends_a_shutdown_under_way(world):
    """A slow shutdown does not switch off a droplet that was powered off and on again since."""
    world.faults.add(Fault("slow_event", type="shutdown", seconds=300))
    for type_ in ("shutdown", "power_off", "power_on"):
        world.act_on_droplet(1, {"type": type_})
        world.advance(60)
    assert _status(world, 1) == "active"

    world.advance(3600)

    assert _status(world, 1) == "active"


def test_a_snapshot_can_be_taken_of_a_running_droplet(world):
    """Live snapshots are allowed, and leave the droplet on."""
    action = world.act_on_droplet(1, {"type": "snapshot"})

    world.advance(600)

    assert action.status(world.now) == "completed"
    assert _status(world, 1) == "active"


def test_a_snapshot_is_listed_seconds_after_its_action_and_dated_to_its_start(world):
    """`created_at` is the action's start, to the second; the list lags behind the completion."""
    world.advance(100)
    action = world.act_on_droplet(1, {"type": "snapshot", "name": "Nifty New Snapshot"})

    _advance_to_end(world, action)
    assert world.listed_images(1) == []
    world.advance(1.9)
    assert world.listed_images(1) == []

    world.advance(4.2)
    (image,) = world.listed_images(1)
    assert (image.name, image.created_at, image.droplet_id) == ("Nifty New Snapshot", START + 100, 1)
    assert image.created_at == action.started_at


def test_a_snapshot_has_a_default_name(world):
    """The default name is `<droplet>-<unix seconds>`."""
    world.act_on_droplet(1, {"type": "snapshot"})

    world.advance(600)

    assert [image.name for image in world.listed_images(1)] == [f"web-01-{START}"]


@pytest.mark.parametrize("kind", ["errored", "stuck", "without_effect"])
def test_a_snapshot_that_failed_leaves_no_image(world, kind):
    """An errored, stuck or ineffective snapshot never makes an image."""
    world.faults.add(Fault(kind, type="snapshot"))

    world.act_on_droplet(1, {"type": "snapshot"})

    world.advance(1_000_000)
    assert world.listed_images(1) == []


def test_a_stuck_action_blocks_its_droplet(world):
    """An action that never ends stays the pending event."""
    world.faults.add(Fault("stuck", type="snapshot"))
    world.act_on_droplet(1, {"type": "snapshot"})

    world.advance(1_000_000)

    assert _rejection(world, 1, {"type": "reboot"})[0] == 422


@pytest.mark.parametrize("type_", ["resize", "enable_ipv6", "change_kernel", "enable_private_networking"])
def test_some_events_need_the_droplet_to_be_off(world, type_):
    """These events are rejected on a running droplet, with the API's message, and start on one that is off."""
    body = {"type": type_, "size": "s-8vcpu-16gb", "kernel": 1}

    assert _rejection(world, 1, body) == (422, "Droplet is currently on. Please power it off to run this event.")
    assert world.act_on_droplet(2, body).type == type_


@pytest.mark.parametrize("type_", sorted(EVENTS))
def test_every_documented_type_is_accepted_for_a_suitable_droplet(type_):
    """Each type of the specification's table starts an action of that type."""
    world = World(droplets=[Droplet(1, "web-01", status="active" if type_ == "power_off" else "off")])
    needs = {"image": 5, "size": "s-8vcpu-16gb", "name": "new", "kernel": 1, "backup_policy": {"plan": "daily"}}

    action = world.act_on_droplet(1, {"type": type_, **needs})

    assert (action.type, action.resource_type, action.resource_id) == (type_, "droplet", 1)


@pytest.mark.parametrize("type_", ["restore", "rebuild", "resize", "rename", "change_backup_policy", "change_kernel"])
def test_an_event_without_its_argument_is_rejected(world, type_):
    """A type that needs a field is a 422 without it."""
    assert _rejection(world, 2, {"type": type_})[0] == 422


@pytest.mark.parametrize("body", [{}, {"type": None}, {"type": "live_migrate"}, {"type": ["reboot"]}])
def test_an_unknown_type_is_rejected(world, body):
    """An unknown or missing type is a 422 and starts no action."""
    assert _rejection(world, 1, body)[0] == 422
    assert len(world.log) == 0


def test_a_resize_changes_the_size_but_never_to_a_smaller_disk(world):
    """The new size is shown when the action is done; a smaller disk is rejected."""
    world.act_on_droplet(2, {"type": "resize", "size": "s-8vcpu-16gb"})
    world.advance(600)

    assert world.droplet(2).get("size", world.now) == "s-8vcpu-16gb"
    assert "smaller disk" in _rejection(world, 2, {"type": "resize", "size": "s-1vcpu-1gb"})[1]
    assert _rejection(world, 2, {"type": "resize", "size": "huge"})[0] == 422


def test_events_change_names_and_features(world):
    """A renamed droplet shows its new name, and features are shown as they are enabled and disabled."""
    for body in ({"type": "rename", "name": "web-02"}, {"type": "enable_backups"}, {"type": "disable_backups"}):
        world.act_on_droplet(1, body)
        world.advance(600)
        if body["type"] == "enable_backups":
            assert "backups" in world.droplet(1).get("features", world.now)

    assert world.droplet(1).get("name", world.now) == "web-02"
    assert "backups" not in world.droplet(1).get("features", world.now)


def test_a_destroyed_droplet_is_not_found_and_leaves_its_action(world):
    """After the destroy action the droplet is a 404; the account's list keeps the action."""
    action = world.destroy_droplet(1)
    assert _rejection(world, 1, {"type": "reboot"})[1] == "Droplet already has a pending event."

    _advance_to_end(world, action)

    with pytest.raises(ErrorResponse, match="404 not_found"):
        world.droplet(1)
    rows, total = world.list_actions(1, 20)
    assert [(row.type, row.resource_id) for row in rows] == [("destroy", 1)]
    assert total == 1


def test_a_new_droplet_is_new_until_its_create_action_is_done(world):
    """A droplet is `new` until its create action completes, and `active` seconds later."""
    ((droplet, action),) = world.create_droplets({"name": "web-02", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"})
    assert _status(world, droplet.id) == "new"

    _advance_to_end(world, action)
    assert _status(world, droplet.id) == "new"
    world.advance(5.1)

    assert _status(world, droplet.id) == "active"
    assert droplet.id > 559_000_000


def test_several_droplets_created_at_once_have_an_action_each(world):
    """A creation of three makes three droplets and three actions, all in one second."""
    created = world.create_droplets({"names": ["a", "b", "c"], "size": "s-1vcpu-1gb", "image": 1})

    assert [droplet.name for droplet, _ in created] == ["a", "b", "c"]
    assert {action.started_at for _, action in created} == {START}
    assert len({action.id for _, action in created}) == 3


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"names": [1]}, {"size": "huge"}, {"image": None}, {"region": "atlantis"}]
)
def test_an_invalid_creation_is_rejected(world, wrong):
    """A missing name, or an unknown size, image or region, is a 422 and creates nothing."""
    with pytest.raises(ErrorResponse) as rejection:
        world.create_droplets({"name": "x", "size": "s-1vcpu-1gb", "image": 1, "region": "fra1"} | wrong)

    assert rejection.value.status == 422
    assert len(world.droplets) == 2


def test_new_ids_continue_those_of_the_account():
    """The ids of new actions lie beyond 2^31, rise, and are never used twice."""
    world = World()

    ids = [action.id for action in world.arrive(20)]

    assert ids == sorted(set(ids))
    assert ids[0] > 3_300_000_000


def test_the_same_seed_gives_the_same_world():
    """Durations, lags and ids depend on the seed alone."""

    def results(seed):
        world = World(droplets=[Droplet(1, "web-01")], seed=seed)
        action = world.act_on_droplet(1, {"type": "snapshot"})
        world.advance(600)
        return action, world.listed_images()[0].listed_at, [arrived.id for arrived in world.arrive(3)]

    assert results(7) == results(7)
    assert results(7) != results(8)
