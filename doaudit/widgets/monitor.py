"""A panel with every open action of an account, live: its age beside what is usual, and the verdict on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from doaudit.widgets.monitor_text import fallback_html, fallback_text, row_cells, status_text
from doaudit.widgets.static_fallback import StaticFallback
from doaudit.widgets.static_files import static_text
from doaudit.widgets.throttle import Throttle

if TYPE_CHECKING:
    from doaudit.account import Account
    from doaudit.operations.observation import Observation

__all__ = ["Monitor"]

_LONGEST_VIEW = 60  # characters of the name of a view


class Monitor(StaticFallback, anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """
    A panel that reads the open actions of an account again and again, with one request each time.

    It only reads, and starts when it is shown. It rests while no page shows it, and says so. All monitors of an account
    share one poller, so that a second one costs no requests. The usual durations and the names of resources come from
    the local history as it is: run `account.refresh()` before to have it up to date.

    Args:
        account: the account.
        interval_s: seconds between two requests; the first monitor of an account decides. By default 4 to 15, as an
            open action is due (see `account.watch`).

    Attributes:
        poller: the account's poller; see `doaudit.operations.poller`.

    Example:
        >>> from doaudit import demo
        >>> with demo() as account:
        ...     monitor = Monitor(account)
        >>> monitor.poller.running
        False
    """

    _esm: ClassVar[str] = static_text("base.js", "monitor.js")
    _css: ClassVar[str] = static_text("base.css", "monitor.css")
    _name = "Monitor"
    fallback_class = traitlets.Unicode().tag(sync=True)

    def __init__(self, account: Account, *, interval_s: float | None = None) -> None:
        super().__init__()
        self.fallback_class = self._fallback_class
        self.poller = account.poller(interval_s=interval_s)
        self._source, self._throttle = account.source, Throttle()
        self._told: list[str] = []
        self.poller.listeners.append(self.update)
        self.on_msg(self._receive)

    def start(self) -> None:
        """Start reading, or go on; does nothing while it is running."""
        self.poller.start()
        self._show(self.poller.observation)

    def stop(self) -> None:
        """Stop reading, in every monitor of this account."""
        self.poller.stop()

    def update(self, observation: Observation) -> None:
        """Show an observation; may be called from any thread, and as often as it likes."""
        with self._lock:
            self._told += observation.news
            if self._throttle.allows(urgent=not self.poller.running or self.poller.resting or bool(observation.news)):
                self._show(observation)

    def _on_display(self) -> None:
        self.start()

    def _receive(self, widget: object, content: Any, buffers: object) -> None:  # noqa: ANN401 -- anything
        """Do what a page asks; what is none of the few things that it may ask is not even answered."""
        del widget, buffers
        asked = content if isinstance(content, dict) else {}
        kind, view = asked.get("kind"), asked.get("view")
        if kind == "start":
            self.start()
        elif kind == "stop":
            self.stop()
        elif kind == "look":
            self._show(self.poller.observation)
        elif kind in ("visible", "hidden") and isinstance(view, str) and len(view) <= _LONGEST_VIEW:
            self.poller.set_visible(view, visible=kind == "visible")

    def _show(self, observation: Observation) -> None:
        with self._lock:
            self._update_fallback()  # first: what a page has shown is there to read when the kernel has ended
            news, self._told = self._told, []
            running, resting = self.poller.running, self.poller.resting
            rows = [row_cells(row) for row in (*observation.open, *observation.ended)]
            self.send(
                {
                    "kind": "observation",
                    "heading": f"Open actions of {self._source}",
                    "status": status_text(observation, running=running, resting=resting),
                    "is_running": running,
                    "is_read": observation.at is not None,
                    "rows": rows,
                    "news": news,
                    "error": observation.error,
                }
            )

    def _static_fallback(self) -> tuple[str, str]:
        observation = self.poller.observation
        return fallback_html(observation), fallback_text(observation)
