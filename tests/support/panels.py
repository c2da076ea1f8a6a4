"""Helpers for tests of panels: a clock that a test can pause, what a panel shows, and a user's clicks."""

from __future__ import annotations

import threading
import time

import ipywidgets
import pytest

from doaudit.widgets import SnapshotPanel

HOSTILE_NAME = '<img src=x onerror="alert(1)"> & "co"'
TIMEOUT_S = 20


class PausableClock:
    """
    A clock whose waits advance the world's time while it is not paused.

    Attributes:
        running: set while it is not paused.
        pause_when: called at each wait; the clock pauses once it returns something true.
        fails: while true, a wait ends its thread, as the end of a kernel would.
    """

    def __init__(self, world):
        self.world, self.running, self.fails = world, threading.Event(), False
        self.pause_when = lambda: False
        self.running.set()

    @property
    def paused(self):
        """True while waits do not end."""
        return not self.running.is_set()

    def now(self):
        """Return the world's time."""
        return self.world.now

    def elapsed(self):
        """Return the world's time, which never goes backwards."""
        return self.world.now

    def wait(self, seconds, stop=None):
        """Wait while it is paused, then advance the world's time."""
        if stop is not None and stop.is_set():
            return True
        if self.pause_when():
            self.pause_when = lambda: False
            self.running.clear()
        self.running.wait(TIMEOUT_S)
        if self.fails:
            raise SystemExit
        self.world.advance(seconds)
        return stop is not None and stop.is_set()


def wait_until(condition):
    """Wait for a thread to make a condition true; fail if it does not."""
    for _ in range(TIMEOUT_S * 100):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("The condition did not become true in time.")


def visible_html(widget):
    """Return all HTML that a panel shows now, without its stylesheet."""
    if isinstance(widget, ipywidgets.HTML):
        return "" if "<style>" in widget.value else widget.value
    if getattr(widget, "layout", None) is not None and widget.layout.display == "none":
        return ""
    return "".join(visible_html(child) for child in getattr(widget, "children", ()))


def post_requests(world):
    """Return the requests that would change something in the account."""
    return [line for line in world.requests if line.startswith("POST")]


def open_panel(account):
    """Make a panel, and let it read the list of droplets as it does when it is shown."""
    made = SnapshotPanel(account)
    made.read()
    wait_until(lambda: not made.reload.disabled)
    return made


def show_plan(panel, droplet_id=101, **filled):
    """Choose a droplet, and show the plan."""
    panel.droplets.choice.value = droplet_id
    for field, value in filled.items():
        getattr(panel, field).value = value
    panel.show_plan.click()
    wait_until(lambda: not panel.show_plan.disabled)


def start_snapshot(panel, droplet_id=101, **filled):
    """Choose a droplet, show the plan, confirm, and start."""
    show_plan(panel, droplet_id, **filled)
    panel.confirm.value = True
    panel.start.click()


def snapshots(world, droplet_id):
    """Return the snapshot actions of a droplet."""
    return [action for action in world.actions_of(world.droplet(droplet_id)) if action.type == "snapshot"]


def wait_for_result(panel):
    """Wait until the run has ended, and return what the panel shows then."""
    wait_until(lambda: "da-box" in panel._result_text.value)
    return visible_html(panel)
