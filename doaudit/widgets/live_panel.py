"""The base of panels of ipywidgets: handlers that never raise, a lock, and a last state that outlives the kernel."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, TypeVar

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name

from doaudit.errors import DoauditError
from doaudit.formatting import html_text
from doaudit.widgets.html_box import box
from doaudit.widgets.key_guard import KeyGuard
from doaudit.widgets.static_fallback import StaticFallback
from doaudit.widgets.stylesheet import STYLESHEET

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["LivePanel", "Throttle"]

_SHORTEST_INTERVAL_S = 0.1
T = TypeVar("T")


class Throttle:
    """
    A limit of ten updates a second, which urgent ones need not keep.

    Args:
        clock: tells seconds that never go backwards.

    Example:
        >>> seconds = iter([0.0, 0.05, 0.06, 0.2])
        >>> throttle = Throttle(lambda: next(seconds))
        >>> [throttle.allows(), throttle.allows(), throttle.allows(urgent=True), throttle.allows()]
        [True, False, True, True]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last_s = float("-inf")

    def allows(self, *, urgent: bool = False) -> bool:
        """Return whether an update may happen now; if so, it counts."""
        now_s = self._clock()
        if not urgent and now_s - self._last_s < _SHORTEST_INTERVAL_S:
            return False
        self._last_s = now_s
        return True


class LivePanel(StaticFallback, W.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    A column of widgets that any thread may update, whose keys stay in it, and whose last state outlives them.

    Args:
        name: the panel's name, for places where only text can be shown.
        disconnected: a notice for when its kernel has ended, HTML.
        children: its widgets, from top to bottom.
    """

    def __init__(self, name: str, disconnected: str, children: Sequence[W.Widget]) -> None:
        self._name = name
        self._stylesheet = W.HTML()
        self._stylesheet.add_class("doaudit-stylesheet")
        self._error = W.HTML(layout=W.Layout(display="none"))
        super().__init__([self._stylesheet, KeyGuard(), *children, self._error])
        self.add_class("doaudit")
        hide_fallback = f"<style>.{self._fallback_class} {{ display: none; }}</style>"
        # JupyterLab marks the widgets of a lost kernel, and only there the stylesheet shows this notice.
        notice = f'<div class="da-disconnected">{box("warn", disconnected)}</div>'
        self._stylesheet.value = f"{STYLESHEET}{hide_fallback}{notice}"

    def _handler(self, action: Callable[[], None]) -> Callable[[object], None]:
        """Make an event handler that runs one at a time, and shows in the panel whatever *action* raises."""

        @functools.wraps(action)
        def handle(event: object) -> None:
            del event
            with self._lock:
                try:
                    self._show_error(None)
                    action()
                except Exception as error:  # noqa: BLE001 -- nobody sees what a handler raises
                    self._show_error(error)

        return handle

    def _run_in_background(
        self, task: Callable[[], T], on_result: Callable[[T], None], on_end: Callable[[], None]
    ) -> None:
        """Run a slow *task* in a thread; pass its result to *on_result* or show its error, then call *on_end*."""

        def run() -> None:
            try:
                result = task()
                with self._lock:
                    on_result(result)
            except Exception as error:  # noqa: BLE001 -- nobody sees what a thread raises
                self._show_error(error)
            finally:
                with self._lock:
                    on_end()

        threading.Thread(target=run, name="doaudit-background", daemon=True).start()

    def _show_error(self, error: Exception | None) -> None:
        with self._lock:
            html = "" if error is None else _error_html(error)
            if self._error.value != html:
                self._error.value = html
                self._error.layout.display = None if html else "none"


def _error_html(error: Exception) -> str:
    # Only our own errors are written to be read; the type of any other says more than its text alone.
    message = str(error) if isinstance(error, DoauditError) else f"{type(error).__name__}: {error}"
    return box("bad", f"<p>{html_text(message)}</p>", role="alert")
