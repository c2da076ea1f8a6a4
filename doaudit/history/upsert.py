"""Readings of actions into the store: what is known is kept unless a later reading knows better."""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from doaudit.actions import COMPLETED, ERRORED, IN_PROGRESS, to_frame
from doaudit.errors import FileProblem
from doaudit.history.schema import VALUES
from doaudit.resources import resource_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from duckdb import DuckDBPyConnection

    from doaudit.actions import Record

__all__ = ["OPEN", "Upserted", "upsert_actions"]

_TIMES = ("started_at", "completed_at", "observed_at")


@dataclass(frozen=True)
class Upserted:
    """How many actions were new, how many known ones changed in a value, how many known open ones have finished."""

    new: int
    updated: int
    finished: int


def _one_of(words: Iterable[str]) -> str:
    return "(" + ", ".join(f"'{word}'" for word in sorted(words)) + ")"


_RUNNING = _one_of(IN_PROGRESS)
_FINISHED = _one_of(COMPLETED | ERRORED)

# In SQL, of a row under any name: running, or an unknown word (or none) and no end, as the statistics count it.
OPEN = (
    f"({{row}}.status IN {_RUNNING} OR "
    f"(coalesce({{row}}.status NOT IN {_FINISHED}, true) AND {{row}}.completed_at IS NULL))"
)

# Which of two readings is believed where both know a value: one that is finished before one that is open, whenever they
# were read; else the later one; of two from one second, the one that came in last.
_INCOMING_COUNTS = f"""
    CASE WHEN k.id IS NULL OR (i.status IN {_FINISHED} AND k.status IN {_RUNNING}) THEN true
         WHEN i.status IN {_RUNNING} AND k.status IN {_FINISHED} THEN false
         ELSE i.observed_at >= k.observed_at END
"""

# One table after the other, each made whole from the last: DuckDB (1.4.5, 2.0.0) loses rows, without an error, if a
# table that CREATE TABLE AS made empty gets a row group's worth of rows (122,880) in the same transaction.
_MERGE = f"""
    CREATE TEMP TABLE {{after}} AS
    SELECT id,
        {", ".join(f"if(incoming_counts, coalesce(i_{v}, {v}), coalesce({v}, i_{v})) AS {v}" for v in VALUES)},
        greatest(observed_at, i_observed_at) AS observed_at, least(first_seen_at, i_observed_at) AS first_seen_at,
        greatest(last_open_at, if(i_open, i_observed_at, NULL)) AS last_open_at
    FROM (
        SELECT coalesce(i.id, k.id) AS id, k.* EXCLUDE (id),
            {", ".join(f"i.{v} AS i_{v}" for v in VALUES)}, i.observed_at AS i_observed_at,
            {_INCOMING_COUNTS} AS incoming_counts, {OPEN.format(row="i")} AS i_open
        FROM incoming i FULL JOIN {{before}} k ON k.id = i.id
    )
"""

_REOPENED = f"""
    INSERT OR IGNORE INTO stored.anomalies
    SELECT i.id, 'reopened',
        'It was ' || if(k.status IN {_FINISHED}, k.status, i.status)
            || ', and then read as in-progress; kept as finished.',
        greatest(i.observed_at, k.observed_at)
    FROM incoming i JOIN {{before}} k ON k.id = i.id
    WHERE (i.status IN {_RUNNING} AND k.status IN {_FINISHED} AND i.observed_at > k.observed_at)
       OR (k.status IN {_RUNNING} AND i.status IN {_FINISHED} AND k.observed_at > i.observed_at)
"""

_COUNTS = f"""
    SELECT count(*) FILTER (b.id IS NULL),
        count(*) FILTER (b.id IS NOT NULL AND ({" OR ".join(f"k.{v} IS DISTINCT FROM b.{v}" for v in VALUES)})),
        count(*) FILTER (b.id IS NOT NULL AND {OPEN.format(row="b")} AND k.status IN {_FINISHED}),
        (SELECT count(*) FROM stored.actions)
    FROM {{after}} k LEFT JOIN known_0 b ON b.id = k.id
"""

