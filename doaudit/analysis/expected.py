"""Expected durations: the one answer to how long an event should take, by type, for one resource if it is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.account_keys import check_one_account
from doaudit.analysis.comparison import comparison_sets, recent_tally, says_more_than
from doaudit.analysis.intervals import finished_needed
from doaudit.expected_duration import ExpectedDuration, ExpectedDurations
from doaudit.resources import find_kind

if TYPE_CHECKING:
    import pandas as pd

    from doaudit.analysis.comparison import ComparisonSets

__all__ = ["comparable_durations", "expected_durations"]

_LEAST_FINISHED = finished_needed(0.5, confidence=0.95)


def expected_durations(actions: pd.DataFrame, resource: str = "") -> dict[str, ExpectedDuration]:
    """
    Compute from an actions frame how long events take, by type.

    Args:
        actions: an actions frame of pandas (see `doaudit.actions`).
        resource: a key such as 'droplet:3164450'. Then they are those of this resource where they say more than those
            of all resources of its kind (see `doaudit.analysis.comparison`). Without it, those of all actions.

    Returns:
        For each type of which at least 6 have finished: the seconds within which 50, 90 and 99 % of them ended, and
        those of the longest; of fewer than 100, that is the p99, too.

    Raises:
        InvalidArgument: the frame is of more than one account.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> ends = [f"2026-03-12T22:{n}:00Z" for n in range(10, 50)]
        >>> taken = [Record(n, "completed", "snapshot", "2026-03-12T22:00:00Z", end, 7, "droplet")
        ...          for n, end in enumerate(ends)]
        >>> expected_durations(to_frame(taken, observed_at=1773355000), "droplet:7")
        {'snapshot': ExpectedDuration(p50_s=1740.0, p90_s=2700.0, p99_s=2940.0, max_s=2940.0, finished=40)}
    """
    check_one_account(actions, "Expected durations")
    if resource:
        kind = find_kind(resource.partition(":")[0])
        actions = actions[actions["resource_type"].isin(() if kind is None else kind.resource_types)]
    found = comparable_durations(actions)
    usual = {type_: found.of(type_, resource) for type_ in found.by_type}
    return {type_: each for type_, each in usual.items() if each is not None and each.finished >= _LEAST_FINISHED}


def comparable_durations(actions: pd.DataFrame) -> ExpectedDurations:
    """
    Compute what open actions are compared with: of each type, and of each resource that says more than its type.

    It is what `doaudit.analysis.open_actions` compares them with, so that every verdict is the same.

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Raises:
        InvalidArgument: the frame is of more than one account.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(1, "completed", "resize", "2021-09-30T10:00:00Z", "2021-09-30T10:01:30Z", 7, "droplet")]
        >>> comparable_durations(to_frame(taken, observed_at=1632996000)).of("resize", "droplet:8").max_s
        90.0
    """
    check_one_account(actions, "Comparable durations")
    counted = recent_tally(actions)
    of_type, own = comparison_sets(counted, ["type"]), comparison_sets(counted, ["type", "resource"])
    by_type = {
        str(type_): _duration(of_type, at)
        for at, type_ in enumerate(of_type.keys["type"])
        if isinstance(type_, str) and of_type.curves.ended[at]
    }
    type_p99_s = own.keys["type"].astype(object).map({type_: each.p99_s for type_, each in by_type.items()})
    chosen = says_more_than(own.curves.ended, own.p50_s, type_p99_s.to_numpy(dtype="float64"))
    by_resource = {
        (str(type_), str(resource)): _duration(own, int(at))
        for at, type_, resource in zip(
            np.flatnonzero(chosen), *(own.keys[name][chosen] for name in ("type", "resource")), strict=True
        )
        if isinstance(type_, str) and isinstance(resource, str)
    }
    return ExpectedDurations(by_type, by_resource)


def _duration(sets: ComparisonSets, at: int) -> ExpectedDuration:
    p50_s, p90_s, p99_s, max_s = (float(each[at]) for each in (sets.p50_s, sets.p90_s, sets.p99_s, sets.max_s))
    return ExpectedDuration(p50_s, p90_s, p99_s, max_s, int(sets.curves.ended[at]))
