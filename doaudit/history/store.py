"""
The local history of an account: every action that was ever read, in one DuckDB file.

    store = open_store(None, account_key)       # the user's data directory; or a path, or ":memory:"
    store.upsert(records, observed_at)          # what was read from the API
    store.read()                                # every action, as the frame
    store.sql("SELECT type, count(*) FROM actions GROUP BY ALL")

The tables of the file are described in `doaudit.history.schema`. Several processes, and several threads, can use one
file: each call has it open only while it runs, and waits for the others.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import platformdirs

from doaudit.clock import SystemClock
from doaudit.errors import InvalidArgument
from doaudit.history import side_tables
from doaudit.history.connection import FileBackend, MemoryBackend
from doaudit.history.parquet import write_parquet
from doaudit.history.query import count_actions, read_frame, read_ids, run_query
from doaudit.history.upsert import upsert_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    import pandas as pd
    from duckdb import DuckDBPyConnection

    from doaudit.actions import Record
    from doaudit.clock import Clock
    from doaudit.history.connection import Backend
    from doaudit.history.side_tables import Anomaly
    from doaudit.history.upsert import Upserted

__all__ = ["MEMORY", "Store", "default_path", "open_store"]

MEMORY = ":memory:"


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

    Raises:
        HistoryLocked: by every call, if another process uses the file for too long.
        FileProblem: by every call, if the file cannot be read or written.
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

    def newest(self, n: int) -> pd.DataFrame:
        """Return the first *n* rows of the frame: the actions that started last."""
        return self._backend.run(lambda connection: read_frame(connection, n))

    def ids(self) -> np.ndarray:
        """Return the ids of all actions, ascending (int64)."""
        return self._backend.run(read_ids)

    def open_ids(self) -> np.ndarray:
        """
        Return the ids of the open actions, whatever their age, ascending (int64).

        An action is open if it is in progress, or has an unknown status (or none) and no end.
        """
        return self._backend.run(lambda connection: read_ids(connection, open_only=True))

    def count(self) -> int:
        """Return the number of actions."""
        return self._backend.run(count_actions)

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

    def name_resources(self, kind: str, names: Mapping[str, str | None], seen_at: int, *, all_of_kind: bool) -> None:
        """
        Keep the names of resources, so that `read` has them even when the resources are gone.

        A name that is null, or older than the known one, changes nothing.

        Args:
            kind: of resource, such as 'droplet'.
            names: from a resource's key, as in the frame's column `resource`, to its name.
            seen_at: when they were read, in Unix seconds.
            all_of_kind: whether these are all there are; then every other one of the kind is gone.
        """
        self._backend.run(
            lambda connection: side_tables.name_resources(connection, kind, names, seen_at, all_of_kind=all_of_kind)
        )

    def assign_resources(self, keys: Mapping[int, str]) -> None:
        """
        Keep the resources of actions whose records do not tell them, as those of volumes.

        Args:
            keys: from an action's id to its resource's key, such as 'volume:7724db7c-e098-11e5-b522-000f53304e51'.
        """
        self._backend.run(lambda connection: side_tables.assign_resources(connection, keys))

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
        itself started, started_by and run), `resources` and `anomalies`; times are in UTC. A query sees no other file
        and no network.

        Returns:
            The columns of the query; times with a zone as datetime64 in UTC.

        Raises:
            InvalidArgument: it is not one query, is no SQL, asks for something that is not there, or would write.

        Example:
            >>> open_store(":memory:", "an-account").sql("SELECT count(*) AS n FROM actions")["n"].tolist()
            [0]
        """
        return self._backend.run(lambda connection: run_query(connection, query), read_only=True)

    def export_parquet(self, folder: str | os.PathLike[str]) -> Path:
        """
        Write the view `actions` as a folder of Parquet files, `year=2026/month=11/*.parquet`, and return the folder.

        Years and months are those of the start in UTC; actions without a start are in year 0, month 0. An earlier
        export in that folder is replaced.

        Raises:
            FileProblem: the folder holds something else, or cannot be written.
        """
        target = Path(folder).expanduser().absolute()
        if isinstance(self._backend, FileBackend):
            self.count()  # migrates the file to today's version, or moves a damaged one aside
            with self._backend.lock():
                write_parquet(self._backend.path, target)
        else:
            write_parquet(self.sql("FROM actions"), target)
        return target
