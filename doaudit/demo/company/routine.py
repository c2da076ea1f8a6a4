"""What the simulated company does all day: rows of when, what and to which resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.demo.company.fleet import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from doaudit.demo.company.fleet import Fleet

__all__ = ["DRIFTING", "INCIDENT", "TYPES", "Rows", "incident", "routine"]

# Type: the median of its durations in seconds, the sigma of their logarithm, the share that errs.
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

TYPES = np.array(list(_PROFILES))
"""Every type in the history; `rotate_console_key` is one that no documentation knows."""

_MEDIANS, _SPREADS, _FAILURES = np.array(list(_PROFILES.values())).T

INCIDENT = ("ams3", 13_734_000, 13_717_800)
"""
Where DigitalOcean had a bad afternoon, and how many seconds before the clock starts it began and ended.

With the usual start: 2026-06-17, from 13:00 to 17:30 UTC.
"""

DRIFTING = "attach_volume"
"""The type that has become slower, month by month, until it takes two and a half times as long."""


@dataclass(frozen=True)
class Rows:
    """
    Actions to be, as columns.

    Args:
        at: Unix seconds at which each starts.
        type: Places in `TYPES`.
        of: Rows of the fleet.
        spare: Whether it may be left out to make the count come right.
    """

    at: NDArray[np.int64]
    type: NDArray[np.int64]
    of: NDArray[np.int64]
    spare: NDArray[np.bool_]

    @classmethod
    def build(cls, at: NDArray[np.int64], type_: str, of: NDArray[np.int64], *, spare: bool = False) -> Rows:
        """Return rows of one type."""
        return cls(at, np.full(len(at), code(type_)), of, np.full(len(at), spare))

    @classmethod
    def join(cls, parts: Sequence[Rows]) -> Rows:
        """Return all rows of *parts*."""
        columns = [(part.at, part.type, part.of, part.spare) for part in parts]
        return cls(*(np.concatenate(column) for column in zip(*columns, strict=True)))

    def where(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> Rows:
        """Return the rows that a mask or an order chooses."""
        return Rows(self.at[kept], self.type[kept], self.of[kept], self.spare[kept])

    def seconds(self, random: np.random.Generator, slowness: NDArray[np.float64]) -> NDArray[np.int64]:
        """Draw how long each takes: lognormal, hence with a long tail."""
        drawn = _MEDIANS[self.type] * np.exp(_SPREADS[self.type] * random.standard_normal(len(self.at)))
        seconds: NDArray[np.int64] = np.rint(drawn * slowness).astype(np.int64)
        return seconds

    def errs(self, random: np.random.Generator) -> NDArray[np.bool_]:
        """Draw which of them fail."""
        failed: NDArray[np.bool_] = random.random(len(self.at)) < _FAILURES[self.type]
        return failed


def code(type_: str) -> int:
    """Return a type's place in `TYPES`."""
    return list(_PROFILES).index(type_)


