"""
Histories of several accounts, asked as one: each table has the column `account` in front.

Each account keeps the file of its own. To answer a query of all of them they are copied and attached, each under the
name of its place, so that a refresh neither waits nor is waited for.
"""

# ruff: noqa: S608 -- statements are made of this package's constants, and of names that `_text` has quoted

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import duckdb

from doaudit.actions import ACCOUNT, COLUMNS, put_together, with_account
from doaudit.history.calls import call
from doaudit.history.parquet import write_accounts
from doaudit.history.query import run_query
from doaudit.history.relation import CONNECTED, SEAL, open_copies, scratch_folder

if TYPE_CHECKING:
    import os

    import pandas as pd
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from doaudit.history.store import Store

__all__ = ["Histories"]

_VIEWS = ("actions", "resources", "anomalies", "reads")
Stores: TypeAlias = Mapping[str, "Store"]


class Histories:
    """
    Histories of several accounts.

    Args:
        stores: returns the history of each account by its name, those that can be opened.

    Raises:
        HistoryLocked, FileProblem: by every call, if one of the files cannot be used.
    """

    def __init__(self, stores: Callable[[], Stores]) -> None:
        self._stores = stores

    def __repr__(self) -> str:
        """Name what it is."""
        return "<Histories of several accounts>"

    def read(self) -> pd.DataFrame:
        """Return every action of every account as one frame, newest first, with the column `account` in front."""
        return put_together({name: store.read() for name, store in self._stores().items()})

    def reads(self) -> pd.DataFrame:
        """Return the logs of reads (see `doaudit.history.store.Store.reads`), account by account."""
        return with_account({name: store.reads() for name, store in self._stores().items()})

    def sql(self, query: str) -> pd.DataFrame:
        """
        Query all histories together in DuckDB's SQL; nothing can be changed by it.

        There are the views of `doaudit.history.store.Store.sql`, each with the column `account`.

        Raises:
            InvalidArgument: it is not one query, is no SQL, asks for something that is not there, or would write.
        """
        with call():
            connection = _attach(self._stores())
            try:
                return run_query(connection, query)
            finally:
                connection.close()

    def relation(self) -> DuckDBPyRelation:
        """
        Return every action of every account as a DuckDB relation; see `doaudit.history.store.Store.relation`.

        Raises:
            FileProblem: there is no room for copies of the histories in the folder for temporary files.
        """
        return _attach(self._stores()).sql(f"SELECT {', '.join([ACCOUNT, *COLUMNS])} FROM main.actions")

    def export_parquet(self, folder: str | os.PathLike[str]) -> Path:
        """
        Write all histories as a folder of Parquet files, one an account and month, and return the folder.

        They lie as `account=acme/year=2026/month=11/actions.parquet`, and are as those of
        `doaudit.history.store.Store.export_parquet`. An earlier export in that folder is replaced.

        Raises:
            FileProblem: the folder holds something else, or cannot be written.
        """
        target = Path(folder).expanduser().absolute()
        write_accounts({name: store.export_parquet for name, store in self._stores().items()}, target)
        return target


def _attach(stores: Stores) -> DuckDBPyConnection:
    """Connect to copies of histories, with each view over all of them; nothing else can be reached from it."""
    folder = scratch_folder()
    copies: dict[str, Path | None] = {}
    for at, (name, store) in enumerate(stores.items()):
        place = folder / str(at)
        place.mkdir(mode=0o700)
        copies[name] = store.copy_file(place)
    connection = duckdb.connect(":memory:", config={"temp_directory": str(folder / "spilled")})
    connection.execute(CONNECTED)
    with open_copies([copy for copy in copies.values() if copy is not None]):
        for at, (name, copy) in enumerate(copies.items()):
            if copy is None:
                _attach_rows(connection, f"account_{at}", stores[name])
            else:
                connection.execute(f"ATTACH {_text(str(copy))} AS account_{at} (READ_ONLY)")
    for view in _VIEWS:
        parts = [
            f"SELECT {_text(name)} AS {ACCOUNT}, * FROM account_{at}.main.{view}" for at, name in enumerate(copies)
        ]
        connection.execute(f"CREATE VIEW main.{view} AS {' UNION ALL '.join(parts)}")
    connection.execute(SEAL)
    return connection


def _attach_rows(connection: DuckDBPyConnection, database: str, store: Store) -> None:
    """Attach the views of a history in memory as tables."""
    connection.execute(f"ATTACH ':memory:' AS {database}")
    for view in _VIEWS:
        kinds = store.sql(f"SELECT column_name, column_type FROM (DESCRIBE FROM {view})")
        typed = ", ".join(f"{name}::{kind} AS {name}" for name, kind in kinds.itertuples(index=False))
        connection.register("rows", store.sql(f"FROM {view}"))
        connection.execute(f"CREATE TABLE {database}.main.{view} AS SELECT {typed} FROM rows")
        connection.unregister("rows")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
