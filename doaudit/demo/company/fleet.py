"""The resources of the simulated company, past and present: a table with one row each."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DAY_S", "Fleet", "make_fleet"]

DAY_S = 86_400
_FOREVER = 1 << 40
_REGIONS = np.array(["fra1", "ams3", "nyc3", "sfo3", "blr1"])
_SHARES = (0.38, 0.24, 0.2, 0.1, 0.08)

# DigitalOcean numbers the resources of all accounts together, so that ids rise with time. Seen in March 2026: 557.9
# million for droplets, 220.5 million for images.
_DROPLET_IDS = (352_000_000, 564_000_000)
_IMAGE_IDS = (142_000_000, 226_000_000)

_ROLES = (("web", 14), ("api", 10), ("worker", 16), ("db", 6), ("cache", 6), ("queue", 4), ("ci", 6), ("mail", 2))
_OTHER_NAMES = ("intranet-01", "reports-01", "legacy-01", "legacy-02", "archive-01", "staging-old")
_HOSTILE_NAMES = ('<b>db</b> & "co"', "=cmd|calc", "\x1b[31mred\u202e", *_OTHER_NAMES[3:])
_POOL_DROPLETS = 3_000
_DESTROYED_IMAGES = 1_350
_TRANSFERRED_IMAGES = 220
_VOLUMES = 26
_RELEASED_IPS = 150
_KEPT_IPS = 22
_IP_BLOCKS = ("45.55", "104.131", "128.199", "159.203", "178.128", "188.166")


@dataclass(frozen=True)
class Fleet:
    """
    All resources in the history, as columns.

    Args:
        kind: "droplet", "image", "volume" or "reserved_ip".
        key: Its key, as in `Action.resource`.
        number: Its `resource_id`; 0 where that is null.
        region: Its region's slug.
        created_at: Unix seconds; before the history begins for resources that existed by then.
        destroyed_at: Unix seconds; far in the future for resources that still exist.
        slow_factor: The duration of its snapshots as a multiple of the usual one.
        names: The names of the droplets that have one: the first rows.
        groups: The row numbers of each group, such as "web", "pool" and "volume".
    """

    kind: NDArray[np.str_]
    key: NDArray[np.str_]
    number: NDArray[np.int64]
    region: NDArray[np.str_]
    created_at: NDArray[np.int64]
    destroyed_at: NDArray[np.int64]
    slow_factor: NDArray[np.float64]
    names: tuple[str, ...]
    groups: dict[str, NDArray[np.int64]]

    def exist(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return for each of *rows* whether it exists at its second of *at* (Unix seconds)."""
        # With an hour's distance, the creation of a droplet stays its first action and the destruction its last.
        return (self.created_at[rows] + 3_600 < at) & (at < self.destroyed_at[rows] - 3_600)


def make_fleet(random: np.random.Generator, begins: int, ends: int, *, hostile_names: bool = False) -> Fleet:
    """
    Return the resources of a company.

    Args:
        random: The source of the regions, the lifetimes and the ids.
        begins: The first second of the history, in Unix seconds.
        ends: The last.
        hostile_names: True to give a few droplets names that are markup, a formula and control characters.
    """
    roles = np.repeat([role for role, _ in _ROLES], [count for _, count in _ROLES])
    named = len(roles) + len(_OTHER_NAMES)
    counts = [named, _POOL_DROPLETS, _DESTROYED_IMAGES + _TRANSFERRED_IMAGES, _VOLUMES, _RELEASED_IPS + _KEPT_IPS]
    total, starts = sum(counts), np.cumsum([0, *counts])
    groups = {
        name: np.arange(starts[place], starts[place + 1])
        for place, name in enumerate(("named", "pool", "image", "volume", "ip"))
    }
    kind = np.repeat(["droplet", "droplet", "image", "volume", "reserved_ip"], counts)
    region = random.choice(_REGIONS, total, p=_SHARES)

    created_at, destroyed_at = _lifetimes(random, groups, total, begins, ends)

    number = np.zeros(total, dtype=np.int64)
    for numbered, (low, high) in (("droplet", _DROPLET_IDS), ("image", _IMAGE_IDS)):
        rows = np.flatnonzero(kind == numbered)
        number[rows] = _ids(random, created_at[rows], begins, ends, low, high)
    number[groups["ip"]] = _addresses(random, len(groups["ip"]))
    key = _keys(kind, number, [str(UUID(bytes=random.bytes(16), version=4)) for _ in range(_VOLUMES)])

    groups |= {role: np.flatnonzero(roles == role) for role, _ in _ROLES}
    groups |= {"quiet": np.arange(len(roles) + 2, named), "busy": np.arange(len(roles) + 2)}
    slow_factor = np.ones(total)
    slow_factor[:named] = random.lognormal(0, 0.7, named).clip(0.35, 8)
    names = (*_names(roles, region), *(_HOSTILE_NAMES if hostile_names else _OTHER_NAMES))
    return Fleet(kind, key, number, region, created_at, destroyed_at, slow_factor, names, groups)


