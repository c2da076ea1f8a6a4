"""
Upsert of readings into the stored actions.

A reading is what the API said of an action at one moment. The policy for two readings of one action:

1. Preferred is the finished reading before one in progress, whenever they were read; otherwise the later one; of two
   that were read in the same second, the one that came in last.
2. Each value is the preferred reading's, or the other's where that is null. So a known value is never overwritten by
   null, and a finished action is never open again.
3. `observed_at` is the later of the two times, `first_seen_at` the earlier one, `last_open_at` the last time the action
   was read while open.
4. A reading in progress that was made after a finished one is recorded as the anomaly 'reopened'.

`doaudit.records.merge` is points 1 and 2 for two records in Python, as a read of the list needs them; here all four are
SQL over many rows. A test holds one against the other.
"""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from doaudit.actions import COMPLETED, ERRORED, IN_PROGRESS, to_frame
from doaudit.errors import FileProblem
from doaudit.history.facts import note_upserted
from doaudit.history.schema import VALUES
from doaudit.resources import resource_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duckdb import DuckDBPyConnection

    from doaudit.actions import Record

__all__ = ["Upserted", "open_condition", "upsert_actions"]

_TIMES = ("started_at", "completed_at", "observed_at")


@dataclass(frozen=True)
class Upserted:
    """
    Counts of an upsert.

    Attributes:
        new: actions that were not known.
        updated: known actions of which a value changed.
        finished: known open actions that have finished.
    """

    new: int = 0
    updated: int = 0
    finished: int = 0

    def __add__(self, other: Upserted) -> Upserted:
        """Add the counts of two upserts."""
        return Upserted(self.new + other.new, self.updated + other.updated, self.finished + other.finished)


def _in(texts: Iterable[str]) -> str:
    return "IN (" + ", ".join(f"'{text}'" for text in sorted(texts)) + ")"


_IS_RUNNING = _in(IN_PROGRESS)
_IS_FINISHED = _in(COMPLETED | ERRORED)


def open_condition(row: str) -> str:
    """
    Return the SQL condition that a row is open: in progress, or with an unknown status (or none) and no end.

    Args:
        row: the alias of its table in the query.

    Example:
        >>> open_condition("a")[:31]
        "(a.status IN ('in-progress') OR"
    """
    unknown = f"coalesce(NOT {row}.status {_IS_FINISHED}, true)"
    return f"({row}.status {_IS_RUNNING} OR ({unknown} AND {row}.completed_at IS NULL))"


# Point 1 of the policy; k is the known row, i the incoming one.
_INCOMING_PREFERRED = f"""
    CASE WHEN k.id IS NULL OR (i.status {_IS_FINISHED} AND k.status {_IS_RUNNING}) THEN true
         WHEN i.status {_IS_RUNNING} AND k.status {_IS_FINISHED} THEN false
         ELSE i.observed_at >= k.observed_at END
"""

# Points 2 and 3. One table after the other, each made whole from the last: DuckDB (1.4.5, 2.0.0) loses rows, without an
# error, if a table that CREATE TABLE AS made empty gets a row group's worth of rows (122,880) in the same transaction.
_MERGE = f"""
    CREATE TEMP TABLE {{after}} AS
    SELECT id,
        {", ".join(f"if(incoming_preferred, coalesce(i_{v}, {v}), coalesce({v}, i_{v})) AS {v}" for v in VALUES)},
        greatest(observed_at, i_observed_at) AS observed_at, least(first_seen_at, i_observed_at) AS first_seen_at,
        greatest(last_open_at, if(i_open, i_observed_at, NULL)) AS last_open_at
    FROM (
        SELECT coalesce(i.id, k.id) AS id, k.* EXCLUDE (id),
            {", ".join(f"i.{v} AS i_{v}" for v in VALUES)}, i.observed_at AS i_observed_at,
            {_INCOMING_PREFERRED} AS incoming_preferred, {open_condition("i")} AS i_open
        FROM incoming i FULL JOIN {{before}} k ON k.id = i.id
    )
"""

# Point 4.
_RECORD_REOPENED = f"""
    INSERT OR IGNORE INTO stored.anomalies
    SELECT i.id, 'reopened',
        'It was ' || if(k.status {_IS_FINISHED}, k.status, i.status)
            || ', and then read as in-progress; kept as finished.',
        greatest(i.observed_at, k.observed_at)
    FROM incoming i JOIN {{before}} k ON k.id = i.id
    WHERE (i.status {_IS_RUNNING} AND k.status {_IS_FINISHED} AND i.observed_at > k.observed_at)
       OR (k.status {_IS_RUNNING} AND i.status {_IS_FINISHED} AND k.observed_at > i.observed_at)
"""

# Where none of the rows is known, nothing has to be merged.
_FRESH = f"""
    CREATE TEMP TABLE {{after}} AS
    SELECT i.*, i.observed_at AS first_seen_at, if({open_condition("i")}, i.observed_at, NULL) AS last_open_at
    FROM incoming i
"""
_SELECT_KNOWN = """
    CREATE TEMP TABLE merged_0 AS SELECT * EXCLUDE (resource) FROM stored.actions SEMI JOIN incoming USING (id)
"""
_COUNT = f"""
    SELECT count(*) FILTER (b.id IS NULL),
        count(*) FILTER (b.id IS NOT NULL AND ({" OR ".join(f"k.{v} IS DISTINCT FROM b.{v}" for v in VALUES)})),
        count(*) FILTER (b.id IS NOT NULL AND {open_condition("b")} AND k.status {_IS_FINISHED})
    FROM {{merged}} k LEFT JOIN merged_0 b ON b.id = k.id
"""
_INSERT = """
    INSERT INTO stored.actions BY NAME
    SELECT k.*, r.resource
    FROM {merged} k
    LEFT JOIN keys r
      ON r.resource_type IS NOT DISTINCT FROM k.resource_type AND r.resource_id IS NOT DISTINCT FROM k.resource_id
"""


