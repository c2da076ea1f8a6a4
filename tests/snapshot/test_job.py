"""A run in a thread of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from doaudit.errors import NotPossible
from doaudit.snapshot.driver import drive as drive_run
from doaudit.snapshot.job import Job, job_for

if TYPE_CHECKING:
    from staged import Scene


def job_of(scene: Scene, plan, key="an account droplet:7", gate=None):
    """A job on the world's clock, which waits at the gate if there is one."""

    def drive(begun, stop, on_change):
        if gate is not None:
            gate.wait(10)
        return drive_run(scene.client, begun, folders=scene.folders, clock=scene.clock, stop=stop, on_change=on_change)

    return Job(drive, plan, key=key)


def test_nothing_happens_before_it_is_started(scene):
    """A job that was made but not started has asked for nothing."""
    job = job_of(scene, scene.plan())

    assert (job.started, job.running, job.state.phase, scene.posts()) == (False, False, "planned", [])


def test_it_is_under_way_before_its_thread_is(scene):
    """A second click finds a run that has begun, and begins no second one."""
    gate = threading.Event()
    job = job_of(scene, scene.plan(), gate=gate)

    job.start()
    phase = job.state.phase
    job.start()
    gate.set()
    ended = job.wait(60)

    assert phase != "planned"
    assert (ended.ok, len(scene.taken)) == (True, 1)


def test_every_state_is_told_to_each_listener(scene):
    """A listener that fails harms neither the run nor the others."""
    job, told = job_of(scene, scene.plan()), []
    job.listeners += [lambda _: 1 / 0, told.append]

    job.start()
    ended = job.wait(60)

    assert ended.ok
    assert told[-1] == ended
    assert len(told) > 10


def test_one_droplet_has_one_job(scene):
    """While one job of a droplet runs, another is refused, and whoever asks finds the one that runs."""
    gate = threading.Event()
    first, second = (job_of(scene, scene.plan(), key="droplet:1", gate=gate) for _ in range(2))

    first.start()
    try:
        assert job_for("droplet:1") is first
        with pytest.raises(NotPossible, match="already"):
            second.start()
    finally:
        gate.set()
        first.wait(60)
    second.start()
    assert second.wait(60).ok


def test_cancel_is_heard(scene):
    """A cancelled job ends with the droplet as it was."""
    scene.later(20, lambda: job.cancel())  # noqa: PLW0108 -- there is no job yet
    job = job_of(scene, scene.plan(), key="droplet:2")

    job.start()
    ended = job.wait(60)

    assert (ended.phase, scene.power) == ("cancelled", "active")


def test_what_kills_the_thread_is_shown(scene):
    """A defect ends the job with a failed run that says so, not in silence."""

    def drive(begun, stop, on_change):
        raise ZeroDivisionError("oh")

    job = Job(drive, scene.plan(), key="droplet:3")

    job.start()
    ended = job.wait(60)

    assert (ended.phase, ended.ended) == ("failed", True)
    assert "ZeroDivisionError" in ended.sentence
    assert "ZeroDivisionError" in job.fault
