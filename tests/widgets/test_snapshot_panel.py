"""The snapshot panel without a kernel: built, filled in and clicked, on an account over real HTTP."""

from __future__ import annotations

import pytest
from panels import posts, shown, until

from doaudit.demo import Fault
from doaudit.widgets import SnapshotPanel


@pytest.fixture
def panel(account):
    """A panel that has read the list of droplets."""
    return read(account)


def read(account):
    """Make a panel, and let it read the list of droplets as it does when it is shown."""
    made = SnapshotPanel(account)
    made.read()
    until(lambda: not made.again.disabled)
    return made


def plan(panel, droplet_id=101, **filled):
    """Choose a droplet, and ask what will happen."""
    panel.droplets.choice.value = droplet_id
    for field, value in filled.items():
        getattr(panel, field).value = value
    panel.look.click()
    until(lambda: not panel.look.disabled)


def begin(panel, droplet_id=101, **filled):
    """Choose, confirm, start."""
    plan(panel, droplet_id, **filled)
    panel.confirm.value = True
    panel.start.click()


def snapshots(world, droplet_id):
    """The snapshots of a droplet that were begun."""
    return [action for action in world.actions_of(world.droplet(droplet_id)) if action.type == "snapshot"]


def ended(panel):
    """What the panel shows once its run is over."""
    until(lambda: "da-box" in panel._result.value)
    return shown(panel)


def test_making_one_asks_nothing(account, world):
    """A panel that is made, or made again by its cell, sends no request at all."""
    SnapshotPanel(account)
    SnapshotPanel(account)

    assert list(world.requests) == []


def test_lists_every_droplet_with_what_is_known_of_it(panel, account, world):
    """A line tells a droplet's name, region, status, size, id and latest snapshot."""
    world.act_on_droplet(102, {"type": "snapshot"})
    world.advance(1000)
    account.refresh()
    panel.read()
    until(lambda: not panel.again.disabled)

    lines = {droplet_id: line.split() for line, droplet_id in panel.droplets.choice.options}

    assert lines[101] == ["web-01", "fra1", "active", "s-2vcpu-4gb", "-", "101"]
    assert lines[102] == ["db-01", "ams3", "off", "s-2vcpu-4gb", "2026-11-23", "12:00", "102"]
    assert len({len(line) for line, _ in panel.droplets.choice.options}) == 1


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", {101, 102, 103}),
        ("WEB", {101}),
        ("off ams", {102}),
        ("8gb <img", {103}),
        ("web ams3", set()),
        ("10", {101, 102, 103}),
    ],
)
def test_finds_the_droplets_with_every_word(panel, typed, found):
    """The list shows those droplets in whose line each typed word occurs, whatever its case."""
    panel.droplets.filter.value = typed

    assert {droplet_id for _, droplet_id in panel.droplets.choice.options} == found


def test_a_choice_that_is_still_found_is_kept(panel):
    """Typing more of the chosen droplet's name does not undo the choice."""
    panel.droplets.choice.value = 101

    panel.droplets.filter.value = "web"

    assert panel.droplets.chosen == 101


def test_a_choice_that_is_filtered_away_is_no_choice(panel):
    """Nothing that cannot be seen can be started."""
    panel.droplets.choice.value = 101

    panel.droplets.filter.value = "db"

    assert panel.droplets.chosen is None
    assert panel.look.disabled


def test_the_plan_comes_first_and_changes_nothing(panel, world):
    """Asking what will happen shows the steps and how long the droplet is off, and asks for no change."""
    plan(panel, 101, name="before the upgrade")

    text = shown(panel)

    assert posts(world) == []
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
    """A droplet that is off already, or is to stay on, is not said to be switched."""
    plan(panel, droplet_id, live=live)

    assert words in shown(panel)
    assert "switch" not in panel.confirm.description


@pytest.mark.parametrize(("field", "value"), [("name", "another"), ("live", True)])
def test_what_was_not_planned_cannot_be_started(panel, field, value):
    """Whoever changes a field after confirming has to look, and to confirm, again."""
    plan(panel)
    panel.confirm.value = True
    assert not panel.start.disabled

    getattr(panel, field).value = value

    assert panel.start.disabled
    assert not panel.confirm.value


def test_nothing_starts_without_the_second_act(panel, account, world):
    """A start that was not confirmed, however it comes about, starts nothing."""
    plan(panel)

    panel.start.click()

    assert account.snapshot_runs.running() == []
    assert posts(world) == []


def test_a_plan_that_came_too_late_is_dropped(panel, world):
    """Who chooses another droplet while the plan is made does not get to confirm the former one."""
    world.faults.add(Fault("slow", path=r"/v2/droplets/101$", seconds=0.3))
    panel.droplets.choice.value = 101
    panel.look.click()

    panel.droplets.choice.value = 102
    until(lambda: not panel.look.disabled)

    assert "What will happen" not in shown(panel)
    panel.confirm.value = True
    assert panel.start.disabled


def test_takes_one_snapshot_and_says_so(panel, world):
    """After confirming and starting there is one snapshot of that name, and the droplet is on."""
    begin(panel, 101, name="before the upgrade")

    text = ended(panel)

    assert [image.name for image in world.listed_images(101)] == ["before the upgrade"]
    assert world.droplet(101).get("status", world.now) == "active"
    assert "Done: the snapshot &#x27;before the upgrade&#x27; exists" in text
    assert all(f"action {action.id}" in text for action in world.actions_of(world.droplet(101)))


