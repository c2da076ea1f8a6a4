"""
The local history of an account: every action that was ever read, in one DuckDB file.

    store = open_store(None, account_key)       # the user's data directory; or a path, or ":memory:"
    store.upsert(records, observed_at)          # what was read from the API
    store.read()                                # every action, as the frame
    store.sql("SELECT type, count(*) FROM actions GROUP BY ALL")

Several processes and threads can use one file: each call has it open only while it runs, and waits for the others.
The tables of the file are described in `doaudit.history.schema`.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

import platformdirs

from doaudit.clock import SystemClock
from doaudit.errors import InvalidArgument
from doaudit.history import side_tables
from doaudit.history.connection import FileBackend, MemoryBackend
from doaudit.history.facts import read_facts, select_held
from doaudit.history.parquet import write_parquet
from doaudit.history.proof import read_proved_ids
from doaudit.history.query import count_actions, read_frame, read_ids, run_query
from doaudit.history.read_log import read_reads, write_read
from doaudit.history.relation import copy_history, relation_of
from doaudit.history.upsert import upsert_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    import numpy as np
    import pandas as pd
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from doaudit.actions import Record
    from doaudit.clock import Clock
    from doaudit.history.connection import Backend
    from doaudit.history.facts import Facts
    from doaudit.history.read_log import LoggedRead
    from doaudit.history.side_tables import Anomaly
    from doaudit.history.upsert import Upserted

__all__ = ["MEMORY", "Store", "default_path", "open_store"]

MEMORY = ":memory:"
T = TypeVar("T")


def default_path(account: str) -> Path:
    """
    Return the file of an account's history in the user's data directory.

    Args:
        account: the key of the account; the file has its name, safely quoted.

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
        clock: tells the time and waits; by default the machine's own.
        on_warning: called with a sentence when a damaged file was moved aside; by default a Python warning.

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

    Each call is one transaction: what it writes is in the file when it returns, or nothing of it is.

    Each raises HistoryLocked if another process uses the file for too long, FileProblem if the file cannot be used.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def __repr__(self) -> str:
        """Name the file."""
        return f"<Store: {self.path or 'in memory'}>"

    @property
    def path(self) -> Path | None:
        """The file, or None for a history in memory."""
        return self._backend.path

    @property
    def account(self) -> str:
        """The key of the account."""
        return self._backend.account

    def run(self, work: Callable[[DuckDBPyConnection], T]) -> T:
        """
        Call a function with a connection, and return its result; all that it writes is one transaction.

        For what the modules of this package do in one go; everybody else has the methods below.
        """
        return self._backend.run(work)

    def upsert(
        self,
        records: Sequence[Record],
        observed_at: Sequence[int],
        *,
        notes: Mapping[str, object] | None = None,
        anomalies: Iterable[Anomaly] = (),
    ) -> Upserted:
        """
        Merge readings of actions into the history, with notes and anomalies: all or nothing.

        The policy is in `doaudit.history.upsert`: a known value is never overwritten by null, and a finished action is
        never open again.

        Args:
            records: in the order in which they came in; an id may occur more than once.
            observed_at: when each was read from the API, in Unix seconds.
            notes: values to remember about this state of the history; see `remember`.
            anomalies: things that actions did and should not; the same one of the same second is kept once.

        Returns:
            How many actions were new, changed and newly finished.

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
            side_tables.write_notes(connection, notes or {})
            side_tables.write_anomalies(connection, anomalies)
            return counts

        return self._backend.run(work)

    def read(self) -> pd.DataFrame:
        """Return every action as the actions frame, newest first; see `doaudit.actions`."""
        return self._backend.run(read_frame)

    def ids(self, since: datetime | None = None) -> np.ndarray:
        """Return the ids of all actions, or of those that started later than a moment, ascending (int64)."""
        return self._backend.run(lambda connection: read_ids(connection, since=since))

    def held(self, ids: Collection[int]) -> frozenset[int]:
        """
        Return those of the ids that the history has.

        Example:
            >>> open_store(":memory:", "an-account").held([3087531973])
            frozenset()
        """
        return self._backend.run(lambda connection: select_held(connection, ids))

    def facts(self) -> Facts:
        """Return what a refresh needs to know, at a price that does not depend on the number of actions."""
        return self._backend.run(read_facts)

    def open_ids(self) -> np.ndarray:
        """Return the ids of the open actions (see `doaudit.analysis.tally`), whatever their age, ascending (int64)."""
        return self._backend.run(lambda connection: read_ids(connection, open_only=True))

    def proved_ids(self) -> np.ndarray | None:
        """
        Return the ids that were here when the latest proof was made, ascending (int64); see `doaudit.history.proof`.

        None if there is no proof yet, or if nothing tells which they were.
        """
        return self._backend.run(read_proved_ids)

    def count(self) -> int:
        """Return the number of actions."""
        return self._backend.run(count_actions)

    def reads(self) -> pd.DataFrame:
        """
        Return the log of reads: one row for each refresh that ended, complete or not, the latest first.

        Returns:
            `asked_at` (when it was begun, by this machine's clock), `started_at`, `ended_at` (the first and the last
            response of the list, by the server's clock; null if there was none; all three datetime64[s, UTC]),
            `requests`, `new` (actions that were not known; both int64), `total_reported` (Int64, null likewise),
            `complete` (bool), and `reason` (text: why it is not complete; null if it is).

        Example:
            >>> open_store(":memory:", "an-account").reads()["complete"].tolist()
            []
        """
        return self._backend.run(read_reads)

    def log_read(self, read: LoggedRead) -> None:
        """Add a read to the log."""
        self._backend.run(lambda connection: write_read(connection, read))

    def remember(self, notes: Mapping[str, object]) -> None:
        """Keep values under their names, in place of earlier ones: anything that JSON can express."""
        self._backend.run(lambda connection: side_tables.write_notes(connection, notes))

    def recall(self, name: str, default: object = None) -> object:
        """
        Return the value that was kept under a name, or the default.

        Example:
            >>> store = open_store(":memory:", "an-account")
            >>> store.remember({"resume": {"page": 17}})
            >>> store.recall("resume")
            {'page': 17}
        """
        return self._backend.run(lambda connection: side_tables.read_note(connection, name, default))

    def mark_started(self, rows: Iterable[tuple[int, str | None, int]]) -> None:
        """
        Mark actions as started by doaudit itself, so that `sql` can tell them from the others.

        Args:
            rows: the action's id, the run it belongs to (or None), and when it was asked for, in Unix seconds.
        """
        started = list(rows)
        if started:
            self._backend.run(lambda connection: side_tables.mark_started(connection, started))

    def sql(self, query: str) -> pd.DataFrame:
        """
        Query the history in DuckDB's SQL; nothing can be changed by it.

        There are the views `actions` (the columns of the frame, first_seen_at, last_open_at, and for what doaudit
        itself started, started_by and run), `resources`, `anomalies` and `reads`; times are in UTC. A query sees no
        other file and no network.

        Returns:
            The columns of the query; times with a zone as datetime64 in UTC.

        Raises:
            InvalidArgument: it is not one query, is no SQL, asks for something that is not there, or would write.

        Example:
            >>> open_store(":memory:", "an-account").sql("SELECT count(*) AS n FROM actions")["n"].tolist()
            [0]
        """
        return self._backend.run(lambda connection: run_query(connection, query), read_only=True)

    def relation(self) -> DuckDBPyRelation:
        """
        Return every action as a DuckDB relation, from which tables are made without loading the rows into pandas.

        It has the columns of the frame, in no order, and its session is in UTC. It is a copy of the history as it is
        now: a later refresh neither waits for it nor changes it, and it stays when the account is closed.

        Raises:
            FileProblem: there is no room for the copy in the folder for temporary files.

        Example:
            >>> open_store(":memory:", "an-account").relation().filter("status = 'errored'").fetchall()
            []
        """
        return relation_of(self)

    def copy_file(self, folder: Path) -> Path | None:
        """Copy the file as it is now into a folder, and return the copy; None of a history in memory."""
        if not isinstance(self._backend, FileBackend):
            return None
        self.count()  # see `export_parquet`
        with self._backend.lock():
            return copy_history(self._backend.path, folder)

    def export_parquet(self, folder: str | os.PathLike[str]) -> Path:
        """
        Write the view `actions` as a folder of Parquet files, one a month, and return the folder.

        They lie as `year=2026/month=11/actions.parquet`, which Spark, Trino, Athena, BigQuery, Polars and DuckDB read
        as one table; year and month are those of the start in UTC, 0 without one. Times are `timestamp[us, UTC]`, and
        beside each is a column of the same name and `_s` with whole seconds since 1970 (int64). The rows of a file are
        in the order of their starts and ids. It takes at most 0.5 GB of memory, and shows its progress. An earlier
        export in that folder is replaced.

        Raises:
            FileProblem: the folder holds something else, or cannot be written.

        Example:
            >>> import tempfile
            >>> store = open_store(":memory:", "an-account")
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     list(store.export_parquet(folder).iterdir())
            []
        """
        target = Path(folder).expanduser().absolute()
        if isinstance(self._backend, FileBackend):
            self.count()  # migrates the file to today's version, or moves a damaged one aside
            with self._backend.lock():
                write_parquet(self._backend.path, target)
        else:
            self._backend.run(
                lambda connection: write_parquet(lambda query: run_query(connection, query), target), read_only=True
            )
        return target
