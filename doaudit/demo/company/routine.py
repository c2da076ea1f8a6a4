"""The routine of the simulated company: a schedule of actions, each with its second, type and resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.demo.company.fleet import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from doaudit.demo.company.fleet import Fleet

__all__ = [
    "DRIFT",
    "DRIFTING",
    "INCIDENT",
    "TYPES",
    "Schedule",
    "incident_actions",
    "routine_actions",
    "type_code",
    "weekly_backups",
]

# Type: the median of its durations in seconds, the standard deviation of their logarithm, the share that fails.
_PROFILES: dict[str, tuple[float, float, float]] = {
    "assign_ip": (3.0, 0.5, 0.006),
    "attach_volume": (6.5, 0.4, 0.008),
    "backup": (190.0, 0.55, 0.004),
    "change_backup_policy": (2.0, 0.3, 0.0),
    "create": (28.0, 0.4, 0.007),
    "destroy": (6.5, 0.25, 0.001),
    "detach_volume": (6.0, 0.5, 0.006),
    "enable_backups": (3.0, 0.3, 0.0),
    "enable_ipv6": (4.0, 0.4, 0.01),
    "image_destroy": (1.1, 0.5, 0.002),
    "password_reset": (30.0, 0.3, 0.01),
    "power_cycle": (9.0, 0.4, 0.006),
    "power_off": (8.0, 0.35, 0.003),
    "power_on": (3.0, 0.5, 0.004),
    "reboot": (12.0, 0.45, 0.008),
    "rebuild": (45.0, 0.4, 0.015),
    "release_ip": (0.4, 0.3, 0.0),
    "rename": (1.0, 0.4, 0.0),
    "reserve_ip": (0.1, 0.3, 0.0),
    "resize": (62.0, 0.6, 0.035),
    "resize_volume": (5.0, 0.4, 0.01),
    "restore": (140.0, 0.8, 0.03),
    "rotate_console_key": (2.0, 0.2, 0.0),
    "shutdown": (1.4, 0.35, 0.02),
    "snapshot": (95.0, 0.5, 0.012),
    "transfer": (170.0, 0.7, 0.02),
    "unassign_ip": (2.6, 0.5, 0.004),
}

_WORKDAYS = 5
_DAILY_BACKUPS = ("api", "db", "mail")
_WEEKLY_DAYS = 365

TYPES = np.array(list(_PROFILES))
"""All types in the history; `rotate_console_key` stands for types that are not documented."""

_MEDIANS, _SPREADS, _FAILURES = np.array(list(_PROFILES.values())).T

INCIDENT = ("ams3", 13_734_000, 13_717_800)
"""
The regional incident: its region, and the seconds from its begin and from its end to the start of the clock.

