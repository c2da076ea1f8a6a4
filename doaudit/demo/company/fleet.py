"""What the simulated company owns, and owned: a table of resources, one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["DAY_S", "Fleet", "acquire"]

DAY_S = 86_400
_FOREVER = 1 << 40
_REGIONS = np.array(["fra1", "ams3", "nyc3", "sfo3", "blr1"])
_SHARES = (0.38, 0.24, 0.2, 0.1, 0.08)

# Ids are DigitalOcean's, not the account's: they rise with time. Seen: 557.9 million droplets, 220.5 million images
# in March 2026.
_DROPLET_IDS = (352_000_000, 564_000_000)
_IMAGE_IDS = (142_000_000, 226_000_000)

_ROLES = (("web", 14), ("api", 10), ("worker", 16), ("db", 6), ("cache", 6), ("queue", 4), ("ci", 6), ("mail", 2))
_ODD_NAMES = ('<b>db</b> & "co"', "=cmd|calc", "legacy-01", "legacy-02", "archive-01", "staging-old")
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
    Every resource that the history mentions.

    Args:
        kind: "droplet", "image", "volume" or "reserved_ip".
        key: Its name among all resources, as in `Action.resource`.
        number: Its `resource_id`; 0 where that is null.
        region: Its region's slug.
        born: Unix seconds; before the history begins for what was there already.
        died: Unix seconds; far in the future for what still exists.
        slowness: How much longer than usual its snapshots take.
        names: The names of the droplets that live under names of their own: the first rows.
        groups: The rows of each group, such as "web", "pool" and "volume".
    """

    kind: NDArray[np.str_]
    key: NDArray[np.str_]
    number: NDArray[np.int64]
    region: NDArray[np.str_]
    born: NDArray[np.int64]
    died: NDArray[np.int64]
    slowness: NDArray[np.float64]
    names: tuple[str, ...]
    groups: dict[str, NDArray[np.int64]]

    def alive(self, rows: NDArray[np.int64], at: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each of *rows* exists at its second of *at*."""
        # An hour's distance keeps a droplet's own creation and destruction the first and the last thing it sees.
        return (self.born[rows] + 3_600 < at) & (at < self.died[rows] - 3_600)


def acquire(random: np.random.Generator, begins: int, ends: int) -> Fleet:
    """
    Return the resources of a company whose history runs from *begins* to *ends* (Unix seconds).

    Args:
        random: Decides where each is, when it came, and when it went.
        begins: The first second of the history.
        ends: The last.
    """
    roles = np.repeat([role for role, _ in _ROLES], [count for _, count in _ROLES])
    named = len(roles) + len(_ODD_NAMES)
    counts = [named, _POOL_DROPLETS, _DESTROYED_IMAGES + _TRANSFERRED_IMAGES, _VOLUMES, _RELEASED_IPS + _KEPT_IPS]
    total, starts = sum(counts), np.cumsum([0, *counts])
    group = {
        name: np.arange(starts[place], starts[place + 1])
        for place, name in enumerate(("named", "pool", "image", "volume", "ip"))
    }
    kind = np.repeat(["droplet", "droplet", "image", "volume", "reserved_ip"], counts)
    region = random.choice(_REGIONS, total, p=_SHARES)

    born, died = _lives(random, group, total, begins, ends)

    number = np.zeros(total, dtype=np.int64)
    for kinds, (low, high) in (("droplet", _DROPLET_IDS), ("image", _IMAGE_IDS)):
        rows = np.flatnonzero(kind == kinds)
        number[rows] = _ids(random, born[rows], begins, ends, low, high)
    addresses = _addresses(random, len(group["ip"]))
    number[group["ip"]] = addresses
    uuids = [str(UUID(bytes=random.bytes(16), version=4)) for _ in range(_VOLUMES)]

    key = np.concatenate(
        [
            [f"droplet:{one}" for one in number[: starts[2]]],
            [f"image:{one}" for one in number[group["image"]]],
            [f"volume:{one}" for one in uuids],
            ["reserved_ip:" + ".".join(str(one >> shift & 255) for shift in (24, 16, 8, 0)) for one in addresses],
        ]
    )
    groups = group | {role: np.flatnonzero(roles == role) for role, _ in _ROLES}
    groups |= {"quiet": np.arange(len(roles) + 2, named), "busy": np.arange(len(roles) + 2)}
    slowness = np.ones(total)
    slowness[:named] = random.lognormal(0, 0.7, named).clip(0.35, 8)
    return Fleet(kind, key, number, region, born, died, slowness, _names(roles, region), groups)


def _lives(
    random: np.random.Generator, group: dict[str, NDArray[np.int64]], total: int, begins: int, ends: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw when each of *total* resources comes and goes."""
    born, died = begins - random.integers(DAY_S, 900 * DAY_S, total), np.full(total, _FOREVER)
    roles = len(group["named"]) - len(_ODD_NAMES)
    later = random.choice(roles, roles // 3, replace=False)
    born[later] = random.integers(begins, ends - 200 * DAY_S, len(later))
    gone = random.choice(roles, roles // 10, replace=False)
    died[gone] = random.integers(ends - 300 * DAY_S, ends - 20 * DAY_S, len(gone))

    # Waves of autoscaling: a few droplets at once, some in the very same second, gone again within hours.
    waves = np.sort(random.integers(begins + DAY_S, ends - DAY_S, _POOL_DROPLETS // 5))
    waves = waves // DAY_S * DAY_S + (random.normal(13.5, 3.0, len(waves)).clip(0, 23) * 3_600).astype(np.int64)
    pool = group["pool"]
    born[pool] = np.repeat(waves, 5) + random.choice([0, 0, 0, 1, 2, 4], len(pool))
    lives_s = np.repeat(random.lognormal(9.2, 0.5, len(waves)).clip(2_400, 40_000), 5)
    died[pool] = (born[pool] + lives_s + random.integers(0, 90, len(pool))).astype(np.int64)

    images = group["image"]
    born[images] = random.integers(begins - 60 * DAY_S, ends - 40 * DAY_S, len(images))
    destroyed = images[:_DESTROYED_IMAGES]
    died[destroyed] = np.maximum(born[destroyed], begins) + random.integers(DAY_S, 35 * DAY_S, len(destroyed))

    released = group["ip"][:_RELEASED_IPS]
    born[released] = random.integers(begins + DAY_S, ends - 60 * DAY_S, len(released))
    died[released] = born[released] + random.integers(2 * DAY_S, 50 * DAY_S, len(released))
    return born, died


def _ids(
    random: np.random.Generator, born: NDArray[np.int64], begins: int, ends: int, low: int, high: int
) -> NDArray[np.int64]:
    """Return ids that rise with *born* from *low* to *high*, no two alike."""
    order = np.argsort(born, kind="stable")
    rising = low + (born[order] - begins) / (ends - begins) * (high - low) + random.integers(0, 30, len(born))
    steps = np.arange(len(born))
    ids = np.empty(len(born), dtype=np.int64)
    ids[order] = np.maximum.accumulate(rising.astype(np.int64) - steps) + steps
    return ids


def _addresses(random: np.random.Generator, count: int) -> NDArray[np.int64]:
    blocks = np.array([[int(part) for part in block.split(".")] for block in _IP_BLOCKS])
    chosen = blocks[random.integers(0, len(blocks), count)]
    hosts = random.choice(1 << 16, count, replace=False)
    return (chosen[:, 0] << 24) + (chosen[:, 1] << 16) + hosts


def _names(roles: NDArray[np.str_], region: NDArray[np.str_]) -> tuple[str, ...]:
    """Number the droplets of each role; only workers carry their region."""
    seen: dict[str, int] = {}
    names = []
    for role, slug in zip(roles, region, strict=False):
        seen[role] = seen.get(role, 0) + 1
        place = f"{slug}-" if role == "worker" else ""
        names.append(f"{role}-{place}{seen[role]:02d}")
    return (*names, *_ODD_NAMES)
