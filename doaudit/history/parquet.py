"""Export of the stored actions as a folder of Parquet files, for Spark, Trino, Athena, Polars."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from doaudit.errors import FileProblem

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["write_parquet"]


def write_parquet(source: Path | pd.DataFrame, folder: Path) -> None:
    """
    Write the view `actions` as `year=2026/month=11/*.parquet`, by start in UTC; without one, in year 0, month 0.

    The files are written to a folder beside the target and then moved there; an earlier export is replaced.

    Args:
        source: the history file, which nobody else has open meanwhile, or the view's rows.
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
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
            new, old = Path(scratch) / "new", Path(scratch) / "old"
            _copy(source, new)
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
    except (OSError, duckdb.Error) as fault:
        raise FileProblem(f"The history could not be exported to {folder}: {fault}") from fault


def _is_export(folder: Path) -> bool:
    return folder.is_dir() and all(inside.is_dir() and inside.name.startswith("year=") for inside in folder.iterdir())


def _copy(source: Path | pd.DataFrame, folder: Path) -> None:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        if isinstance(source, Path):
            connection.execute(f"ATTACH {_text(source)} AS history (READ_ONLY)")
        else:
            connection.register("rows", source)
        rows = "history.main.actions" if isinstance(source, Path) else "rows"
        connection.execute(
            "COPY (SELECT *, coalesce(year(started_at), 0) AS year, coalesce(month(started_at), 0) AS month "  # noqa: S608
            f"FROM {rows}) TO {_text(folder)} (FORMAT parquet, PARTITION_BY (year, month))"
        )


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
