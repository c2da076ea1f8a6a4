"""The schedule of polling: when to look at an event again, and after how long it is overdue. Pure."""

from __future__ import annotations

from doaudit.expected_duration import STUCK_FACTOR, WITH_A_P99, ExpectedDuration

__all__ = ["next_poll_s", "timeout_s"]

_FIRST_POLL_S = 2.0
_LONGEST_INTERVAL_S = 60.0
_LONGEST_INTERVAL_BEFORE_DUE_S = 120.0
_LONGEST_INTERVAL_WHEN_DUE_S = 20.0
_POLLS_WHEN_DUE = 40
_SHORTEST_TIMEOUT_S = {"snapshot": 3600.0, "backup": 3600.0}
_SHORTEST_TIMEOUT_OTHERWISE_S = 600.0
_UNKNOWN = ExpectedDuration(30.0, 120.0, 600.0)


def timeout_s(type_: str | None, expected: ExpectedDuration | None) -> float:
    """
    Return after how many seconds an event is overdue: three times its p99, at least 10 minutes, an hour for snapshots.

    Of fewer than 100 finished events nobody knows the p99; then it is six times the longest.

    Example:
        >>> timeout_s("snapshot", ExpectedDuration(1440, 2400, 3000)), timeout_s("power_off", None)
        (9000.0, 600.0)
    """
    least = _SHORTEST_TIMEOUT_S.get(type_ or "", _SHORTEST_TIMEOUT_OTHERWISE_S)
    if expected is None:
        return least
    factor = 2 * STUCK_FACTOR if 0 < expected.finished < WITH_A_P99 else STUCK_FACTOR
    return max(least, factor * expected.p99_s)


def next_poll_s(age_s: float, expected: ExpectedDuration | None) -> float:
    """
    Return how many seconds to wait before looking again at an event of this age.

    Polls are frequent at first, because what fails often fails early; then they become rarer until shortly before the
    expected end, are frequent until 90 % would have ended, and become rarer after that. Before the expected end the
    interval is at most a third of the age, so that an early end is noticed early.

    Example:
        >>> snapshot = ExpectedDuration(p50_s=1440, p90_s=2000, p99_s=3000)
        >>> [round(next_poll_s(age, snapshot)) for age in (0, 30, 600, 1300, 1900, 4000)]
        [2, 10, 120, 19, 19, 60]
    """
    expected = expected or _UNKNOWN
    due_from_s = 0.85 * expected.p50_s
    shortest = min(max((expected.p90_s - due_from_s) / _POLLS_WHEN_DUE, _FIRST_POLL_S), _LONGEST_INTERVAL_WHEN_DUE_S)
    if age_s < due_from_s:
        halfway = max((due_from_s - age_s) / 2, shortest)
        return min(halfway, max(age_s / 3, _FIRST_POLL_S), _LONGEST_INTERVAL_BEFORE_DUE_S)
    if age_s <= expected.p90_s:
        return shortest
    return min(max((age_s - expected.p90_s) / 8, shortest), _LONGEST_INTERVAL_S)
