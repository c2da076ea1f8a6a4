"""The snapshot panel without a kernel: what it tells a page, and what a page may ask, on an account over real HTTP."""

from __future__ import annotations

import pytest
from panels import (
    HOSTILE_NAME,
    Page,
    open_panel,
    post_requests,
    show_plan,
    snapshots,
    start,
    start_snapshot,
    wait_for_result,
    wait_until,
)

from doaudit.demo import Fault
from doaudit.formatting import time_span
from doaudit.widgets import SnapshotPanel


def test_making_one_sends_no_request(account, world):
    """A panel that is made, or made again by its cell, sends no request at all."""
    SnapshotPanel(account)
    Page(SnapshotPanel(account)).ask("look")

    assert list(world.requests) == []


def test_lists_every_droplet_with_what_is_known_of_it(account, world):
    """A row has a droplet's name, region, status, size, and when a snapshot or backup of it was last taken."""
    world.act_on_droplet(102, {"type": "snapshot"})
    world.advance(1000)
    account.refresh()
    world.advance(3600)
    rows = {row["id"]: row for row in open_panel(account).shown["droplets"]}

    facts = ("name", "region", "status", "size", "last", "is_old")
    assert [rows[101][each] for each in facts] == ["web-01", "fra1", "active", "s-2vcpu-4gb", "none known", True]
    assert [rows[102][each] for each in facts[:4]] == ["db-01", "ams3", "off", "s-2vcpu-4gb"]
    assert rows[102]["last"].startswith("2026-11-23 12:0")
    assert rows[102]["last"].endswith("ago")
    assert not rows[102]["is_old"]
    assert rows[103]["name"] == HOSTILE_NAME
    assert all(str(each) in row["searched"] for each, row in rows.items())


def test_the_plan_follows_the_choice_and_changes_nothing(page, world):
    """The plan shows the steps and how long the droplet is off, names what the button does, and changes nothing."""
    show_plan(page, 101, name="before the upgrade")
    plan = page.shown["plan"]

    assert post_requests(world) == []
    assert plan["items"][0]["power"].startswith("web-01 will be off for about ")
    assert len(plan["items"][0]["steps"]) == 6
    assert "9 of 10 within" in plan["items"][0]["steps"][1]["time"]
    assert plan["button"] == "Take snapshot of web-01"
    assert plan["confirmation"] == (
        "Yes, switch web-01 off, take the snapshot 'before the upgrade', and switch it on again."
    )
    page.ask("choose", droplets=[])
    assert page.shown["plan"] is None


@pytest.mark.parametrize(
    ("droplet_id", "live", "words"),
    [(101, True, "web-01 stays on while"), (102, False, "db-01 stays off, as it is, while")],
)
def test_the_plan_says_where_nothing_is_switched(page, droplet_id, live, words):
    """The plan of a droplet that is off already, or is to stay on, switches nothing."""
    show_plan(page, droplet_id, live=live)

    assert page.shown["plan"]["items"][0]["power"].startswith(words)
    assert "switch" not in page.shown["plan"]["confirmation"]


def test_the_plan_names_the_snapshots_that_exist(page):
    """A name that a snapshot of the droplet has already is said in the plan."""
    start_snapshot(page, 102, name="mine")
    wait_for_result(page)
    page.ask("again")
    show_plan(page, 102, name="mine")

    assert "There is a snapshot named 'mine' already" in page.text
    assert page.shown["plan"]["items"][0]["existing"] == "Snapshots that exist: mine."


def test_a_plan_of_many_is_counted_and_another_choice_ends_it(page, world):
    """How far a plan of many has come is said, and droplets that are no longer chosen are not read."""
    world.faults.add(Fault("slow", path=r"/droplets/10[12]\b", times=None, seconds=0.3))
    page.ask("choose", droplets=[101, 102, 103])
    wait_until(lambda: page.shown["busy"].endswith(" 1 of 3"))
    page.ask("choose", droplets=[102])
    wait_until(lambda: not page.shown["is_planning"])

    assert [item["title"].endswith("of db-01") for item in page.shown["plan"]["items"]] == [True]
    assert page.shown["busy"] == ""
    assert not [line for line in world.requests if "/droplets/103" in line]


