"""A limit on how often a panel is drawn."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Throttle"]

_SHORTEST_INTERVAL_S = 0.1


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
