"""Rate limits for each token over sliding windows: 5,000 requests an hour and, optionally, 250 a minute."""

from __future__ import annotations

import math
from collections import defaultdict, deque

from doaudit.demo.world.api_errors import ErrorResponse

__all__ = ["Limits", "burst_exceeded", "hour_exceeded"]

_HOUR_S = 3600
_MINUTE_S = 60


class Limits:
    """
    The rate limits of an account: counts the requests of each token. The time is an argument of each call.

    Args:
        hourly: The requests that a token may make within any hour.
        burst: The requests that a token may make within any minute; None for no such limit.

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
        """
        Count a request of *token* at *now* (Unix seconds). Requests over a limit do not count.

        Raises:
            ErrorResponse: 429, the request is over a limit.
        """
        counted = self._recent(token, now)
        if len(counted) >= self.hourly:
            raise hour_exceeded(self.hourly, _reset(counted, now))
        if self.burst is not None and len(counted) >= self.burst:
            allowed_at = counted[-self.burst] + _MINUTE_S
            if allowed_at > now:
                raise burst_exceeded(self.hourly, _reset(counted, now), math.ceil(allowed_at - now))
        counted.append(now)

    def headers(self, token: str, now: float) -> dict[str, str]:
        """Return the three rate-limit headers; `ratelimit-reset` is when the oldest counted request expires."""
        counted = self._recent(token, now)
        return _headers(self.hourly, self.hourly - len(counted), _reset(counted, now))

    def _recent(self, token: str, now: float) -> deque[float]:
        """Return the seconds of the counted requests of the last hour, oldest first."""
        counted = self._counted[token]
        while counted and counted[0] + _HOUR_S <= now:
            counted.popleft()
        return counted


def hour_exceeded(hourly: int, reset: int) -> ErrorResponse:
    """Return the 429 of the hourly limit: only `ratelimit-reset` says when a request is allowed again."""
    return ErrorResponse(429, "too_many_requests", "API Rate limit exceeded.", _headers(hourly, 0, reset))


def burst_exceeded(hourly: int, reset: int, wait_s: int) -> ErrorResponse:
    """Return the 429 of the burst limit: it has `retry-after`, and says that no requests remain."""
    headers = _headers(hourly, 0, reset) | {"retry-after": str(wait_s)}
    return ErrorResponse(429, "too_many_requests", "Too many requests", headers)


def _headers(limit: int, remaining: int, reset: int) -> dict[str, str]:
    return {
        "ratelimit-limit": str(limit),
        "ratelimit-remaining": str(remaining),
        "ratelimit-reset": str(reset),
    }


def _reset(counted: deque[float], now: float) -> int:
    """Return the Unix second at which the oldest counted request expires."""
    return math.ceil((counted[0] if counted else now) + _HOUR_S)
