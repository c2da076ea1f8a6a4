"""
The expected duration of an event: within how many seconds half, 90 % and 99 % of its kind end. Values only.

`doaudit.analysis.expected` computes them from a history; here is what public records of DigitalOcean show, for an
account without one.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ExpectedDuration", "default_durations", "default_snapshot"]

_SMALLEST_DISK_GB = 25


@dataclass(frozen=True)
class ExpectedDuration:
    """
    Percentiles of how long events of a type take.

    Attributes:
        p50_s, p90_s, p99_s: seconds within which 50, 90 and 99 % of them end.
    """

    p50_s: float
    p90_s: float
    p99_s: float


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