With the default start: 2026-06-17, from 13:00 to 17:30 UTC.
"""

DRIFTING, DRIFT = "attach_volume", 2.5
"""The type that gets slower from month to month, and by how much at the end."""


@dataclass(frozen=True)
class Schedule:
    """
    Scheduled actions, as columns of equal length.

    Args:
        at: Unix seconds at which each starts.
        type: The index of its type in `TYPES`.
        resource: The row of its resource in the fleet.
        optional: True if it may be dropped to get the required number of actions.
    """

    at: NDArray[np.int64]
    type: NDArray[np.int64]
    resource: NDArray[np.int64]
    optional: NDArray[np.bool_]

    @classmethod
    def of_type(
        cls, at: NDArray[np.int64], type_: str, resource: NDArray[np.int64], *, optional: bool = False
    ) -> Schedule:
        """Return a schedule of actions of one type."""
        return cls(at, np.full(len(at), type_code(type_)), resource, np.full(len(at), optional))

    @classmethod
    def join(cls, parts: Sequence[Schedule]) -> Schedule:
        """Return one schedule with the actions of all *parts*."""
        columns = [(part.at, part.type, part.resource, part.optional) for part in parts]
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    def select(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> Schedule:
        """Return the actions that a mask or an array of indices selects."""
        return Schedule(self.at[kept], self.type[kept], self.resource[kept], self.optional[kept])

    def draw_durations_s(self, random: np.random.Generator, slow_factor: NDArray[np.float64]) -> NDArray[np.int64]:
        """Draw the duration of each action in seconds: lognormal, times *slow_factor*."""
        drawn = _MEDIANS[self.type] * np.exp(_SPREADS[self.type] * random.standard_normal(len(self.at)))
        seconds: NDArray[np.int64] = np.rint(drawn * slow_factor).astype(np.int64)
        return seconds

    def draw_errors(self, random: np.random.Generator) -> NDArray[np.bool_]:
        """Draw for each action whether it fails."""
        failed: NDArray[np.bool_] = random.random(len(self.at)) < _FAILURES[self.type]
        return failed


def type_code(type_: str) -> int:
    """Return the index of a type in `TYPES`."""
    return list(_PROFILES).index(type_)


def routine_actions(random: np.random.Generator, fleet: Fleet, begins: int, ends: int) -> Schedule:
    """
    Return the actions of ordinary days, in no particular order, only while their resources exist.

    Args:
        random: The source of all times and choices.
        fleet: The resources.
        begins: The first second of the history, in Unix seconds.
        ends: The last.
    """
    days = np.arange(begins // DAY_S, ends // DAY_S + 1) * DAY_S
    # Unix time began on a Thursday.
    workdays = days[(days // DAY_S + 3) % 7 < _WORKDAYS]
    daily = Schedule.join(
        [
            *_backups(random, fleet, days),
            *_parked_workers(random, fleet, workdays),
            *_deployments(random, fleet, workdays),
            *_maintenance(random, fleet, workdays),
            *_volume_moves(random, fleet, days),
            *_ip_moves(random, fleet, workdays),
        ]
    )
    inside = (daily.at > begins) & (daily.at < ends - 1_800)
    daily = daily.select(inside & fleet.exist(daily.resource, daily.at))
    lifecycle = Schedule.join(_lifecycle(random, fleet))
    return Schedule.join([daily, lifecycle.select((lifecycle.at > begins) & (lifecycle.at < ends))])


def incident_actions(
    random: np.random.Generator, fleet: Fleet, start: int, failures: int = 150, slow: int = 60
) -> tuple[Schedule, int]:
    """
    Return the actions of the regional incident.

    Args:
        random: The source of all times and choices.
        fleet: The resources.
        start: The start of the clock, in Unix seconds.
        failures: The number of actions that fail.
        slow: The number of snapshots that complete slowly.

    Returns:
        The schedule, first the failing actions, then the slow ones; and the number of failing ones.
    """
    slug, began_s, ended_s = INCIDENT
    begins, ends = start - began_s, start - ended_s
    affected = np.flatnonzero((fleet.region == slug) & (fleet.kind == "droplet") & (fleet.created_at < begins))
    affected = affected[(fleet.destroyed_at[affected] > ends) & (affected < len(fleet.names))]
    codes = np.array([type_code(type_) for type_ in ("snapshot", "power_on", "reboot", "resize", "power_off")])
    failing = Schedule(
        at=np.sort(begins + (random.beta(1.6, 2.2, failures) * (ends - begins)).astype(np.int64)),
        type=codes[random.choice(5, failures, p=(0.5, 0.15, 0.2, 0.05, 0.1))],
        resource=random.choice(affected, failures),
        optional=np.zeros(failures, dtype=np.bool_),
    )
    late = Schedule.of_type(random.integers(begins, ends - 1_800, slow), "snapshot", random.choice(affected, slow))
    return Schedule.join([failing, late]), failures


def _draw_share(random: np.random.Generator, share: float, count: int) -> NDArray[np.bool_]:
    """Draw a mask that selects about *share* of *count* rows."""
    return random.random(count) < share


def _daily(days: NDArray[np.int64], resources: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return all pairs of a day and a resource, as two columns."""
    return np.repeat(days, len(resources)), np.tile(resources, len(days))


