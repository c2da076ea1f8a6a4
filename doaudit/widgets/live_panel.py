"""
The base of every panel: handlers that never raise, a lock, and a last state that outlives the kernel.

A panel's output has two parts. One is the widget. The other is its static fallback: plain HTML and text, kept up to
date under a display id, and hidden by the widget's own stylesheet while there is a widget. Once the kernel has ended
and the page was loaded again, or in an export, the fallback is what there is to read.
"""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name

from doaudit.errors import DoauditError
from doaudit.formatting import html_text
from doaudit.widgets.html_box import box
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


class LivePanel(W.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    A column of widgets that any thread may update, and whose last state can be read without them.

    Args:
        name: the panel's name, for places where only text can be shown.
        disconnected: a notice for when its kernel has ended, HTML.
        children: its widgets, from top to bottom.
    """

    def __init__(self, name: str, disconnected: str, children: Sequence[W.Widget]) -> None:
        self._lock = threading.RLock()
        self._name = name
        self._fallback_display: Any = None
        self._fallback_shown = ""
        self._stylesheet = W.HTML()
        self._stylesheet.add_class("doaudit-stylesheet")
        self._error = W.HTML(layout=W.Layout(display="none"))
        super().__init__([self._stylesheet, *children, self._error])
        self.add_class("doaudit")
        hide_fallback = f"<style>.{self._fallback_class} {{ display: none; }}</style>"
        # JupyterLab marks the widgets of a lost kernel, and only there the stylesheet shows this notice.
        notice = f'<div class="da-disconnected">{box("warn", disconnected)}</div>'
        self._stylesheet.value = f"{STYLESHEET}{hide_fallback}{notice}"

    @property
    def _fallback_class(self) -> str:
        return f"doaudit-fallback-{self.model_id}"

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        """Return the widget for a notebook, and the static fallback for everything else."""
        html, text = self._static_fallback()
        return {**super()._repr_mimebundle_(**options), "text/plain": text, "text/html": html}

    def _ipython_display_(self) -> None:
        """Show the widget and the static fallback, which stays when the kernel has ended."""
        from IPython.core.getipython import get_ipython  # noqa: PLC0415 -- only where IPython is at work already
        from IPython.display import display  # noqa: PLC0415

        widget = {**super()._repr_mimebundle_(), "text/plain": f"{self._name}: a live panel."}
        display(widget, raw=True)  # type: ignore[no-untyped-call]
        with self._lock:
            handle = display(self._fallback_bundle(), raw=True, display_id=self._fallback_class)  # type: ignore[no-untyped-call]
            # A terminal cannot change what it has shown: there each update would be printed below the last one.
            self._fallback_display = handle if hasattr(get_ipython(), "kernel") else None
        self._on_display()

    def _on_display(self) -> None:
        """Start what begins when the panel is shown; here nothing."""

    def _static_fallback(self) -> tuple[str, str]:
        """Return the last state as HTML without any style, and as plain text."""
        return html_text(self._name), self._name

    def _update_fallback(self) -> None:
        """Bring the static fallback up to date, where it is shown and has changed."""
        with self._lock:
            bundle = self._fallback_bundle()
            if self._fallback_display is not None and bundle["text/plain"] != self._fallback_shown:
                self._fallback_shown = bundle["text/plain"]
                self._fallback_display.update(bundle, raw=True)

    def _fallback_bundle(self) -> dict[str, str]:
        html, text = self._static_fallback()
        return {"text/html": f'<div class="{self._fallback_class}">{html}</div>', "text/plain": text}

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
