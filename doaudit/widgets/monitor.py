"""A panel with every open action of an account, live: its age, its expected end, and whether it is late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name

from doaudit.formatting import html_text
from doaudit.operations.poller import INTERVAL_S, Observation
from doaudit.widgets.live_panel import LivePanel, Throttle
from doaudit.widgets.monitor_text import fallback_html, fallback_text, status_html, table_html

if TYPE_CHECKING:
    from doaudit.account import Account

__all__ = ["Monitor"]

_DISCONNECTED = "<p><b>No longer live.</b> The kernel behind this panel has ended: run the cell again.</p>"


class Monitor(LivePanel):
    """
    A panel that reads the open actions of an account every few seconds, with one request each time.

    It only reads, and starts when it is shown. All monitors of an account share one poller, so that a second one costs
    no requests. The usual durations and the names of resources come from the local history as it is: run
    `account.refresh()` before to have it up to date.

    Args:
        account: the account.
        interval_s: seconds between two requests; the first monitor of an account decides.

    Attributes:
        poller: the account's poller; see `doaudit.operations.poller`.
        start, stop: the buttons.

    Example:
        >>> from doaudit import demo
        >>> with demo() as account:
        ...     monitor = Monitor(account)
        >>> monitor.poller.running
        False
    """

    def __init__(self, account: Account, *, interval_s: float = INTERVAL_S) -> None:
        self.poller = account.poller(interval_s=interval_s)
        self._throttle = Throttle()
        self._heading = W.HTML(f"<h3>Open actions <small>{html_text(account.source)}; all times in UTC</small></h3>")
        self._status, self._table = W.HTML(), W.HTML()
        self.start = W.Button(description="Start", layout=W.Layout(width="auto", min_width="6rem"))
        self.stop = W.Button(description="Stop", disabled=True, layout=W.Layout(width="auto", min_width="6rem"))
        self.start.add_class("doaudit-monitor-start")
        self.stop.add_class("doaudit-monitor-stop")
        self._table.add_class("doaudit-monitor")
        buttons = W.HBox([self.start, self.stop])
        super().__init__("Monitor", _DISCONNECTED, [self._heading, self._status, self._table, buttons])
        self.start.on_click(self._handler(self._start))
        self.stop.on_click(self._handler(self.poller.stop))
        self.poller.listeners.append(self.update)
        self._draw(self.poller.observation)

    def _on_display(self) -> None:
        self._start()

    def _start(self) -> None:
        self.poller.start()
        self._draw(self.poller.observation)

    def update(self, observation: Observation) -> None:
        """Show an observation; may be called from any thread, and as often as it likes."""
        with self._lock:
            if self._throttle.allows(urgent=not self.poller.running):
                self._draw(observation)
                self._update_fallback()

    def _draw(self, observation: Observation) -> None:
        running = self.poller.running
        self.start.disabled, self.stop.disabled = running, not running
        self._status.value = status_html(observation)
        self._table.value = table_html(observation)

    def _static_fallback(self) -> tuple[str, str]:
        observation = self.poller.observation
        return fallback_html(observation), fallback_text(observation)
