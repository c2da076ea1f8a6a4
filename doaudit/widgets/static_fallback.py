"""
A panel's last state as plain HTML and text, which outlives the kernel.

A panel's output has two parts. One is the widget. The other is its static fallback: plain HTML and text, kept up to
date under a display id, and hidden by the widget's own stylesheet while there is a widget. Once the kernel has ended
and the page was loaded again, or in an export, the fallback is what there is to read.
"""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["StaticFallback"]

_VIEW = "application/vnd.jupyter.widget-view+json"


class StaticFallback:
    """
    Part of a widget that shows itself together with its static fallback.

    Attributes:
        model_id: of the widget.
    """

    model_id: str
    _name = "Panel"

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 -- those of the widget
        self._lock = threading.RLock()
        self._fallback_display: Any = None
        self._fallback_shown = ""
        super().__init__(*arguments, **options)

    @property
    def _fallback_class(self) -> str:
        return f"doaudit-fallback-{self.model_id}"

    def _repr_mimebundle_(self, **options: object) -> dict[str, Any]:
        """Return the widget for a notebook, and the static fallback for everything else."""
        del options
        html, text = self._static_fallback()
        return {**self._view(), "text/plain": text, "text/html": html}

    def _ipython_display_(self) -> None:
        """Show the widget and the static fallback, which stays when the kernel has ended."""
        from IPython.core.getipython import get_ipython  # noqa: PLC0415 -- only where IPython is at work already
        from IPython.display import display  # noqa: PLC0415

        widget = {**self._view(), "text/plain": f"{self._name}: a live panel."}
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
        raise NotImplementedError

    def _update_fallback(self) -> None:
        """Bring the static fallback up to date, where it is shown and has changed."""
        with self._lock:
            if self._fallback_display is None:
                return
            bundle = self._fallback_bundle()
            if bundle["text/plain"] != self._fallback_shown:
                self._fallback_shown = bundle["text/plain"]
                self._fallback_display.update(bundle, raw=True)

    def _fallback_bundle(self) -> dict[str, str]:
        html, text = self._static_fallback()
        return {"text/html": f'<div class="{self._fallback_class}">{html}</div>', "text/plain": text}

    def _view(self) -> dict[str, Any]:
        return {_VIEW: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}
