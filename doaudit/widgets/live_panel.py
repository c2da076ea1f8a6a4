"""
What every panel shares: handlers that never raise, a lock, a measured pace, and a last state that outlives the kernel.

A panel's output has two parts. One is the widget. The other is plain HTML and text, kept up to date under a display id
and hidden by the widget's own sheet while there is a widget: after the kernel is gone and the page was loaded again, or
in an export, it is what there is to read.
"""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name

from doaudit.errors import DoauditError
from doaudit.widgets.stylesheet import SHEET
from doaudit.widgets.words import box, escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["LivePanel", "Pace"]

_SHORTEST_S = 0.1
T = TypeVar("T")


class Pace:
    """
    Lets one through every tenth of a second, and whatever is urgent.

    Args:
        clock: seconds that never go backwards.

    Example:
        >>> seconds = iter([0.0, 0.05, 0.06, 0.2])
        >>> pace = Pace(lambda: next(seconds))
        >>> [pace.lets_through(), pace.lets_through(), pace.lets_through(urgent=True), pace.lets_through()]
        [True, False, True, True]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")

    def lets_through(self, *, urgent: bool = False) -> bool:
        """Whether it is time for another."""
        now = self._clock()
        if not urgent and now - self._last < _SHORTEST_S:
            return False
        self._last = now
        return True


class LivePanel(W.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """
    A column of widgets that any thread may update and whose last state can be read without it.

    Args:
        name: what it is called where only text can be shown.
        gone: what it says once its kernel is gone, HTML.
        children: its widgets, from top to bottom.
    """

    def __init__(self, name: str, gone: str, children: Sequence[W.Widget]) -> None:
        self._lock = threading.RLock()
        self._name = name
        self._still: Any = None
        self._still_shown = ""
        self._sheet = W.HTML()
        self._sheet.add_class("doaudit-sheet")
        self._fault = W.HTML(layout=W.Layout(display="none"))
        super().__init__([self._sheet, *children, self._fault])
        self.add_class("doaudit")
        # JupyterLab marks the widgets of a lost kernel, and the sheet shows what is in there only where it has.
        self._sheet.value = f'{SHEET}{_hides(self._mark)}<div class="da-gone">{box("warn", gone)}</div>'

    @property
    def _mark(self) -> str:
        return f"doaudit-still-{self.model_id}"

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        """Its widget for a notebook, its last state for everything else."""
        shown, text = self._still_state()
        return {**super()._repr_mimebundle_(**options), "text/plain": text, "text/html": shown}

    def _ipython_display_(self) -> None:
        """Show it, and beside it the still that stays when it is gone."""
        from IPython.core.getipython import get_ipython  # noqa: PLC0415 -- only where IPython is at work already
        from IPython.display import display  # noqa: PLC0415

        widget = {**super()._repr_mimebundle_(), "text/plain": f"{self._name}: a live panel."}
        display(widget, raw=True)  # type: ignore[no-untyped-call]
        with self._lock:
            still = display(self._still_bundle(), raw=True, display_id=self._mark)  # type: ignore[no-untyped-call]
            # A terminal cannot change what it has shown: there each update would be printed below the last one.
            self._still = still if hasattr(get_ipython(), "kernel") else None
        self._was_shown()

    def _was_shown(self) -> None:
        """What is to happen once somebody looks; here nothing."""

    def _still_state(self) -> tuple[str, str]:
        """The last state as HTML without any style, and as plain text."""
        return escaped(self._name), self._name

    def _keep_still(self) -> None:
        """Bring the still up to date, where it is shown and has changed."""
        with self._lock:
            bundle = self._still_bundle()
            if self._still is not None and bundle["text/plain"] != self._still_shown:
                self._still_shown = bundle["text/plain"]
                self._still.update(bundle, raw=True)

    def _still_bundle(self) -> dict[str, str]:
        shown, text = self._still_state()
        return {"text/html": f'<div class="{self._mark}">{shown}</div>', "text/plain": text}

    def _handler(self, work: Callable[[], None]) -> Callable[[object], None]:
        """Make a handler of *work*: one at a time, and whatever it raises is shown in the panel."""

        @functools.wraps(work)
        def handle(event: object) -> None:
            del event
            with self._lock:
                try:
                    self._show_fault(None)
                    work()
                except Exception as fault:  # noqa: BLE001 -- nobody sees what a handler raises
                    self._show_fault(fault)

        return handle

    def _aside(self, work: Callable[[], T], then: Callable[[T], None], lastly: Callable[[], None]) -> None:
        """Do slow *work* in a thread of its own; hand what comes of it to *then*, or show its fault; call *lastly*."""

        def errand() -> None:
            try:
                found = work()
                with self._lock:
                    then(found)
            except Exception as fault:  # noqa: BLE001 -- nobody sees what a thread raises
                self._show_fault(fault)
            finally:
                with self._lock:
                    lastly()

        threading.Thread(target=errand, name="doaudit-errand", daemon=True).start()

    def _show_fault(self, fault: Exception | None) -> None:
        with self._lock:
            said = "" if fault is None else _fault_html(fault)
            if self._fault.value != said:
                self._fault.value = said
                self._fault.layout.display = None if said else "none"


def _fault_html(fault: Exception) -> str:
    # Only our own errors are written to be read; the kind of any other says more than its words alone.
    said = str(fault) if isinstance(fault, DoauditError) else f"{type(fault).__name__}: {fault}"
    return box("bad", f"<p>{escaped(said)}</p>", role="alert")


def _hides(mark: str) -> str:
    return f"<style>.{mark} {{ display: none; }}</style>"
