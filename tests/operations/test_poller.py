"""The poller of open actions: their verdicts, what is observed, and one request a poll."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staged import world_of

from doaudit.actions import Action, Record
from doaudit.demo import Fault
from doaudit.demo.world.records import Droplet
from doaudit.expected_duration import ExpectedDuration, ExpectedDurations, describe_age
from doaudit.operations.action_requests import newest_actions, read_action
from doaudit.operations.observation import Baseline, Observation, classify, next_request_s, observe
from doaudit.operations.poller import Poller

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
USUAL = {
    "snapshot": ExpectedDuration(60, 120, 2000, max_s=2500, finished=150),
    "reboot": ExpectedDuration(10, 20, 30, max_s=30, finished=8),
}
TIMEOUT_S = 20
BASELINE = Baseline(
    ExpectedDurations(USUAL, {("snapshot", "droplet:9"): ExpectedDuration(5, 6, 7, max_s=7, finished=20)}),
    {"droplet:7": "web-01"},
)


def action(action_id, started_s=0, ended_s=None, type_="snapshot"):
    """Return an action that started, and perhaps ended, so many seconds after noon."""
    times = [None if s is None else at(s).isoformat() for s in (started_s, ended_s)]
    status = "in-progress" if ended_s is None else "completed"
    return Action.of(Record(action_id, status, type_, *times, 7, "droplet"), 1_795_435_200)


def at(seconds):
    """Return a time after noon."""
    return NOON + timedelta(seconds=seconds)


@given(age_s=st.integers(0, 20_000), type_=st.sampled_from(["snapshot", "reboot", "resize"]))
def test_the_verdict_follows_from_the_age(age_s, type_):
    """An action is normal up to the p99 of those like it, then slow, and stuck beyond three times that."""
    row = classify(action(1, type_=type_), at(age_s), BASELINE)

    if type_ == "snapshot":
        assert row.verdict == ("stuck" if age_s > 6000 else "slow" if age_s > 2000 else "normal")
    else:
        assert row.verdict == ("normal" if type_ == "reboot" and age_s <= 30 else "too few to tell")
    assert row.sentence == describe_age(age_s, USUAL.get(type_))


def test_a_slow_resource_is_compared_with_itself():
    """Where a resource has durations of its own to be compared with, they decide."""
    record = Record(1, "in-progress", "snapshot", NOON.isoformat(), None, 9, "droplet")

    assert classify(Action.of(record, 1_795_435_200), at(30), BASELINE).verdict == "stuck"


def test_an_ended_action_is_shown_for_two_minutes():
    """An action that ended while it was watched stays for two minutes, and then leaves."""
    observation = observe(Observation(), [action(1)], at(10), BASELINE)
    just_ended = observe(observation, [action(1, ended_s=40)], at(45), BASELINE)
    recently_ended = observe(just_ended, [], at(159), BASELINE)
    long_ended = observe(recently_ended, [], at(161), BASELINE)

    assert [row.verdict for row in just_ended.ended] == ["completed"]
    assert recently_ended.ended == just_ended.ended
    assert long_ended.ended == ()


def test_an_action_that_ended_before_is_never_shown():
    """An action that was never observed open does not appear among those that ended."""
    assert observe(Observation(), [action(1, ended_s=5)], at(10), BASELINE).ended == ()


def test_the_oldest_comes_first():
    """Open actions are in the order of their start, and have the name of their resource."""
    observation = observe(Observation(), [action(3, 30), action(1, 10), action(2, 20)], at(60), BASELINE)

    assert [row.action.id for row in observation.open] == [1, 2, 3]
    assert {row.name for row in observation.open} == {"web-01"}


def test_an_action_that_the_api_no_longer_knows_is_gone():
    """An action that is not found (404) is not open for ever."""
    before = observe(Observation(), [action(1)], at(10), BASELINE)

    after = observe(before, [], at(20), BASELINE, not_found=[1])

    assert after.open == ()
    assert [row.verdict for row in after.ended] == ["gone"]


@pytest.fixture
def poller_of():
    """Make a poller of a scene that polls as fast as it can; it is stopped at the end."""
    made = []

    def make(scene, open_actions=()):
        poller = Poller(
            lambda: Baseline(BASELINE.expected, {}, open_actions),
            lambda: newest_actions(scene.client, "/v2/actions"),
            lambda action_id: read_action(scene.client, action_id),
            interval_s=0.01,
        )
        made.append(poller)
        return poller

    yield make
    for poller in made:
        poller.stop()


def wait_for_polls(poller, number, count_requests):
    """Wait until a poller has published so many observations; return how many requests there were at each."""
    counts, enough = [], threading.Event()

    def listener(_):
        counts.append(count_requests())
        if len(counts) >= number:
            enough.set()

    poller.listeners.append(listener)
    poller.start()
    assert enough.wait(TIMEOUT_S)
    return counts[:number]


def test_each_poll_costs_one_request(stage, poller_of):
    """However many actions are open, and however old, a poll is one request; unlisted ones are read by id in turn."""
    scene = stage.set(world_of())
    for droplet_id in (1, 2):
        scene.world.droplets[droplet_id] = Droplet(droplet_id, f"web-{droplet_id}")
        scene.world.faults.add(Fault("stuck"))
        scene.world.act_on_droplet(droplet_id, {"type": "reboot"})
    open_actions, _ = newest_actions(scene.client, "/v2/actions")
    scene.world.arrive(110)
    scene.world.advance(4000)
    before = len(scene.world.requests)
    poller = poller_of(scene, open_actions)

    counts = wait_for_polls(poller, 13, lambda: len(scene.world.requests) - before)

    assert counts == list(range(1, 14))
    by_id = [request for request in list(scene.world.requests)[before:] if "?" not in request]
    assert len(set(by_id[:2])) == 2
    assert [row.verdict for row in poller.observation.open] == ["too few to tell", "too few to tell"]


def test_an_error_is_published_and_polling_goes_on(scene, poller_of):
    """What was observed last stays, with the reason why it could not be read again; the next success removes it."""
    scene.world.act_on_droplet(next(iter(scene.world.droplets)), {"type": "snapshot"})
    poller = poller_of(scene)
    wait_for_polls(poller, 1, int)

    scene.world.faults.add(Fault("forbidden", path="/v2/actions", times=None))
    failed, recovered = threading.Event(), threading.Event()
    poller.listeners.append(lambda observation: failed.set() if observation.error else None)
    assert failed.wait(TIMEOUT_S)
    failing = poller.observation
    poller.listeners.append(lambda observation: None if observation.error else recovered.set())
    scene.world.faults.clear()

    assert recovered.wait(TIMEOUT_S)
    assert "lacks the scope" in failing.error
    assert len(failing.open) == 1


def test_a_listener_that_raises_stops_nothing(scene, poller_of):
    """What a listener raises is dropped, and the others are called all the same."""
    poller = poller_of(scene)
    poller.listeners.append(lambda _: 1 // 0)

    assert len(wait_for_polls(poller, 3, int)) == 3


def test_what_an_action_was_done_to_stays_known():
    """The list of actions does not say which volume it was; what the history knew of it is kept."""
    attach = Action.of(Record(1, "in-progress", "attach_volume", NOON.isoformat(), None, None, "volume"), 1_795_435_200)
    known = replace(attach, resource="volume:ab", resource_id=None)
    baseline = Baseline(ExpectedDurations({}), {"volume:ab": "data-1"})

    first = observe(Observation(), [known], at(10), baseline)
    second = observe(first, [attach], at(20), baseline)
    ended = observe(second, [replace(attach, status="completed", completed_at=at(25))], at(30), baseline)

    assert [row.name for row in (*second.open, *ended.ended)] == ["data-1", "data-1"]
    assert ended.news == ("attach_volume of data-1 completed after 25 s.",)


def test_the_pace_is_that_of_watching():
    """Requests come when an open action is due, at most every 4 and at least every 15 seconds."""
    long = {"snapshot": ExpectedDuration(1440, 2000, 3000, max_s=3000, finished=150)}
    rows = [
        observe(Observation(), [action(1)], at(age), Baseline(ExpectedDurations(usual), {}))
        for usual, age in ((long, 0), (long, 30), (long, 600), ({}, 2))
    ]

    assert [next_request_s(row) for row in rows] == [4.0, 10.0, 15.0, 4.0]
    assert next_request_s(Observation()) == 15.0
