"""Time as an argument: what time it is, how much has passed, and the only way to wait."""

from __future__ import annotations

import threading
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]

_SLICE_S = 0.25  # a sleeping laptop wakes up in the middle of a wait, and Windows hears Ctrl-C only between two


class Clock(Protocol):
    """
    A source of time; tests and simulated accounts bring their own.

    The wall clock may be set forward or back while a program runs, so it only labels; deadlines and waits use
    `elapsed`.
    """

    def now(self) -> float:
        """Unix seconds, for people to read."""

    def elapsed(self) -> float:
        """Seconds since some moment, which never go backwards and go on while the machine sleeps."""

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Let that much time pass, or less if *stop* is set meanwhile; return whether it is set."""


class SystemClock:
    """
    The machine's own clock.

    Example:
        >>> stop = threading.Event()
        >>> stop.set()
        >>> SystemClock().wait(3600, stop)
        True
    """

    def now(self) -> float:
        """Unix seconds, for people to read."""
        return time.time()

    def elapsed(self) -> float:
        """Seconds since some moment, which never go backwards and go on while the machine sleeps."""
        return _elapsed()

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Let that much time pass, or less if *stop* is set meanwhile; return whether it is set."""
        stop = stop or threading.Event()
        until = self.elapsed() + seconds
        while not stop.is_set() and (left := until - self.elapsed()) > 0:
            stop.wait(min(left, _SLICE_S))
        return stop.is_set()


def _elapsed() -> float:
    # Linux's monotonic clock stands still while the machine sleeps; its boot-time clock does not.
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)
