"""
Facts about the stored actions that a refresh needs, kept beside them, so that it costs the same whatever their number.

    unsettled        the actions that are open, or have ended without an end: they are read again by their ids
    unnamed          the resources of actions of which no name was ever read: while there are more, names are read
    without_volume   the actions on volumes of which the volume is not known: likewise

Each of them is a table that is written in the transaction that changes what it tells.
"""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.resources import VOLUME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from duckdb import DuckDBPyConnection

__all__ = ["Facts", "Unsettled", "note_named", "note_upserted", "note_volumes", "read_facts", "select_held"]

_COUNTS = """
    SELECT (SELECT count(*) FROM stored.actions), (SELECT count(*) FROM stored.unnamed),
        (SELECT count(*) FROM stored.without_volume), (SELECT coalesce(max(id), 0) FROM stored.actions)
"""
_UNSETTLED = (
    "SELECT id, is_open, epoch(started_at)::BIGINT, epoch(observed_at)::BIGINT FROM stored.unsettled ORDER BY id"
)
_VOLUMES = "(" + ", ".join(f"'{word}'" for word in VOLUME.resource_types) + ")"
# `keys` are the resources of the merged rows; see `doaudit.history.upsert`.
_NOTE_UPSERTED = f"""
    DELETE FROM stored.unsettled WHERE id IN (SELECT id FROM {{merged}});
    INSERT INTO stored.unsettled
        SELECT id, is_open, started_at, observed_at
        FROM (SELECT *, {{is_open}} AS is_open FROM {{merged}} k) WHERE is_open OR completed_at IS NULL;
    INSERT INTO stored.unnamed
        SELECT DISTINCT k.resource FROM keys k
            ANTI JOIN stored.resources r ON r.key = k.resource ANTI JOIN stored.unnamed u ON u.key = k.resource
        WHERE k.resource IS NOT NULL;
    DELETE FROM stored.without_volume WHERE id IN (SELECT id FROM {{merged}});
    INSERT INTO stored.without_volume
        SELECT id FROM {{merged}} ANTI JOIN stored.action_resource USING (id)
        WHERE resource_type IN {_VOLUMES};
"""


@dataclass(frozen=True)
class Unsettled:
    """
    An action that is read again by its id: it is open, or has ended without an end.

    Attributes:
        is_open: false if it has ended.
        started_at: its start in Unix seconds; None without one.
        observed_at: when it was last read, in Unix seconds by the server's clock.
    """

    id: int
    is_open: bool
    started_at: int | None
    observed_at: int


@dataclass(frozen=True)
class Facts:
    """
    Facts about a history that a refresh needs.

    Attributes:
        actions: stored actions.
        unsettled: those that are read again by their ids, ascending.
        unnamed: resources of actions of which no name was ever read.
        without_volume: actions on volumes of which the volume is not known.
        highest_id: the highest id of a stored action, 0 if there is none: a new action mostly has a higher one.
        notes: every note.

    Example:
        >>> Facts().open_actions
        0
    """

    actions: int = 0
    unsettled: tuple[Unsettled, ...] = ()
    unnamed: int = 0
    without_volume: int = 0
    highest_id: int = 0
    notes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def open_actions(self) -> int:
        """Number of open actions."""
        return sum(action.is_open for action in self.unsettled)


def read_facts(connection: DuckDBPyConnection) -> Facts:
    """Read the facts; see `Store.facts`."""
    [(actions, unnamed, without_volume, highest_id)] = connection.execute(_COUNTS).fetchall()
    unsettled = tuple(Unsettled(*row) for row in connection.execute(_UNSETTLED).fetchall())
    notes = {key: json.loads(value) for key, value in connection.execute("FROM stored.notes").fetchall()}
    return Facts(actions, unsettled, unnamed, without_volume, highest_id, notes)


def select_held(connection: DuckDBPyConnection, ids: Collection[int]) -> frozenset[int]:
    """Return those of the ids that are stored."""
    connection.register("asked", {"id": np.fromiter(ids, "int64", len(ids))})
    held = connection.execute("SELECT id FROM stored.actions SEMI JOIN asked USING (id)").fetchnumpy()["id"]
    connection.unregister("asked")
    return frozenset(held.tolist())


def note_upserted(connection: DuckDBPyConnection, merged: str, is_open: str) -> None:
    """
    Keep the facts about actions true that were just written.

    Args:
        connection: a connection with a transaction under way.
        merged: the temporary table of the rows as they were written; `keys` has their resources.
        is_open: the SQL condition that a row `k` of it is open.
    """
    connection.execute(_NOTE_UPSERTED.format(merged=merged, is_open=is_open))


def note_named(connection: DuckDBPyConnection) -> None:
    """Keep the facts about names true after some were written."""
    connection.execute("DELETE FROM stored.unnamed WHERE key IN (SELECT key FROM stored.resources)")


def note_volumes(connection: DuckDBPyConnection) -> None:
    """Keep the facts about volumes true after actions were assigned to some."""
    connection.execute("DELETE FROM stored.without_volume WHERE id IN (SELECT id FROM stored.action_resource)")
