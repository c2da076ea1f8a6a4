"""Every fate of every step of a snapshot, in random combinations: what a run promises holds in all of them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from staged import DROPLET, Crash, world_of

from doaudit.api.client import Client
from doaudit.demo import Fault
from doaudit.demo.tokens import DEMO_TOKEN
from doaudit.workflow.journal import unfinished

EVENTS = st.builds(
    Fault,
    st.sampled_from(["errored", "without_effect", "slow_event", "stuck"]),
    type=st.sampled_from(["shutdown", "power_off", "snapshot", "power_on"]),
    times=st.integers(1, 2),
    seconds=st.sampled_from([20.0, 70.0, 110.0, 300.0, 600.0]),
)
REQUESTS = st.builds(
    Fault,
    st.sampled_from(
        """unauthorized forbidden not_found burst_limit hour_limit server_error bad_gateway unavailable dropped
        dropped_after truncated invalid_json captive_portal redirect""".split()
    ),
    method=st.sampled_from(["GET", "POST", "POST"]),
    path=st.sampled_from(["", "/v2/actions/", r"/droplets/\d+$", r"/droplets/\d+/actions", "/snapshots"]),
    times=st.sampled_from([1, 1, 1, 2, 6, 30, None]),
    after=st.integers(0, 5),
    seconds=st.sampled_from([2.0, 40.0]),
)
CRASHES = st.lists(
    st.one_of(
        st.tuples(st.just("before the request"), st.integers(1, 4)),
        st.tuples(st.just("after the request"), st.integers(1, 4)),
        st.tuples(st.just("while waiting"), st.sampled_from([1, 5, 30, 120, 700])),
    ),
    max_size=2,
)
FATES = {
    "status": st.sampled_from(["active", "active", "active", "off"]),
    "live": st.sampled_from([False, False, False, True]),
    "snapshot_s": st.sampled_from([5.0, 35.0, 500.0, 2400.0]),
    "seed": st.integers(0, 10),
    "faults": st.lists(st.one_of(EVENTS, REQUESTS), max_size=5),
    "busy_s": st.sampled_from([None, None, 5.0, 400.0]),
    "cancelled_after_s": st.sampled_from([None, None, 0.5, 4.0, 20.0, 60.0, 100.0, 500.0]),
    "crashes": CRASHES,
}
LOUD = ("IS SWITCHED OFF", "IT IS NOT KNOWN", "no longer exists", "stopped with")


def what_is_promised_holds(stage, *, status, live, snapshot_s, seed, faults, busy_s, cancelled_after_s, crashes):
    """Let a snapshot meet its fates, going on after each crash, and look whether the promises were kept."""
    scene = stage.set(world_of(status, snapshot_s, seed=seed, burst=250))
    if busy_s is not None:
        scene.world.faults.add(Fault("slow_event", type="reboot", seconds=busy_s))
        scene.world.act_on_droplet(DROPLET, {"type": "reboot"})
    planned = scene.plan(live=live)
    scene.world.faults.add(*faults)
    if cancelled_after_s is not None:
        scene.later(cancelled_after_s, scene.stop.set)

    ended = lived_through(scene, planned, crashes)

    assert ended.ended
    assert len(scene.taken) <= 1, "two snapshots for one request"
    assert len(scene.world.requests) < 2500, "a loop without an end"
    if ended.ok:
        image = scene.world.images[int(ended.snapshot_id)]
        assert (image.droplet_id, image.created_at) == (DROPLET, scene.taken[0].started_at)
        assert ended.power_is_as_before is True
    if ended.power_is_as_before is True:
        assert scene.power == status, "the run says that the power is as before, and it is not"
    else:
        assert any(word in ended.sentence for word in LOUD), ended.sentence
        assert ended.error
        assert ended.droplet_gone or [run.id for run in unfinished(scene.folder)] == [ended.id]
    if live or status == "off":
        assert len(scene.posts()) == 0 or scene.power == status


def lived_through(scene, planned, crashes):
    """Drive a run to its end, across the crashes of the machine."""
    current = planned
    for kind, number in [*crashes, (None, 0)]:
        asked = len(scene.posts())
        if kind == "while waiting":
            scene.later(number, lambda: setattr(scene.clock, "crash", True))
        if kind == "after the request":
            scene.dies_after_post = asked + number
        if kind == "before the request":
            scene.states = _Mine(number)
        try:
            return scene.drive(current)
        except Crash:
            scene.states, scene.dies_after_post, scene.clock.crash = [], 0, False
            scene.client = Client(DEMO_TOKEN, scene.url, clock=scene.clock)
            left = unfinished(scene.folder)
            if not left:  # it died when all was over, and nothing is owed
                return last_state(scene)
            current = left[0]
    raise AssertionError("not reached")


def last_state(scene):
    """The run as its journal tells it."""
    from doaudit.workflow.journal import load  # noqa: PLC0415

    return load(next(path for path in scene.folder.glob("*.jsonl")))


class _Mine(list):
    """Blows up when the run is about to send its n-th request: what it will ask is in the journal, and not asked."""

    def __init__(self, number: int) -> None:
        self.number = number

    def append(self, run) -> None:
        """Take note of a state."""
        if run.submission is not None and run.submission.state == "sending":
            self.number -= 1
            if self.number == 0:
                raise Crash


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(**FATES)
def test_what_is_promised_holds(stage, **fates):
    """At most one snapshot, the droplet's power as before or said loudly not to be, and always an end."""
    what_is_promised_holds(stage, **fates)


@pytest.mark.slow
@settings(max_examples=2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(**FATES)
def test_what_is_promised_holds_in_two_thousand_fates(stage, **fates):
    """The same, long enough to meet rare combinations."""
    what_is_promised_holds(stage, **fates)
