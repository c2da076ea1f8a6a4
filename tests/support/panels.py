"""Helpers for tests of panels: a clock that a test can pause, what a panel shows, and a user's clicks."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager

import pytest

from doaudit.account import Account
from doaudit.api.client import Client
from doaudit.demo import serve
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


@contextmanager
def opened_account(world, clock, folder):
    """The account of a world on a clock, over real HTTP, its history a file; at the end what runs has ended."""
    with serve(world, speed=0) as server:
        account = Account(Client(server.token, server.url, clock=clock), history=folder / "history.duckdb", clock=clock)
        yield account
        clock.running.set()
        for job in account.snapshot_runs.running():
            job.wait(TIMEOUT_S)
        account.close()


def wait_until(condition):
    """Wait for a thread to make a condition true; fail if it does not."""
    for _ in range(TIMEOUT_S * 100):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("The condition did not become true in time.")


def post_requests(world):
    """Return the requests that would change something in the account."""
    return [line for line in world.requests if line.startswith("POST")]


class Page:
    """What a browser hears of a snapshot panel, and what it asks."""

    def __init__(self, panel):
        self.panel, self.heard = panel, []
        panel.send = lambda content, buffers=None: self.heard.append(json.loads(json.dumps(content)))

    def ask(self, kind, **more):
        """Send a request as a page does."""
        self.panel._receive(None, {"kind": kind, **more}, [])

    @property
    def shown(self):
        """The state that the page draws."""
        return self.heard[-1]

    @property
    def text(self):
        """Everything that the page shows now, as one text."""
        return json.dumps(self.shown, ensure_ascii=False)

    @property
    def runs(self):
        """The runs that are shown."""
        return (self.shown["work"] or {"items": []})["items"]


def open_panel(account):
    """Make a panel on a page, and let it read the list of droplets as it does when it is shown."""
    page = Page(SnapshotPanel(account))
    page.panel.read()
    wait_until(lambda: not page.shown["busy"])
    return page


def show_plan(page, *droplets, **chosen):
    """Choose droplets, and wait for the plan."""
    page.ask("choose", droplets=list(droplets or [101]), **chosen)
    wait_until(lambda: not page.shown["is_planning"])


def start(page, **more):
    """Confirm the plan that is shown, and start it."""
    plans = [item["id"] for item in page.shown["plan"]["items"]]
    page.ask("start", plans=plans, confirmed=True, **more)


def start_snapshot(page, *droplets, **chosen):
    """Choose droplets, wait for the plan, confirm, and start."""
    show_plan(page, *droplets, **chosen)
    start(page)


def snapshots(world, droplet_id):
    """Return the snapshot actions of a droplet."""
    return [action for action in world.actions_of(world.droplet(droplet_id)) if action.type == "snapshot"]


def wait_for_result(page):
    """Wait until all is over, and return what the page shows then."""
    wait_until(lambda: page.runs and not page.shown["work"]["is_running"])
    return page.text
