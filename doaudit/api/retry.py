"""
Retry policy: which requests are sent again, and after which wait. Pure arithmetic; `doaudit.api.client` waits.

This is the one place where the rules are written. Only GET is ever sent again; a POST is sent once.

    429 with retry-after       the burst limit (250 a minute): wait as long as it says
    429 without it             the hourly limit (5,000 a token): wait until ratelimit-reset; without that, for
                               half a second, then twice as long, and so on
    500 502 503 504 520-524    a fault at DigitalOcean or its edge: wait ever longer, and at least for its
                               retry-after if it has one
    no response                no network, a time-out, a connection cut, a body cut short or too large: likewise
    a damaged response         200 with JSON that cannot be read: likewise
    no JSON where JSON was     a maintenance or login page from an address that has answered properly: likewise
    anything else              final

The wait after a fault doubles from half a second to at most 30 seconds, and is up to half of it shorter by chance, so
that many clients do not come back at once. Faults of every kind count together. From an address that has answered
properly before, and from the API itself, they may last for a time budget, two minutes by default: what the attempts
took and the waits between them, but neither waits for a limit nor, four times, a wait that the response asked for. Any
other address may be the wrong one: it has 5 attempts.

A limit says nothing about the request, so a response of 429 costs no attempt; after 60 of them the request fails. Such
a wait is for the whole account: no other request of the client is sent meanwhile, not even a POST.

No wait is longer than an hour, or than the caller's `longest_s`. `ratelimit-reset` is when one request is free again,
not when all are, and may lie in the past; so a wait for a limit is at least a second.

Before the hourly limit is met, a share of it is left to the user's other tools: see `reserve_pause`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "FAULTS",
    "FAULT_BUDGET_S",
    "LONGEST_WAIT_S",
    "Attempts",
    "Pause",
    "ReadEstimate",
    "RetryLimits",
    "estimate_read",
    "pause_after_no_response",
    "pause_after_response",
    "reserve_pause",
]

LONGEST_WAIT_S = 3600.0
FAULTS = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524})
FAULT_BUDGET_S = 120.0
_TOO_MANY = 429
_ATTEMPTS = 5
_MOST_LIMITS = 60
_FIRST_WAIT_S = 0.5
_LONGEST_BACKOFF_S = 30.0
_MOST_DOUBLINGS = 10


@dataclass(frozen=True)
class Attempts:
    """
    Attempts that a request has used.

    Attributes:
        faults: attempts that ended in a fault, in no response or in a damaged one.
        limits: responses of 429, which cost no attempt.
        fault_s: seconds that those faults took, with the waits after them.
    """

    faults: int = 0
    limits: int = 0
    fault_s: float = 0.0

    def plus_fault_s(self, seconds: float) -> Attempts:
        """Return the attempts after another one took so many seconds."""
        return replace(self, fault_s=self.fault_s + seconds)


@dataclass(frozen=True)
class RetryLimits:
    """
    Limits of the waits between attempts.

    Attributes:
        longest_s: the longest single pause in seconds, whatever a response asks for.
        fault_budget_s: seconds that faults may last; None for 5 attempts.
    """

    longest_s: float = LONGEST_WAIT_S
    fault_budget_s: float | None = None


_NO_BUDGET = RetryLimits()


@dataclass(frozen=True)
class Pause:
    """
    A wait before the next attempt.

    Attributes:
        seconds: its length.
        reason: for people to read.
        attempts: those used by then.
        account_wide: true if the reason concerns all requests of the token, not this one alone.
    """

    seconds: float
    reason: str
    attempts: Attempts
    account_wide: bool = False


def pause_after_response(
    status: int,
    headers: Mapping[str, str],
    attempts: Attempts,
    *,
    now: float,
    jitter: float,
    limits: RetryLimits = _NO_BUDGET,
) -> Pause | None:
    """
    Return the pause before a GET is sent again after this response, or None if the response is final.

    Args:
        status: the HTTP status.
        headers: with lower-case names.
        attempts: those used before this response.
        now: the time in Unix seconds by the server's clock.
        jitter: a random share between 0 and 1.
        limits: of the waits.

    Example:
        >>> pause_after_response(429, {"retry-after": "17"}, Attempts(), now=0, jitter=0).seconds
        17.0
        >>> pause_after_response(404, {}, Attempts(), now=0, jitter=0) is None
        True
    """
    if status == _TOO_MANY:
        return _after_limit(headers, attempts, now=now, longest_s=limits.longest_s)
    if status not in FAULTS:
        return None
    asked = _number(headers.get("retry-after"))
    reason = f"DigitalOcean answered {status}"
    return _back_off(attempts, reason, jitter=jitter, at_least=asked or 0.0, limits=limits)


def pause_after_no_response(
    reason: str,
    attempts: Attempts,
    *,
    jitter: float,
    limits: RetryLimits = _NO_BUDGET,
) -> Pause | None:
    """
    Return the pause before a GET is sent again when no whole or readable response came, or None if it is final.

    Args:
        reason: why there is none, for people to read.
        attempts: those used before.
        jitter: a random share between 0 and 1.
        limits: of the waits.

    Example:
        >>> pause_after_no_response("timed out", Attempts(faults=2), jitter=1.0).seconds
        2.0
        >>> pause_after_no_response("timed out", Attempts(faults=4), jitter=1.0) is None
        True
    """
    return _back_off(attempts, reason, jitter=jitter, at_least=0.0, limits=limits)


def reserve_pause(
    headers: Mapping[str, str], reserve: float, *, now: float, longest_s: float = LONGEST_WAIT_S
) -> Pause | None:
    """
    Return the pause before the next request if no more than the share *reserve* of the hourly limit is left, or None.

    Args:
        headers: of the latest response, with lower-case names.
        reserve: a share between 0 and 1.
        now: the time in Unix seconds by the server's clock.
        longest_s: the longest pause in seconds.

    Example:
        >>> headers = {"ratelimit-limit": "5000", "ratelimit-remaining": "500", "ratelimit-reset": "90"}
        >>> reserve_pause(headers, 0.1, now=60).seconds
        30.0
        >>> reserve_pause(headers, 0.05, now=60) is None
        True
    """
    limit, remaining, reset = (_number(headers.get(f"ratelimit-{name}")) for name in ("limit", "remaining", "reset"))
    if limit is None or remaining is None or reset is None or remaining > reserve * limit:
        return None
    return Pause(
        min(max(reset - now, 1.0), longest_s),
        "the rest of the hour's requests is left to others",
        Attempts(),
        account_wide=True,
    )


@dataclass(frozen=True)
class ReadEstimate:
    """Requests that a read will take, and the minutes that the API's limits make of them at the least."""

    requests: int
    minutes: float

    def __str__(self) -> str:
        """Return it as a sentence."""
        about = "about a minute" if self.minutes < 1.5 else f"about {self.minutes:,.0f} minutes"  # noqa: PLR2004 -- 1
        return f"{self.requests:,} requests to read, {about} at the API's limits; Ctrl-C keeps what was read."


