"""A queue of snapshots, over real HTTP: its order, its end, a cancel, and what a lost kernel leaves of it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from panels import TIMEOUT_S, PausableClock, opened_account, post_requests, wait_until

from doaudit.demo import Fault, World
from doaudit.demo.world.records import Droplet
from doaudit.errors import FileProblem, InvalidArgument, NotPossible, SnapshotFailed
from doaudit.snapshot.queue import next_to_begin
from doaudit.snapshot.queue_record import save_record, with_state

IDS = (101, 102, 103)


@pytest.fixture
def world():
    """Three droplets that are on."""
    return World(droplets=[Droplet(each, f"web-{each}", snapshot_s=60.0) for each in IDS], seed=7)


@pytest.fixture
def clock(world):
    """A clock that a test can pause."""
    return PausableClock(world)


@pytest.fixture
def account(world, clock, tmp_path):
    """The account, over real HTTP."""
    with opened_account(world, clock, tmp_path) as opened:
        yield opened


def queue_of(account, *ids, **options):
    """A queue of these droplets."""
    runs = account.snapshot_runs
    return runs.queue([runs.plan(each, "{droplet}", live=options.pop("live", False)) for each in ids or IDS], **options)


def taken(world):
    """The droplets of which a snapshot was asked for, in order."""
    every = [action for droplet in world.droplets.values() for action in world.actions_of(droplet)]
    asked = [action for action in every if action.type == "snapshot"]
    return [action.resource_id for action in sorted(asked, key=lambda each: each.id)]


def power(world):
    """The status of each droplet."""
    return [world.droplet(each).get("status", world.now) for each in IDS]


@examples(400, quick=60)
@given(
    fates=st.lists(st.booleans(), min_size=1, max_size=6),
    at_once=st.integers(1, 4),
    keep_going=st.booleans(),
    data=st.data(),
)
def test_every_course_begins_in_order_and_no_more_than_allowed(fates, at_once, keep_going, data):
    """Whatever ends when: never more than so many run, they begin in order, and a failure ends it or does not."""
    states = ["waiting"] * len(fates)
    begun = []
    while True:
        turn = next_to_begin(states, at_once, keep_going=keep_going)
        assert not turn or keep_going or "failed" not in states
        begun += turn
        for at in turn:
            states[at] = "running"
        assert states.count("running") <= at_once
        running = [at for at, state in enumerate(states) if state == "running"]
        if not running:
            break
        ends = data.draw(st.sampled_from(running))
        states[ends] = "done" if fates[ends] else "failed"

    assert begun == sorted(begun)
    if keep_going or all(fates):
        assert "waiting" not in states
    else:
        assert begun == list(range(len(begun)))


def test_three_one_after_another(account, world):
    """Each droplet has its run, the next begins when the one before has ended, and nothing is left to resume."""
    queue = queue_of(account)
    queue.start()
    queue.start()
    runs = queue.wait(TIMEOUT_S)

    assert [run.ok for run in runs] == [True] * 3
    assert taken(world) == list(IDS)
    assert power(world) == ["active"] * 3
    ends = [run.ended_at for run in runs]
    assert all(run.created_at >= before for run, before in zip(runs[1:], ends, strict=False))
    assert queue.sentence == "3 snapshots: 3 done."
    assert account.snapshot_runs.unfinished_queues() == []
    assert not any(account.snapshot_runs._state().queues.iterdir())


def test_two_at_once(account, world, clock):
    """So many run at the same time, and the third when one of them has ended."""
    queue = queue_of(account, at_once=2)
    clock.pause_when = lambda: len(taken(world)) == 2
    queue.start()
    wait_until(lambda: clock.paused)
    paused = queue.sentence
    clock.running.set()

    assert all(run.ok for run in queue.wait(TIMEOUT_S))
    assert paused == "3 snapshots: 2 running, 1 waiting."
    assert sorted(taken(world)[:2]) == [101, 102]
    assert taken(world)[2] == 103


@pytest.mark.parametrize("keep_going", [False, True])
def test_one_that_fails(account, world, keep_going):
    """The first failure ends it, and says which were not begun; told to keep going, it takes the others."""
    world.faults.add(Fault("errored", type="snapshot"))
    queue = queue_of(account, keep_going=keep_going)
    queue.start()
    runs = queue.wait(TIMEOUT_S)

    assert [run.ok for run in runs] == [False, keep_going, keep_going]
    assert [run.droplet_id for run in queue.waiting] == ([] if keep_going else [102, 103])
    assert power(world) == ["active"] * 3
    assert account.snapshot_runs.unfinished_queues() == []


def test_a_droplet_is_looked_at_when_its_turn_comes(account, world, clock):
    """One that was switched off meanwhile stays off; one that is gone is a failure of its own."""
    queue = queue_of(account, keep_going=True)
    clock.pause_when = lambda: taken(world) == [101]
    queue.start()
    wait_until(lambda: clock.paused)
    world.act_on_droplet(102, {"type": "power_off"})
    world.advance(60)
    world.destroy_droplet(103)
    clock.running.set()
    runs = queue.wait(TIMEOUT_S)

    assert [run.ok for run in runs] == [True, True, False]
    assert runs[1].was_on is False
    assert world.droplet(102).get("status", world.now) == "off"
    assert runs[2].sentence.startswith("Not begun: ")


def test_cancelled(account, world, clock):
    """A cancel restores the power of the one that runs, and begins no other."""
    queue = queue_of(account)
    clock.pause_when = lambda: taken(world) == [101]
    queue.start()
    wait_until(lambda: clock.paused)
    queue.cancel()
    clock.running.set()
    runs = queue.wait(TIMEOUT_S)

    assert runs[0].phase == "cancelled"
    assert [run.phase for run in runs[1:]] == ["planned", "planned"]
    assert taken(world) == [101]
    assert power(world) == ["active"] * 3
    assert account.snapshot_runs.unfinished_queues() == []


def left_behind(account, *states):
    """Leave the record of a queue whose kernel was lost; states by droplet: ended, begun without a journal, waiting."""
    queue = queue_of(account)
    record = queue._record
    for at, state in enumerate(states):
        if state != "waiting":
            record = with_state(record, at, state, f"20261123T120000Z-{IDS[at]}-00000000")
    save_record(queue._folder, record)
    return queue._folder / f"{record.id}.json"


def test_what_a_lost_kernel_left_is_taken_up(account, world, capsys):
    """Those that asked for nothing are taken on resume, those that have ended are not, and the record is deleted."""
    first = account.snapshot(101, "{droplet}", confirm=True)
    path = left_behind(account, "ended", "begun")
    record = account.snapshot_runs.unfinished_queues()[0]
    items = (replace(record.items[0], run_id=first.id), *record.items[1:])
    save_record(path.parent, replace(record, items=items))

    ended = account.resume()

    assert [run.droplet_id for run in ended] == [102, 103]
    assert taken(world) == list(IDS)
    assert not path.exists()
    assert "Going on with a queue of snapshots: web-102 (102), web-103 (103)." in capsys.readouterr().err


def test_what_was_confirmed_is_taken(account):
    """The run of the first is the plan that was confirmed, with its name; the others are planned at their turn."""
    runs = account.snapshot_runs
    plans = [runs.plan(each) for each in (101, 102)]
    queue = runs.queue(plans)
    queue.start()
    first, second = queue.wait(TIMEOUT_S)

    assert (first.id, first.snapshot_name) == (plans[0].id, plans[0].snapshot_name)
    assert second.id != plans[1].id
    assert second.ok


def test_a_droplet_that_is_gone_is_a_failure_of_the_resumed_queue(account, world):
    """What was to be taken and cannot be is no success of a resume; after it nothing is begun."""
    left_behind(account)
    world.destroy_droplet(101)
    world.advance(60)

    with pytest.raises(SnapshotFailed, match=r"web-101: Not begun: .* Not begun: web-102 \(102\), web-103 \(103\)"):
        account.resume()
    assert taken(world) == []
    assert account.resume() == []


def test_a_queue_that_a_failure_ended_does_not_go_on(account, world, capsys):
    """After a failure the others are named, and not begun."""
    world.faults.add(Fault("errored", type="snapshot"))
    with pytest.raises(SnapshotFailed) as failed:
        account.snapshot(101, "{droplet}", confirm=True)
    path = left_behind(account, "ended")
    record = account.snapshot_runs.unfinished_queues()[0]
    save_record(
        path.parent, replace(record, items=(replace(record.items[0], run_id=failed.value.run.id), *record.items[1:]))
    )

    assert account.resume() == []
    assert taken(world) == [101]
    assert "did not end well: web-102 (102), web-103 (103)." in capsys.readouterr().err
    assert not path.exists()


def test_a_queue_that_is_driven_is_nobody_elses(account, world, clock):
    """While a queue runs, it is not unfinished to anybody."""
    queue = queue_of(account)
    clock.pause_when = lambda: taken(world) == [101]
    queue.start()
    wait_until(lambda: clock.paused)

    assert account.snapshot_runs.unfinished_queues() == []
    clock.running.set()
    queue.wait(TIMEOUT_S)


def test_a_damaged_record_is_said_and_stands_in_no_ones_way(account, world, capsys):
    """A record that cannot be read is named with what to do; snapshots are taken, and runs resumed, all the same."""
    path = left_behind(account)
    path.write_text('{"id": "cut off')

    with pytest.raises(FileProblem, match="Delete that file"):
        account.snapshot_runs.unfinished_queues()
    assert account.snapshot(101, confirm=True).ok
    assert "Delete that file" in capsys.readouterr().err


def test_without_a_record_nothing_is_begun(account, world):
    """Where the record cannot be written, no request is sent."""
    queue = queue_of(account)
    queue._folder.parent.mkdir(parents=True, exist_ok=True)
    queue._folder.write_text("a file in place of the folder")

    with pytest.raises(FileProblem):
        queue.start()
    assert post_requests(world) == []


def test_several_from_python(account, world, capsys):
    """A list of names and a pattern take several; the same cell run again takes none; a name alone takes one."""
    runs = account.snapshot(["web-101", 103], "{droplet} before", confirm=True)
    with pytest.raises(NotPossible, match="again=True"):
        account.snapshot(["web-101", 103], "{droplet} before", confirm=True)
    one = account.snapshot("web-102", "before", confirm=True)
    again = account.snapshot("web-*", "nightly", confirm=True, at_once=3)

    assert [run.snapshot_name for run in runs] == ["web-101 before", "web-103 before"]
    assert one.droplet_id == 102
    assert sorted(run.droplet_id for run in again) == list(IDS)
    assert re.search(r"UTC  web-101: .*\[action \d+\]", capsys.readouterr().err)
    with pytest.raises(NotPossible, match="not confirmed"):
        account.snapshot("web-*", "other", confirm=False)
    assert len(taken(world)) == 6


def test_what_is_no_queue_is_refused(account):
    """No droplet, one twice, none at a time: nothing is begun."""
    runs = account.snapshot_runs
    plan = runs.plan(101)
    for plans, at_once in (([], 1), ([plan, plan], 1), ([plan], 0)):
        with pytest.raises(InvalidArgument, match="A queue has"):
            runs.queue(plans, at_once=at_once)
    with pytest.raises(InvalidArgument, match="There is no droplet"):
        account.snapshot(["web-999"], confirm=True)
