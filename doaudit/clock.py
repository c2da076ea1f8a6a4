"""Clocks: the time, the time that has passed, and the only way to wait."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "ScaledClock", "SystemClock"]

_SLICE_S = 0.25  # a sleeping laptop wakes up in the middle of a wait, and Windows hears Ctrl-C only between two


class Clock(Protocol):
    """
    A source of time; tests and simulated accounts bring their own.

    The wall clock may be set forward or back while a program runs, so it only labels; deadlines and waits use
    `elapsed`.
    """

    def now(self) -> float:
        """Return Unix seconds, for people to read."""

    def elapsed(self) -> float:
        """Return seconds since some moment; they never go backwards, and go on while the machine sleeps."""

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait until the seconds have passed or *stop* is set; return whether *stop* is set."""


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
        """Return Unix seconds, for people to read."""
        return time.time()

    def elapsed(self) -> float:
        """Return seconds since some moment; they never go backwards, and go on while the machine sleeps."""
        return _elapsed()

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait until the seconds have passed or *stop* is set; return whether *stop* is set."""
        stop = stop or threading.Event()
        until = self.elapsed() + seconds
        while not stop.is_set() and (left := until - self.elapsed()) > 0:
            stop.wait(min(left, _SLICE_S))
        return stop.is_set()


class ScaledClock:
    """
    A clock that goes faster than the machine's own, for a simulated account.

    Args:
        now: tells its Unix seconds.
        speed: its seconds in a second.
    """

    def __init__(self, now: Callable[[], float], speed: float) -> None:
        self._now, self._speed, self._system = now, speed, SystemClock()

    def now(self) -> float:
        """Return Unix seconds."""
        return self._now()

    def elapsed(self) -> float:
        """Return its seconds since some moment."""
        return self._system.elapsed() * self._speed

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait until its *seconds* have passed, or *stop* is set; return whether *stop* is set."""
        return self._system.wait(seconds / self._speed, stop)


def _elapsed() -> float:
    # Linux's monotonic clock stands still while the machine sleeps; its boot-time clock does not.
    boot_time = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)
