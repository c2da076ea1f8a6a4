"""
The local history of an account: every action that was ever read, in one DuckDB file.

    store = open_store(None, account_key)       # the user's data directory; or a path, or ":memory:"
    store.upsert(records, observed_at)          # what was read from the API
    store.read()                                # every action, as the frame
    store.sql("SELECT type, count(*) FROM actions GROUP BY ALL")

What is in the file is said in `doaudit.history.schema`. Several processes, and several threads, can use one file: each
call has it open only while it runs, and waits for the others.
"""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import duckdb
import numpy as np
import pandas as pd
import platformdirs

from doaudit.clock import SystemClock
from doaudit.errors import InvalidArgument
from doaudit.history.connection import Backend, FileBackend, MemoryBackend, is_damage
from doaudit.history.parquet import write_parquet
from doaudit.history.query import read_frame, run_query
from doaudit.history.upsert import OPEN, Upserted, upsert_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from doaudit.actions import Record
    from doaudit.clock import Clock

__all__ = ["MEMORY", "Anomaly", "Store", "Upserted", "default_path", "open_store"]

MEMORY = ":memory:"
_READS = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


@dataclass(frozen=True)
class Anomaly:
    """Something an action did that it should not: a word for it, a sentence, and when it was seen, in Unix seconds."""

    id: int
    kind: str
    detail: str
    seen_at: int


def default_path(account: str) -> Path:
    """
    Where the history of an account is kept if nobody says where.

    Example:
        >>> default_path("droplets/../of a team").name
        'droplets%2F..%2Fof%20a%20team.duckdb'
    """
    return platformdirs.user_data_path("doaudit") / f"{quote(account, safe='')}.duckdb"


def _warn(message: str) -> None:
    warnings.warn(message, stacklevel=2)


def open_store(
    path: str | os.PathLike[str] | None,
    account: str,
    *,
    wait_s: float = 10.0,
    clock: Clock | None = None,
    on_warning: Callable[[str], None] = _warn,
) -> Store:
    """
    Open the history of an account, or begin one.

    Args:
        path: the file; ":memory:" for one that ends with the process; None for one in the user's data directory.
        account: the key of the account, the same for every token of it.
        wait_s: how long each call waits for another process that uses the file, in seconds.
        clock: tells the time and waits; the machine's own unless a test brings another.
        on_warning: told when a damaged file was moved aside, and its new name.

    Raises:
        HistoryLocked: another process has used the file for all of that time.
        WrongAccount: the file holds another account's history.
        NewerHistory: a newer doaudit, or a newer DuckDB, wrote the file.
        FileProblem: the file cannot be opened or made, or is something else.

    Example:
        >>> store = open_store(":memory:", "an-account")
        >>> store.count()
        0
    """
    if not account:
        raise InvalidArgument("A history belongs to an account, and the account's key is empty.")
    if path is not None and os.fspath(path) == MEMORY:
        store = Store(MemoryBackend(account))
    else:
        file = default_path(account) if path is None else Path(path).expanduser().absolute()
        store = Store(FileBackend(file, account, wait_s, clock or SystemClock(), on_warning))
    store.count()
    return store


