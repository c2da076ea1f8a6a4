"""The resources that the simulated company still has when the clock starts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from doaudit.demo.world.records import Droplet, Image, ReservedIp, Volume

if TYPE_CHECKING:
    from collections.abc import Container

    from doaudit.demo.company.fleet import Fleet
    from doaudit.demo.world.records import Action

__all__ = ["droplets_of", "images_of", "reserved_ips_of", "volumes_of"]

_LISTED_LATER_S = 4
_IMAGES_KEPT = {"snapshot": 4, "backup": 3}
_STATUS_AFTER = {"power_on": "active", "power_off": "off", "shutdown": "off"}


def droplets_of(fleet: Fleet, history: list[Action], start: int, *, all_backed_up: bool = False) -> list[Droplet]:
    """Return the droplets that exist at *start* (Unix seconds), with the status that their last action left."""
    switched = (action for action in history if action.type in _STATUS_AFTER and action.outcome == "completed")
    status = {action.resource_id: _STATUS_AFTER[action.type] for action in switched}
    backed_up = {row for role in ("api", "db", "mail") for row in fleet.groups[role].tolist()}
    backed_up |= set(fleet.groups["named"].tolist()) if all_backed_up else set()
    workers = set(fleet.groups["worker"].tolist())
    return [
        Droplet(
            id=int(fleet.number[row]),
            name=name,
            region=str(fleet.region[row]),
            size="s-4vcpu-8gb" if row % 3 else "s-2vcpu-4gb",
            status=status.get(int(fleet.number[row]), "active"),
            created_at=int(fleet.created_at[row]),
            tags=["production", "parked"] if row in workers else ["production"],
            features=["monitoring", "private_networking"] + (["backups"] if row in backed_up else []),
            snapshot_s=95.0 * float(fleet.slow_factor[row]),
        )
        for row, name in enumerate(fleet.names)
        if fleet.destroyed_at[row] > start
    ]


def images_of(random: np.random.Generator, fleet: Fleet, history: list[Action], start: int) -> list[Image]:
    """Return the newest snapshots and backups of each droplet, and the images that were transferred and kept."""
    droplet_ids = {f"droplet:{number}": int(number) for number in fleet.number[: len(fleet.names)]}
    names = dict(zip(droplet_ids, fleet.names, strict=True))
    kept = _newest_images(history, names)
    ids = 226_000_100 + np.cumsum(random.integers(1, 900, len(kept)))
    images = [
        Image(
            id=int(id_),
            name=f"{names[action.resource]}-{action.started_at}",
            created_at=action.started_at,
            listed_at=(action.ends_at or 0) + _LISTED_LATER_S,
            droplet_id=droplet_ids[action.resource],
            type=action.type,
            regions=[action.region or "fra1"],
            size_gb=round(2.1 + 0.07 * (action.started_at % 40), 2),
        )
        for id_, action in zip(ids, kept, strict=True)
    ]
    for row in fleet.groups["image"][fleet.destroyed_at[fleet.groups["image"]] > start]:
        created_at, number = int(fleet.created_at[row]), int(fleet.number[row])
        images.append(Image(number, f"golden-{created_at}", created_at=created_at, regions=[str(fleet.region[row])]))
    return images


def _newest_images(history: list[Action], droplets: Container[str]) -> list[Action]:
    """Return the actions that made the newest `_IMAGES_KEPT` images of each of *droplets* (by key), oldest first."""
    counts: Counter[tuple[str, str]] = Counter()
    kept = []
    for action in reversed(history):
        if action.type not in _IMAGES_KEPT or action.resource not in droplets:
            continue
        # A snapshot that is still under way counts too: it is listed when it is done.
        if action.ends_at is None or action.outcome != "completed":
            continue
        counts[action.resource, action.type] += 1
        if counts[action.resource, action.type] <= _IMAGES_KEPT[action.type]:
            kept.append(action)
    return kept[::-1]


def volumes_of(fleet: Fleet, droplets: list[Droplet]) -> list[Volume]:
    """Return the volumes, each attached to a droplet of its own region while there are free ones."""
    free = [droplet for droplet in droplets if droplet.name.startswith(("db", "queue", "cache", "worker"))]
    return [
        Volume(
            id=str(fleet.key[row]).partition(":")[2],
            name=f"volume-{fleet.region[row]}-{place:02d}",
            region=str(fleet.region[row]),
            size_gb=50 + 50 * (place % 6),
            droplet_id=_pop_in_region(free, str(fleet.region[row])),
            created_at=int(fleet.created_at[row]),
        )
        for place, row in enumerate(fleet.groups["volume"], start=1)
    ]


def reserved_ips_of(fleet: Fleet, droplets: list[Droplet], start: int) -> list[ReservedIp]:
    """Return the addresses that have not been released, assigned to droplets that serve the public."""
    free = [droplet for droplet in droplets if droplet.name.startswith(("web", "api", "mail"))]
    ips = fleet.groups["ip"]
    return [
        ReservedIp(
            str(fleet.key[row]).partition(":")[2],
            region=str(fleet.region[row]),
            droplet_id=_pop_in_region(free, str(fleet.region[row])),
        )
        for row in ips[fleet.destroyed_at[ips] > start]
    ]


def _pop_in_region(droplets: list[Droplet], region: str) -> int | None:
    """Remove the first droplet in *region* from the list and return its id; None if there is none."""
    found = next((droplet for droplet in droplets if droplet.region == region), None)
    if found is None:
        return None
    droplets.remove(found)
    return found.id
