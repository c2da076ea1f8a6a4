"""The monitor without a kernel: what it tells a page of an account's open actions, and which requests it sends."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from panels import HOSTILE_NAME, post_requests, wait_until

from doaudit.demo import Fault
from doaudit.widgets import Monitor


class Page:
    """What a browser hears of a monitor, and what it asks."""

    def __init__(self, monitor):
        self.monitor, self.heard = monitor, []
        monitor.send = lambda content, buffers=None: self.heard.append(json.loads(json.dumps(content)))

    def ask(self, kind, view="v"):
        """Send a message as a page does."""
        self.monitor._receive(None, {"kind": kind, "view": view}, [])

    @property
    def shown(self):
        """What the page shows."""
        return self.heard[-1] if self.heard else {"rows": [], "status": "", "error": ""}

    def row(self, action_id):
        """The row of an action; None if it has none."""
        return next((row for row in self.shown["rows"] if row["id"] == str(action_id)), None)


@pytest.fixture
def page(account):
    """A page that shows a monitor which polls as fast as it can."""
    shown = Page(Monitor(account, interval_s=0.02))
    yield shown
    shown.monitor.poller.stop()


def test_making_one_sends_no_request(account, world):
    """A monitor that is not shown sends no request."""
    Monitor(account)

    assert list(world.requests) == []


def test_shows_what_is_open_and_then_that_it_ended(page, world):
    """An action appears while it runs, with its age and verdict; when it has ended it says so, and pales."""
    action = world.act_on_droplet(101, {"type": "snapshot"})
    page.ask("start")
    wait_until(lambda: page.row(action.id) is not None)
    running = page.shown

    world.advance(100)
    wait_until(lambda: page.row(action.id)["is_ended"])

    assert running["status"].startswith("1 open: 0 normal, 0 slow, 0 stuck, 1 too few to tell. As of 2026-11-23")
    assert running["rows"][0]["usual"] == "nothing to compare with"
    assert running["rows"][0]["started"] == f"{datetime.fromtimestamp(action.started_at, UTC):%Y-%m-%d %H:%M:%S}"
    assert page.row(action.id)["verdict"] == "completed"
    assert [news for each in page.heard for news in each["news"]] == ["snapshot of droplet:101 completed after 1 min."]
    assert post_requests(world) == []


def twenty_reboots(world, account):
    """A history in which a reboot's usual duration is known."""
    for _ in range(20):
        world.act_on_droplet(101, {"type": "reboot"})
        world.advance(100)
    account.refresh()


def test_says_what_is_usual_and_what_became_stuck(page, account, world):
    """An open action has what is usual beside its age, and a sentence says when it became stuck, once."""
    twenty_reboots(world, account)
    world.faults.add(Fault("stuck"))
    action = world.act_on_droplet(101, {"type": "reboot"})
    page.ask("start")
    wait_until(lambda: page.row(action.id) is not None)
    fresh = page.row(action.id)
    world.advance(4000)
    wait_until(lambda: page.row(action.id)["verdict"] == "stuck")
    late = page.row(action.id)

    assert fresh["verdict"] == "normal"
    assert fresh["usual"].startswith("usually ")
    assert fresh["bar"]["age"] < late["bar"]["age"] == 1.0
    assert late["bar"]["from"] <= late["bar"]["to"] <= late["bar"]["p99"] < 0.1
    assert f"Action {action.id} of web-01 (droplet:101): open for 1 h 6 min" in late["details"]
    assert "1 open: 0 normal, 0 slow, 1 stuck." in page.shown["status"]
    news = [sentence for each in page.heard for sentence in each["news"]]
    assert [sentence[:30] for sentence in news] == ["reboot of web-01 is stuck: ope"]


def test_says_how_many_are_stuck(page, account, world):
    """What the history says was open, and is not among the newest actions, is shown and counted, too."""
    twenty_reboots(world, account)
    for droplet_id in (101, 103):
        world.faults.add(Fault("stuck"))
        world.act_on_droplet(droplet_id, {"type": "reboot"})
    world.arrive(110)
    account.refresh()
    world.advance(4000)

    page.ask("start")

    wait_until(lambda: "2 open: 0 normal, 0 slow, 2 stuck." in page.shown["status"])
    assert [news for each in page.heard for news in each["news"]] == []


def test_an_error_is_shown_beside_what_was_read_before(page, world):
    """A refusal is shown with the last observation; the next success removes it."""
    world.faults.add(Fault("forbidden", path="/v2/actions", after=2, times=None))
    world.act_on_droplet(101, {"type": "snapshot"})

    page.ask("start")
    wait_until(lambda: "lacks the scope" in page.shown["error"])
    failing = page.shown
    world.faults.clear()

    assert "1 open" in failing["status"]
    wait_until(lambda: not page.shown["error"])


def test_stops_and_starts(page, world):
    """After Stop no request is sent; Start goes on; the page hears which of the two it is."""
    page.ask("start")
    wait_until(lambda: len(world.requests) > 2)
    assert page.shown["is_running"]

    page.ask("stop")
    page.monitor.poller._thread.join()
    sent = len(world.requests)
    assert not page.shown["is_running"]
    assert page.shown["status"].endswith("Stopped.")

    page.ask("start")
    wait_until(lambda: len(world.requests) > sent + 1)


def test_rests_while_no_page_shows_it(page, account, world):
    """Nothing is asked while every page that shows a monitor of the account is hidden, and each says so."""
    other = Page(Monitor(account))
    page.ask("visible", "one")
    other.ask("visible", "two")
    page.ask("start")
    wait_until(lambda: page.shown["rows"] == [] and "0 open" in page.shown["status"])

    page.ask("hidden", "one")
    sent = len(world.requests)
    wait_until(lambda: len(world.requests) > sent + 1)
    other.ask("hidden", "two")
    wait_until(lambda: page.shown["status"].endswith("Paused while the page is hidden."))
    wait_until(lambda: page.monitor.poller.resting)
    sent = len(world.requests)
    page.monitor.poller._thread.join(0.3)
    assert len(world.requests) <= sent + 1
    assert page.monitor.poller.running

    page.ask("visible", "one")
    wait_until(lambda: len(world.requests) > sent + 2)
    assert "Paused" not in page.shown["status"]


@pytest.mark.parametrize(
    "content",
    [None, [], "stop", {"kind": "act"}, {"kind": "hidden"}, {"kind": "hidden", "view": "x" * 61}, {"kind": ["stop"]}],
)
def test_other_messages_do_nothing(page, world, content):
    """A message that is none of the few that a page may send changes nothing and is no fault."""
    page.ask("start")

    page.monitor._receive(None, content, [])

    assert page.monitor.poller.running
    assert not page.monitor.poller.resting
    assert post_requests(world) == []


def test_all_monitors_of_an_account_share_a_poller(page, account):
    """A cell that is run again sends no more requests than before."""
    assert Monitor(account).poller is page.monitor.poller


def test_names_are_text(page, account, world):
    """A resource whose name looks like HTML is sent as text, and escaped in the static fallback."""
    account.refresh()
    world.act_on_droplet(103, {"type": "snapshot"})
    page.ask("start")
    wait_until(lambda: any(row["resource"] == HOSTILE_NAME for row in page.shown["rows"]))
    bundle = page.monitor._repr_mimebundle_()

    assert HOSTILE_NAME in bundle["text/plain"]
    assert "<img" not in bundle["text/html"]
    assert "no longer live" in bundle["text/html"]