class Store:
    """
    The history of one account; made by `open_store`.

    Every call raises HistoryLocked if another process uses the file for too long, and FileProblem if the file cannot be
    read or written. What a call writes is in the file when it returns, and wholly; before, nothing of it is.
    """

    def __init__(self, place: Backend) -> None:
        self._place = place

    def __repr__(self) -> str:
        """Name the file."""
        return f"<Store: {self.path or 'in memory'}>"

    @property
    def path(self) -> Path | None:
        """The file, or None for a history in memory."""
        return self._place.path

    def upsert(
        self,
        records: Sequence[Record],
        observed_at: Sequence[int],
        *,
        notes: Mapping[str, object] | None = None,
        anomalies: Iterable[Anomaly] = (),
    ) -> Upserted:
        """
        Keep readings of actions, one after the other, and notes and anomalies with them: all or nothing.

        A known value is never overwritten by null, nor by an older reading. An action that was read as finished stays
        finished, whatever is read of it later; a later reading that calls it in progress is kept as the anomaly
        'reopened'.

        Args:
            records: in the order in which they came in; an id may occur more than once.
            observed_at: when each was read from the API, in Unix seconds.
            notes: what to remember about this state of the history; see `remember`.
            anomalies: what else was odd; see `add_anomalies`.

        Example:
            >>> from doaudit.actions import Record
            >>> store = open_store(":memory:", "an-account")
            >>> store.upsert([Record(1, "in-progress"), Record(2, "completed")], [1773354500, 1773354500])
            Upserted(new=2, updated=0, finished=0)
            >>> store.upsert([Record(1, "completed")], [1773354560])
            Upserted(new=0, updated=1, finished=1)
        """

        def work(connection: DuckDBPyConnection) -> Upserted:
            counts = upsert_actions(connection, records, observed_at)
            _write_notes(connection, notes or {})
            _write_anomalies(connection, anomalies)
            return counts

        return self._place.run(work)

    def read(self) -> pd.DataFrame:
        """Every action as the actions frame, newest first; see `doaudit.actions`."""
        return self._place.run(read_frame)

    def newest(self, n: int) -> pd.DataFrame:
        """The first rows of the frame: the actions that started last."""
        return self._place.run(lambda connection: read_frame(connection, n))

    def ids(self) -> np.ndarray:
        """The ids of all actions, ascending (int64)."""
        return self._ids("true")

    def open_ids(self) -> np.ndarray:
        """
        The ids of the open actions, whatever their age, ascending (int64).

        Open is what is in progress, and what has an unknown status (or none) and no end.
        """
        return self._ids(OPEN.format(row="a"))

    def _ids(self, condition: str) -> np.ndarray:
        query = f"SELECT id FROM stored.actions a WHERE {condition} ORDER BY id"
        return np.asarray(self._place.run(lambda connection: connection.execute(query).fetchnumpy()["id"]))

    def count(self) -> int:
        """How many actions there are."""
        query = "SELECT count(*) FROM stored.actions"
        [(rows,)] = self._place.run(lambda connection: connection.execute(query).fetchall())
        return int(rows)

    def remember(self, notes: Mapping[str, object]) -> None:
        """Keep values under their names, in place of earlier ones: whatever JSON can say."""
        self._place.run(lambda connection: _write_notes(connection, notes))

    def recall(self, name: str, default: object = None) -> object:
        """
        The value that was kept under a name.

        Example:
            >>> store = open_store(":memory:", "an-account")
            >>> store.remember({"resume": {"page": 17}})
            >>> store.recall("resume")
            {'page': 17}
        """
        query = "SELECT value FROM stored.notes WHERE key = ?"
        rows = self._place.run(lambda connection: connection.execute(query, [name]).fetchall())
        return json.loads(rows[0][0]) if rows else default

    def add_anomalies(self, anomalies: Iterable[Anomaly]) -> None:
        """Keep what actions did that they should not; the same of the same second is kept once."""
        self._place.run(lambda connection: _write_anomalies(connection, anomalies))

    def name_resources(self, kind: str, names: Mapping[str, str | None], seen_at: int, *, all_of_kind: bool) -> None:
        """
        Keep what resources are called, so that `read` can say it even when they are gone.

        A name that is null, or older than the one that is known, changes nothing.

        Args:
            kind: what they are, such as 'droplet'.
            names: from a resource's key, as in the frame's column `resource`, to its name.
            seen_at: when they were read, in Unix seconds.
            all_of_kind: whether these are all there are; then every other one of the kind is gone.
        """
        rows = [(key, name, kind, seen_at) for key, name in names.items()]

        def work(connection: DuckDBPyConnection) -> None:
            _register(
                connection, "seen", rows, {"key": "VARCHAR", "name": "VARCHAR", "kind": "VARCHAR", "second": "BIGINT"}
            )
            connection.execute(_SEEN)
            if all_of_kind:
                connection.execute(_GONE, {"kind": kind, "at": seen_at})
            connection.execute("DROP TABLE seen")

        self._place.run(work)

    def assign_resources(self, keys: Mapping[int, str]) -> None:
        """
        Say which resource actions belong to whose records do not tell it, as those of volumes.

        Args:
            keys: from an action's id to its resource's key, such as 'volume:7724db7c-e098-11e5-b522-000f53304e51'.
        """

        def work(connection: DuckDBPyConnection) -> None:
            _register(connection, "assigned", list(keys.items()), {"id": "BIGINT", "key": "VARCHAR"})
            connection.execute("INSERT OR REPLACE INTO stored.action_resource FROM assigned; DROP TABLE assigned")

        self._place.run(work)

    def mark_started(self, rows: Iterable[tuple[int, str | None, int]]) -> None:
        """
        Keep that doaudit itself started these actions, so that `sql` can tell them from the others.

        Args:
            rows: the action's id, the run it belongs to (or None), and when it was asked for, in Unix seconds.
        """
        started = list(rows)
        columns = {"id": "BIGINT", "run": "VARCHAR", "second": "BIGINT"}

        def work(connection: DuckDBPyConnection) -> None:
            _register(connection, "begun", started, columns)
            connection.execute(
                "INSERT OR REPLACE INTO stored.started "
                "SELECT id, run, make_timestamp(second * 1000000)::TIMESTAMP_S FROM begun; DROP TABLE begun"
            )

        if started:
            self._place.run(work)

    def sql(self, query: str) -> pd.DataFrame:
        """
        Ask the history a question in SQL, as DuckDB speaks it; nothing can be changed by it.

        There are the views `actions` (the frame's columns, first_seen_at, last_open_at, and started_by and run of what
        doaudit itself started), `resources` and `anomalies`; times are in UTC. A query sees no other file and no
        network.

        Raises:
            InvalidArgument: it is not one query, is no SQL, asks for what is not there, or would write.

        Example:
            >>> open_store(":memory:", "an-account").sql("SELECT count(*) AS n FROM actions")["n"].tolist()
            [0]
        """
        return self._place.run(lambda connection: _answer(connection, query), read_only=True)

    def export_parquet(self, folder: str | os.PathLike[str]) -> Path:
        """
        Write the view `actions` as a folder of Parquet files, `year=2026/month=11/*.parquet`, and return the folder.

        Years and months are those of the start in UTC; actions without a start are in year 0, month 0. An earlier
        export in the same place is replaced.

        Raises:
            FileProblem: the folder holds something else, or cannot be written.
        """
        target = Path(folder).expanduser().absolute()
        if isinstance(self._place, FileBackend):
            self.count()  # brings the file into today's form, or moves a damaged one aside
            with self._place.lock():
                write_parquet(self._place.path, target)
        else:
            write_parquet(self.sql("FROM actions"), target)
        return target


