"""The whole schedule of the simulated company: its routine, what is planted, and what is not left to chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.demo.company.fleet import DAY_S
from doaudit.demo.company.routine import DRIFT, Schedule, incident_actions, routine_actions, weekly_backups

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.demo.company.fleet import Fleet

__all__ = ["SPAN_S", "Overrides", "impossible", "whole_schedule"]

SPAN_S = 3 * 365 * DAY_S
"""The length of the history."""

# Actions that never end: days before the start, type, group of the fleet.
_STUCK = (
    (41.3, "attach_volume", "volume"),
    (26.2, "snapshot", "quiet"),
    (17.8, "transfer", "image"),
    (9.1, "resize", "quiet"),
    (5.4, "detach_volume", "volume"),
    (3.2, "assign_ip", "ip"),
)
# Droplets that are switched off and stay off: seconds before the start. The first is off when its resize gets stuck.
_OFF_AGO_S = (round(9.1 * DAY_S) + 75, 200 * DAY_S, 61 * DAY_S)
# Actions under way: seconds before the start, type, group of the fleet, seconds left.
_LONG_S = 300.0
_RUNNING = (
    (1_500, "backup", "busy", 900),
    (610, "snapshot", "busy", 240),
    (20, "reboot", "busy", 8),
    (4, "snapshot", "busy", 150),
)


@dataclass(frozen=True)
class Overrides:
    """
    The deviations from chance of scheduled actions, as columns beside the schedule.

    Args:
        errs: True for an action that must fail.
        slow_factor: The duration as a multiple of the usual one.
        left_s: Seconds that it still needs when the clock starts; infinite if it never ends, -1 if left to chance.
        planted: What it was planted as, such as "stuck"; empty for all others.
        drift: The factor that the duration of `DRIFTING` has reached at the end; 1.0 if it stays the same.
    """

    errs: NDArray[np.bool_]
    slow_factor: NDArray[np.float64]
    left_s: NDArray[np.float64]
    planted: NDArray[np.str_]
    drift: float

    def select(self, order: NDArray[np.int64]) -> Overrides:
        """Return the rows that *order* names, in this order."""
        return Overrides(self.errs[order], self.slow_factor[order], self.left_s[order], self.planted[order], self.drift)


def impossible(count: int, most: int) -> str:
    """Return what is wrong with a number of actions."""
    return f"This company cannot have a history of {count} actions; choose a number from 1 to {most}."


def whole_schedule(
    random: np.random.Generator, fleet: Fleet, start: int, count: int, *, quiet: bool
) -> tuple[Schedule, Overrides]:
    """
    Return exactly *count* scheduled actions, oldest first, and their overrides.

    Raises:
        ValueError: The three years do not make as many.
    """
    begins = start - SPAN_S
    ordinary = routine_actions(random, fleet, begins, start)
    incident, failures = incident_actions(random, fleet, start, *((0, 0) if quiet else ()))
    stuck, running = _open_actions(random, fleet, start, () if quiet else _STUCK)
    rare = _rare_actions(random, fleet, begins, start)
    power_offs = _lasting_power_offs(fleet, start, 0 if quiet else len(_OFF_AGO_S))
    weekly = weekly_backups(fleet, start) if quiet else rare.select(np.arange(0))

    parts = [_until_stuck(ordinary, stuck), incident, stuck, running, rare, power_offs, weekly]
    surplus = sum(len(part.at) for part in parts) - count
    if surplus < 0:
        raise ValueError(impossible(count, count + surplus))
    parts[0] = _trim(parts[0], surplus, from_all=quiet)
    schedule, sizes = Schedule.join(parts), [len(part.at) for part in parts]

    errs = np.arange(len(incident.at)) < failures
    left_s = [-1.0] * 2 + [np.inf] + [-1.0] * 4
    overrides = Overrides(
        errs=_beside(sizes, [False] * 7, {1: errs}),
        slow_factor=_beside(sizes, [1.0] * 7, {1: np.where(errs, 4.0, 14.0)}),
        left_s=_beside(sizes, left_s, {3: np.array([float(seconds) for *_, seconds in _RUNNING])}),
        planted=_beside(
            sizes, ["", "", "stuck", "", "", "power_off", ""], {1: np.where(errs, "incident", "incident_slow")}
        ),
        drift=1.0 if quiet else DRIFT,
    )
    order = np.argsort(schedule.at, kind="stable")
    return schedule.select(order), overrides.select(order)


def _beside(sizes: list[int], values: list[Any], columns: dict[int, NDArray[Any]]) -> NDArray[Any]:
    """Return the column beside joined schedules: for each either one value for all of its actions, or its column."""
    parts = [np.full(size, value) for size, value in zip(sizes, values, strict=True)]
    return np.concatenate([columns.get(place, part) for place, part in enumerate(parts)])


def _open_actions(
    random: np.random.Generator, fleet: Fleet, start: int, stuck: tuple[tuple[float, str, str], ...]
) -> tuple[Schedule, Schedule]:
    """Return the actions of *stuck* and those of `_RUNNING`, each on a resource of its own that still exists."""
    used: set[int] = set()
    slow: set[int] = set()
    parts = []
    wanted = [(days * DAY_S, type_, group) for days, type_, group in stuck]
    wanted += [(float(ago_s), type_, group) for ago_s, type_, group, _ in _RUNNING]
    for ago_s, type_, group in wanted:
        members = fleet.groups[group]
        free = [row for row in members[fleet.destroyed_at[members] > start].tolist() if row not in used]
        row = free[0] if group == "quiet" else int(random.choice(free))
        used.add(row)
        others = [each for each in free if each not in slow]
        if type_ in ("backup", "snapshot") and _LONG_S < ago_s < DAY_S:
            # On one where such an age is nothing unusual, and not on the first droplet, on which examples start events.
            first = min(free, key=lambda each: int(fleet.number[each]))
            row = max((each for each in others if each != first), key=lambda each: float(fleet.slow_factor[each]))
            slow.add(row)
        elif row in slow:
            row = others[0]
        parts.append(Schedule.of_type(np.array([start - round(ago_s)]), type_, np.array([row])))
    in_progress = Schedule.join(parts)
    return in_progress.select(np.arange(len(stuck))), in_progress.select(np.arange(len(stuck), len(parts)))


def _until_stuck(schedule: Schedule, stuck: Schedule) -> Schedule:
    """Drop the actions of a resource after its stuck action, which blocks all others."""
    blocked_at = np.full(int(schedule.resource.max()) + 1, np.iinfo(np.int64).max)
    blocked_at[stuck.resource] = stuck.at
    return schedule.select(schedule.at < blocked_at[schedule.resource])


def _rare_actions(random: np.random.Generator, fleet: Fleet, begins: int, start: int) -> Schedule:
    """Return actions of an undocumented type."""
    at = random.integers(begins, start - DAY_S, 3)
    return Schedule.of_type(at, "rotate_console_key", random.choice(fleet.groups["web"], 3))


def _lasting_power_offs(fleet: Fleet, start: int, count: int) -> Schedule:
    """Return power-offs of so many droplets that then stay off."""
    off_at = np.array([start - ago_s for ago_s in _OFF_AGO_S[:count]], dtype=np.int64)
    return Schedule.of_type(off_at, "power_off", fleet.groups["quiet"][1 : 1 + count])


def _trim(schedule: Schedule, surplus: int, *, from_all: bool) -> Schedule:
    """
    Drop *surplus* backups, the oldest first, as if backups had been enabled later, so that no series has gaps.

    They are dropped droplet by droplet, so that some have none at all; or *from_all* alike.
    """
    optional = np.flatnonzero(schedule.optional)
    droplet = np.zeros(len(optional)) if from_all else schedule.resource[optional]
    kept = np.ones(len(schedule.at), dtype=np.bool_)
    kept[optional[np.lexsort((schedule.at[optional], droplet))][:surplus]] = False
    return schedule.select(kept)