_WRITE = """
    INSERT INTO stored.actions BY NAME
    SELECT k.*, r.resource
    FROM {after} k
    LEFT JOIN keys r
      ON r.resource_type IS NOT DISTINCT FROM k.resource_type AND r.resource_id IS NOT DISTINCT FROM k.resource_id
"""


def upsert_actions(connection: DuckDBPyConnection, records: Sequence[Record], observed_at: Sequence[int]) -> Upserted:
    """
    Merge readings into the stored actions, one after the other, within the transaction that is under way.

    Args:
        connection: a connection with a transaction under way.
        records: in the order in which they came in; an id may occur more than once.
        observed_at: when each was read, in Unix seconds.

    Raises:
        FileProblem: the stored rows do not add up afterwards; the transaction must not be committed.
    """
    rounds = _rounds(records, observed_at)
    if not rounds:
        return Upserted(0, 0, 0)
    for number, (some, read_at) in enumerate(rounds):
        _stage(connection, to_frame(some, read_at))
        if number == 0:
            connection.execute(
                "CREATE TEMP TABLE known_0 AS "
                "SELECT * EXCLUDE (resource) FROM stored.actions SEMI JOIN incoming USING (id)"
            )
        tables = {"before": f"known_{number}", "after": f"known_{number + 1}"}
        connection.execute(_REOPENED.format(**tables))
        connection.execute(_MERGE.format(**tables))
        connection.execute("DROP TABLE incoming")
    result = f"known_{len(rounds)}"
    [(new, updated, finished, rows)] = connection.execute(_COUNTS.format(after=result)).fetchall()
    _name_resources(connection, result)
    connection.execute("DELETE FROM stored.actions WHERE id IN (SELECT id FROM known_0)")
    connection.execute(_WRITE.format(after=result))
    [(rows_now, known)] = connection.execute(
        f"SELECT (SELECT count(*) FROM stored.actions), (SELECT count(*) FROM {result})"
    ).fetchall()
    if rows_now != rows + new or known != len(rounds[0][0]):
        raise FileProblem(
            f"The history did not add up after writing: {rows:,} actions and {new:,} new ones made {rows_now:,}. "
            "Nothing of it was kept. This is a fault of doaudit or of DuckDB; please report it."
        )
    for number in range(len(rounds) + 1):
        connection.execute(f"DROP TABLE known_{number}")
    connection.execute("DROP TABLE keys")
    return Upserted(new, updated, finished)


def _rounds(records: Sequence[Record], observed_at: Sequence[int]) -> list[tuple[list[Record], list[int]]]:
    """Split readings into rounds with distinct ids; the n-th reading of an id is in the n-th round."""
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
    plain = frame[["id", *VALUES, "observed_at"]].copy()
    for name in _TIMES:
        plain[name] = plain[name].dt.tz_localize(None)
    connection.register("frame", plain)
    connection.execute(
        "CREATE TEMP TABLE incoming AS SELECT id, type::VARCHAR AS type, status::VARCHAR AS status, "
        "resource_type::VARCHAR AS resource_type, resource_id, region::VARCHAR AS region, "
        "started_at, completed_at, observed_at FROM frame"
    )
    connection.unregister("frame")


def _name_resources(connection: DuckDBPyConnection, table: str) -> None:
    pairs = connection.execute(f"SELECT DISTINCT resource_type, resource_id FROM {table}").fetchall()
    keys = [resource_key(*pair) for pair in pairs]
    named = {
        "resource_type": pd.Series([pair[0] for pair in pairs], dtype="object"),
        "resource_id": pd.array([pair[1] for pair in pairs], dtype="Int64"),
        "resource": pd.Series(keys, dtype="object"),
    }
    connection.register("frame", pd.DataFrame(named))
    connection.execute(
        "CREATE TEMP TABLE keys AS "
        "SELECT resource_type::VARCHAR AS resource_type, resource_id, resource::VARCHAR AS resource FROM frame"
    )
    connection.unregister("frame")
