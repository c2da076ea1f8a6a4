"""The events of volumes, reserved IPs and images."""

from __future__ import annotations

import pytest

from doaudit.demo import Fault, World
from doaudit.demo.world.api_errors import ErrorResponse
from doaudit.demo.world.records import Droplet, Image, ReservedIp, Volume

VOLUME = "506f78a4-e098-11e5-ad9f-000f53306ae1"
IP = "45.55.96.47"


@pytest.fixture
def world():
    """An account with a droplet and one of everything else."""
    return World(
        droplets=[Droplet(1, "web-01")],
        images=[Image(220_000_001, "golden", created_at=0)],
        volumes=[Volume(VOLUME, "data")],
        reserved_ips=[ReservedIp(IP)],
    )


def test_a_volume_is_attached_resized_and_detached(world):
    """Recorded types end in `_volume`, actions have no resource_id, and changes show when the action is done."""
    volume = world.volume(VOLUME)
    recorded = []
    for body in (
        {"type": "attach", "droplet_id": 1},
        {"type": "resize", "size_gigabytes": 200},
        {"type": "detach", "droplet_id": 1},
    ):
        action = world.act_on_volume(VOLUME, body)
        recorded.append((action.type, action.resource_type, action.resource_id))
        world.advance(120)
        if body["type"] == "attach":
            assert volume.get("droplet_id", world.now) == 1

    assert recorded == [(f"{type_}_volume", "volume", None) for type_ in ("attach", "resize", "detach")]
    assert (volume.get("droplet_id", world.now), volume.get("size_gb", world.now)) == (None, 200)
    assert [action.type for action in world.actions_of(volume)] == ["detach_volume", "resize_volume", "attach_volume"]


def test_impossible_events_of_a_volume_are_rejected(world):
    """Attaching twice, detaching from nothing, shrinking and unknown types are a 422."""
    for body in ({"type": "detach"}, {"type": "resize", "size_gigabytes": 1}, {"type": "paint"}):
        with pytest.raises(ErrorResponse) as rejection:
            world.act_on_volume(VOLUME, body)
        assert rejection.value.status == 422
    world.act_on_volume(VOLUME, {"type": "attach", "droplet_id": 1})

    with pytest.raises(ErrorResponse, match="pending event"):
        world.act_on_volume(VOLUME, {"type": "detach", "droplet_id": 1})
    world.advance(120)
    with pytest.raises(ErrorResponse, match="This volume is already attached"):
        world.act_on_volume(VOLUME, {"type": "attach", "droplet_id": 1})


def test_a_reserved_ip_is_recorded_as_a_number(world):
    """The address is an unsigned 32-bit number in its actions; assignments show when the action is done."""
    action = world.act_on_reserved_ip(IP, {"type": "assign", "droplet_id": 1})

    assert (action.type, action.resource_type, action.resource_id) == ("assign_ip", "reserved_ip", 758603823)
    with pytest.raises(ErrorResponse, match="The floating IP already has a pending event"):
        world.act_on_reserved_ip(IP, {"type": "unassign"})
    world.advance(60)
    assert world.reserved_ip(IP).get("droplet_id", world.now) == 1
    world.act_on_reserved_ip(IP, {"type": "unassign"})
    world.advance(60)
    assert world.reserved_ip(IP).get("droplet_id", world.now) is None


def test_an_image_can_be_transferred_and_converted(world):
    """A transfer adds a region when its action is done, and a backup can be converted."""
    world.act_on_image(220_000_001, {"type": "transfer", "region": "nyc3"})
    assert world.image(220_000_001).get("regions", world.now) == ["fra1"]

    world.advance(3600)

    assert world.image(220_000_001).get("regions", world.now) == ["fra1", "nyc3"]
    assert world.act_on_image(220_000_001, {"type": "convert"}).resource_id == 220_000_001


@pytest.mark.parametrize(
    ("act", "key", "body"),
    [
        ("act_on_volume", VOLUME, {"type": "attach", "droplet_id": 1}),
        ("act_on_reserved_ip", IP, {"type": "assign", "droplet_id": 1}),
        ("act_on_image", 220_000_001, {"type": "transfer", "region": "nyc3"}),
    ],
)
def test_an_errored_action_has_no_effect(world, act, key, body):
    """An errored action leaves its resource as it was."""
    world.faults.add(Fault("errored"))

    action = getattr(world, act)(key, body)

    world.advance(3600)
    assert action.status(world.now) == "errored"
    assert world.volume(VOLUME).get("droplet_id", world.now) is None
    assert world.reserved_ip(IP).get("droplet_id", world.now) is None
    assert world.image(220_000_001).get("regions", world.now) == ["fra1"]


@pytest.mark.parametrize(
    ("act", "key"), [("act_on_volume", "none"), ("act_on_reserved_ip", "10.0.0.1"), ("act_on_image", 5)]
)
def test_an_unknown_resource_is_not_found(world, act, key):
    """An unknown resource is a 404 for any event."""
    with pytest.raises(ErrorResponse) as rejection:
        getattr(world, act)(key, {"type": "assign", "droplet_id": 1})

    assert rejection.value.status == 404


def test_volumes_and_addresses_need_an_existing_droplet(world):
    """Attaching or assigning to an unknown droplet is a 404."""
    with pytest.raises(ErrorResponse, match="404"):
        world.act_on_volume(VOLUME, {"type": "attach", "droplet_id": 99})
    with pytest.raises(ErrorResponse, match="404"):
        world.act_on_reserved_ip(IP, {"type": "assign"})