def _keys(kind: NDArray[np.str_], number: NDArray[np.int64], uuids: list[str]) -> NDArray[np.str_]:
    """Return the key of each resource: its kind, and its id, address or (for volumes, in their order) UUID."""
    return np.concatenate(
        [
            [f"droplet:{id_}" for id_ in number[kind == "droplet"]],
            [f"image:{id_}" for id_ in number[kind == "image"]],
            [f"volume:{uuid}" for uuid in uuids],
            [f"reserved_ip:{IPv4Address(int(address))}" for address in number[kind == "reserved_ip"]],
        ]
    )


def _lifetimes(
    random: np.random.Generator, groups: dict[str, NDArray[np.int64]], total: int, begins: int, ends: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw the seconds at which each of *total* resources is created and destroyed."""
    created_at, destroyed_at = begins - random.integers(DAY_S, 900 * DAY_S, total), np.full(total, _FOREVER)
    roles = len(groups["named"]) - len(_OTHER_NAMES)
    recent = random.choice(roles, roles // 3, replace=False)
    created_at[recent] = random.integers(begins, ends - 200 * DAY_S, len(recent))
    gone = random.choice(roles, roles // 10, replace=False)
    destroyed_at[gone] = random.integers(ends - 300 * DAY_S, ends - 20 * DAY_S, len(gone))

    # Waves of autoscaling: five droplets at a time, some of them in the same second, destroyed within hours.
    waves = np.sort(random.integers(begins + DAY_S, ends - DAY_S, _POOL_DROPLETS // 5))
    waves = waves // DAY_S * DAY_S + (random.normal(13.5, 3.0, len(waves)).clip(0, 23) * 3_600).astype(np.int64)
    pool = groups["pool"]
    created_at[pool] = np.repeat(waves, 5) + random.choice([0, 0, 0, 1, 2, 4], len(pool))
    lifetimes_s = np.repeat(random.lognormal(9.2, 0.5, len(waves)).clip(2_400, 40_000), 5)
    destroyed_at[pool] = (created_at[pool] + lifetimes_s + random.integers(0, 90, len(pool))).astype(np.int64)

    images = groups["image"]
    created_at[images] = random.integers(begins - 60 * DAY_S, ends - 40 * DAY_S, len(images))
    destroyed = images[:_DESTROYED_IMAGES]
    destroyed_at[destroyed] = np.maximum(created_at[destroyed], begins) + random.integers(
        DAY_S, 35 * DAY_S, len(destroyed)
    )

    released = groups["ip"][:_RELEASED_IPS]
    created_at[released] = random.integers(begins + DAY_S, ends - 60 * DAY_S, len(released))
    destroyed_at[released] = created_at[released] + random.integers(2 * DAY_S, 50 * DAY_S, len(released))
    return created_at, destroyed_at


def _ids(
    random: np.random.Generator, created_at: NDArray[np.int64], begins: int, ends: int, low: int, high: int
) -> NDArray[np.int64]:
    """Return unique ids that rise with *created_at* from *low* to *high*."""
    order = np.argsort(created_at, kind="stable")
    rising = (
        low + (created_at[order] - begins) / (ends - begins) * (high - low) + random.integers(0, 30, len(created_at))
    )
    steps = np.arange(len(created_at))
    ids = np.empty(len(created_at), dtype=np.int64)
    ids[order] = np.maximum.accumulate(rising.astype(np.int64) - steps) + steps
    return ids


def _addresses(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Draw *count* unique IPv4 addresses, as numbers."""
    blocks = np.array([[int(part) for part in block.split(".")] for block in _IP_BLOCKS])
    chosen = blocks[random.integers(0, len(blocks), count)]
    hosts = random.choice(1 << 16, count, replace=False)
    return (chosen[:, 0] << 24) + (chosen[:, 1] << 16) + hosts


def _names(roles: NDArray[np.str_], region: NDArray[np.str_]) -> list[str]:
    """Return the names of the droplets with a role: numbered within it, workers with their region."""
    counts: dict[str, int] = {}
    names = []
    for role, slug in zip(roles, region, strict=False):
        counts[role] = counts.get(role, 0) + 1
        infix = f"{slug}-" if role == "worker" else ""
        names.append(f"{role}-{infix}{counts[role]:02d}")
    return names
