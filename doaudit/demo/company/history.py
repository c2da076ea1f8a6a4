"""
Three years of a company's history, generated from a seed.

Daily backups and snapshots, deployments in working hours, autoscaling waves, moves of volumes and addresses, and every
known oddity of the API. What an audit is to find is planted: one regional incident, one type that slowly gets slower, a
handful of actions that never end, and more; `doaudit.demo.planted` lists it. In a quiet company none of it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.demo.company.fleet import DAY_S, make_fleet
from doaudit.demo.company.inventory import droplets_of, images_of, reserved_ips_of, volumes_of
from doaudit.demo.company.rearrange import close_gaps, plant_mass_destroy, plant_retry_chain, switch_on_again
from doaudit.demo.company.routine import DRIFTING, TYPES, type_code
from doaudit.demo.company.whole_schedule import SPAN_S, impossible, whole_schedule
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Action
from doaudit.demo.world.world import World

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.demo.company.fleet import Fleet
    from doaudit.demo.company.routine import Schedule
    from doaudit.demo.company.whole_schedule import Overrides

__all__ = ["ACTIONS", "Company", "company_world", "make_company"]

ACTIONS = 52_292
"""The number of actions of the largest account that has been reported."""

# Unix seconds and the action ids of that time: 2023-09, 2024-07, 2025-08, 2026-03, 2026-05, 2026-11.
_ID_SECONDS = (1_693_699_200, 1_721_779_200, 1_755_216_000, 1_773_273_600, 1_778_630_400, 1_795_435_200)
_IDS = (1_882_300_000, 2_215_400_000, 2_771_100_000, 3_087_500_000, 3_169_600_000, 3_330_000_000)

_OLD_NAMES_UNTIL_S = 300 * DAY_S
_TIE_SHUFFLE = 0.1


@dataclass(frozen=True)
class Company:
    """
    A company before its account is opened.

    Args:
        fleet: Its resources, past and present.
        history: Its actions, oldest first, as many as were asked for.
        full_history: All of its actions, of which *history* has the newest.
        planted: The ids of the actions that were planted, by what they are part of.
        random: The source of what is still to be drawn.
    """

    fleet: Fleet
    history: list[Action]
    full_history: list[Action]
    planted: dict[str, list[int]]
    random: np.random.Generator


def company_world(
    seed: int = 7, *, start: int = START, actions: int = ACTIONS, hostile_names: bool = False, quiet: bool = False
) -> World:
    """
    Return the account of a company with three years of history, which ends when the clock starts.

    Args:
        seed: The seed of the account; the same seed gives the same account, byte for byte.
        start: Unix seconds that the clock shows first.
        actions: The exact number of actions. A smaller history begins later than three years ago: it has the newest
            actions of the usual one, and those that have not ended.
        hostile_names: True to give a few droplets names that are markup, a formula and control characters.
        quiet: True for a company in which nothing happens that an audit is to find: actions fail at random.

    Raises:
        ValueError: The three years do not make as many *actions*, or there are to be none.

    Example:
        >>> world = company_world()
        >>> world.log.total(world.now)
        52292
    """
    company = make_company(seed, start=start, actions=actions, hostile_names=hostile_names, quiet=quiet)
    fleet, history = company.fleet, company.history
    droplets = droplets_of(fleet, company.full_history, start, all_backed_up=quiet)
    return World(
        actions=history,
        droplets=droplets,
        images=images_of(company.random, fleet, history, start),
        volumes=volumes_of(fleet, droplets),
        reserved_ips=reserved_ips_of(fleet, droplets, start),
        seed=seed,
        start=start,
        tie_shuffle=_TIE_SHUFFLE,
    )


def make_company(seed: int, *, start: int, actions: int, hostile_names: bool = False, quiet: bool = False) -> Company:
    """
    Return a company, with what was planted in its history; the arguments are those of `company_world`.

    Raises:
        ValueError: The three years do not make as many *actions*, or there are to be none.
    """
    if actions < 1:
        raise ValueError(impossible(actions, ACTIONS))
    random = np.random.default_rng(seed)
    fleet = make_fleet(random, start - SPAN_S, start, hostile_names=hostile_names)
    schedule, overrides = whole_schedule(random, fleet, start, max(actions, ACTIONS), quiet=quiet)
    columns = _history(random, fleet, schedule, overrides, start)
    if quiet:
        switch_on_again(columns)
    else:
        # From a source of its own, so that whatever else is drawn stays as it is.
        own = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
        plant_retry_chain(own, columns, np.isin(schedule.resource, fleet.groups["db"]), start)
        plant_mass_destroy(own, columns, np.isin(schedule.resource, fleet.groups["pool"]), start)
        columns = close_gaps(columns, _ID_SECONDS, _IDS)
    planted = columns.pop("planted")
    ids = {str(kind): columns["id"][planted == kind].tolist() for kind in np.unique(planted) if kind}
    full_history = list(map(Action, *(column.tolist() for column in columns.values())))
    return Company(fleet, _newest(full_history, actions, start), full_history, ids, random)


def _newest(history: list[Action], count: int, start: int) -> list[Action]:
    """Return *count* actions of *history* (oldest first): those that are open at *start*, and the newest others."""
    if count == len(history):
        return history
    by_importance = sorted(history, key=lambda action: (not action.finished(start), action.started_at))
    return sorted(by_importance[-count:], key=lambda action: action.started_at)


def _history(
    random: np.random.Generator, fleet: Fleet, schedule: Schedule, overrides: Overrides, start: int
) -> dict[str, NDArray[Any]]:
    """Return the columns of the scheduled actions, with drawn ids, ends and outcomes, and what they were planted as."""
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
    old = schedule.at < start - SPAN_S + _OLD_NAMES_UNTIL_S
    columns["resource_type"][(columns["resource_type"] == "reserved_ip") & old] = "floating_ip"
    _add_oddities(columns)
    columns["outcome"][overrides.planted == "power_off"] = "completed"
    return columns | {"planted": overrides.planted.astype(object)}


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
    overrides: Overrides,
    errs: NDArray[np.bool_],
    start: int,
) -> NDArray[Any]:
    """Return the Unix second at which each action ends; None for never."""
    grows = np.isin(schedule.type, [type_code("snapshot"), type_code("backup"), type_code("restore")])
    slow_factor = overrides.slow_factor * np.where(grows, fleet.slow_factor[schedule.resource], 1.0)
    age = (schedule.at - (start - SPAN_S)) / SPAN_S
    slow_factor = slow_factor * np.where(schedule.type == type_code(DRIFTING), 1.0 + (overrides.drift - 1.0) * age, 1.0)
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
