"""The snapshot panel and runs that an earlier kernel left unfinished."""

from __future__ import annotations

import os
from pathlib import Path

from panels import open_panel, post_requests, snapshots, start_snapshot, visible_html, wait_for_result, wait_until


def resume_button(panel):
    """Return the button that resumes the first unfinished run."""
    return panel._unfinished.children[0].children[1]


def end_the_kernel(panel, account, clock, world):
    """Start a run, and end its thread while the snapshot is taken."""
    clock.pause_when = lambda: snapshots(world, 101)
    start_snapshot(panel, 101, name="half-way")
    wait_until(lambda: clock.paused)
    clock.fails = True
    clock.running.set()
    wait_until(lambda: not account.snapshot_runs.running())
    clock.fails = False


def test_a_panel_with_an_old_list_resumes_nothing_twice(panel, account, clock, world):
    """A run that another panel has resumed since the list was read sends no request, and is said to be over."""
    end_the_kernel(panel, account, clock, world)
    first, second = open_panel(account), open_panel(account)
    resume_button(first).click()
    wait_for_result(first)
    # A click before the first job's thread has ended would watch that job, and show its result.
    wait_until(lambda: not account.snapshot_runs.running())
    asked = post_requests(world)

    resume_button(second).click()

    assert "This run is over, and is not done twice." in wait_for_result(second)
    assert post_requests(world) == asked


def test_a_damaged_journal_is_shown_and_cannot_be_resumed(panel, account, clock, world):
    """A run of unknown state says what to look at, and has no button."""
    end_the_kernel(panel, account, clock, world)
    [path] = Path(os.environ["DOAUDIT_STATE_DIR"]).rglob("*.jsonl")
    path.write_bytes(b"")

    later = open_panel(account)

    assert "IT IS NOT KNOWN whether droplet 101 (101) is on" in visible_html(later)
    assert str(path) in visible_html(later)
    assert [len(row.children) for row in later._unfinished.children] == [1]


def test_an_unfinished_run_can_be_resumed(panel, account, clock, world):
    """The next panel shows a run that stopped half-way; one click resumes it, and no second snapshot is taken."""
    end_the_kernel(panel, account, clock, world)

    later = open_panel(account)
    unfinished = visible_html(later)
    resume_button(later).click()

    assert "Left unfinished: snapshot 'half-way' of web-01" in unfinished
    wait_for_result(later)
    assert [image.name for image in world.listed_images(101)] == ["half-way"]
    assert world.droplet(101).get("status", world.now) == "active"