def upsert_actions(connection: DuckDBPyConnection, records: Sequence[Record], observed_at: Sequence[int]) -> Upserted:
    """
    Merge readings into the stored actions, one after the other, by the policy of this module.

    Args:
        connection: a connection with a transaction under way.
        records: in the order in which they came in; an id may occur more than once.
        observed_at: when each was read, in Unix seconds.

    Raises:
        FileProblem: the stored rows do not add up afterwards; the transaction must not be committed.
    """
    rounds = _rounds(records, observed_at)
    if not rounds:
        return Upserted()
    ids = len(rounds[0][0])
    for number, (distinct, read_at) in enumerate(rounds):
        _stage(connection, to_frame(distinct, read_at))
        tables = {"before": f"merged_{number}", "after": f"merged_{number + 1}"}
        if number == 0:
            connection.execute(_SELECT_KNOWN)
            known = _rows(connection, "merged_0")
        if number == 0 and known == 0:
            connection.execute(_FRESH.format(**tables))
        else:
            connection.execute(_RECORD_REOPENED.format(**tables))
            connection.execute(_MERGE.format(**tables))
        connection.execute("DROP TABLE incoming")
    merged = f"merged_{len(rounds)}"
    [counts] = connection.execute(_COUNT.format(merged=merged)).fetchall() if known else [(ids,)]
    upserted = Upserted(*counts)
    _replace(connection, merged, new=upserted.new, ids=ids)
    connection.execute("".join(f"DROP TABLE merged_{number};" for number in range(len(rounds) + 1)))
    return upserted


def _replace(connection: DuckDBPyConnection, merged: str, *, new: int, ids: int) -> None:
    """Write the merged rows in place of the stored ones, and check that so many are new, of so many distinct ids."""
    before = _rows(connection, "stored.actions")
    _stage_resource_keys(connection, merged)
    connection.execute("DELETE FROM stored.actions WHERE id IN (SELECT id FROM merged_0)")
    connection.execute(_INSERT.format(merged=merged))
    note_upserted(connection, merged, open_condition("k"))
    connection.execute("DROP TABLE keys")
    after = _rows(connection, "stored.actions")
    if after != before + new or _rows(connection, merged) != ids:
        raise FileProblem(
            f"The history did not add up after writing: {before:,} actions and {new:,} new ones made {after:,}. "
            "Nothing of it was kept. This is a fault of doaudit or of DuckDB; please report it."
        )


def _rows(connection: DuckDBPyConnection, table: str) -> int:
    [(rows,)] = connection.execute(f"SELECT count(*) FROM {table}").fetchall()
    return int(rows)


def _rounds(records: Sequence[Record], observed_at: Sequence[int]) -> list[tuple[list[Record], list[int]]]:
    """Split readings into rounds with distinct ids; the n-th reading of an id is in the n-th round."""
    if len({record.id for record in records}) == len(records) == len(observed_at) > 0:
        return [(list(records), list(observed_at))]
    rounds: list[tuple[list[Record], list[int]]] = []
    seen: dict[int, int] = {}
    for record, at in zip(records, observed_at, strict=True):
        number = seen.get(record.id, 0)
        seen[record.id] = number + 1
        if number == len(rounds):
            rounds.append(([], []))
        rounds[number][0].append(record)
        rounds[number][1].append(at)
    return rounds


def _stage(connection: DuckDBPyConnection, frame: pd.DataFrame) -> None:
    """Make the temporary table `incoming` of a frame."""
    incoming = frame[["id", *VALUES, "observed_at"]].copy()
    for name in _TIMES:
        incoming[name] = incoming[name].dt.tz_localize(None)
    connection.register("frame", incoming)
    connection.execute(
        "CREATE TEMP TABLE incoming AS SELECT id, type::VARCHAR AS type, status::VARCHAR AS status, "
        "resource_type::VARCHAR AS resource_type, resource_id, region::VARCHAR AS region, "
        "started_at, completed_at, observed_at FROM frame"
    )
    connection.unregister("frame")


def _stage_resource_keys(connection: DuckDBPyConnection, table: str) -> None:
    """Make the temporary table `keys`: the key of each resource in a table, from its type and id."""
    pairs = connection.execute(f"SELECT DISTINCT resource_type, resource_id FROM {table}").fetchall()
    columns = {
        "resource_type": pd.Series([pair[0] for pair in pairs], dtype="object"),
        "resource_id": pd.array([pair[1] for pair in pairs], dtype="Int64"),
        "resource": pd.Series([resource_key(*pair) for pair in pairs], dtype="object"),
    }
    connection.register("frame", pd.DataFrame(columns))
    connection.execute(
        "CREATE TEMP TABLE keys AS "
        "SELECT resource_type::VARCHAR AS resource_type, resource_id, resource::VARCHAR AS resource FROM frame"
    )
    connection.unregister("frame")
