"""The monitor without a kernel: what it shows of an account's open actions, and which requests it sends."""

from __future__ import annotations

import pytest
from panels import HOSTILE_NAME, post_requests, visible_html, wait_until

from doaudit.demo import Fault
from doaudit.widgets import Monitor


@pytest.fixture
def monitor(account):
    """A monitor that polls as fast as it can."""
    panel = Monitor(account, interval_s=0.02)
    yield panel
    panel.poller.stop()


def test_making_one_sends_no_request(account, world):
    """A monitor that is not shown sends no request."""
    Monitor(account)

    assert list(world.requests) == []


def test_shows_what_is_open_and_then_that_it_ended(monitor, world):
    """An action appears while it runs, with its age and verdict, and is said to have completed afterwards."""
    action = world.act_on_droplet(101, {"type": "snapshot"})
    monitor.start.click()
    wait_until(lambda: str(action.id) in visible_html(monitor))
    running = visible_html(monitor)

    world.advance(100)
    wait_until(lambda: "da-ended" in visible_html(monitor))

    assert "1 open: 0 normal, 0 slow, 0 stuck, 1 too few to tell" in running
    assert "0 open" in visible_html(monitor)
    assert "completed" in visible_html(monitor)
    assert post_requests(world) == []


def test_says_how_many_are_stuck(monitor, account, world):
    """What the history says was open, and is not among the newest actions, is shown and counted, too."""
    for _ in range(20):
        world.act_on_droplet(101, {"type": "reboot"})
        world.advance(100)
    for droplet_id in (101, 103):
        world.faults.add(Fault("stuck"))
        world.act_on_droplet(droplet_id, {"type": "reboot"})
    world.arrive(110)
    account.refresh()
    world.advance(4000)

    monitor.start.click()

    wait_until(lambda: "2 open: 0 normal, 0 slow, 2 stuck." in visible_html(monitor))


def test_an_error_is_shown_beside_what_was_read_before(monitor, world):
    """A refusal is shown with the last observation; the next success removes it."""
    world.faults.add(Fault("forbidden", path="/v2/actions", after=2, times=None))
    world.act_on_droplet(101, {"type": "snapshot"})

    monitor.start.click()
    wait_until(lambda: "lacks the scope" in visible_html(monitor))
    failing = visible_html(monitor)
    world.faults.clear()

    assert "1 open" in failing
    wait_until(lambda: "lacks the scope" not in visible_html(monitor))


def test_stops_and_starts(monitor, world):
    """After Stop no request is sent; Start goes on; the buttons tell which of the two it is."""
    monitor.start.click()
    wait_until(lambda: len(world.requests) > 2)
    assert (monitor.start.disabled, monitor.stop.disabled) == (True, False)

    monitor.stop.click()
    monitor.poller._thread.join()
    sent = len(world.requests)
    assert (monitor.start.disabled, monitor.stop.disabled) == (False, True)

    monitor.start.click()
    wait_until(lambda: len(world.requests) > sent + 1)


def test_all_monitors_of_an_account_share_a_poller(monitor, account):
    """A cell that is run again sends no more requests than before."""
    assert Monitor(account).poller is monitor.poller


def test_names_are_text(monitor, account, world):
    """A resource whose name looks like HTML is shown as text, in the table and in the static fallback."""
    account.refresh()
    world.act_on_droplet(103, {"type": "snapshot"})
    monitor.start.click()
    wait_until(lambda: "onerror" in visible_html(monitor))
    bundle = monitor._repr_mimebundle_()

    assert HOSTILE_NAME in bundle["text/plain"]
    assert "<img" not in visible_html(monitor) + bundle["text/html"]
    assert "no longer live" in bundle["text/html"]
