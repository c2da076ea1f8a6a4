"""The virtual clock: a start, and the seconds that have passed since."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["START", "Clock", "iso"]

START = 1_795_435_200
"""2026-11-23T12:00:00Z in Unix seconds: the moment a simulated account is opened unless told otherwise."""


class Clock:
    """
    Unix seconds that pass when they are told to.

    A clock stands still until somebody moves it: by hand with `advance`, or by giving it a source of elapsed
    seconds to follow. Both may be used together.

    Args:
        start: Unix seconds at which the clock begins.

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
        """Unix seconds, with their fraction."""
        return self._base + (self._elapsed() if self._elapsed else 0.0)

    @property
    def second(self) -> int:
        """Unix seconds as the API shows them: whole."""
        return math.floor(self.now)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass at once."""
        if seconds < 0:
            raise ValueError(f"A clock only goes forward; got {seconds} seconds.")
        self._base += seconds

    def follow(self, elapsed: Callable[[], float], speed: float = 1.0) -> None:
        """
        From now on, let time pass *speed* times as fast as *elapsed* says.

        Args:
            elapsed: A source of seconds that never go backwards, such as `time.monotonic`.
            speed: Virtual seconds for each of its seconds; 60 means a minute a second, 0 stands still.
        """
        if speed < 0:
            raise ValueError(f"A clock only goes forward; got a speed of {speed}.")
        self._base, since = self.now, elapsed()
        self._elapsed = (lambda: (elapsed() - since) * speed) if speed else None


def iso(second: int) -> str:
    """
    Unix seconds in the API's spelling: RFC 3339, UTC, whole seconds, `Z`.

    Example:
        >>> iso(0)
        '1970-01-01T00:00:00Z'
    """
    return "{:04d}-{:02d}-{:02d}T{:02d}:{:02d}:{:02d}Z".format(*time.gmtime(second)[:6])
