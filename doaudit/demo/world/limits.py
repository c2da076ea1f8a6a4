"""Rate limits: 5,000 requests an hour and, when switched on, 250 a minute, each sliding and for each token."""

from __future__ import annotations

import math
from collections import defaultdict, deque

from doaudit.demo.world.api_errors import Refusal

__all__ = ["Limits", "burst_exceeded", "hour_exceeded"]

_HOUR_S = 3600
_MINUTE_S = 60


class Limits:
    """
    How many requests each token has made lately, on a clock that is given with each question.

    Args:
        hourly: Requests a token may make in any hour.
        burst: Requests a token may make in any minute; None for no such limit.

    Example:
        >>> limits = Limits(hourly=5000)
        >>> limits.admit("token", now=0.0)
        >>> limits.headers("token", now=10.0)
        {'ratelimit-limit': '5000', 'ratelimit-remaining': '4999', 'ratelimit-reset': '3600'}
    """

    def __init__(self, hourly: int = 5000, burst: int | None = None) -> None:
        self.hourly = hourly
        self.burst = burst
        self._counted: defaultdict[str, deque[float]] = defaultdict(deque)

    def admit(self, token: str, now: float) -> None:
        """Count one request of *token*, or refuse it with the 429 that applies. Refused requests do not count."""
        counted = self._lately(token, now)
        if len(counted) >= self.hourly:
            raise hour_exceeded(self.hourly, _reset(counted, now))
        if self.burst is not None and len(counted) >= self.burst:
            frees_up = counted[-self.burst] + _MINUTE_S
            if frees_up > now:
                raise burst_exceeded(self.hourly, _reset(counted, now), math.ceil(frees_up - now))
        counted.append(now)

    def headers(self, token: str, now: float) -> dict[str, str]:
        """Return the three headers of an answer; `ratelimit-reset` is when the oldest counted request expires."""
        counted = self._lately(token, now)
        return _headers(self.hourly, self.hourly - len(counted), _reset(counted, now))

    def _lately(self, token: str, now: float) -> deque[float]:
        counted = self._counted[token]
        while counted and counted[0] + _HOUR_S <= now:
            counted.popleft()
        return counted


def hour_exceeded(hourly: int, reset: int) -> Refusal:
    """Build the 429 of the hour: it says when a slot frees up, in `ratelimit-reset` only."""
    return Refusal(429, "too_many_requests", "API Rate limit exceeded.", _headers(hourly, 0, reset))


def burst_exceeded(hourly: int, reset: int, wait_s: int) -> Refusal:
    """Build the 429 of the minute: it has `retry-after`, and claims that nothing remains."""
    headers = _headers(hourly, 0, reset) | {"retry-after": str(wait_s)}
    return Refusal(429, "too_many_requests", "Too many requests", headers)


def _headers(limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "ratelimit-limit": str(limit),
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": str(reset),
    }


def _reset(counted: deque[float], now: float) -> int:
    return math.ceil((counted[0] if counted else now) + _HOUR_S)
