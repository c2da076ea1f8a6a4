"""Writes to the tables beside `actions`: names of resources, actions that doaudit started, anomalies, notes."""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from doaudit.history.facts import note_named, note_volumes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

__all__ = [
    "Anomaly",
    "Named",
    "assign_resources",
    "mark_started",
    "name_all",
    "read_note",
    "write_anomalies",
    "write_notes",
]

_NAME = """
    INSERT INTO stored.resources
    SELECT key, name, kind, make_timestamp(second * 1000000)::TIMESTAMP_S, NULL FROM named
    ON CONFLICT (key) DO UPDATE SET
        name = if(excluded.seen_at >= seen_at, coalesce(excluded.name, name), coalesce(name, excluded.name)),
        gone_at = if(excluded.seen_at >= coalesce(gone_at, excluded.seen_at), NULL, gone_at),
        seen_at = greatest(seen_at, excluded.seen_at)
"""
_MARK_GONE = """
    UPDATE stored.resources SET gone_at = make_timestamp($at::BIGINT * 1000000)::TIMESTAMP_S
    WHERE kind = $kind AND gone_at IS NULL AND seen_at < make_timestamp($at::BIGINT * 1000000)
        AND key NOT IN (SELECT key FROM named)
"""
_MARK_STARTED = """
    INSERT OR REPLACE INTO stored.started
    SELECT id, run, make_timestamp(second * 1000000)::TIMESTAMP_S FROM begun
"""
_ADD_ANOMALY = """
    INSERT OR IGNORE INTO stored.anomalies VALUES (?, ?, ?, make_timestamp(?::BIGINT * 1000000)::TIMESTAMP_S)
"""


@dataclass(frozen=True)
class Anomaly:
    """
    Something an action did that it should not.

    Attributes:
        id: of the action.
        kind: a word for it, such as 'absent'.
        detail: a sentence.
        seen_at: when it was seen, in Unix seconds.
    """

    id: int
    kind: str
    detail: str
    seen_at: int


@dataclass(frozen=True)
class Named:
    """
    Names of resources of a kind, from a list.

    Attributes:
        kind: of resource, such as 'droplet'.
        names: from a resource's key, as in the frame's column `resource`, to its name. One that is null, or older than
            the known one, changes nothing.
        seen_at: when they were read, in Unix seconds.
        all_of_kind: whether these are all there are; then every other one of the kind is gone.
    """

    kind: str
    names: Mapping[str, str | None]
    seen_at: int
    all_of_kind: bool


def name_all(connection: DuckDBPyConnection, lists: Iterable[Named]) -> None:
    """
    Write the names in several lists, as if they were written one after the other, in a few statements.

    The history has them even when the resources are gone.
    """
    rows: dict[str, tuple[str, str | None, str, int]] = {}
    gone = []
    for listed in lists:
        for key, name in listed.names.items():
            _, known, _, seen_at = rows.get(key, (key, None, listed.kind, listed.seen_at))
            first, second = (name, known) if listed.seen_at >= seen_at else (known, name)
            rows[key] = (key, second if first is None else first, listed.kind, max(seen_at, listed.seen_at))
        if listed.all_of_kind:
            gone.append({"kind": listed.kind, "at": listed.seen_at})
    columns = {"key": "VARCHAR", "name": "VARCHAR", "kind": "VARCHAR", "second": "BIGINT"}
    _register(connection, "named", list(rows.values()), columns)
    connection.execute(_NAME)
    for kind in gone:
        connection.execute(_MARK_GONE, kind)
    note_named(connection)
    connection.execute("DROP TABLE named")


def assign_resources(connection: DuckDBPyConnection, keys: Mapping[int, str]) -> None:
    """
    Write the resources of actions whose records do not tell them, as those of volumes.

    Args:
        connection: a connection with a transaction under way.
        keys: from an action's id to its resource's key, such as 'volume:7724db7c-e098-11e5-b522-000f53304e51'.
    """
    _register(connection, "assigned", list(keys.items()), {"id": "BIGINT", "key": "VARCHAR"})
    connection.execute("INSERT OR REPLACE INTO stored.action_resource FROM assigned; DROP TABLE assigned")
    note_volumes(connection)


def mark_started(connection: DuckDBPyConnection, rows: Sequence[tuple[int, str | None, int]]) -> None:
    """Write which actions doaudit started; see `Store.mark_started`."""
    _register(connection, "begun", rows, {"id": "BIGINT", "run": "VARCHAR", "second": "BIGINT"})
    connection.execute(_MARK_STARTED)
    connection.execute("DROP TABLE begun")


def write_anomalies(connection: DuckDBPyConnection, anomalies: Iterable[Anomaly]) -> None:
    """Write anomalies; the same one of the same second is kept once."""
    for anomaly in anomalies:
        connection.execute(_ADD_ANOMALY, [anomaly.id, anomaly.kind, anomaly.detail, anomaly.seen_at])


def write_notes(connection: DuckDBPyConnection, notes: Mapping[str, object]) -> None:
    """Write values as JSON under their names, in place of earlier ones."""
    for name, value in notes.items():
        connection.execute("INSERT OR REPLACE INTO stored.notes VALUES (?, ?)", [name, json.dumps(value)])


def read_note(connection: DuckDBPyConnection, name: str, default: object = None) -> object:
    """Return the value that was written under a name, or the default."""
    rows = connection.execute("SELECT value FROM stored.notes WHERE key = ?", [name]).fetchall()
    return json.loads(rows[0][0]) if rows else default


def _register(
    connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]], columns: Mapping[str, str]
) -> None:
    """Make a temporary table of rows, in one statement: one for each row would take a millisecond each."""
    connection.register("frame", pd.DataFrame(rows, columns=list(columns), dtype="object"))
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {typed} FROM frame")
    connection.unregister("frame")