@pytest.mark.parametrize("changed", [{"name": "another"}, {"live": True}, {"droplets": [102]}])
def test_what_was_not_planned_cannot_be_started(page, world, changed):
    """After a change the earlier plan is nothing that can be started, however it was confirmed."""
    show_plan(page, 101)
    old = [item["id"] for item in page.shown["plan"]["items"]]

    page.ask("choose", **{"droplets": [101], **changed})
    page.ask("start", plans=old, confirmed=True)
    wait_until(lambda: not page.shown["is_planning"])
    page.ask("start", plans=old, confirmed=True)

    page.ask("look")
    assert "not the plan that was shown and confirmed" in page.shown["error"]
    assert post_requests(world) == []


@pytest.mark.parametrize("more", [{"confirmed": False}, {}, {"plans": [], "confirmed": True}])
def test_nothing_starts_without_confirmation(page, account, world, more):
    """A start that was not confirmed, or names no plan, starts nothing."""
    show_plan(page)
    plans = [item["id"] for item in page.shown["plan"]["items"]]

    page.ask("start", **{"plans": plans, **more})

    assert account.snapshot_runs.running() == account.snapshot_runs.running_queues() == []
    assert post_requests(world) == []


@pytest.mark.parametrize(
    "content",
    [
        None,
        "start",
        {"kind": "act"},
        {"kind": "start", "confirmed": "yes"},
        {"kind": "choose", "droplets": ["101"]},
        {"kind": "choose", "droplets": [True]},
        {"kind": "choose", "droplets": [101] * 501},
        {"kind": "choose", "droplets": [-1]},
        {"kind": "choose", "droplets": [101], "name": "x" * 301},
        {"kind": "start", "plans": [1], "confirmed": True},
        {"kind": "start", "at_once": 0},
        {"kind": "resume", "run": {}},
    ],
)
def test_other_messages_do_nothing(page, world, content):
    """What is none of the few requests changes nothing, and is said."""
    show_plan(page)

    page.panel._receive(None, content, [])

    assert "no request" in page.shown["error"]
    assert post_requests(world) == []


def test_a_plan_that_came_too_late_is_dropped(page, world):
    """A plan that arrives after another droplet was chosen is not shown; that of the last choice is."""
    world.faults.add(Fault("slow", path=r"/v2/droplets/101$", seconds=0.3))
    page.ask("choose", droplets=[101])

    show_plan(page, 102)

    assert [item["title"].split(" of ")[1] for item in page.shown["plan"]["items"]] == ["db-01"]
    assert not any("of web-01" in told["plan"]["items"][0]["title"] for told in page.heard if told["plan"])


def test_takes_one_snapshot_and_shows_the_result(page, world):
    """After confirming and starting there is one snapshot of that name, and the droplet is on."""
    start_snapshot(page, 101, name="before the upgrade")
    wait_for_result(page)
    [run] = page.runs

    assert [image.name for image in world.listed_images(101)] == ["before the upgrade"]
    assert world.droplet(101).get("status", world.now) == "active"
    assert run["sentence"].startswith("Done: the snapshot 'before the upgrade' exists")
    assert run["kind"] == "done"
    assert run["progress"]["share"] == 1.0
    assert all(f"action {action.id}" in page.text for action in world.actions_of(world.droplet(101)))


def test_several_are_one_queue(page, world):
    """Several droplets are planned together, taken one after another, and shown with each run's steps."""
    show_plan(page, 101, 102, 103, name="{droplet} nightly")
    plan = page.shown["plan"]
    start(page)
    wait_for_result(page)

    assert plan["button"] == "Take 3 snapshots"
    assert plan["confirmation"].startswith("Yes, switch web-01, <img")
    assert plan["confirmation"].endswith("off, take these 3 snapshots, and switch each on again.")
    assert [run["kind"] for run in page.runs] == ["done"] * 3
    assert [run["snapshot"] for run in page.runs[:2]] == ["web-01 nightly", "db-01 nightly"]
    assert page.shown["work"]["sentence"] == "3 snapshots: 3 done."
    assert all(len(world.listed_images(each)) == 1 for each in (101, 102, 103))


