"""Expected durations: the one answer to how long an event should take, by type, for one resource if it is known."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from doaudit.analysis.durations import durations
from doaudit.expected_duration import ExpectedDuration
from doaudit.resources import find_kind

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["expected_durations"]


def expected_durations(actions: pd.DataFrame, resource: str = "") -> dict[str, ExpectedDuration]:
    """
    Compute from an actions frame how long events take, by type.

    Args:
        actions: an actions frame of pandas (see `doaudit.actions`).
        resource: a key such as 'droplet:3164450'. Then a type's own percentiles of this resource are taken where there
            are enough of its actions, else those of all resources of its kind. Without it, those of all actions.

    Returns:
        For each type of which there are enough finished actions to estimate the median: the percentiles in seconds
        (Kaplan-Meier, see `doaudit.analysis.durations`). Where there are too few for the p90, the longest action
        stands for it; where there are too few for the p99, twice the p90.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> ends = [f"2026-03-12T22:{n}:00Z" for n in range(10, 50)]
        >>> taken = [Record(n, "completed", "snapshot", "2026-03-12T22:00:00Z", end, 7, "droplet")
        ...          for n, end in enumerate(ends)]
        >>> expected_durations(to_frame(taken, observed_at=1773355000), "droplet:7")
        {'snapshot': ExpectedDuration(p50_s=1740.0, p90_s=2700.0, p99_s=5400.0)}
    """
    if not resource:
        return _by_type(actions)
    kind = find_kind(resource.partition(":")[0])
    alike = actions[actions["resource_type"].isin(() if kind is None else kind.resource_types)]
    return {**_by_type(alike), **_by_type(alike[alike["resource"] == resource])}


def _by_type(actions: pd.DataFrame) -> dict[str, ExpectedDuration]:
    found = {}
    for row in durations(actions, by="type").dropna(subset=["type"]).to_dict("records"):
        p50_s, p90_s, p99_s, max_s = (float(row[name]) for name in ("p50_s", "p90_s", "p99_s", "max_s"))
        if not math.isfinite(p50_s):
            continue
        p90_s = max(p90_s if math.isfinite(p90_s) else max_s, p50_s)
        p99_s = max(p99_s if math.isfinite(p99_s) else 2 * p90_s, p90_s)
        found[str(row["type"])] = ExpectedDuration(p50_s, p90_s, p99_s)
    return found
