"""Random combinations of faults at every step of a snapshot: the promises of a run hold in all of them."""

from __future__ import annotations

import contextlib
import errno
import os
from unittest import mock

import pytest
from examples import examples
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from staged import DROPLET, Crash, world_of

from doaudit.api.client import Client
from doaudit.demo import Fault
from doaudit.demo.world.api_errors import ErrorResponse
from doaudit.demo.world.tokens import DEMO_TOKEN
from doaudit.errors import FileProblem
from doaudit.snapshot.journal import runs

NAME = "before the upgrade"
HOUR = 3600.0
EVENTS = st.builds(
    Fault,
    st.sampled_from(["errored", "without_effect", "slow_event", "stuck"]),
    type=st.sampled_from(["shutdown", "power_off", "snapshot", "power_on"]),
    times=st.integers(1, 2),
    seconds=st.sampled_from([20.0, 70.0, 110.0, 300.0, 600.0, 1500.0]),
)
REQUESTS = st.builds(
    Fault,
    st.sampled_from(
        """unauthorized forbidden not_found burst_limit hour_limit server_error bad_gateway unavailable dropped
        dropped_after truncated invalid_json captive_portal redirect garbled odd_times""".split()
    ),
    method=st.sampled_from(["GET", "POST", "POST"]),
    path=st.sampled_from(["", "/v2/actions/", r"/droplets/\d+$", r"/droplets/\d+/actions", "/snapshots"]),
    times=st.sampled_from([1, 1, 1, 2, 6, 30, None]),
    after=st.integers(0, 5),
    seconds=st.sampled_from([2.0, 40.0, 3600.0]),
)
OVERSIZED = st.builds(
    Fault, st.just("oversized"), method=st.sampled_from(["GET", "POST"]), times=st.just(1), after=st.integers(0, 5)
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
    # An oversized answer costs half a second of unpacking, so it is rare.
    "faults": st.lists(st.one_of(*[EVENTS] * 5, *[REQUESTS] * 14, OVERSIZED), max_size=5),
    "busy_s": st.sampled_from([None, None, 5.0, 400.0]),
    "cancels": st.lists(
        st.tuples(st.sampled_from(["stop", "Ctrl-C"]), st.sampled_from([0.5, 4.0, 20.0, 60.0, 100.0, 500.0])),
        max_size=1,
    ),
    "crashes": CRASHES,
    "full_disk": st.one_of(st.just(frozenset()), st.frozensets(st.integers(2, 12), max_size=4)),
    "jumps": st.lists(
        st.tuples(st.sampled_from([1.0, 10.0, 30.0, 60.0, 300.0]), st.sampled_from([-6 * HOUR, 6 * HOUR, -60.0])),
        max_size=2,
    ),
    "others": st.lists(
        st.tuples(
            st.sampled_from([0.5, 3.0, 8.0, 20.0, 45.0, 90.0]),
            st.sampled_from(["snapshot", "snapshot", "reboot", "power_off", "power_on", "shutdown"]),
        ),
        max_size=2,
    ),
}
LOUD = ("IS SWITCHED OFF", "IT IS NOT KNOWN", "MAY STILL GO OFF", "no longer exists")


def check_promises(stage, *, status, live, snapshot_s, seed, faults, busy_s, crashes, **fates):
    """Take a snapshot under these faults, resume it after each crash, and check that the promises were kept."""
    scene = stage.set(world_of(status, snapshot_s, seed=seed, burst=250))
    if busy_s is not None:
        scene.world.faults.add(Fault("slow_event", type="reboot", seconds=busy_s))
        scene.world.act_on_droplet(DROPLET, {"type": "reboot"})
    planned = scene.plan(NAME, live=live)
    scene.world.faults.add(*faults)
    by_others = schedule(scene, **fates)

    with full_disk(fates["full_disk"]):
        ended = drive_through_crashes(scene, planned, crashes)

    own = [action for action in scene.taken if action.id not in by_others]
    assert len(own) <= 1, "two snapshots for one request"
    assert len(scene.world.requests) < 5000, "a loop without an end"
    if ended is None:
        assert scene.posts() == []
        return
    if ended.ok:
        image = scene.world.images[int(ended.snapshot_id)]
        assert (image.droplet_id, image.name) == (DROPLET, NAME)
        assert image.created_at == own[0].started_at
        assert ended.power_is_as_before is True
    powered_by_others = any(kind in {"power_off", "power_on", "shutdown"} for kind in by_others.values())
    if ended.ended and ended.power_is_as_before is True:
        assert scene.power == status or powered_by_others, "the run says that the power is as before, and it is not"
    elif ended.ended:
        assert any(word in ended.sentence for word in LOUD), ended.sentence
        assert ended.error
    if not ended.ended or not ended.power_is_as_before:
        assert ended.droplet_gone or [run.id for run in scene.left] == [ended.id]
    if live or status == "off":
        assert len(scene.posts()) == 0 or scene.power == status or powered_by_others


