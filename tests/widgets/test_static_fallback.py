"""What a panel leaves in the notebook: it is brought up to date before a page shows what it tells."""

from __future__ import annotations

from panels import show_plan, wait_until

from doaudit.widgets import Explorer, Monitor


class Notebook:
    """A notebook that shows a panel: what was sent to it, in order, the static fallback as text."""

    def __init__(self, panel):
        self.sent = []
        panel.send = lambda content, buffers=None: self.sent.append(content)
        panel._fallback_display = self

    def update(self, bundle, *, raw):
        """Take a new static fallback, as a display handle does."""
        assert raw
        self.sent.append(bundle["text/plain"])

    def fallback_before(self, is_shown):
        """The last static fallback that was sent before the first message of which this is true."""
        at = next(at for at, each in enumerate(self.sent) if isinstance(each, dict) and is_shown(each))
        return [each for each in self.sent[:at] if isinstance(each, str)][-1]


def test_of_the_explorer(account):
    """Counts that a page shows are in the static fallback already."""
    account.act("droplet:101", "reboot")
    explorer = Explorer(account)
    notebook = Notebook(explorer)

    explorer._receive(None, {"kind": "look", "view": "v", "number": 1, "selection": {"type": ["reboot"]}}, [])

    assert "Explorer: 1 of 1 actions: 1 open" in notebook.fallback_before(lambda each: each["kind"] == "look")


def test_of_the_monitor(account, world):
    """Open actions that a page shows are in the static fallback already, also where the page asks for them."""
    world.act_on_droplet(101, {"type": "snapshot"})
    monitor = Monitor(account, interval_s=0.02)
    notebook = Notebook(monitor)
    monitor.start()
    wait_until(lambda: monitor.poller.observation.at is not None)
    monitor.poller.stop()
    monitor._receive(None, {"kind": "look", "view": "v"}, [])

    assert notebook.fallback_before(lambda each: each["rows"]).startswith("1 open actions as of 2026-11-23")


def test_of_the_snapshot_panel(page):
    """That a snapshot was started is in the static fallback before a page shows it; at the end its result is."""
    show_plan(page, 101)
    notebook = Notebook(page.panel)
    page.ask("start", plans=[plan.id for plan in page.panel.plans], confirmed=True)
    wait_until(lambda: not page.panel.work.running)
    wait_until(lambda: isinstance(notebook.sent[-1], dict) and not notebook.sent[-1]["work"]["is_running"])

    begun = notebook.fallback_before(lambda each: each["work"])
    ended = notebook.fallback_before(lambda each: each["work"] and not each["work"]["is_running"])
    assert "Snapshot 'web-01 " in begun
    assert "Nothing has been started" not in begun
    assert ": Done: the snapshot" in ended
