"""
The expected duration of an event, and the verdict on one that is still open: normal, slow, stuck, or too few to tell.

`doaudit.analysis.expected` computes expected durations from a history; here is also what public records of DigitalOcean
show, for an account without one. The table of open actions, the monitor, the report, waiting and watching take their
verdict from here, and from nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from doaudit.formatting import time_span

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "LEAST_FINISHED",
    "STUCK_FACTOR",
    "VERDICTS",
    "WITH_A_P99",
    "ExpectedDuration",
    "ExpectedDurations",
    "Verdict",
    "default_durations",
    "default_snapshot",
    "describe_age",
    "find_verdict",
]

Verdict = Literal["too few to tell", "normal", "slow", "stuck"]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""Every verdict, the worst last."""

LEAST_FINISHED = 20
"""The number of finished actions from which on one that is older than all of them is called slow, or stuck."""

STUCK_FACTOR = 3.0
"""How many times as long as the p99 an action must be open to be called stuck."""

WITH_A_P99 = 100
"""The number of finished actions from which on their p99 is not just the longest."""

_LEAST_P99_S = 5.0  # times are whole seconds, and a reading is up to some seconds old
_SMALLEST_DISK_GB = 25


@dataclass(frozen=True)
class ExpectedDuration:
    """
    Percentiles of how long events of a type take.

    Attributes:
        p50_s, p90_s, p99_s: seconds within which 50, 90 and 99 % of them end.
        max_s: seconds that the longest took.
        finished: how many finished actions this is from; 0 if it is what is published.
    """

    p50_s: float
    p90_s: float
    p99_s: float
    max_s: float = 0.0
    finished: int = 0


@dataclass(frozen=True)
class ExpectedDurations:
    """
    Expected durations of an account's events.

    Attributes:
        by_type: those of all resources, by type.
        by_resource: those of one resource, by type and key, where they say more than those of all.

    Example:
        >>> usual = ExpectedDurations({"snapshot": ExpectedDuration(60, 120, 300)})
        >>> usual.of("snapshot", "droplet:7").p50_s, usual.of("resize", "droplet:7")
        (60, None)
    """

    by_type: Mapping[str, ExpectedDuration]
    by_resource: Mapping[tuple[str, str], ExpectedDuration] = field(default_factory=dict)

    def of(self, type_: str | None, resource: str | None) -> ExpectedDuration | None:
        """Return what an action of a type on a resource is compared with; None if there is nothing."""
        own = self.by_resource.get((type_ or "", resource or ""))
        return own if own is not None else self.by_type.get(type_ or "")


def find_verdict(age_s: float | None, expected: ExpectedDuration | None) -> Verdict:
    """
    Judge an open action by its age: slow beyond the p99 of finished ones like it, stuck beyond three times that.

    Fewer than 20 can show that an age is normal, since one of them took as long, and nothing else. A p99 below 5 s is
    taken for 5 s.

    Example:
        >>> usual = ExpectedDuration(60, 120, 300, max_s=900, finished=150)
        >>> [find_verdict(age_s, usual) for age_s in (300, 301, 901, None)]
        ['normal', 'slow', 'stuck', 'too few to tell']
    """
    if age_s is None or expected is None or not expected.finished:
        return "too few to tell"
    p99_s = max(expected.p99_s, _LEAST_P99_S)
    if age_s <= p99_s:
        return "normal"
    if expected.finished < LEAST_FINISHED:
        return "too few to tell"
    return "stuck" if age_s > STUCK_FACTOR * p99_s else "slow"


def describe_age(age_s: float | None, expected: ExpectedDuration | None) -> str:
    """
    Describe the age of an open action beside the time that finished ones like it took.

    Example:
        >>> describe_age(41 * 86_400, ExpectedDuration(30, 500, 1080, max_s=1080, finished=69))
        'open for 41 d; the longest of 69 like it took 18 min'
    """
    age = "open since nobody knows when" if age_s is None else f"open for {time_span(age_s)}"
    if expected is None or not expected.finished:
        return f"{age}; none like it has finished"
    if expected.finished == 1:
        return f"{age}; the only one like it that has finished took {time_span(expected.max_s)}"
    longest = f"the longest of {expected.finished:,} like it took {time_span(expected.max_s)}"
    if expected.finished < WITH_A_P99 or (age_s is not None and age_s > expected.max_s):
        return f"{age}; {longest}"
    return f"{age}; 99 % of {expected.finished:,} like it took up to {time_span(expected.p99_s)}"


def default_durations() -> dict[str, ExpectedDuration]:
    """
    Return expected durations by type of event for an account without a history.

    Example:
        >>> default_durations()["power_off"].p50_s
        8.0
    """
    return {
        "shutdown": ExpectedDuration(15.0, 45.0, 90.0),
        "power_off": ExpectedDuration(8.0, 20.0, 60.0),
        "power_on": ExpectedDuration(8.0, 20.0, 60.0),
        "snapshot": default_snapshot(_SMALLEST_DISK_GB),
    }


def default_snapshot(disk_gb: float) -> ExpectedDuration:
    """
    Return the expected duration of a snapshot of a disk of this size, of which nobody knows how full it is.

    Published snapshots took from half a minute for 2 GB to 40 minutes for 30 GB in use.
    """
    return ExpectedDuration(60.0 + 4.0 * disk_gb, 120.0 + 20.0 * disk_gb, 180.0 + 25.0 * disk_gb)
