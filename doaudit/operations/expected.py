"""How long events take, and when to look whether they have ended: densest around the expected end."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from doaudit.analysis import durations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Expected", "from_history", "next_look_s", "snapshot_of_disk", "timeout_s", "usual"]

_FIRST_LOOK_S = 2.0
_RAREST_S = 60.0
_RAREST_BEFORE_DUE_S = 120.0
_DENSEST_AT_MOST_S = 20.0
_LOOKS_WHEN_DUE = 40
_TIMEOUT_FACTOR = 3.0
_SHORTEST_TIMEOUT_S = {"snapshot": 3600.0, "backup": 3600.0}
_SHORTEST_TIMEOUT_OTHERWISE_S = 600.0


@dataclass(frozen=True)
class Expected:
    """Within how many seconds half, 9 of 10 and 99 of 100 of a kind end."""

    p50_s: float
    p90_s: float
    p99_s: float


_UNKNOWN = Expected(30.0, 120.0, 600.0)


def usual() -> dict[str, Expected]:
    """
    What to expect of an account without a history: as public records of DigitalOcean show it.

    Example:
        >>> usual()["power_off"].p50_s
        8.0
    """
    return {
        "shutdown": Expected(15.0, 45.0, 90.0),
        "power_off": Expected(8.0, 20.0, 60.0),
        "power_on": Expected(8.0, 20.0, 60.0),
        "snapshot": snapshot_of_disk(25),
    }


def snapshot_of_disk(gigabytes: float) -> Expected:
    """
    How long a snapshot may take of a disk of this size, of which nobody knows how full it is.

    Published ones took from half a minute for 2 GB to 40 minutes for 30 GB in use.
    """
    return Expected(60.0 + 4.0 * gigabytes, 120.0 + 20.0 * gigabytes, 180.0 + 25.0 * gigabytes)


def timeout_s(kind: str | None, expected: Expected | None) -> float:
    """
    After how many seconds an event is called overdue: three times the p99, and never too soon.

    Example:
        >>> timeout_s("snapshot", Expected(1440, 2400, 3000)), timeout_s("power_off", None)
        (9000.0, 600.0)
    """
    least = _SHORTEST_TIMEOUT_S.get(kind or "", _SHORTEST_TIMEOUT_OTHERWISE_S)
    return least if expected is None else max(least, _TIMEOUT_FACTOR * expected.p99_s)


def next_look_s(age_s: float, expected: Expected | None) -> float:
    """
    How many seconds to wait before looking again at an event of this age.

    Often at the very first, for what fails, fails early; then ever more seldom until shortly before it is expected to
    end, densely until 9 of 10 would have ended, and ever more seldom after that. Until the expected end it is never
    more than a third of the age, so that what ends long before it is not noticed long after.

    Example:
        >>> snapshot = Expected(p50_s=1440, p90_s=2000, p99_s=3000)
        >>> [round(next_look_s(age, snapshot)) for age in (0, 30, 600, 1300, 1900, 4000)]
        [2, 10, 120, 19, 19, 60]
    """
    expected = expected or _UNKNOWN
    begins = 0.85 * expected.p50_s
    densest = min(max((expected.p90_s - begins) / _LOOKS_WHEN_DUE, _FIRST_LOOK_S), _DENSEST_AT_MOST_S)
    if age_s < begins:
        soon = max((begins - age_s) / 2, densest)
        return min(soon, max(age_s / 3, _FIRST_LOOK_S), _RAREST_BEFORE_DUE_S)
    if age_s <= expected.p90_s:
        return densest
    return min(max((age_s - expected.p90_s) / 8, densest), _RAREST_S)


def from_history(actions: pd.DataFrame, resource: str) -> dict[str, Expected]:
    """
    What an actions frame tells of how long events of droplets take: those of this resource if there are enough of
    them, else those of all droplets; types of which there are too few are left out.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> ends = [f"2026-03-12T22:{n:02}:00Z" for n in range(10, 50)]
        >>> taken = [Record(n, "completed", "snapshot", "2026-03-12T22:00:00Z", end, 7, "droplet")
        ...          for n, end in enumerate(ends)]
        >>> from_history(to_frame(taken, observed_at=1773355000), "droplet:7")
        {'snapshot': Expected(p50_s=1740.0, p90_s=2700.0, p99_s=5400.0)}
    """
    kinds = list(usual())
    events = actions[actions["type"].isin(kinds) & (actions["resource_type"] == "droplet")]
    own = _expected_of(durations(events[events["resource"] == resource], by="type"))
    return {**_expected_of(durations(events, by="type")), **own}


def _expected_of(table: pd.DataFrame) -> dict[str, Expected]:
    found = {}
    for row in table.to_dict("records"):
        half, most, nearly_all, longest = (float(row[name]) for name in ("p50_s", "p90_s", "p99_s", "max_s"))
        if not math.isfinite(half):
            continue
        # The longest of a few stands for their p90, which they are too few for.
        most = max(most if math.isfinite(most) else longest, half)
        nearly_all = max(nearly_all if math.isfinite(nearly_all) else 2 * most, most)
        found[str(row["type"])] = Expected(half, most, nearly_all)
    return found
