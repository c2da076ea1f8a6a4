"""The snapshot panel and what an earlier kernel left unfinished: runs, and queues."""

from __future__ import annotations

import os
from pathlib import Path

from panels import open_panel, post_requests, snapshots, start_snapshot, wait_for_result, wait_until

from doaudit.snapshot.queue_record import save_record


def end_the_kernel(page, account, clock, world):
    """Start a run, and end its thread while the snapshot is taken."""
    clock.pause_when = lambda: snapshots(world, 101)
    start_snapshot(page, 101, name="half-way")
    wait_until(lambda: clock.paused)
    clock.fails = True
    clock.running.set()
    wait_until(lambda: not account.snapshot_runs.running() and not account.snapshot_runs.running_queues())
    clock.fails = False


def resume(page):
    """Resume the first unfinished run."""
    page.ask("resume", run=page.shown["unfinished"][0]["id"])


def test_a_panel_with_an_old_list_resumes_nothing_twice(page, account, clock, world):
    """A run that another panel has resumed since the list was read sends no request, and is said to be over."""
    end_the_kernel(page, account, clock, world)
    first, second = open_panel(account), open_panel(account)
    resume(first)
    wait_for_result(first)
    # A click before the first job's thread has ended would watch that job, and show its result.
    wait_until(lambda: not account.snapshot_runs.running())
    asked = post_requests(world)

    resume(second)

    assert "This run is over, and is not done twice." in wait_for_result(second)
    assert post_requests(world) == asked


def test_a_damaged_journal_is_shown_and_cannot_be_resumed(page, account, clock, world):
    """A run of unknown state says what to look at, and cannot be resumed, whatever a page asks."""
    end_the_kernel(page, account, clock, world)
    [path] = Path(os.environ["DOAUDIT_STATE_DIR"]).rglob("*.jsonl")
    path.write_bytes(b"")
    asked = post_requests(world)

    later = open_panel(account)
    [left] = later.shown["unfinished"]
    resume(later)

    assert "IT IS NOT KNOWN whether droplet 101 (101) is on" in left["text"]
    assert str(path) in left["text"]
    assert not left["can_resume"]
    assert later.shown["work"] is None
    assert post_requests(world) == asked


def test_an_unfinished_run_can_be_resumed(page, account, clock, world):
    """The next panel shows a run that stopped half-way; one click resumes it, and no second snapshot is taken."""
    end_the_kernel(page, account, clock, world)

    later = open_panel(account)
    [left] = later.shown["unfinished"]
    resume(later)

    assert left["text"].startswith("Left unfinished: snapshot 'half-way' of web-01")
    wait_for_result(later)
    assert [image.name for image in world.listed_images(101)] == ["half-way"]
    assert world.droplet(101).get("status", world.now) == "active"


def test_a_queue_goes_on_once_its_runs_are_resumed(page, account, world):
    """What a queue had left is offered, begins by a click, and is forgotten then."""
    runs = account.snapshot_runs
    queue = runs.queue([runs.plan(each, "{droplet} left") for each in (101, 102)])
    save_record(queue._folder, queue._record)
    page.panel.read()
    wait_until(lambda: page.shown["queues"])
    text = page.shown["queues"]

    page.ask("resume all")
    wait_for_result(page)

    assert text == ["Left of a queue of 2 snapshots, not begun: web-01, db-01."]
    assert [len(world.listed_images(each)) for each in (101, 102)] == [1, 1]
    assert runs.unfinished_queues() == []
