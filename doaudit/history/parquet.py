"""
Export of the stored actions as a folder of Parquet files, for Spark, Trino, Athena, BigQuery, Polars and DuckDB.

One month is written after the other, each as one file, so what is in memory is a part of a month, however long the
history is. (DuckDB's own partitioned COPY keeps every month's file open, and its rows: 3 GB for ten million.) The rows
of a month are found in the table `stored.actions`, which knows for each of its parts the first and the last start; and
in the view by their ids, which mostly rise with the starts.

Engines differ in what they make of times, and in whose zone, but not in what they make of whole numbers. So beside each
time there is a column of the same name and `_s`, in seconds since 1970.
"""

# ruff: noqa: S608 -- statements are made of names and whole numbers of this package's own

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import duckdb

from doaudit.errors import FileProblem
from doaudit.history.calls import call, run_call
from doaudit.progress import row_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd
    from duckdb import DuckDBPyConnection

    Query = Callable[[str], pd.DataFrame]

__all__ = ["write_accounts", "write_parquet"]

T = TypeVar("T")
_ACCOUNT, _YEAR, _SCRATCH, _FILE = "account=", "year=", ".doaudit-", "actions.parquet"
_TIME, _DECEMBER = "TIMESTAMP WITH TIME ZONE", 12

# Each thread holds rows of its own until they make a row group. What has no room is written to the scratch folder.
_THREADS, _MEMORY = 4, "400MB"
_SHOWN_FROM_ROWS = 500_000  # about a second's work

_MONTHS = """
    SELECT coalesce(year(started_at), 0) AS year, coalesce(month(started_at), 0) AS month, count(*) AS n,
        min(id) AS lowest, max(id) AS highest
    FROM stored.actions GROUP BY ALL ORDER BY ALL
"""
_COLUMNS = "SELECT column_name, column_type FROM (DESCRIBE FROM main.actions)"
_MONTH = """
    FROM main.actions
    WHERE id BETWEEN {lowest} AND {highest} AND id IN (SELECT id FROM stored.actions WHERE {started})
"""


