"""
Three years of a company's history, generated from a seed.

Daily backups and snapshots, deployments in working hours, autoscaling waves, moves of volumes and addresses; one
regional incident, one type that slowly gets slower, a handful of actions that never end, and every known oddity of the
API.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.demo.company.fleet import DAY_S, make_fleet
from doaudit.demo.company.inventory import droplets_of, images_of, reserved_ips_of, volumes_of
from doaudit.demo.company.routine import DRIFTING, TYPES, Schedule, incident_actions, routine_actions, type_code
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Action
from doaudit.demo.world.world import World

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.demo.company.fleet import Fleet

__all__ = ["ACTIONS", "company_world"]

ACTIONS = 52_292
"""The number of actions of the largest account that has been reported."""

_SPAN_S = 3 * 365 * DAY_S

# Unix seconds and the action ids of that time: 2023-09, 2024-07, 2025-08, 2026-03, 2026-05, 2026-11.
_ID_SECONDS = (1_693_699_200, 1_721_779_200, 1_755_216_000, 1_773_273_600, 1_778_630_400, 1_795_435_200)
_IDS = (1_882_300_000, 2_215_400_000, 2_771_100_000, 3_087_500_000, 3_169_600_000, 3_330_000_000)

_OLD_NAMES_UNTIL_S = 300 * DAY_S
_TIE_SHUFFLE = 0.1

# Actions that never end: days before the start, type, group of the fleet.
_STUCK = (
    (41.3, "attach_volume", "volume"),
    (26.2, "snapshot", "quiet"),
    (17.8, "transfer", "image"),
    (9.1, "resize", "quiet"),
    (5.4, "detach_volume", "volume"),
    (3.2, "assign_ip", "ip"),
)
# Actions under way: seconds before the start, type, group of the fleet, seconds left.
_RUNNING = (
    (1_500, "backup", "busy", 900),
    (610, "snapshot", "busy", 240),
    (20, "reboot", "busy", 8),
    (4, "snapshot", "busy", 150),
)


@dataclass(frozen=True)
class _Overrides:
    """
    The deviations from chance of scheduled actions, as columns beside the schedule.

    Args:
        errs: True for an action that must fail.
        slow_factor: The duration as a multiple of the usual one.
        left_s: Seconds that it still needs when the clock starts; infinite if it never ends, -1 if left to chance.
    """

    errs: NDArray[np.bool_]
    slow_factor: NDArray[np.float64]
    left_s: NDArray[np.float64]

    def select(self, order: NDArray[np.int64]) -> _Overrides:
        """Return the rows that *order* names, in this order."""
        return _Overrides(self.errs[order], self.slow_factor[order], self.left_s[order])


def company_world(seed: int = 7, *, start: int = START, actions: int = ACTIONS, hostile_names: bool = False) -> World:
    """
    Return the account of a company with three years of history, which ends when the clock starts.

    Args:
        seed: The seed of the account; the same seed gives the same account, byte for byte.
        start: Unix seconds that the clock shows first.
        actions: The exact number of actions. A smaller history begins later than three years ago: it has the newest
            actions of the usual one, and those that have not ended.
        hostile_names: True to give a few droplets names that are markup, a formula and control characters.

    Raises:
        ValueError: The three years do not make as many *actions*, or there are to be none.

    Example:
        >>> world = company_world()
        >>> world.log.total(world.now)
        52292
    """
    if actions < 1:
        raise ValueError(_impossible(actions, ACTIONS))
    random = np.random.default_rng(seed)
    begins = start - _SPAN_S
    fleet = make_fleet(random, begins, start, hostile_names=hostile_names)
    schedule, overrides = _schedule(random, fleet, begins, start, max(actions, ACTIONS))
    full_history = _history(random, fleet, schedule, overrides, start)
    droplets = droplets_of(fleet, full_history, start)
    history = _newest(full_history, actions, start)
    return World(
        actions=history,
        droplets=droplets,
        images=images_of(random, fleet, history, start),
        volumes=volumes_of(fleet, droplets),
        reserved_ips=reserved_ips_of(fleet, droplets, start),
        seed=seed,
        start=start,
        tie_shuffle=_TIE_SHUFFLE,
    )


def _impossible(count: int, most: int) -> str:
    """Return what is wrong with a number of actions."""
    return f"This company cannot have a history of {count} actions; choose a number from 1 to {most}."


def _schedule(
    random: np.random.Generator, fleet: Fleet, begins: int, start: int, count: int
) -> tuple[Schedule, _Overrides]:
    """Return exactly *count* scheduled actions, oldest first, and their overrides."""
    ordinary = routine_actions(random, fleet, begins, start)
    incident, failures = incident_actions(random, fleet, start)
    in_progress = _open_actions(random, fleet, start)
    rare = _rare_actions(random, fleet, begins, start)

    special = Schedule.join([incident, in_progress, rare])
    ordinary = _until_stuck(ordinary, in_progress)
    most = len(ordinary.at) + len(special.at)
    if count > most:
        raise ValueError(_impossible(count, most))
    ordinary = _trim(ordinary, count - len(special.at))
    schedule = Schedule.join([ordinary, special])

    errs = np.arange(len(incident.at)) < failures
    around_incident = (len(ordinary.at), len(in_progress.at) + len(rare.at))
    left_s = np.array([np.inf] * len(_STUCK) + [float(seconds) for *_, seconds in _RUNNING])
    overrides = _Overrides(
        errs=np.pad(errs, around_incident),
        slow_factor=np.pad(np.where(errs, 4.0, 14.0), around_incident, constant_values=1.0),
        left_s=np.pad(left_s, (len(ordinary.at) + len(incident.at), len(rare.at)), constant_values=-1.0),
    )
    order = np.argsort(schedule.at, kind="stable")
    return schedule.select(order), overrides.select(order)


def _open_actions(random: np.random.Generator, fleet: Fleet, start: int) -> Schedule:
    """Return the actions of `_STUCK` and `_RUNNING`, each on a resource of its own that still exists."""
    used: set[int] = set()
    parts = []
    wanted = [(days * DAY_S, type_, group) for days, type_, group in _STUCK]
    wanted += [(float(ago_s), type_, group) for ago_s, type_, group, _ in _RUNNING]
    for ago_s, type_, group in wanted:
        members = fleet.groups[group]
        free = [row for row in members[fleet.destroyed_at[members] > start].tolist() if row not in used]
        row = free[0] if group == "quiet" else int(random.choice(free))
        used.add(row)
        parts.append(Schedule.of_type(np.array([start - round(ago_s)]), type_, np.array([row])))
    return Schedule.join(parts)


def _until_stuck(schedule: Schedule, in_progress: Schedule) -> Schedule:
    """Drop the actions of a resource after its stuck action, which blocks all others."""
    stuck = slice(len(_STUCK))
    blocked_at = np.full(int(schedule.resource.max()) + 1, np.iinfo(np.int64).max)
    blocked_at[in_progress.resource[stuck]] = in_progress.at[stuck]
    return schedule.select(schedule.at < blocked_at[schedule.resource])


def _rare_actions(random: np.random.Generator, fleet: Fleet, begins: int, start: int) -> Schedule:
    """Return actions of an undocumented type, and power-offs of droplets that then stay off."""
    at = random.integers(begins, start - DAY_S, 3)
    unknown = Schedule.of_type(at, "rotate_console_key", random.choice(fleet.groups["web"], 3))
    off_at = np.array([start - round(9.1 * DAY_S) - 75, start - 200 * DAY_S, start - 61 * DAY_S])
    return Schedule.join([unknown, Schedule.of_type(off_at, "power_off", fleet.groups["quiet"][1:])])


def _trim(schedule: Schedule, count: int) -> Schedule:
    """
    Drop backups until *count* actions are left.

    They are dropped droplet by droplet and oldest first, as if backups had been enabled later, so that no series has
    gaps.
    """
    optional = np.flatnonzero(schedule.optional)
    surplus = len(schedule.at) - count
    kept = np.ones(len(schedule.at), dtype=np.bool_)
    kept[optional[np.lexsort((schedule.at[optional], schedule.resource[optional]))][:surplus]] = False
    return schedule.select(kept)


def _newest(history: list[Action], count: int, start: int) -> list[Action]:
    """Return *count* actions of *history* (oldest first): those that are open at *start*, and the newest others."""
    if count == len(history):
        return history
    by_importance = sorted(history, key=lambda action: (not action.finished(start), action.started_at))
    return sorted(by_importance[-count:], key=lambda action: action.started_at)


def _history(
    random: np.random.Generator, fleet: Fleet, schedule: Schedule, overrides: _Overrides, start: int
) -> list[Action]:
    """Return the scheduled actions as the API records them, with drawn ids, ends and outcomes."""
    errs = schedule.draw_errors(random) | overrides.errs
    ends_at = _ends(random, fleet, schedule, overrides, errs, start)
    resource = schedule.resource
    # The fields of an action, in their order.
    columns: dict[str, NDArray[Any]] = {
        "id": _ids(random, schedule.at),
        "type": TYPES[schedule.type],
        "started_at": schedule.at,
        "ends_at": ends_at,
        "outcome": np.where(errs & np.isin(overrides.left_s, -1.0), "errored", "completed").astype(object),
        "resource_type": fleet.kind[resource].astype(object),
        "resource_id": fleet.number[resource].astype(object),
        "resource": fleet.key[resource].astype(object),
        "region": fleet.region[resource].astype(object),
        "end_hidden": np.full(len(resource), "", dtype=object),
        "odd": np.full(len(resource), "", dtype=object),
    }
    columns["resource_id"][columns["resource_type"] == "volume"] = None
    columns["region"][columns["type"] == "image_destroy"] = None
    old = schedule.at < start - _SPAN_S + _OLD_NAMES_UNTIL_S
    columns["resource_type"][(columns["resource_type"] == "reserved_ip") & old] = "floating_ip"
    _add_oddities(columns)
    return list(map(Action, *(column.tolist() for column in columns.values())))


def _add_oddities(columns: dict[str, NDArray[Any]]) -> None:
    """Change a few actions in place, so that each known oddity of the API occurs."""

    def completed(type_: str, *places: int) -> NDArray[np.int64]:
        """Return the rows at *places* among the completed actions of a type."""
        return np.flatnonzero((columns["type"] == type_) & (outcome == "completed"))[list(places)]

    outcome, odd, end_hidden = columns["outcome"], columns["odd"], columns["end_hidden"]
    odd[completed("attach_volume", 40, 41)] = "no_resource_id"
    columns["resource_type"][completed("detach_volume", 60, 61, 62, 63)] = "backend"
    outcome[completed("resize_volume", 0)] = "done"
    end_hidden[completed("snapshot", -60)] = "in_lists"
    end_hidden[completed("snapshot", -40)] = "everywhere"
    rows = completed("assign_ip", -30, -20, -10)
    columns["resource_type"][rows], columns["resource_id"][rows] = "reserved_ipv6", 0
    columns["resource"][rows], odd[rows] = "", "region_is_null"


def _ends(
    random: np.random.Generator,
    fleet: Fleet,
    schedule: Schedule,
    overrides: _Overrides,
    errs: NDArray[np.bool_],
    start: int,
) -> NDArray[Any]:
    """Return the Unix second at which each action ends; None for never."""
    grows = np.isin(schedule.type, [type_code("snapshot"), type_code("backup"), type_code("restore")])
    slow_factor = overrides.slow_factor * np.where(grows, fleet.slow_factor[schedule.resource], 1.0)
    age = (schedule.at - (start - _SPAN_S)) / _SPAN_S
    slow_factor = slow_factor * np.where(schedule.type == type_code(DRIFTING), 1.0 + 1.5 * age, 1.0)
    # Some actions fail at once, some only after more than the usual time.
    slow_factor = slow_factor * np.where(errs, random.choice([0.05, 0.5, 1.5], len(errs)), 1.0)
    ends_at = (schedule.at + schedule.draw_durations_s(random, slow_factor)).astype(object)
    never, known = np.isinf(overrides.left_s), overrides.left_s >= 0
    ends_at[known & ~never] = (start + overrides.left_s[known & ~never]).astype(np.int64)
    ends_at[never] = None
    return ends_at


def _ids(random: np.random.Generator, at: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return unique ids that rise with *at*, in random order within a second."""
    steps = np.arange(len(at))
    rising = np.interp(at, _ID_SECONDS, _IDS).astype(np.int64) + random.integers(0, 12, len(at))
    rising = np.maximum.accumulate(rising - steps) + steps
    ids = np.empty_like(rising)
    ids[np.lexsort((random.random(len(at)), at))] = rising
    return ids
