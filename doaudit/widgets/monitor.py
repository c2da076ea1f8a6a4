"""Every open action of an account, live: its age, when it is expected to end, and whether it is late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name

from doaudit.operations.poller import INTERVAL_S, Observation
from doaudit.widgets.live_panel import LivePanel, Pace
from doaudit.widgets.monitor_text import monitor_status, monitor_still, monitor_table, plain_monitor
from doaudit.widgets.words import escaped

if TYPE_CHECKING:
    from doaudit.account import Account

__all__ = ["Monitor"]

_GONE = "<p><b>No longer live.</b> The kernel behind this panel is gone: run the cell again.</p>"


class Monitor(LivePanel):
    """
    A panel that looks at the open actions of an account every few seconds, with one request each time.

    It only reads, and begins when it is shown; a second one for the same account looks through the same eyes.
    How long actions usually take, and what resources are called, it takes from the local history as that is: run
    `account.refresh()` before to have it up to date.

    Args:
        account: whose actions.
        interval_s: seconds between two looks.

    Example:
        >>> from doaudit import demo
        >>> with demo() as account:
        ...     monitor = Monitor(account)
        >>> monitor.poller.running
        False
    """

    def __init__(self, account: Account, *, interval_s: float = INTERVAL_S) -> None:
        self._account = account
        self.poller = account.poller(interval_s=interval_s)
        self._pace = Pace()
        self._heading = W.HTML(f"<h3>Open actions <small>{escaped(account.source)}; all times in UTC</small></h3>")
        self._status, self._table = W.HTML(), W.HTML()
        self.start = W.Button(description="Start", layout=W.Layout(width="auto", min_width="6rem"))
        self.stop = W.Button(description="Stop", disabled=True, layout=W.Layout(width="auto", min_width="6rem"))
        self.start.add_class("doaudit-monitor-start")
        self.stop.add_class("doaudit-monitor-stop")
        self._table.add_class("doaudit-monitor")
        buttons = W.HBox([self.start, self.stop])
        super().__init__("Monitor", _GONE, [self._heading, self._status, self._table, buttons])
        self.start.on_click(self._handler(self._start))
        self.stop.on_click(self._handler(self._stop))
        self.poller.listeners.append(self.update)
        self._draw(self.poller.observation)

    def _was_shown(self) -> None:
        self._start()

    def _start(self) -> None:
        self.poller.start()
        self._draw(self.poller.observation)

    def _stop(self) -> None:
        self.poller.stop()

    def update(self, observation: Observation) -> None:
        """Show what was seen; may be called from any thread, and as often as it likes."""
        with self._lock:
            if self._pace.lets_through(urgent=not self.poller.running):
                self._draw(observation)
                self._keep_still()

    def _draw(self, observation: Observation) -> None:
        running = self.poller.running
        self.start.disabled, self.stop.disabled = running, not running
        self._status.value = monitor_status(observation)
        self._table.value = monitor_table(observation)

    def _still_state(self) -> tuple[str, str]:
        observation = self.poller.observation
        return monitor_still(observation), plain_monitor(observation)