def write_parquet(source: Path | Query, folder: Path) -> None:
    """
    Write the view `actions` as `year=2026/month=11/actions.parquet`, by start in UTC; without one, in year 0, month 0.

    The rows of a file are in the order of their starts, and of their ids where those are equal. The files are written
    elsewhere and then moved into place; an earlier export is replaced. In a folder that exists everything happens
    inside it, since it may be a mount of its own.

    Args:
        source: the history file, which nobody else has open meanwhile, or what answers a query of a history in memory.
        folder: the target.

    Raises:
        FileProblem: the folder holds something else than an export, or cannot be written.
    """
    if folder.exists() and not _is_export(folder):
        raise FileProblem(
            f"{folder} holds something that is no export of a history, and is left as it is. Name a new folder."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = folder if folder.is_dir() else folder.parent
        with tempfile.TemporaryDirectory(dir=beside, prefix=_SCRATCH) as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            with call():  # after Ctrl-C, no frame keeps the connection until Python ends
                _copy(source, new)
            if folder.exists():
                _replace(folder, new, Path(scratch) / "earlier")
            else:
                new.rename(folder)
    except (OSError, duckdb.Error) as fault:
        raise FileProblem(f"The history could not be exported to {folder}: {fault}") from fault


def write_accounts(exports: Mapping[str, Callable[[Path], object]], folder: Path) -> None:
    """
    Write the histories of several accounts, each as `write_parquet` does, into `account=acme` and so on.

    An earlier export of accounts is replaced, that of each account when its own is written.

    Args:
        exports: writes the history of each account into a folder, by the name of the account.
        folder: the target.

    Raises:
        FileProblem: the folder holds something else than such an export, or cannot be written.
    """
    parts = {f"{_ACCOUNT}{quote(name, safe=' ')}": write for name, write in exports.items()}
    try:
        earlier = [inside.name for inside in folder.iterdir()] if folder.exists() else []
        if not all(name.startswith(_ACCOUNT) and _is_export(folder / name) for name in earlier):
            raise FileProblem(
                f"{folder} holds something that is no export of several histories, and is left as it is. Name a new "
                "folder."
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name, write in parts.items():
            write(folder / name)
        for name in set(earlier) - parts.keys():
            shutil.rmtree(folder / name)
    except OSError as fault:
        raise FileProblem(f"The histories could not be exported to {folder}: {fault}") from fault


def _is_export(folder: Path) -> bool:
    return folder.is_dir() and all(
        inside.is_dir() and inside.name.startswith((_YEAR, _SCRATCH)) for inside in folder.iterdir()
    )


def _replace(folder: Path, new: Path, earlier: Path) -> None:
    """Move the years of *new* to *folder*, and those that were there to *earlier*; or leave everything as it was."""
    earlier.mkdir()
    came: list[str] = []
    try:
        for year in list(folder.glob(f"{_YEAR}*")):
            year.rename(earlier / year.name)
        for year in list(new.iterdir()):
            year.rename(folder / year.name)
            came.append(year.name)
    except BaseException:
        for name in came:
            (folder / name).rename(new / name)
        for year in list(earlier.iterdir()):
            year.rename(folder / year.name)
        raise


def _copy(source: Path | Query, folder: Path) -> None:
    """Write month after month, each in a call of its own: a bar in a notebook is moved by the main thread only."""
    # What has no room in memory lies in the scratch folder, which is the user's alone, and not in the working folder.
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(folder.with_name("spilled")),
        "memory_limit": _MEMORY,
        "threads": min(_THREADS, os.cpu_count() or 1),
    }
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        history = _History(connection, None if isinstance(source, Path) else source)
        if isinstance(source, Path):
            history.run(lambda: connection.execute(f"ATTACH {_text(source)} AS history (READ_ONLY); USE history"))
        kinds, months = history.run(lambda: (dict(history.ask(_COLUMNS)), history.ask(_MONTHS)))
        rows_in_all = sum(rows for _, _, rows, *_ in months)
        # A history in memory is read in a thread of its own, which shows nothing.
        shown = isinstance(source, Path) and rows_in_all >= _SHOWN_FROM_ROWS
        with row_bar("export", rows_in_all, shown=shown) as add_rows:
            for year, month, rows, lowest, highest in months:
                file = folder / f"{_YEAR}{year}" / f"month={month}" / _FILE
                file.parent.mkdir(parents=True)
                chosen = _MONTH.format(lowest=lowest, highest=highest, started=_in_month(year, month))
                history.run(partial(history.copy, chosen, kinds, file))
                add_rows(rows)


@dataclass(frozen=True)
class _History:
    """
    A history as an export reads it.

    Attributes:
        connection: writes the files; a history in a file is attached to it.
        query: what answers queries of a history in memory.
    """

    connection: DuckDBPyConnection
    query: Query | None

    def run(self, work: Callable[[], T]) -> T:
        """Call a function that Ctrl-C interrupts."""

        def interruptible(opened: Callable[[DuckDBPyConnection], None]) -> T:
            opened(self.connection)
            return work()

        return run_call(interruptible)

    def ask(self, query: str) -> list[Any]:
        """Return the rows of a small answer."""
        if self.query is None:
            return self.connection.execute(query).fetchall()
        return list(self.query(query).itertuples(index=False, name=None))

    def copy(self, query: str, kinds: dict[str, str], file: Path) -> None:
        """Write the rows of a query of the view, in order; *kinds* are the types of its columns."""
        if self.query is not None:
            self.connection.register("month", self.query(query))
        rows = f"({query})" if self.query is None else "month"
        values = [f"{name}::{kind} AS {name}" for name, kind in kinds.items()]
        values += [f"epoch({name})::BIGINT AS {name}_s" for name, kind in kinds.items() if kind == _TIME]
        self.connection.execute(
            f"COPY (SELECT {', '.join(values)} FROM {rows} ORDER BY started_at, id) TO {_text(file)} (FORMAT parquet)"
        )
        if self.query is not None:
            self.connection.unregister("month")


def _in_month(year: int, month: int) -> str:
    """Return the condition that an action has started in a month; of the year 0, that it has no start."""
    if not year:
        return "started_at IS NULL"
    following = (year, month + 1) if month < _DECEMBER else (year + 1, 1)
    begin, end = (f"make_timestamp({y}, {m}, 1, 0, 0, 0)::TIMESTAMP_S" for y, m in ((year, month), following))
    return f"started_at >= {begin} AND started_at < {end}"


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
