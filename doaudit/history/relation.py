"""
Relations: the actions of a history as a DuckDB relation, which tables are made from without loading the rows.

A history is open only during an operation, so that others can use it. A relation is evaluated whenever somebody asks,
and so has a copy of the file to itself: it is small (10 MB for a million actions), it is made in the time of a read of
the file, and no refresh waits for it or changes it.
"""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

import shutil
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from doaudit.actions import COLUMNS
from doaudit.errors import FileProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

    from doaudit.history.store import Store

__all__ = ["CONNECTED", "SEAL", "copy_history", "open_copies", "relation_of", "scratch_folder"]

CONNECTED = "SET TimeZone = 'UTC'"
SEAL = """
    SET enable_external_access = false; SET autoload_known_extensions = false;
    SET autoinstall_known_extensions = false; SET python_enable_replacements = false; SET lock_configuration = true
"""
"""What closes a connection to everything but what is open in it."""


def relation_of(store: Store) -> DuckDBPyRelation:
    """
    Make a relation over a copy of a history.

    Raises:
        FileProblem: there is no room for the copy, or it cannot be read.
    """
    folder = scratch_folder()
    copy = store.copy_file(folder)
    if copy is None:
        connection = _connect_to_rows(store.sql("FROM actions"), folder)
    else:
        with open_copies([copy]):
            connection = duckdb.connect(copy, read_only=True, config={"temp_directory": str(folder / "spilled")})
    connection.execute(CONNECTED)
    connection.execute(SEAL)
    return connection.sql(f"SELECT {', '.join(COLUMNS)} FROM main.actions")


def copy_history(file: Path, folder: Path) -> Path:
    """
    Copy a history file, which nobody writes meanwhile, and what is not yet merged into it, and return the copy.

    Raises:
        FileProblem: there is no room for it.
    """
    copy = folder / "actions.duckdb"
    try:
        shutil.copyfile(file, copy)
        if (written := _log(file)).exists():
            shutil.copyfile(written, _log(copy))
    except BaseException as fault:
        _remove([copy])
        if isinstance(fault, OSError):
            raise _no_copy(folder, fault) from fault
        raise
    return copy


@contextmanager
def open_copies(copies: Sequence[Path]) -> Iterator[None]:
    """
    Open copies of histories while the block runs, and take their names away.

    An open file stays readable without its name, and nothing is left of it when the last relation is gone.

    Raises:
        FileProblem: they cannot be opened.
    """
    try:
        yield
    except (OSError, duckdb.Error) as fault:
        raise _no_copy(copies[0].parent, fault) from fault
    finally:
        _remove(copies)


def scratch_folder() -> Path:
    """Return a new folder for the user alone, which goes with the process."""
    return _scratch.folder()


def _connect_to_rows(rows: pd.DataFrame, folder: Path) -> DuckDBPyConnection:
    """Connect to a table of the actions of a history in memory: those of the view `actions`."""
    # What has no room in memory lies in this folder.
    connection = duckdb.connect(":memory:", config={"temp_directory": str(folder / "spilled")})
    connection.execute(CONNECTED)
    connection.register("rows", rows)
    # Of a column without a single value, pandas does not tell the type.
    kinds = {"category": "VARCHAR", "int64": "BIGINT", "Int64": "BIGINT"}
    typed = ", ".join(f"{name}::{kinds.get(dtype, 'TIMESTAMPTZ')} AS {name}" for name, dtype in COLUMNS.items())
    connection.execute(f"CREATE TABLE actions AS SELECT {typed} FROM rows")
    connection.unregister("rows")
    return connection


def _log(file: Path) -> Path:
    return file.with_name(f"{file.name}.wal")


def _remove(copies: Sequence[Path]) -> None:
    for copy in copies:
        copy.unlink(missing_ok=True)
        _log(copy).unlink(missing_ok=True)


def _no_copy(folder: Path, fault: Exception) -> FileProblem:
    return FileProblem(
        f"The history could not be copied for a relation, to {folder}: {fault}. Make room there, or name another "
        "folder in TMPDIR, and try again."
    )


class _Scratch:
    """A folder for the user alone, with one in it for each relation; it ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._whole: tempfile.TemporaryDirectory[str] | None = None

    def folder(self) -> Path:
        with self._lock:
            if self._whole is None:
                self._whole = tempfile.TemporaryDirectory(prefix="doaudit-", ignore_cleanup_errors=True)
            return Path(tempfile.mkdtemp(dir=self._whole.name))


_scratch = _Scratch()