def _backups(random: np.random.Generator, fleet: Fleet, days: NDArray[np.int64]) -> list[Schedule]:
    """Return the daily backups in each droplet's own window, and the snapshots of databases after midnight."""
    backed_up = np.concatenate([fleet.groups[role] for role in _DAILY_BACKUPS])
    at, resource = _daily(days, backed_up)
    window = (fleet.number[resource] % 5) * 3_600 + 1_800
    backups = Schedule.of_type(at + window + random.integers(0, 2_400, len(at)), "backup", resource, optional=True)

    at, resource = _daily(days, fleet.groups["db"])
    snapshots = Schedule.of_type(at + 900 + random.integers(0, 600, len(at)), "snapshot", resource)
    return [backups, snapshots]


def weekly_backups(fleet: Fleet, start: int) -> Schedule:
    """Return weekly backups, in the year before *start* (Unix seconds), of the droplets that have no daily ones."""
    daily = np.concatenate([fleet.groups[role] for role in _DAILY_BACKUPS])
    weekly = np.setdiff1d(fleet.groups["named"], daily)
    at, resource = _daily(np.arange(start // DAY_S - _WEEKLY_DAYS, start // DAY_S + 1) * DAY_S, weekly)
    on_its_day = (at // DAY_S + fleet.number[resource]) % 7 == 0
    at, resource = at[on_its_day] + 1_800 + fleet.number[resource[on_its_day]] % 14_400, resource[on_its_day]
    due = (at < start - 1_800) & fleet.exist(resource, at)
    return Schedule.of_type(at[due], "backup", resource[due])


def _parked_workers(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Schedule]:
    """Return the power events of parked workers, switched on before each working day and off after it."""
    parked = fleet.groups["worker"][:9]
    at, resource = _daily(workdays, parked)
    morning = Schedule.of_type(at + 22_500 + random.integers(0, 600, len(at)), "power_on", resource)
    evening = at + 64_800 + random.integers(0, 1_800, len(at))
    down = Schedule.of_type(evening, "shutdown", resource)
    # Where the guest ignores the shutdown, the droplet is powered off two minutes later.
    ignored = _draw_share(random, 0.12, len(at))
    return [morning, down, Schedule.of_type(evening[ignored] + 130, "power_off", resource[ignored])]


def _office_hours(random: np.random.Generator, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw a second of each of *days* in European office hours, with a peak before and one after lunch."""
    morning = _draw_share(random, 0.55, len(days))
    hour = np.where(morning, random.normal(9.2, 0.9, len(days)), random.normal(13.8, 1.2, len(days)))
    return days + (hour.clip(6.5, 17.8) * 3_600).astype(np.int64)


def _deployments(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Schedule]:
    """Return the deployments, three or four a working day, each restarting three droplets one after the other."""
    starts = _office_hours(random, np.repeat(workdays, random.poisson(3.7, len(workdays))))
    width = 3
    at = (np.repeat(starts, width) + np.tile(np.arange(width) * 45, len(starts))) + random.integers(
        0, 20, len(starts) * width
    )
    fronts = np.concatenate([fleet.groups["web"], fleet.groups["api"], fleet.groups["ci"]])
    first = np.repeat(random.integers(0, len(fronts), len(starts)), width)
    resource = fronts[(first + np.tile(np.arange(width), len(starts))) % len(fronts)]
    saved = _draw_share(random, 0.35, len(starts))
    hard = _draw_share(random, 0.2, len(at))
    return [
        Schedule.of_type(starts[saved] - 1_200, "snapshot", resource[::width][saved]),
        Schedule.of_type(at[~hard], "reboot", resource[~hard]),
        Schedule.of_type(at[hard], "power_cycle", resource[hard]),
    ]


def _maintenance(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Schedule]:
    """Return occasional manual work: resizes (off, resize, on), rebuilds, new passwords, names, settings, transfers."""
    busy = fleet.groups["busy"]

    def occasional(a_day: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw seconds and droplets, on average *a_day* of them each working day."""
        at = _office_hours(random, np.repeat(workdays, random.poisson(a_day, len(workdays))))
        return at, random.choice(busy, len(at))

    at, resource = occasional(0.35)
    parts = [
        Schedule.of_type(at - 60, "power_off", resource),
        Schedule.of_type(at, "resize", resource),
        Schedule.of_type(at + 600, "power_on", resource),
    ]
    per_day = {
        "rebuild": 0.18,
        "password_reset": 0.15,
        "rename": 0.1,
        "restore": 0.07,
        "enable_ipv6": 0.02,
        "enable_backups": 0.03,
        "change_backup_policy": 0.03,
    }
    for type_, a_day in per_day.items():
        at, resource = occasional(a_day)
        parts.append(Schedule.of_type(at, type_, resource))
    images = fleet.groups["image"]
    kept = images[fleet.destroyed_at[images] > workdays[-1] + 2 * DAY_S]
    at = _office_hours(random, random.choice(workdays, 380))
    return [*parts, Schedule.of_type(at, "transfer", random.choice(kept, len(at)))]


def _volume_moves(random: np.random.Generator, fleet: Fleet, days: NDArray[np.int64]) -> list[Schedule]:
    """Return the moves of volumes from one droplet to the next, and a few resizes."""
    at = np.repeat(days, random.poisson(1.9, len(days)))
    at = at + (random.normal(12, 5, len(at)).clip(0, 23) * 3_600).astype(np.int64) + random.integers(0, 3_600, len(at))
    resource = random.choice(fleet.groups["volume"], len(at))
    grown = _draw_share(random, 0.05, len(at))
    return [
        Schedule.of_type(at, "detach_volume", resource),
        Schedule.of_type(at + random.integers(40, 90, len(at)), "attach_volume", resource),
        Schedule.of_type(at[grown] + 300, "resize_volume", resource[grown]),
    ]


def _ip_moves(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Schedule]:
    """Return the failovers by hand in office hours: assignments of reserved IPs, some after an unassignment."""
    at = _office_hours(random, np.repeat(workdays, random.poisson(1.1, len(workdays))))
    ips = fleet.groups["ip"]
    resource = random.choice(ips[fleet.destroyed_at[ips] > workdays[-1] + 2 * DAY_S], len(at))
    both = _draw_share(random, 0.3, len(at))
    return [Schedule.of_type(at, "assign_ip", resource), Schedule.of_type(at[both] - 20, "unassign_ip", resource[both])]


def _lifecycle(random: np.random.Generator, fleet: Fleet) -> list[Schedule]:
    """
    Return the creations and destructions of all resources.

    An address that is reserved for a droplet makes two actions in the same second.
    """
    droplets = np.flatnonzero(fleet.kind == "droplet")
    images, ips = fleet.groups["image"], fleet.groups["ip"]
    assigned = _draw_share(random, 0.8, len(ips))
    return [
        Schedule.of_type(fleet.created_at[droplets], "create", droplets),
        Schedule.of_type(fleet.destroyed_at[droplets], "destroy", droplets),
        Schedule.of_type(fleet.destroyed_at[images], "image_destroy", images),
        Schedule.of_type(fleet.created_at[ips], "reserve_ip", ips),
        Schedule.of_type(fleet.created_at[ips][assigned], "assign_ip", ips[assigned]),
        Schedule.of_type(fleet.destroyed_at[ips] - 30, "unassign_ip", ips),
        Schedule.of_type(fleet.destroyed_at[ips], "release_ip", ips),
    ]