def test_the_first_of_several_that_fails_ends_it(page, world):
    """After a failure the others are shown as not begun, unless the queue is to keep going."""
    world.faults.add(Fault("errored", type="snapshot"))
    start_snapshot(page, 101, 102)
    wait_for_result(page)

    assert [run["kind"] for run in page.runs] == ["failed", "planned"]
    assert page.runs[1]["sentence"] == "Not begun."
    assert page.shown["work"]["sentence"] == "2 snapshots: 1 failed, 1 not begun."
    page.ask("again")
    show_plan(page, 101, 102, name="again")
    world.faults.add(Fault("errored", type="snapshot"))
    start(page, keep_going=True)
    wait_for_result(page)
    assert [run["kind"] for run in page.runs] == ["failed", "done"]


def test_clicking_twice_starts_once(page, account, clock, world):
    """A double click, or a second panel on the same droplet, starts no second run; that panel watches the first."""
    show_plan(page)
    other = open_panel(account)
    show_plan(other)
    clock.running.clear()
    plans = [item["id"] for item in page.shown["plan"]["items"]]

    for _ in range(2):
        page.ask("start", plans=plans, confirmed=True)
    wait_until(account.snapshot_runs.running)
    start(other)

    assert len(account.snapshot_runs.running()) == 1
    assert other.panel.work.queue is page.panel.work.queue
    clock.running.set()
    assert "Done" in wait_for_result(page)
    assert "Done" in wait_for_result(other)
    assert len(world.listed_images(101)) == 1


def test_a_panel_that_is_shown_later_watches_what_runs(page, account, clock):
    """Running the cell again while snapshots are taken shows those, and starts nothing; so does a run by itself."""
    clock.running.clear()
    start_snapshot(page)
    wait_until(account.snapshot_runs.running)

    later = open_panel(account)

    assert later.panel.work.queue is page.panel.work.queue
    clock.running.set()
    assert "Done" in wait_for_result(later)
    wait_until(lambda: not account.snapshot_runs.running_queues())
    plan = account.snapshot_runs.plan(102, "by itself")
    clock.running.clear()
    job = account.snapshot_runs.start(plan)
    alone = open_panel(account)
    assert alone.panel.work.jobs == (job,)
    clock.running.set()
    assert "by itself" in wait_for_result(alone)


def test_what_runs_cannot_be_left_and_its_time_goes_on(page, clock, world):
    """Asking for another snapshot while one runs changes nothing; the progress tells how long it has taken so far."""
    clock.pause_when = lambda: snapshots(world, 101)
    start_snapshot(page, 101)
    wait_until(lambda: clock.paused)
    page.ask("again")
    [running] = page.runs
    clock.running.set()
    wait_for_result(page)
    [ended] = page.runs

    assert " s so far; about " in running["progress"]["text"]
    assert " so far" in next(step["time"] for step in running["steps"] if step["status"] == "running")
    assert ended["progress"]["text"].startswith("5 of 5 steps, ")
    assert " so far" not in ended["progress"]["text"]
    run = page.panel.work.states[0]
    assert f"5 of 5 steps, {time_span(run.elapsed_s)};" in ended["progress"]["text"]
    assert not any("so far" in step["time"] for step in ended["steps"])


def test_the_list_is_not_sent_while_snapshots_are_shown(page):
    """A state that is sent each second has no list of droplets, of which there may be thousands; afterwards it has."""
    start_snapshot(page, 101)
    wait_for_result(page)
    while_shown = page.shown["droplets"]
    page.ask("again")
    wait_until(lambda: not page.shown["busy"])

    assert while_shown == []
    assert len(page.shown["droplets"]) == 3


