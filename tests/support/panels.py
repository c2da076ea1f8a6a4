"""A clock that a test can stop, and what a panel shows."""

from __future__ import annotations

import threading
import time

import ipywidgets
import pytest

HOSTILE = '<img src=x onerror="alert(1)"> & "co"'
PATIENCE_S = 20


class Gate:
    """A clock whose waits let the world's time pass as long as the gate is open; it closes, or breaks, at a moment."""

    def __init__(self, world):
        self.world, self.open, self.broken = world, threading.Event(), False
        self.closes_when = lambda: False
        self.open.set()

    def now(self):
        """What time it is in the world."""
        return self.world.now

    def elapsed(self):
        """How much time has passed."""
        return self.world.now

    def wait(self, seconds, stop=None):
        """Wait for the gate, then let the time pass."""
        if stop is not None and stop.is_set():
            return True
        if self.closes_when():
            self.closes_when = lambda: False
            self.open.clear()
        self.open.wait(PATIENCE_S)
        if self.broken:
            raise SystemExit
        self.world.advance(seconds)
        return stop is not None and stop.is_set()


def until(true):
    """Wait for a thread to bring something about."""
    for _ in range(PATIENCE_S * 100):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("It did not come about.")


def shown(widget):
    """All HTML that a panel shows now, without its sheet."""
    if isinstance(widget, ipywidgets.HTML):
        return "" if "<style>" in widget.value else widget.value
    if getattr(widget, "layout", None) is not None and widget.layout.display == "none":
        return ""
    return "".join(shown(child) for child in getattr(widget, "children", ()))


def posts(world):
    """What was asked of the account that changes it."""
    return [line for line in world.requests if line.startswith("POST")]
