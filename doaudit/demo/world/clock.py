"""The virtual clock of a simulated account, and times as the API writes them."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["START", "Clock", "iso"]

START = 1_795_435_200
"""2026-11-23T12:00:00Z in Unix seconds: the default start of the clock."""


class Clock:
    """
    A virtual clock in Unix seconds, which stands still until it is moved.

    It is moved by hand with `advance`, or follows a source of elapsed seconds. Both may be used together.

    Args:
        start: Unix seconds that the clock shows first.

    Example:
        >>> clock = Clock()
        >>> clock.advance(90)
        >>> iso(clock.second)
        '2026-11-23T12:01:30Z'
    """

    def __init__(self, start: float = START) -> None:
        self._base = float(start)
        self._elapsed: Callable[[], float] | None = None

    @property
    def now(self) -> float:
        """The time in Unix seconds, with their fraction."""
        return self._base + (self._elapsed() if self._elapsed else 0.0)

    @property
    def second(self) -> int:
        """The time in whole Unix seconds, as the API shows it."""
        return math.floor(self.now)

    def advance(self, seconds: float) -> None:
        """Move the clock forward by *seconds*."""
        if seconds < 0:
            raise ValueError(f"A clock only goes forward; got {seconds} seconds.")
        self._base += seconds

    def follow(self, elapsed: Callable[[], float], speed: float = 1.0) -> None:
        """
        Follow a source of time from now on, at a multiple of its speed.

        Args:
            elapsed: A source of seconds that never goes back, such as `time.monotonic`.
            speed: Virtual seconds for each second of the source: 60 is a minute a second, 0 stands still.
        """
        if speed < 0:
            raise ValueError(f"A clock only goes forward; got a speed of {speed}.")
        self._base, since = self.now, elapsed()
        self._elapsed = (lambda: (elapsed() - since) * speed) if speed else None


def iso(second: int) -> str:
    """
    Return Unix seconds as the API writes times: RFC 3339, UTC, whole seconds, `Z`.

    Example:
        >>> iso(0)
        '1970-01-01T00:00:00Z'
    """
    return "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z".format(*time.gmtime(second)[:6])