def estimate_read(requests: int, *, limit: int = 5000, burst: int = 250, reserve: float = 0.1) -> ReadEstimate:
    """
    Estimate the time that a number of requests takes at the API's limits.

    Args:
        requests: to be sent.
        limit: requests an hour.
        burst: requests a minute.
        reserve: the share of the hour's requests that is left to others.

    Example:
        >>> estimate_read(262).minutes, estimate_read(6000).minutes
        (1.048, 66.0)
    """
    hourly = limit * (1 - reserve)
    hours, rest = divmod(requests, hourly)
    return ReadEstimate(requests, minutes=60 * hours + rest / burst)


def _after_limit(headers: Mapping[str, str], attempts: Attempts, *, now: float, longest_s: float) -> Pause | None:
    if attempts.limits >= _MOST_LIMITS:
        return None
    asked, reset = _number(headers.get("retry-after")), _number(headers.get("ratelimit-reset"))
    if asked is not None:
        wait, reason = asked, "limit of requests a minute"
    else:
        wait = _FIRST_WAIT_S * 2**attempts.limits if reset is None else reset - now
        reason = "limit of requests an hour"
    used = replace(attempts, limits=attempts.limits + 1)
    return Pause(min(max(wait, 1.0), longest_s), reason, used, account_wide=True)


def _back_off(attempts: Attempts, reason: str, *, jitter: float, at_least: float, limits: RetryLimits) -> Pause | None:
    full = min(_FIRST_WAIT_S * 2 ** min(attempts.faults, _MOST_DOUBLINGS), _LONGEST_BACKOFF_S)
    own = full * (0.5 + 0.5 * jitter)
    wait = min(max(own, at_least), limits.longest_s)
    fault_s = attempts.fault_s + (wait if own >= at_least else 0.0)
    spent = limits.fault_budget_s is not None and fault_s > limits.fault_budget_s
    counts_attempts = limits.fault_budget_s is None or at_least > own
    if spent or (counts_attempts and attempts.faults + 1 >= _ATTEMPTS):
        return None
    return Pause(wait, reason, replace(attempts, faults=attempts.faults + 1, fault_s=fault_s))


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text is not None else None
    except ValueError:
        return None
    return number if number is None or 0 <= number < float("inf") else None