_SEEN = """
    INSERT INTO stored.resources
    SELECT key, name, kind, make_timestamp(second * 1000000)::TIMESTAMP_S, NULL FROM seen
    ON CONFLICT (key) DO UPDATE SET
        name = if(excluded.seen_at >= seen_at, coalesce(excluded.name, name), coalesce(name, excluded.name)),
        gone_at = if(excluded.seen_at >= coalesce(gone_at, excluded.seen_at), NULL, gone_at),
        seen_at = greatest(seen_at, excluded.seen_at)
"""
_GONE = """
    UPDATE stored.resources SET gone_at = make_timestamp($at::BIGINT * 1000000)::TIMESTAMP_S
    WHERE kind = $kind AND gone_at IS NULL AND seen_at < make_timestamp($at::BIGINT * 1000000)
        AND key NOT IN (SELECT key FROM seen)
"""


def _answer(connection: DuckDBPyConnection, query: str) -> pd.DataFrame:
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1:
            raise InvalidArgument(f"A query is one SQL statement; this has {len(statements)}.")
        if statements[0].type not in _READS:
            raise InvalidArgument(
                f"The history can only be read here, and this is a statement of the kind {statements[0].type.name}. "
                "Begin with SELECT, FROM, WITH, DESCRIBE, SUMMARIZE or EXPLAIN."
            )
        return run_query(connection, statements[0])
    except duckdb.Error as fault:
        if is_damage(fault):
            raise
        raise InvalidArgument(f"The query cannot be answered. DuckDB: {fault}") from None


def _write_notes(connection: DuckDBPyConnection, notes: Mapping[str, object]) -> None:
    for key, value in notes.items():
        connection.execute("INSERT OR REPLACE INTO stored.notes VALUES (?, ?)", [key, json.dumps(value)])


def _write_anomalies(connection: DuckDBPyConnection, anomalies: Iterable[Anomaly]) -> None:
    for a in anomalies:
        connection.execute(
            "INSERT OR IGNORE INTO stored.anomalies VALUES (?, ?, ?, make_timestamp(?::BIGINT * 1000000)::TIMESTAMP_S)",
            [a.id, a.kind, a.detail, a.seen_at],
        )


def _register(
    connection: DuckDBPyConnection, table: str, rows: Sequence[tuple[object, ...]], columns: Mapping[str, str]
) -> None:
    """Make a temporary table of rows, quickly: a statement a row would take a millisecond each."""
    connection.register("frame", pd.DataFrame(rows, columns=list(columns), dtype="object"))
    typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in columns.items())
    connection.execute(f"CREATE TEMP TABLE {table} AS SELECT {typed} FROM frame")
    connection.unregister("frame")