def test_clicking_twice_starts_once(panel, account, gate, world):
    """A double click, or a second panel on the same droplet, starts no second run; that panel watches the first."""
    plan(panel)
    other = read(account)
    plan(other)
    gate.open.clear()
    panel.confirm.value = other.confirm.value = True

    for button in (panel.start, panel.start, other.start):
        button.click()

    assert len(account.snapshot_runs.running()) == 1
    assert other._job is panel._job
    gate.open.set()
    assert "Done" in ended(panel)
    assert "Done" in ended(other)
    assert len(world.listed_images(101)) == 1


def test_a_panel_that_is_shown_later_watches_the_running_snapshot(panel, account, gate):
    """Running the cell again while a snapshot is taken shows that one, and starts nothing."""
    gate.open.clear()
    begin(panel)

    later = read(account)

    until(lambda: later._job is not None)
    assert later._job is panel._job
    gate.open.set()
    assert "Done" in ended(later)


def test_cancel_restores_the_power(panel, world, gate):
    """A cancel in the middle ends with the droplet on, and is no success."""
    gate.closes_when = lambda: snapshots(world, 101)
    begin(panel)
    until(lambda: not gate.open.is_set())
    panel.cancel.click()
    gate.open.set()

    text = ended(panel)

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
def test_a_plan_that_cannot_be_made_is_told(panel, world, fault, words):
    """What the API refuses stands in the panel, which can be used again."""
    world.faults.add(fault)
    plan(panel)
    refused = shown(panel)

    panel.look.click()
    until(lambda: not panel.look.disabled)

    assert words in refused
    assert panel.start.disabled
    assert words not in shown(panel)
    assert "will be off" in shown(panel)


def test_a_list_that_cannot_be_read_is_told(account, world):
    """Without the list of droplets the panel says why, and offers to read it again."""
    world.faults.add(Fault("unauthorized", path="/v2/droplets"))

    panel = read(account)

    assert "does not accept this token" in shown(panel)
    panel.again.click()
    until(lambda: len(panel.droplets.choice.options) == 3)


def test_a_defect_is_shown_and_not_raised(panel):
    """Whatever a handler meets, the user reads it in the panel; nobody sees what a handler raises."""
    panel._handler(lambda: 1 // 0)(None)

    assert "ZeroDivisionError" in shown(panel)


def test_names_are_text(panel, world):
    """A droplet's and a snapshot's name that look like HTML are shown as text: plan, steps, log, result, still."""
    begin(panel, 103, name="<script>alert(2)</script>")

    text = ended(panel) + panel._planned.value + panel._repr_mimebundle_()["text/html"]

    assert "<img" not in text
    assert "<script" not in text
    assert "&lt;img" in text
    assert "&lt;script" in text
    assert len(world.listed_images(103)) == 1


def test_the_last_state_can_be_read_without_the_widget(panel, gate):
    """While a run is going on, HTML and plain text tell its steps and the line that takes it up again."""
    gate.open.clear()
    begin(panel)
    until(lambda: "da-log" in shown(panel))

    bundle = panel._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in bundle
    for kind in ("text/html", "text/plain"):
        assert "no longer live" in bundle[kind]
        assert "account.resume()" in bundle[kind]
        assert "Switch the droplet on again." in bundle[kind]
    assert "<style" not in bundle["text/html"]


def lose_the_kernel(panel, account, gate, world):
    """Begin a snapshot, and let what drives it die while the snapshot is taken."""
    gate.closes_when = lambda: snapshots(world, 101)
    begin(panel, 101, name="half-way")
    until(lambda: not gate.open.is_set())
    gate.broken = True
    gate.open.set()
    until(lambda: not account.snapshot_runs.running())
    gate.broken = False


def test_a_panel_with_an_old_list_takes_up_nothing_twice(panel, account, gate, world):
    """A run that somebody else has finished since the list was read is said to be over, and asks for nothing."""
    lose_the_kernel(panel, account, gate, world)
    first, second = read(account), read(account)
    first._left.children[0].children[1].click()
    ended(first)
    asked = posts(world)

    second._left.children[0].children[1].click()

    assert "This run is over, and is not done twice." in ended(second)
    assert posts(world) == asked


def test_a_damaged_journal_is_shown_and_cannot_be_taken_up(panel, account, gate, world):
    """A run of unknown state tells what to look at, and has no button."""
    lose_the_kernel(panel, account, gate, world)
    [path] = account._state().journals.glob("*.jsonl")
    path.write_bytes(b"")

    later = read(account)

    assert "IT IS NOT KNOWN whether droplet 101 (101) is on" in shown(later)
    assert str(path) in shown(later)
    assert [len(offer.children) for offer in later._left.children] == [1]


def test_what_a_lost_kernel_left_is_offered_and_taken_up(panel, account, gate, world):
    """A run that stopped half-way is offered by the next panel; one click goes on, and no second snapshot is taken."""
    lose_the_kernel(panel, account, gate, world)

    later = read(account)
    offer = shown(later)
    later._left.children[0].children[1].click()

    assert "Left unfinished: snapshot 'half-way' of web-01" in offer
    ended(later)
    assert [image.name for image in world.listed_images(101)] == ["half-way"]
    assert world.droplet(101).get("status", world.now) == "active"


def test_another_one_can_be_taken_afterwards(panel, world):
    """After the end the panel goes back to the list, and the next snapshot is confirmed anew."""
    begin(panel, 102)
    ended(panel)

    panel.another.click()
    until(lambda: not panel.again.disabled)
    plan(panel, 101)

    assert panel.start.disabled
    assert len(posts(world)) == 1
    assert "will be off" in shown(panel)
