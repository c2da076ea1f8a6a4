"""Promises of a snapshot when the world around it misbehaves, each alone, over real HTTP."""

from __future__ import annotations

import errno
import os
import re
import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from staged import DROPLET, Crash, Scene, world_of

from doaudit.demo import Fault
from doaudit.demo.world.records import Image
from doaudit.errors import NotPossible
from doaudit.snapshot.machine import resume, step
from doaudit.snapshot.messages import Elapsed
from doaudit.snapshot.run import Moment

if TYPE_CHECKING:
    from doaudit.snapshot.run import Run

HOUR = 3600.0


def log_of(run: Run) -> str:
    """Return a run's log as one text."""
    return "\n".join(line.text for line in run.log)


@pytest.mark.parametrize("kind", ["garbled", "odd_times", "oversized"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("after", [0, 3])
def test_an_answer_that_nobody_can_read_leaves_no_droplet_off(scene, kind, method, after):
    """A byte that is no text, a time that is none and an answer without an end pass, or end with the power restored."""
    plan = scene.plan()
    scene.world.faults.add(Fault(kind, method=method, times=2, after=after))

    ended = scene.drive(plan)

    assert (ended.power_is_as_before, scene.power) == (True, "active")
    assert len(scene.taken) <= 1


@pytest.mark.parametrize("write", range(2, 12))
def test_a_disk_that_is_full_once_leaves_no_droplet_off(scene, monkeypatch, write):
    """Whichever write to the journal fails, the droplet is on at the end, and no snapshot was sent unrecorded."""
    number, sync = 0, os.fsync

    def fsync(file):
        nonlocal number
        number += 1
        if number == write:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    monkeypatch.setattr(os, "fsync", fsync)
    ended = scene.snapshot()

    assert ended.power_is_as_before
    assert scene.power == "active"
    assert ended.ok or "No space left on device" in ended.error


def test_with_no_disk_at_all_the_power_is_restored_without_a_journal(scene, monkeypatch):
    """Once the droplet is off and nothing can be written any more, no snapshot is sent, and a power-on is."""
    number, sync = 0, os.fsync

    def fsync(file):
        nonlocal number
        number += 1
        if any("/actions" in request for request in scene.posts()):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    monkeypatch.setattr(os, "fsync", fsync)
    ended = scene.snapshot()

    assert (ended.phase, ended.power_is_as_before, scene.power) == ("failed", True, "active")
    assert [submission.type for submission in ended.submissions if submission.state != "blocked"] == [
        "shutdown",
        "power_on",
    ]
    assert scene.taken == []
    assert "No space left on device" in ended.sentence


def test_a_defect_restores_the_power_and_is_said(scene):
    """A defect of doaudit itself ends the run only after the droplet is on again."""
    scene.later(20, lambda: 1 / 0)

    ended = scene.snapshot()

    assert (ended.phase, ended.power_is_as_before, scene.power) == ("failed", True, "active")
    assert "ZeroDivisionError" in ended.sentence


def test_defects_without_an_end_still_ask_for_the_power(scene):
    """A power-on is sent even if restoring the power meets one defect after another, and the rest is said loudly."""

    def defect():
        scene.later(0.5, defect)
        raise ZeroDivisionError

    note = scene.note
    scene.note = lambda run: (note(run), scene.later(0, defect) if run.phase == "confirming snapshot" else None)

    ended = scene.snapshot()

    assert (ended.phase, ended.power_is_as_before, scene.power) == ("failed", None, "active")
    assert "IT IS NOT KNOWN whether droplet web-01" in ended.sentence
    assert [run.id for run in scene.left] == [ended.id]


def test_a_listener_that_fails_changes_nothing(scene):
    """Who is told of a run cannot end it."""
    scene.note = lambda run: 1 / 0

    assert scene.snapshot().ok


@pytest.mark.parametrize("by", [-6 * HOUR, 6 * HOUR, -400 * 24 * HOUR])
@pytest.mark.parametrize("after_s", [1, 5, 20, 40])
def test_a_clock_that_is_set_changes_nothing(scene, by, after_s):
    """The wall clock only labels: a droplet is off for as long as it takes, whatever the clock shows."""

    def jump():
        scene.clock.set_forward_s += by

    scene.later(after_s, jump)
    began = scene.world.now

    ended = scene.snapshot()

    assert (ended.ok, scene.power) == (True, "active")
    assert scene.world.now - began < 120
    assert 0 < ended.elapsed_s < 120
    assert all(0 <= step.ended_s - step.started_s < 90 for step in ended.steps if step.ended_s is not None)


def test_a_resumed_phase_starts_its_deadline_anew(scene):
    """For how long nobody was there does not count: the run goes on where it was."""
    scene.world.droplets[DROPLET].snapshot_s = 2400.0
    scene.later(60, lambda: setattr(scene.clock, "crash", True))
    with pytest.raises(Crash):
        scene.snapshot()
    scene.world.advance(10 * HOUR)

    ended = scene.drive(scene.left[0])

    assert (ended.ok, scene.power, len(scene.taken)) == (True, "active", 1)
    assert ended.elapsed_s < HOUR


def test_a_resumed_phase_has_all_of_its_time(scene):
    """Whoever takes a run up late in a phase waits for as long as one that entered it."""
    late = replace(scene.plan(), phase="snapshotting", phase_since_s=100.0, phase_deadline_s=1000.0, elapsed_s=990.0)

    again = resume(late, Moment(scene.now, 990.0))

    assert (again.phase_since_s, again.phase_deadline_s) == (990.0, 1890.0)


def test_a_limit_of_requests_that_never_ends_is_waited_out_in_small_steps_and_loudly(scene):
    """While the droplet is off no wait is longer than two minutes, each is said, and after ten minutes loudly."""
    scene.later(20, lambda: scene.world.faults.add(Fault("burst_limit", times=None, seconds=HOUR)))
    scene.later(20 + 5 * HOUR, scene.world.faults.clear)
    before = len(scene.world.requests)

    ended = scene.snapshot()

    said = [line for line in ended.log if re.match(r"Waiting \d+ s", line.text)]
    loud = [line for line in ended.log if "IS SWITCHED OFF" in line.text]
    assert (ended.power_is_as_before, scene.power) == (True, "active")
    assert all(int(line.text.split()[1]) <= 120 for line in said)
    assert len(said) >= 5 * HOUR / 120 - 2
    assert 600 <= (loud[0].at - said[0].at).total_seconds() <= 800
    assert len(loud) >= 5 * HOUR / 800
    assert any("IS SWITCHED OFF" in state.sentence for state in scene.states)
    assert len(scene.world.requests) - before < 400


def test_an_action_that_does_not_tell_its_age_is_not_asked_for_all_the_time(scene):
    """An action that is in the way for an hour costs few reads, also if its times cannot be read."""
    scene.world.faults.add(
        Fault("stuck", type="snapshot"), Fault("odd_times", method="GET", path="actions", times=None)
    )

    ended = scene.snapshot()

    assert "IS SWITCHED OFF" in ended.sentence
    assert len(scene.world.requests) < 400


@pytest.mark.parametrize("kind", ["dropped", "bad_gateway", "server_error", "captive_portal"])
def test_a_lost_network_is_outlasted(scene, kind):
    """Once the droplet is off it is tried again for as long as it takes; hours later it is on."""
    scene.later(20, lambda: scene.world.faults.add(Fault(kind, times=None)))
    scene.later(20 + 7 * HOUR, scene.world.faults.clear)

    ended = scene.snapshot()

    assert (ended.power_is_as_before, scene.power) == (True, "active")
    assert "IS SWITCHED OFF" in log_of(ended)


def test_a_droplet_that_cannot_be_read_is_said_loudly_though_its_list_can(scene):
    """One address that fails for hours keeps nobody in the dark, and costs few requests."""
    scene.later(20, lambda: scene.world.faults.add(Fault("truncated", path=r"/droplets/\d+$", times=None)))
    scene.later(20 + 5 * HOUR, scene.world.faults.clear)

    ended = scene.snapshot()

    assert (ended.power_is_as_before, scene.power) == (True, "active")
    assert "SWITCHED OFF, and DigitalOcean has let nothing be done" in log_of(ended)
    assert len(scene.world.requests) < 5 * 500


def test_somebody_elses_snapshot_is_not_claimed(scene):
    """After a lost answer an action may be anybody's: without our name the snapshot is not found."""
    plan = scene.plan()
    scene.world.faults.add(Fault("dropped", method="POST", path="actions", after=1))

    def theirs():
        scene.world.act_on_droplet(DROPLET, {"type": "snapshot", "name": "theirs"})

    done = scene.note
    scene.note = lambda run: (done(run), theirs() if len(scene.posts()) == 2 and not scene.taken else None)

    ended = scene.drive(plan)

    assert [image.name for image in scene.world.images.values()] == ["theirs"]
    assert (ended.phase, ended.snapshot_id) == ("failed", None)
    assert "none named 'before the upgrade'" in ended.error
    assert (ended.power_is_as_before, scene.power) == (True, "active")


def test_a_snapshot_of_our_name_and_another_time_is_not_claimed(scene):
    """A new snapshot that has our name but was not begun with our action is somebody else's."""
    scene.world.faults.add(Fault("without_effect", type="snapshot"))
    image = Image(
        226_000_900, "before the upgrade", int(scene.world.now) - 60, listed_at=scene.world.now + 20, droplet_id=DROPLET
    )
    plan = scene.plan()
    scene.world.images[image.id] = image

    ended = scene.drive(plan)

    assert (ended.phase, ended.snapshot_id, scene.power) == ("failed", None, "active")


def test_a_shutdown_that_may_still_come_is_said(scene):
    """A guest that was asked to shut down and has not may still do so: the run does not say that all is as before."""
    scene.world.faults.add(Fault("slow_event", type="shutdown", seconds=2 * HOUR))
    scene.later(20, scene.stop.set)

    ended = scene.snapshot()
    again = scene.drive(scene.left[0])
    scene.world.advance(3 * HOUR)
    later = scene.drive(scene.left[0])

    assert (ended.phase, ended.power_is_as_before) == ("cancelled", None)
    assert "MAY STILL GO OFF" in ended.sentence
    assert "as it was before" not in ended.sentence
    assert again.power_is_as_before is None
    assert (later.power_is_as_before, scene.power) == (True, "active")
    assert scene.left == []


def test_a_shutdown_that_did_not_come_in_an_hour_is_forgotten(scene):
    """After an hour a droplet that is on counts as on, and what it was asked is told beside."""
    scene.world.faults.add(Fault("without_effect", type="shutdown"))
    scene.later(20, scene.stop.set)
    scene.snapshot()
    scene.world.advance(1.5 * HOUR)

    ended = scene.drive(scene.left[0])

    assert ended.power_is_as_before
    assert "is on; it was asked to shut down at" in ended.sentence
    assert scene.left == []


def test_a_run_that_another_driver_has_finished_is_not_driven_again(stage):
    """Two that resume the same runs make one snapshot of each: what counts is the journal, read under the lock."""
    scene = stage.set(world_of())
    old = left_behind(scene)
    first = scene.drive(old)

    with pytest.raises(NotPossible, match=r"is over.*exists"):
        scene.drive(old)

    assert first.ok
    assert len(scene.taken) == 1


def test_two_drivers_of_one_droplet_take_turns(stage):
    """While one run of a droplet is driven, no other of the same droplet is, whatever journal it comes from."""
    scene = stage.set(world_of())
    plan, other, refused = scene.plan("one"), scene.plan("two"), []

    def meanwhile():
        thread = threading.Thread(target=lambda: refused.append(failure(scene, other)))
        thread.start()
        thread.join(30)

    scene.later(20, meanwhile)
    ended = scene.drive(plan)

    assert ended.ok
    assert [type(refusal) for refusal in refused] == [NotPossible]
    assert "being driven already" in str(refused[0])
    assert scene.drive(other).ok


def failure(scene: Scene, run: Run) -> Exception | None:
    """Drive a run and return what it raises."""
    try:
        scene.drive(run)
    except NotPossible as fault:
        return fault
    return None


def left_behind(scene: Scene) -> Run:
    """Return a run whose machine died in the middle of its snapshot."""
    scene.later(20, lambda: setattr(scene.clock, "crash", True))
    with pytest.raises(Crash):
        scene.snapshot()
    return scene.left[0]


def test_the_machine_ends_nothing_that_is_over(scene):
    """A run that is over stays as it is, whatever else comes back."""
    ended = scene.snapshot()

    assert step(ended, Elapsed(Moment(scene.now + timedelta(hours=1), 4000.0))) == (ended, None)