def test_what_runs_is_counted_where_it_is_several(page, account, clock):
    """Of a queue of one the run's own sentence is said; of several runs without a queue, how many are how far."""
    start_snapshot(page, 101)
    wait_for_result(page)
    assert page.shown["work"]["sentence"] == page.runs[0]["sentence"]

    clock.running.clear()
    for droplet_id in (102, 103):
        account.snapshot_runs.start(account.snapshot_runs.plan(droplet_id, "by itself"))
    later = open_panel(account)
    assert later.shown["work"]["sentence"] == "2 snapshots: 2 running."
    clock.running.set()
    wait_for_result(later)
    wait_until(lambda: later.shown["work"]["sentence"] == "2 snapshots: 2 done.")


def test_cancelling_shows_the_truth_and_restores_the_power(page, world, clock):
    """While a snapshot cannot be stopped that is said, in amber; it ends with the droplet on, and is no success."""
    clock.pause_when = lambda: snapshots(world, 101)
    start_snapshot(page, 101, 102)
    wait_until(lambda: clock.paused)
    page.ask("cancel")
    [stopping, waiting] = page.runs
    clock.running.set()
    wait_for_result(page)

    assert stopping["kind"] == "stopping"
    assert stopping["sentence"].startswith("Cancelling: waiting for the snapshot to end, which cannot be stopped")
    assert (waiting["kind"], waiting["sentence"]) == ("planned", "Not begun yet.")
    assert page.shown["work"]["sentence"] == "2 snapshots: 1 cancelled, 1 not begun."
    assert page.runs[0]["kind"] == "cancelled"
    assert "is on, as it was before" in page.runs[0]["sentence"]
    assert world.droplet(101).real("status", world.now) == "active"
    assert not [line for line in post_requests(world) if "/102/" in line]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("forbidden", method="GET", path=r"/v2/droplets/101$"), "lacks the scope"),
        (Fault("not_found", method="GET", path=r"/v2/droplets/101$"), "There is nothing at"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_a_plan_that_cannot_be_made_is_explained(page, world, fault, words):
    """The reason of a refusal stands in the panel, which can be used again."""
    world.faults.add(fault)
    show_plan(page)
    refused = page.shown

    show_plan(page)

    assert words in refused["error"]
    assert refused["plan"] is None
    assert page.shown["error"] == ""
    assert "will be off" in page.text


def test_a_list_that_cannot_be_read_is_explained(account, world):
    """Without the list of droplets the panel says why, and offers to read it again."""
    world.faults.add(Fault("unauthorized", path="/v2/droplets"))

    page = open_panel(account)

    assert "does not accept this token" in page.shown["error"]
    page.ask("read")
    wait_until(lambda: len(page.shown["droplets"]) == 3)


def test_names_are_text(page, world):
    """A droplet's and a snapshot's name that look like HTML are sent as text, and escaped in the static fallback."""
    start_snapshot(page, 103, name="<script>alert(2)</script>")
    wait_for_result(page)
    html = page.panel._repr_mimebundle_()["text/html"]

    assert page.runs[0]["snapshot"] == "<script>alert(2)</script>"
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;img" in html
    assert "&lt;script" in html
    assert len(world.listed_images(103)) == 1


def test_the_last_state_can_be_read_without_the_widget(page, clock):
    """While a run is going on, HTML and plain text have its steps and the call that resumes it."""
    show_plan(page)
    clock.running.clear()
    start(page)
    wait_until(lambda: page.runs and page.runs[0]["log"])

    bundle = page.panel._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in bundle
    for kind in ("text/html", "text/plain"):
        assert "no longer live" in bundle[kind]
        assert "account.resume()" in bundle[kind]
        assert "Switch the droplet on again." in bundle[kind]
    assert "<style" not in bundle["text/html"]


def test_another_snapshot_can_be_taken_afterwards(page, world):
    """After the end the panel goes back to the list, and the next snapshot has to be confirmed, too."""
    start_snapshot(page, 102)
    wait_for_result(page)

    page.ask("again")
    wait_until(lambda: not page.shown["busy"])
    show_plan(page, 101)

    assert page.shown["work"] is None
    assert len(post_requests(world)) == 1
    assert "will be off" in page.text
