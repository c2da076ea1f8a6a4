"""
Names of resources, and the volume of each action on a volume.

The list of actions has neither. Names are read from the lists of existing resources, and the history remembers them
after a resource is deleted; one that was deleted before the first read stays without a name. Each kind needs a scope of
its own; a token without it still gets its actions.
"""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.api.resource_lists import read_list, read_lists
from doaudit.errors import Forbidden
from doaudit.resources import KINDS, VOLUME

if TYPE_CHECKING:
    from doaudit.api.client import Client
    from doaudit.history.store import Store

__all__ = ["update_resource_names"]

_DAY_S = 86_400
_LISTS = tuple((kind, listed) for kind in KINDS for listed in kind.lists)
_UNNAMED = """
    SELECT count(DISTINCT a.resource) AS n FROM actions a LEFT JOIN resources r ON r.key = a.resource
    WHERE a.resource IS NOT NULL AND r.key IS NULL
"""
_WITHOUT_VOLUME = (
    f"SELECT count(*) AS n FROM actions WHERE resource_type IN {VOLUME.resource_types} AND resource IS NULL"
)


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
        ApiProblem: a list could not be read, for another reason than a scope.
    """
    last: Any = store.recall("names", {})
    unnamed, without_volume = _count(store, _UNNAMED), _count(store, _WITHOUT_VOLUME)
    # A note of an earlier version may lack a count: then the names are read once more.
    more_unnamed = unnamed > last.get("unnamed", 0)
    more_without_volume = without_volume > last.get("without_volume", 0)
    if now - last.get("at", -_DAY_S) < _DAY_S and not more_unnamed and not more_without_volume:
        return ()
    lacking, volumes = _read_names(client, store)
    if more_without_volume:
        lacking += _find_volumes(client, store, volumes)
    left = {"unnamed": _count(store, _UNNAMED), "without_volume": _count(store, _WITHOUT_VOLUME)}
    store.remember({"names": {"at": now, **left}})
    return tuple(lacking)


def _read_names(client: Client, store: Store) -> tuple[list[str], list[str]]:
    """Read every list of resources into the store; return the scopes that are lacking, and the ids of the volumes."""
    lacking: list[str] = []
    volumes: list[str] = []
    for kind, listed in _LISTS:
        try:
            rows, seen_at = read_list(client, listed.path, listed.body_key, dict(listed.query))
        except Forbidden:
            lacking.append(listed.scope)
            continue
        names = {f"{kind.name}:{row[listed.id_field]}": row.get("name") for row in rows if listed.id_field in row}
        store.name_resources(kind.name, names, seen_at, all_of_kind=listed.complete)
        if kind.name == "volume":
            volumes = [str(row["id"]) for row in rows if "id" in row]
    return lacking, volumes


def _find_volumes(client: Client, store: Store, volumes: list[str]) -> list[str]:
    """Assign the actions in the volumes' own lists to their volumes; return the scope that is lacking, if any."""
    paths = {f"{VOLUME.path}/{volume}/actions": volume for volume in volumes}
    try:
        lists = read_lists(client, list(paths), "actions")
    except Forbidden:
        return [VOLUME.read_scope]
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
