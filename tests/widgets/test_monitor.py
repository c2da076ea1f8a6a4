"""The monitor and its lookout: what is open, whether it is late, and one request a look."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panels import HOSTILE, posts, shown, until

from doaudit.actions import Action, Record
from doaudit.demo import Fault
from doaudit.expected_duration import ExpectedDuration
from doaudit.operations.poller import Baseline, Observation, classify, seen
from doaudit.widgets import Monitor

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KNOWN = Baseline({"snapshot": ExpectedDuration(60, 120, 2000), "reboot": ExpectedDuration(10, 20, 30)}, {"droplet:7": "web-01"})


def action(number, began_s=0, ended_s=None, kind="snapshot", status=None):
    """An action that began, and ended, so many seconds after noon."""
    moments = [None if s is None else (NOON + timedelta(seconds=s)).isoformat() for s in (began_s, ended_s)]
    word = status or ("in-progress" if ended_s is None else "completed")
    return Action.of(Record(number, word, kind, *moments, 7, "droplet"), 1_795_435_200)


def at(seconds):
    """A moment after noon."""
    return NOON + timedelta(seconds=seconds)


@pytest.fixture
def monitor(account):
    """A monitor that looks as fast as it can."""
    made = Monitor(account, each_s=0.02)
    yield made
    made.poller.stop()


@given(age=st.integers(0, 20_000), kind=st.sampled_from(["snapshot", "reboot", "resize"]))
def test_the_verdict_follows_from_the_age(age, kind):
    """On time up to the p90 of its type, late after it, stuck beyond its time-out; unknown types are late never."""
    p90, timeout = {"snapshot": (120, 6000), "reboot": (20, 600), "resize": (600, 600)}[kind]

    verdict = classify(action(1, kind=kind), at(age), KNOWN).verdict

    assert verdict == ("stuck" if age > timeout else "late" if age > p90 else "on time")


def test_what_ends_is_shown_for_two_minutes_and_then_not():
    """An action that ended while it was looked at fades, and goes after two minutes."""
    observation = seen(Observation(), [action(1)], at(10), KNOWN)
    observation = seen(observation, [action(1, ended_s=40)], at(45), KNOWN)
    ended = observation.ended
    observation = seen(observation, [], at(159), KNOWN)
    kept = observation.ended

    observation = seen(observation, [], at(161), KNOWN)

    assert [one.verdict for one in ended] == ["completed"]
    assert kept == ended
    assert observation.ended == ()


def test_what_had_ended_before_is_never_shown():
    """An action that was never seen open is none of the monitor's business."""
    assert seen(Observation(), [action(1, ended_s=5)], at(10), KNOWN).ended == ()


def test_the_oldest_comes_first():
    """Open actions are in the order in which they began."""
    observation = seen(Observation(), [action(3, 30), action(1, 10), action(2, 20)], at(60), KNOWN)

    assert [one.action.id for one in observation.open] == [1, 2, 3]
    assert {one.name for one in observation.open} == {"web-01"}


def test_what_the_api_no_longer_knows_is_gone():
    """An action that vanished (404) is not open for ever."""
    observation = seen(Observation(), [action(1)], at(10), KNOWN)

    observation = seen(observation, [], at(20), KNOWN, gone=[1])

    assert observation.open == ()
    assert [one.verdict for one in observation.ended] == ["gone"]


def test_making_one_asks_nothing(account, world):
    """A monitor that is not shown sends no request."""
    Monitor(account)

    assert list(world.requests) == []


def test_shows_what_is_open_and_then_that_it_ended(monitor, world):
    """An action appears while it runs, with its age and verdict, and is said to have completed afterwards."""
    began = world.act_on_droplet(101, {"type": "snapshot"})
    monitor.start.click()
    until(lambda: str(began.id) in shown(monitor))
    running = shown(monitor)

    world.advance(100)
    until(lambda: "da-ended" in shown(monitor))

    assert "1 open: 1 on time" in running
    assert "0 open" in shown(monitor)
    assert "completed" in shown(monitor)
    assert posts(world) == []


def test_each_look_costs_one_request(monitor, account, world):
    """However many actions are open, and however old, a look is one request; old ones are read by id in turn."""
    for droplet_id in (101, 103):
        world.faults.add(Fault("stuck"))
        world.act_on_droplet(droplet_id, {"type": "reboot"})
    world.arrive(110)
    account.refresh()
    world.advance(4000)
    before, looks = len(world.requests), []
    monitor.poller.listeners.append(lambda _: looks.append(len(world.requests)))

    monitor.start.click()
    until(lambda: len(looks) >= 13)
    monitor.stop.click()

    assert [count - before for count in looks[:13]] == list(range(1, 14))
    by_id = [line for line in list(world.requests)[before:] if "?" not in line]
    assert len(set(by_id[:2])) == 2
    assert "2 open: 0 on time, 0 late, 2 stuck" in shown(monitor)


def test_trouble_is_told_and_survived(monitor, world):
    """A refusal stands in the panel, beside what was seen last; the next look that works takes it away."""
    world.faults.add(Fault("forbidden", path="/v2/actions", after=2, times=None))
    world.act_on_droplet(101, {"type": "snapshot"})

    monitor.start.click()
    until(lambda: "lacks the scope" in shown(monitor))
    troubled = shown(monitor)
    world.faults.clear()

    assert "1 open" in troubled
    until(lambda: "lacks the scope" not in shown(monitor))


def test_stops_and_starts(monitor, world):
    """After Stop no request is sent; Start goes on; the buttons tell which of the two it is."""
    monitor.start.click()
    until(lambda: len(world.requests) > 2)
    assert (monitor.start.disabled, monitor.stop.disabled) == (True, False)

    monitor.stop.click()
    monitor.poller._thread.join()
    sent = len(world.requests)
    assert (monitor.start.disabled, monitor.stop.disabled) == (False, True)

    monitor.start.click()
    until(lambda: len(world.requests) > sent + 1)


def test_a_cell_that_is_run_again_asks_no_more_often(monitor, account):
    """All monitors of an account look through the same eyes."""
    assert Monitor(account).poller is monitor.poller


def test_names_are_text(monitor, account, world):
    """A resource whose name looks like HTML is shown as text, in the table and in the still."""
    account.refresh()
    world.act_on_droplet(103, {"type": "snapshot"})
    monitor.start.click()
    until(lambda: "onerror" in shown(monitor))
    bundle = monitor._repr_mimebundle_()

    assert HOSTILE in bundle["text/plain"]
    assert "<img" not in shown(monitor) + bundle["text/html"]
    assert "no longer live" in bundle["text/html"]
