"""The snapshot panel without a kernel: made, filled in and clicked, on an account over real HTTP."""

from __future__ import annotations

import pytest
from panels import (
    open_panel,
    post_requests,
    show_plan,
    snapshots,
    start_snapshot,
    visible_html,
    wait_for_result,
    wait_until,
)

from doaudit.demo import Fault
from doaudit.widgets import SnapshotPanel


def test_making_one_sends_no_request(account, world):
    """A panel that is made, or made again by its cell, sends no request at all."""
    SnapshotPanel(account)
    SnapshotPanel(account)

    assert list(world.requests) == []


def test_the_plan_comes_first_and_changes_nothing(panel, world):
    """The plan shows the steps and how long the droplet is off, and making it changes nothing."""
    show_plan(panel, 101, name="before the upgrade")

    text = visible_html(panel)

    assert post_requests(world) == []
    assert "web-01 will be off for about" in text
    assert text.count("<li") == 6
    assert "9 of 10 within" in text
    assert panel.start.disabled
    assert panel.confirm.description == (
        "Yes, switch web-01 off, take the snapshot 'before the upgrade', and switch it on again."
    )


@pytest.mark.parametrize(
    ("droplet_id", "live", "words"),
    [(101, True, "web-01 stays on while"), (102, False, "db-01 stays off, as it is, while")],
)
def test_the_plan_says_where_nothing_is_switched(panel, droplet_id, live, words):
    """The plan of a droplet that is off already, or is to stay on, switches nothing."""
    show_plan(panel, droplet_id, live=live)

    assert words in visible_html(panel)
    assert "switch" not in panel.confirm.description


@pytest.mark.parametrize(("field", "value"), [("name", "another"), ("live", True)])
def test_what_was_not_planned_cannot_be_started(panel, field, value):
    """After a change of a field, the plan has to be shown and confirmed again."""
    show_plan(panel)
    panel.confirm.value = True
    assert not panel.start.disabled

    getattr(panel, field).value = value

    assert panel.start.disabled
    assert not panel.confirm.value


def test_nothing_starts_without_confirmation(panel, account, world):
    """A click on Start that was not confirmed starts nothing."""
    show_plan(panel)

    panel.start.click()

    assert account.snapshot_runs.running() == []
    assert post_requests(world) == []


def test_a_plan_that_came_too_late_is_dropped(panel, world):
    """A plan that arrives after another droplet was chosen cannot be confirmed."""
    world.faults.add(Fault("slow", path=r"/v2/droplets/101$", seconds=0.3))
    panel.droplets.choice.value = 101
    panel.show_plan.click()

    panel.droplets.choice.value = 102
    wait_until(lambda: not panel.show_plan.disabled)

    assert "What will happen" not in visible_html(panel)
    panel.confirm.value = True
    assert panel.start.disabled


def test_takes_one_snapshot_and_shows_the_result(panel, world):
    """After confirming and starting there is one snapshot of that name, and the droplet is on."""
    start_snapshot(panel, 101, name="before the upgrade")

    text = wait_for_result(panel)

    assert [image.name for image in world.listed_images(101)] == ["before the upgrade"]
    assert world.droplet(101).get("status", world.now) == "active"
    assert "Done: the snapshot &#x27;before the upgrade&#x27; exists" in text
    assert all(f"action {action.id}" in text for action in world.actions_of(world.droplet(101)))


def test_clicking_twice_starts_once(panel, account, clock, world):
    """A double click, or a second panel on the same droplet, starts no second run; that panel watches the first."""
    show_plan(panel)
    other = open_panel(account)
    show_plan(other)
    clock.running.clear()
    panel.confirm.value = other.confirm.value = True

    for button in (panel.start, panel.start, other.start):
        button.click()

    assert len(account.snapshot_runs.running()) == 1
    assert other._job is panel._job
    clock.running.set()
    assert "Done" in wait_for_result(panel)
    assert "Done" in wait_for_result(other)
    assert len(world.listed_images(101)) == 1


def test_a_panel_that_is_shown_later_watches_the_running_snapshot(panel, account, clock):
    """Running the cell again while a snapshot is taken shows that one, and starts nothing."""
    clock.running.clear()
    start_snapshot(panel)

    later = open_panel(account)

    wait_until(lambda: later._job is not None)
    assert later._job is panel._job
    clock.running.set()
    assert "Done" in wait_for_result(later)


def test_cancel_restores_the_power(panel, world, clock):
    """A cancel in the middle ends with the droplet on, and is no success."""
    clock.pause_when = lambda: snapshots(world, 101)
    start_snapshot(panel)
    wait_until(lambda: clock.paused)
    panel.cancel.click()
    clock.running.set()

    text = wait_for_result(panel)

    assert "Cancelled" in text
    assert "is on, as it was before" in text
    assert world.droplet(101).real("status", world.now) == "active"
    assert panel.cancel.disabled


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("forbidden", method="GET", path=r"/v2/droplets/101$"), "lacks the scope"),
        (Fault("not_found", method="GET", path=r"/v2/droplets/101$"), "There is nothing at"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_plan_that_cannot_be_made_is_explained(panel, world, fault, words):
    """The reason of a refusal stands in the panel, which can be used again."""
    world.faults.add(fault)
    show_plan(panel)
    refused = visible_html(panel)

    panel.show_plan.click()
    wait_until(lambda: not panel.show_plan.disabled)

    assert words in refused
    assert panel.start.disabled
    assert words not in visible_html(panel)
    assert "will be off" in visible_html(panel)


def test_a_list_that_cannot_be_read_is_explained(account, world):
    """Without the list of droplets the panel says why, and offers to read it again."""
    world.faults.add(Fault("unauthorized", path="/v2/droplets"))

    panel = open_panel(account)

    assert "does not accept this token" in visible_html(panel)
    panel.reload.click()
    wait_until(lambda: len(panel.droplets.choice.options) == 3)


def test_a_defect_is_shown_and_not_raised(panel):
    """An error in a handler is shown in the panel, because nobody sees what a handler raises."""
    panel._handler(lambda: 1 // 0)(None)

    assert "ZeroDivisionError" in visible_html(panel)


def test_names_are_text(panel, world):
    """A droplet's and a snapshot's name that look like HTML are shown as text: plan, steps, log, result, fallback."""
    start_snapshot(panel, 103, name="<script>alert(2)</script>")

    text = wait_for_result(panel) + panel._plan_text.value + panel._repr_mimebundle_()["text/html"]

    assert "<img" not in text
    assert "<script" not in text
    assert "&lt;img" in text
    assert "&lt;script" in text
    assert len(world.listed_images(103)) == 1


def test_the_last_state_can_be_read_without_the_widget(panel, clock):
    """While a run is going on, HTML and plain text have its steps and the call that resumes it."""
    clock.running.clear()
    start_snapshot(panel)
    wait_until(lambda: "da-log" in visible_html(panel))

    bundle = panel._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in bundle
    for kind in ("text/html", "text/plain"):
        assert "no longer live" in bundle[kind]
        assert "account.resume()" in bundle[kind]
        assert "Switch the droplet on again." in bundle[kind]
    assert "<style" not in bundle["text/html"]


def test_another_snapshot_can_be_taken_afterwards(panel, world):
    """After the end the panel goes back to the list, and the next snapshot has to be confirmed, too."""
    start_snapshot(panel, 102)
    wait_for_result(panel)

    panel.take_another.click()
    wait_until(lambda: not panel.reload.disabled)
    show_plan(panel, 101)

    assert panel.start.disabled
    assert len(post_requests(world)) == 1
    assert "will be off" in visible_html(panel)