def routine(random: np.random.Generator, fleet: Fleet, begins: int, ends: int) -> Rows:
    """Return three years of ordinary days, in no order; the rows of resources that did not exist are gone."""
    days = np.arange(begins // DAY_S, ends // DAY_S + 1) * DAY_S
    # Unix time began on a Thursday.
    workdays = days[(days // DAY_S + 3) % 7 < _WORKDAYS]
    daily = Rows.join(
        [
            *_nights(random, fleet, days),
            *_workers(random, fleet, workdays),
            *_deploys(random, fleet, workdays),
            *_chores(random, fleet, workdays),
            *_volume_moves(random, fleet, days),
            *_ip_moves(random, fleet, workdays),
        ]
    )
    inside = (daily.at > begins) & (daily.at < ends - 1_800)
    daily = daily.where(inside & fleet.alive(daily.of, daily.at))
    lives = Rows.join(_lives(random, fleet))
    return Rows.join([daily, lives.where((lives.at > begins) & (lives.at < ends))])


def incident(
    random: np.random.Generator, fleet: Fleet, start: int, errors: int = 150, slow: int = 60
) -> tuple[Rows, int]:
    """Return the rows of the bad afternoon: first those that err (how many is the second value), then slow ones."""
    slug, began_s, ended_s = INCIDENT
    begins, ends = start - began_s, start - ended_s
    there = np.flatnonzero((fleet.region == slug) & (fleet.kind == "droplet") & (fleet.born < begins))
    there = there[(fleet.died[there] > ends) & (there < len(fleet.names))]
    at = np.sort(begins + (random.beta(1.6, 2.2, errors) * (ends - begins)).astype(np.int64))
    failed = Rows(
        at,
        np.array([code(one) for one in ("snapshot", "power_on", "reboot", "resize", "power_off")])[
            random.choice(5, errors, p=(0.5, 0.15, 0.2, 0.05, 0.1))
        ],
        random.choice(there, errors),
        np.zeros(errors, dtype=np.bool_),
    )
    late = Rows.build(random.integers(begins, ends - 1_800, slow), "snapshot", random.choice(there, slow))
    return Rows.join([failed, late]), errors


def _share(random: np.random.Generator, share: float, count: int) -> NDArray[np.bool_]:
    """Choose about *share* of *count* rows."""
    return random.random(count) < share


def _every(days: NDArray[np.int64], of: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each day with each of *of*."""
    return np.repeat(days, len(of)), np.tile(of, len(days))


def _nights(random: np.random.Generator, fleet: Fleet, days: NDArray[np.int64]) -> list[Rows]:
    """Backups in each droplet's own window, and snapshots of the databases after midnight."""
    backed_up = np.concatenate([fleet.groups[role] for role in ("api", "db", "mail")])
    at, of = _every(days, backed_up)
    window = (fleet.number[of] % 5) * 3_600 + 1_800
    backups = Rows.build(at + window + random.integers(0, 2_400, len(at)), "backup", of, spare=True)

    at, of = _every(days, fleet.groups["db"])
    snapshots = Rows.build(at + 900 + random.integers(0, 600, len(at)), "snapshot", of)
    return [backups, snapshots]


def _workers(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Rows]:
    """Parked workers, woken before the working day and put to sleep after it."""
    parked = fleet.groups["worker"][:9]
    at, of = _every(workdays, parked)
    morning = Rows.build(at + 22_500 + random.integers(0, 600, len(at)), "power_on", of)
    evening = at + 64_800 + random.integers(0, 1_800, len(at))
    down = Rows.build(evening, "shutdown", of)
    # Where the guest does not listen, somebody pulls the plug two minutes later.
    deaf = _share(random, 0.12, len(at))
    return [morning, down, Rows.build(evening[deaf] + 130, "power_off", of[deaf])]


def _office_hours(random: np.random.Generator, days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw a second of each working day: two humps with a lunch between them, in Europe."""
    morning = _share(random, 0.55, len(days))
    hour = np.where(morning, random.normal(9.2, 0.9, len(days)), random.normal(13.8, 1.2, len(days)))
    return days + (hour.clip(6.5, 17.8) * 3_600).astype(np.int64)


def _deploys(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Rows]:
    """Three or four a day, each rolling through a few droplets of one role."""
    starts = _office_hours(random, np.repeat(workdays, random.poisson(3.7, len(workdays))))
    width = 3
    at = (np.repeat(starts, width) + np.tile(np.arange(width) * 45, len(starts))) + random.integers(
        0, 20, len(starts) * width
    )
    fronts = np.concatenate([fleet.groups["web"], fleet.groups["api"], fleet.groups["ci"]])
    first = np.repeat(random.integers(0, len(fronts), len(starts)), width)
    of = fronts[(first + np.tile(np.arange(width), len(starts))) % len(fronts)]
    before = _share(random, 0.35, len(starts))
    saved = Rows.build(starts[before] - 1_200, "snapshot", of[::width][before])
    hard = _share(random, 0.2, len(at))
    return [
        saved,
        Rows.build(at[~hard], "reboot", of[~hard]),
        Rows.build(at[hard], "power_cycle", of[hard]),
    ]


def _chores(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Rows]:
    """Draw what is done by hand now and then: resizes (off, resize, on), rebuilds, new passwords, names, settings."""
    busy = fleet.groups["busy"]

    def now_and_then(a_day: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        at = _office_hours(random, np.repeat(workdays, random.poisson(a_day, len(workdays))))
        return at, random.choice(busy, len(at))

    at, of = now_and_then(0.35)
    rows = [
        Rows.build(at - 60, "power_off", of),
        Rows.build(at, "resize", of),
        Rows.build(at + 600, "power_on", of),
    ]
    shares = {
        "rebuild": 0.18,
        "password_reset": 0.15,
        "rename": 0.1,
        "restore": 0.07,
        "enable_ipv6": 0.02,
        "enable_backups": 0.03,
        "change_backup_policy": 0.03,
    }
    rows += [Rows.build(*_typed(now_and_then(share), type_)) for type_, share in shares.items()]
    images = fleet.groups["image"]
    sent = images[fleet.died[images] > workdays[-1] + 2 * DAY_S]
    at = _office_hours(random, random.choice(workdays, 380))
    return [*rows, Rows.build(at, "transfer", random.choice(sent, len(at)))]


def _typed(
    when_and_what: tuple[NDArray[np.int64], NDArray[np.int64]], type_: str
) -> tuple[NDArray[np.int64], str, NDArray[np.int64]]:
    at, of = when_and_what
    return at, type_, of


def _volume_moves(random: np.random.Generator, fleet: Fleet, days: NDArray[np.int64]) -> list[Rows]:
    """Volumes follow their databases: off one droplet, on to the next."""
    at = np.repeat(days, random.poisson(1.9, len(days)))
    at = at + (random.normal(12, 5, len(at)).clip(0, 23) * 3_600).astype(np.int64) + random.integers(0, 3_600, len(at))
    of = random.choice(fleet.groups["volume"], len(at))
    grown = _share(random, 0.05, len(at))
    return [
        Rows.build(at, "detach_volume", of),
        Rows.build(at + random.integers(40, 90, len(at)), "attach_volume", of),
        Rows.build(at[grown] + 300, "resize_volume", of[grown]),
    ]


def _ip_moves(random: np.random.Generator, fleet: Fleet, workdays: NDArray[np.int64]) -> list[Rows]:
    """Failovers by hand, when something is deployed."""
    at = _office_hours(random, np.repeat(workdays, random.poisson(1.1, len(workdays))))
    ips = fleet.groups["ip"]
    of = random.choice(ips[fleet.died[ips] > workdays[-1] + 2 * DAY_S], len(at))
    both = _share(random, 0.3, len(at))
    return [Rows.build(at, "assign_ip", of), Rows.build(at[both] - 20, "unassign_ip", of[both])]


def _lives(random: np.random.Generator, fleet: Fleet) -> list[Rows]:
    """Return how resources come and go. An address that is reserved for a droplet gives two actions in one second."""
    droplets = np.flatnonzero(fleet.kind == "droplet")
    images, ips = fleet.groups["image"], fleet.groups["ip"]
    seldom = _share(random, 0.8, len(ips))
    return [
        Rows.build(fleet.born[droplets], "create", droplets),
        Rows.build(fleet.died[droplets], "destroy", droplets),
        Rows.build(fleet.died[images], "image_destroy", images),
        Rows.build(fleet.born[ips], "reserve_ip", ips),
        Rows.build(fleet.born[ips][seldom], "assign_ip", ips[seldom]),
        Rows.build(fleet.died[ips] - 30, "unassign_ip", ips),
        Rows.build(fleet.died[ips], "release_ip", ips),
    ]