def schedule(scene, *, cancels, jumps, others, full_disk):
    """Schedule changes of the clock, actions of others, cancels and signals; return the actions of others by id."""
    actions = {}

    def act_as_another(kind):
        with contextlib.suppress(ErrorResponse):
            body = {"type": kind} | ({"name": "somebody else's"} if kind == "snapshot" else {})
            actions[scene.world.act_on_droplet(DROPLET, body).id] = kind

    def jump(seconds):
        scene.clock.set_forward_s += seconds

    for seconds, kind in others:
        scene.later(seconds, lambda kind=kind: act_as_another(kind))
    for seconds, by in jumps:
        scene.later(seconds, lambda by=by: jump(by))
    for how, seconds in cancels:
        scene.later(seconds, scene.stop.set if how == "stop" else interrupt)
    # While a droplet is owed its power nothing is given up, so somebody has to lose patience at last.
    scene.later(3 * HOUR, interrupt)
    scene.later(3 * HOUR + 600, interrupt)
    return actions


def interrupt():
    """Raise what Ctrl-C raises."""
    raise KeyboardInterrupt


@contextlib.contextmanager
def full_disk(writes):
    """Let these writes, counted from 1, meet a full disk."""
    number = 0

    def fsync(file):
        nonlocal number
        number += 1
        if number in writes:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with mock.patch("os.fsync", fsync):
        yield


def drive_through_crashes(scene, planned, crashes):
    """Drive a run to its end, resumed after each crash of the machine; None if it was never begun."""
    current = planned
    for kind, number in [*crashes, (None, 0)]:
        asked = len(scene.posts())
        if kind == "while waiting":
            scene.later(number, lambda: setattr(scene.clock, "crash", True))
        if kind == "after the request":
            scene.dies_after_post = asked + number
        if kind == "before the request":
            scene.states = _CrashBeforeRequest(number)
        try:
            return scene.drive(current)
        except FileProblem:
            return last_state(scene)
        except KeyboardInterrupt:
            return last_state(scene)
        except Crash:
            scene.states, scene.dies_after_post, scene.clock.crash = [], 0, False
            scene.client = Client(DEMO_TOKEN, scene.url, clock=scene.clock).urgent()
            left = scene.left
            if not left:  # it died when all was over, and nothing is owed
                return last_state(scene)
            current = left[0]
    raise AssertionError("not reached")


def last_state(scene):
    """Return the run as its journal has it."""
    return next(iter(runs(scene.folders.readable)), None)


class _CrashBeforeRequest(list):
    """A list of states that crashes before the n-th request: it is in the journal, and was not sent."""

    def __init__(self, number: int) -> None:
        self.number = number

    def append(self, run) -> None:
        """Take note of a state."""
        if run.submission is not None and run.submission.state == "sending":
            self.number -= 1
            if self.number == 0:
                raise Crash


@examples(100, quick=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(**FATES)
def test_what_is_promised_holds(stage, **fates):
    """At most one snapshot, the droplet's power as before or said loudly not to be, and always an end."""
    check_promises(stage, **fates)


@pytest.mark.release
@examples(2000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(**FATES)
def test_what_is_promised_holds_in_two_thousand_fates(stage, **fates):
    """The same, long enough to meet rare combinations."""
    check_promises(stage, **fates)
