"""
What resources are called, and which volume an action was done to.

The list of actions has neither. Names are read from the lists of what exists, and remembered by the history after it is
gone; what was gone before the first look stays without a name. Each kind needs a scope of its own, and none is needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doaudit.api.resource_lists import read_list, read_lists
from doaudit.errors import Forbidden

if TYPE_CHECKING:
    from doaudit.api.client import Client
    from doaudit.history.store import Store

__all__ = ["update_resource_names"]

_DAY_S = 86_400
_UNNAMED = """
    SELECT count(DISTINCT a.resource) AS n FROM actions a LEFT JOIN resources r ON r.key = a.resource
    WHERE a.resource IS NOT NULL AND r.key IS NULL
"""
_WITHOUT_VOLUME = "SELECT count(*) AS n FROM actions WHERE resource_type IN ('volume', 'backend') AND resource IS NULL"


@dataclass(frozen=True)
class _Kind:
    """A list of resources: where it is, what it needs, and how one of them is keyed."""

    name: str
    path: str
    key: str
    scope: str
    query: tuple[tuple[str, str], ...] = ()
    by: str = "id"
    whole: bool = True


_KINDS = (
    _Kind("droplet", "/v2/droplets", "droplets", "droplet:read"),
    _Kind("image", "/v2/images", "images", "image:read", query=(("private", "true"),)),
    # The snapshots of droplets are images under the same ids; of a token's two scopes one is enough.
    _Kind("image", "/v2/snapshots", "snapshots", "snapshot:read", query=(("resource_type", "droplet"),), whole=False),
    _Kind("volume", "/v2/volumes", "volumes", "block_storage:read"),
    _Kind("reserved_ip", "/v2/reserved_ips", "reserved_ips", "reserved_ip:read", by="ip"),
)
_VOLUME_ACTIONS_SCOPE = "block_storage_action:read"


def update_resource_names(client: Client, store: Store, *, now: int) -> tuple[str, ...]:
    """
    Read the names of resources where there may be new ones: at first, once a day, and when unknown resources appear.

    Args:
        client: the account.
        store: its history.
        now: the time by the server's clock, in Unix seconds.

    Returns:
        The scopes that the token lacks for it; empty if nothing had to be read.

    Raises:
        ApiProblem: a list could not be had, for another reason than a scope.
    """
    last: Any = store.recall("names", {})
    unnamed, without_volume = _count(store, _UNNAMED), _count(store, _WITHOUT_VOLUME)
    fresh = now - last.get("at", -_DAY_S) < _DAY_S
    if fresh and unnamed <= last.get("unnamed", 0) and without_volume <= last.get("without_volume", 0):
        return ()
    lacking: list[str] = []
    volumes: list[str] = []
    for kind in _KINDS:
        try:
            rows, seen_at = read_list(client, kind.path, kind.key, dict(kind.query))
        except Forbidden:
            lacking.append(kind.scope)
            continue
        names = {f"{kind.name}:{row[kind.by]}": row.get("name") for row in rows if kind.by in row}
        store.name_resources(kind.name, names, seen_at, all_of_kind=kind.whole)
        if kind.name == "volume":
            volumes = [str(row["id"]) for row in rows if "id" in row]
    if without_volume > last.get("without_volume", 0):
        lacking += _find_volumes(client, store, volumes)
    left = {"unnamed": _count(store, _UNNAMED), "without_volume": _count(store, _WITHOUT_VOLUME)}
    store.remember({"names": {"at": now, **left}})
    return tuple(lacking)


def _find_volumes(client: Client, store: Store, volumes: list[str]) -> list[str]:
    """Say of each action in the volumes' own lists which volume it belongs to; return the scope that is lacking."""
    paths = {f"/v2/volumes/{volume}/actions": volume for volume in volumes}
    try:
        lists = read_lists(client, list(paths), "actions")
    except Forbidden:
        return [_VOLUME_ACTIONS_SCOPE]
    store.assign_resources(
        {
            row["id"]: f"volume:{paths[path]}"
            for path, rows in lists.items()
            for row in rows
            if isinstance(row.get("id"), int)
        }
    )
    return []


def _count(store: Store, query: str) -> int:
    return int(store.sql(query)["n"].iloc[0])
