"""Single events: the tutorial's own steps."""

from __future__ import annotations

import pytest
from staged import DROPLET, world_of

from doaudit.demo import Fault
from doaudit.demo.world.records import Image, ReservedIp, Volume
from doaudit.demo.world.tokens import DEMO_TOKEN
from doaudit.errors import Forbidden, InvalidArgument, OutcomeUnknown, Refused
from doaudit.operations.submit import submit_event

VOLUME = "7724db7c-e098-11e5-b522-000f53304e51"
HERE = f"droplet:{DROPLET}"


def act(scene, resource, kind, **arguments):
    """Start an event on the world's clock."""
    return submit_event(scene.client, resource, kind, arguments, clock=scene.clock)


@pytest.mark.parametrize(
    ("resource", "kind", "arguments", "recorded"),
    [
        (HERE, "power_off", {}, "power_off"),
        (HERE, "snapshot", {"name": "Nifty New Snapshot"}, "snapshot"),
        ("image:226000001", "transfer", {"region": "ams3"}, "transfer"),
        (f"volume:{VOLUME}", "attach", {"droplet_id": DROPLET}, "attach_volume"),
        ("reserved_ip:45.55.96.47", "assign", {"droplet_id": DROPLET}, "assign_ip"),
    ],
)
@pytest.mark.parametrize("fault", [None, "dropped_after"])
def test_each_kind_of_resource(stage, resource, kind, arguments, recorded, fault):
    """An event is started once, and its action given, even if its answer was lost on the way."""
    scene = stage.set(
        world_of(
            images=[Image(226_000_001, "old", 1_700_000_000)],
            volumes=[Volume(VOLUME, "data")],
            reserved_ips=[ReservedIp("45.55.96.47")],
        )
    )
    if fault:
        scene.world.faults.add(Fault(fault, method="POST"))

    action = act(scene, resource, kind, **arguments)

    assert (action.type, action.outcome) == (recorded, "open")
    assert len(scene.posts()) == 1
    assert scene.world.log.total(scene.world.now) == 1


def test_a_lost_request_is_not_repeated(scene):
    """Without an answer and without a trace, the outcome is unknown, and what to look at is said."""
    scene.world.faults.add(Fault("dropped", method="POST"))

    with pytest.raises(OutcomeUnknown, match=r"no new power_off among the actions at /v2/droplets"):
        act(scene, HERE, "power_off")

    assert len(scene.posts()) == 1


def test_a_second_event_is_refused_and_what_is_in_the_way_is_named(scene):
    """The tutorial's 422, with the action to wait for."""
    first = act(scene, HERE, "power_off")

    with pytest.raises(Refused, match=rf"pending event.*power_off \(action {first.id}\)") as refused:
        act(scene, HERE, "snapshot")

    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("resource", "kind", "arguments", "words"),
    [
        ("droplet", "reboot", {}, "names no resource"),
        ("droplet:7/../8", "reboot", {}, "names no resource"),
        ("droplet:web-01", "reboot", {}, "names no resource"),
        ("database:7", "reboot", {}, "names no resource"),
        ("droplet:7", "fly", {}, "there are change_backup_policy"),
        ("droplet:7", "resize", {}, "needs size="),
    ],
)
def test_what_cannot_be_meant_is_refused_unsent(scene, resource, kind, arguments, words):
    """A misspelt resource, event or argument is answered here, with what there is."""
    with pytest.raises(InvalidArgument, match=words):
        act(scene, resource, kind, **arguments)

    assert len(scene.world.requests) == 0


def test_a_403_names_the_scope_for_acting(scene):
    """A token that may read a droplet but not change it is told the scope that it lacks, and nothing has started."""
    scene.world.tokens[DEMO_TOKEN] = frozenset({"actions:read", "droplet:read"})
    before = len(scene.world.log)

    with pytest.raises(Forbidden, match=r"lacks the scope droplet:update; .*snapshot also needs image:create"):
        submit_event(scene.client, f"droplet:{DROPLET}", "snapshot", {}, clock=scene.clock)

    assert len(scene.world.log) == before
