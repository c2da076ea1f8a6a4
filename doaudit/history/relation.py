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
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from doaudit.actions import COLUMNS
from doaudit.errors import FileProblem

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

__all__ = ["relation_of_file", "relation_of_rows"]

_SEAL = """
    SET TimeZone = 'UTC'; SET enable_external_access = false; SET autoload_known_extensions = false;
    SET autoinstall_known_extensions = false; SET python_enable_replacements = false; SET lock_configuration = true
"""


def relation_of_file(file: Path) -> DuckDBPyRelation:
    """
    Make a relation over a copy of a history file, which nobody writes meanwhile.

    Args:
        file: a history of today's version.

    Raises:
        FileProblem: there is no room for the copy, or it cannot be read.
    """
    folder = _scratch.folder()
    copy = folder / "actions.duckdb"
    log = f"{copy.name}.wal"
    try:
        try:
            shutil.copyfile(file, copy)
            if (written := file.with_name(f"{file.name}.wal")).exists():
                shutil.copyfile(written, folder / log)
            # What has no room in memory lies in this folder, which is the user's alone and goes with the process.
            connection = duckdb.connect(copy, read_only=True, config={"temp_directory": str(folder / "spilled")})
        finally:
            # An open file stays readable without its name, and nothing is left of it when the last relation is gone.
            for name in (copy.name, log):
                (folder / name).unlink(missing_ok=True)
    except (OSError, duckdb.Error) as fault:
        raise FileProblem(
            f"The history {file} could not be copied for a relation, to {folder}: {fault}. Make room there, or name "
            "another folder in TMPDIR, and try again."
        ) from fault
    return _relation(connection, "main.actions")


def relation_of_rows(rows: pd.DataFrame) -> DuckDBPyRelation:
    """
    Make a relation over the actions of a history in memory.

    Args:
        rows: those of the view `actions`.
    """
    connection = duckdb.connect(":memory:", config={"temp_directory": str(_scratch.folder() / "spilled")})
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows", rows)
    # Of a column without a single value, pandas does not tell the type.
    kinds = {"category": "VARCHAR", "int64": "BIGINT", "Int64": "BIGINT"}
    typed = ", ".join(f"{name}::{kinds.get(dtype, 'TIMESTAMPTZ')} AS {name}" for name, dtype in COLUMNS.items())
    connection.execute(f"CREATE TABLE actions AS SELECT {typed} FROM rows")
    connection.unregister("rows")
    return _relation(connection, "main.actions")


def _relation(connection: DuckDBPyConnection, table: str) -> DuckDBPyRelation:
    connection.execute(_SEAL)
    return connection.sql(f"SELECT {', '.join(COLUMNS)} FROM {table}")


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
