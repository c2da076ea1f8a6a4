"""Watching actions: with few requests, through errors, and to an end."""

from __future__ import annotations

import pytest
from staged import DROPLET, Stage, world_of

from doaudit.demo import Fault
from doaudit.demo.world.records import Action, Droplet
from doaudit.errors import Unauthorized
from doaudit.operations.watch import watch


def watched(scene, ids, **options):
    """Watch actions on the world's clock."""
    return watch(scene.client, ids, clock=scene.clock, stop=scene.stop, **options)


@pytest.fixture
def busy(stage: Stage):
    """Ten droplets, each with a reboot under way."""
    scene = stage.set(world_of())
    for number in range(10):
        scene.world.droplets[number + 1] = Droplet(number + 1, f"web-{number}")
        scene.world.act_on_droplet(number + 1, {"type": "reboot"})
    return scene, [action.id for action in scene.world.log.page(1, 100, scene.world.now)]


def test_many_cost_one_request_a_round(busy):
    """Ten actions are read with lists, not one by one, and each change is reported once."""
    scene, ids = busy
    changes = []

    result = watched(scene, ids, on_change=lambda action: changes.append((action.id, action.outcome)))

    assert [action.outcome for action in result.actions] == ["completed"] * 10
    assert [action.id for action in result.actions] == ids
    assert sorted(changes) == sorted((action_id, outcome) for action_id in ids for outcome in ("completed", "open"))
    listed = [request for request in scene.world.requests if "/v2/actions?" in request]
    assert listed == list(scene.world.requests)[: len(listed)]  # the last two are read one by one
    assert len(scene.world.requests) <= 20


def test_an_action_that_left_the_first_page_is_read_by_id(busy):
    """The end of an action is noticed although a hundred newer ones hide it from the list."""
    scene, ids = busy
    scene.world.arrive(120, tied=True)

    result = watched(scene, ids)

    assert {action.outcome for action in result.actions} == {"completed"}
    assert any(f"/v2/actions/{ids[0]}" in request for request in scene.world.requests)


@pytest.mark.parametrize("kind", ["server_error", "dropped", "bad_gateway", "burst_limit"])
def test_an_error_is_reported_and_survived(busy, kind):
    """A lost network or a fault at DigitalOcean ends nothing."""
    scene, ids = busy
    scene.world.faults.add(Fault(kind, times=12, seconds=3))
    reported = []

    result = watched(scene, ids[:1], on_trouble=reported.append)

    assert result.actions[0].outcome == "completed"
    assert reported


def test_a_refused_token_ends_it(busy):
    """An error that waiting cannot cure is raised."""
    scene, ids = busy
    scene.world.faults.add(Fault("unauthorized", times=None))

    with pytest.raises(Unauthorized):
        watched(scene, ids)


def test_a_timeout_is_no_failure(scene):
    """An action that never ends is overdue, and not errored."""
    scene.world.faults.add(Fault("stuck", type="reboot"))
    action_id = scene.world.act_on_droplet(DROPLET, {"type": "reboot"}).id

    result = watched(scene, [action_id])

    assert result.timed_out == (action_id,)
    assert result.actions[0].outcome == "open"
    assert 600 <= scene.world.now - scene.world.action(action_id).started_at < 700


def test_a_failure_is_a_result(scene):
    """An errored action is returned as one."""
    scene.world.faults.add(Fault("errored", type="reboot"))
    action_id = scene.world.act_on_droplet(DROPLET, {"type": "reboot"}).id

    assert [action.outcome for action in watched(scene, [action_id]).actions] == ["errored"]


def test_a_passing_404_is_tolerated_and_a_lasting_one_is_reported(scene):
    """A fresh action may be unknown for a moment; one that stays unknown counts as not found after two minutes."""
    action_id = scene.world.act_on_droplet(DROPLET, {"type": "reboot"}).id
    scene.world.faults.add(Fault("not_found", path=f"/v2/actions/{action_id}", times=2))

    result = watched(scene, [action_id, 77])

    assert [action.outcome for action in result.actions] == ["completed"]
    assert result.not_found == (77,)


def test_stopping_returns_what_is_unfinished(busy):
    """After a stop, the result has what is known, and which actions are still open."""
    scene, ids = busy
    scene.later(1, scene.stop.set)

    result = watched(scene, ids)

    assert result.stopped
    assert set(result.unfinished) <= set(ids)
    assert result.unfinished


def test_an_action_that_ended_long_ago_costs_one_request(stage):
    """An action that has ended is read once, because there is nothing to wait for."""
    scene = stage.set(world_of(actions=[Action(9, "reboot", 100, 160, resource_id=DROPLET)]))

    assert watched(scene, [9]).actions[0].age_s == 60
    assert len(scene.world.requests) == 1
