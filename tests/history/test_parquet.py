from __future__ import annotations

import os

import duckdb
import pandas as pd
import polars as pl
import pytest

from doaudit.errors import FileProblem
from doaudit.history.store import open_store


@pytest.fixture(params=["file", "memory"])
def store(request, opened, action):
    """Three actions: of two months of two years, and one without a start."""
    store = opened() if request.param == "file" else open_store(":memory:", "mine")
    store.upsert(
        [
            action(1, started_at="2025-12-31T23:59:59Z", type="reboot"),
            action(2, started_at="2026-01-01T00:00:00Z"),
            action(3, started_at=None, completed_at=None),
        ],
        [1_773_354_500] * 3,
    )
    return store


def partitions(folder):
    """The folders that hold files, and nothing else."""
    return sorted(os.path.relpath(where, folder) for where, _, files in os.walk(folder) if files)


def test_a_month_of_starts_is_a_partition(store, tmp_path):
    """Actions lie by the month of their start in UTC, and those without one in a partition of their own."""
    folder = store.export_parquet(tmp_path / "out's")

    assert partitions(folder) == ["year=0/month=0", "year=2025/month=12", "year=2026/month=1"]
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name.startswith((".", "out"))) == ["out's"]


def test_other_programs_read_it(store, tmp_path):
    """DuckDB and Polars find the view's rows in it, with times in UTC."""
    folder = store.export_parquet(tmp_path / "out")
    expected = store.sql("SELECT id, type, started_at FROM actions ORDER BY id")

    by_polars = pl.read_parquet(folder, hive_partitioning=True).sort("id")
    with duckdb.connect() as connection:
        rows = connection.read_parquet(f"{folder}/**/*.parquet", hive_partitioning=True)
        by_duckdb = rows.project("id, year, month, epoch(started_at)").order("id").fetchall()

    assert by_polars["id"].to_list() == expected["id"].tolist()
    assert by_polars["type"].cast(pl.String).to_list() == expected["type"].tolist()
    assert by_polars["started_at"].dt.epoch("s").to_list() == [1_767_225_599, 1_767_225_600, None]
    assert by_polars["started_at"].dtype.time_zone == "UTC"
    assert by_polars["year"].to_list() == [2025, 2026, 0]
    assert by_duckdb == [(1, 2025, 12, 1_767_225_599), (2, 2026, 1, 1_767_225_600), (3, 0, 0, None)]


def test_an_export_replaces_the_last_one(store, action, tmp_path):
    """Exporting again gives the history as it is now, without leftovers."""
    store.export_parquet(tmp_path / "out")
    store.upsert([action(3, started_at="2025-12-01T00:00:00Z")], [1_773_354_500])

    folder = store.export_parquet(tmp_path / "out")

    assert partitions(folder) == ["year=2025/month=12", "year=2026/month=1"]


def test_a_folder_with_something_else_is_left_alone(store, tmp_path):
    """Nothing is replaced that was not exported."""
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")

    with pytest.raises(FileProblem, match="left as it is"):
        store.export_parquet(mine)

    assert (mine / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_an_error(store, tmp_path):
    """An export to below a file says so."""
    (tmp_path / "file").write_text("")

    with pytest.raises(FileProblem, match="exported"):
        store.export_parquet(tmp_path / "file" / "out")


def test_an_empty_history_is_an_empty_folder(opened, tmp_path):
    """There is a folder even if there is nothing in it."""
    assert partitions(opened().export_parquet(tmp_path / "out")) == []
    assert pd.isna(opened().read()["started_at"]).sum() == 0
