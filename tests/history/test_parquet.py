from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
from contextlib import suppress

import duckdb
import pandas as pd
import polars as pl
import pytest

import doaudit as da
from doaudit.errors import FileProblem
from doaudit.history.store import open_store


@pytest.fixture(params=["file", "memory"])
def store(request, opened, action):
    """Three actions: of two months of two years, and one without a start."""
    store = opened() if request.param == "file" else open_store(":memory:", "mine")
    store.upsert(
        [
            action(1, started_at="2025-12-31T23:59:59Z", type="reboot"),
            action(2, started_at="2026-01-01T00:00:00Z", resource_id=2**53 + 1),
            action(3, started_at=None, completed_at=None, resource_id=None),
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


def test_every_engine_finds_the_same_types(store, tmp_path):
    """Times are microseconds in UTC with whole seconds beside them, ids are whole numbers, and the rest is text."""
    folder = store.export_parquet(tmp_path / "out")
    times = {"started_at", "completed_at", "observed_at", "first_seen_at", "last_open_at"}
    numbers = {"id", "resource_id"} | {f"{time}_s" for time in times}

    for file in sorted(folder.rglob("*.parquet")):
        schema = pl.read_parquet_schema(file)
        assert {name for name, kind in schema.items() if kind == pl.Datetime("us", "UTC")} == times
        assert {name for name, kind in schema.items() if kind == pl.Int64} == numbers
        assert all(kind == pl.String for name, kind in schema.items() if name not in times | numbers)
        with duckdb.connect() as connection:
            written = connection.execute(
                "SELECT name, type FROM parquet_schema(?) WHERE logical_type LIKE '%Timestamp%AdjustedToUTC=1%'",
                [str(file)],
            ).fetchall()
        assert set(written) == {(time, "INT64") for time in times}


def test_seconds_are_those_of_the_times(store, tmp_path):
    """A column of whole seconds says the same as the time beside it, and is null where that is."""
    folder = store.export_parquet(tmp_path / "out")

    actions = pl.read_parquet(folder, hive_partitioning=True).sort("id")

    assert actions["started_at_s"].to_list() == [1_767_225_599, 1_767_225_600, None]
    assert actions["completed_at_s"].to_list() == [1_773_354_434, 1_773_354_434, None]
    assert actions["observed_at_s"].to_list() == actions["first_seen_at_s"].to_list() == [1_773_354_500] * 3


def test_ids_of_resources_are_exact(store, action, tmp_path):
    """An id that no float can hold stays what it is, though another action of the month has none."""
    store.upsert([action(4, started_at="2026-01-01T00:00:01Z", resource_id=None)], [1_773_354_500])

    folder = store.export_parquet(tmp_path / "out")

    january = pl.read_parquet(folder / "year=2026/month=1/actions.parquet")
    assert january["resource_id"].to_list() == [2**53 + 1, None]


def test_rows_are_in_the_order_of_their_starts(opened, action, tmp_path):
    """In whatever order actions came in, a file has them by start and id, and so has the next export."""
    store = opened()
    seconds = {1: 7, 2: 3, 3: 3, 4: 5}
    for number in (3, 1, 4, 2):
        store.upsert([action(number, started_at=f"2026-03-12T22:27:0{seconds[number]}Z")], [1_773_354_500])

    files = [store.export_parquet(tmp_path / name) / "year=2026/month=3/actions.parquet" for name in ("one", "two")]

    assert pl.read_parquet(files[0])["id"].to_list() == [2, 3, 4, 1]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_tables_are_made_from_the_folder(store, action, tmp_path):
    """Polars reads an export lazily, and the tables of it are those of the history."""
    again = [action(number, type="reboot", started_at=f"2026-03-12T22:27:0{number}Z") for number in (4, 5, 6)]
    store.upsert([*again, action(7, status="in-progress", completed_at=None)], [1_773_354_500] * 4)
    actions = store.read()
    store.export_parquet(tmp_path / "out")

    lazily = pl.scan_parquet(tmp_path / "out", hive_partitioning=True)

    for table in (da.durations, da.failure_rates, da.open_actions):
        pd.testing.assert_frame_equal(table(lazily).astype(object), table(actions).astype(object))


def test_an_export_replaces_the_last_one(store, action, tmp_path):
    """Exporting again gives the history as it is now, without leftovers."""
    store.export_parquet(tmp_path / "out")
    store.upsert([action(3, started_at="2025-12-01T00:00:00Z")], [1_773_354_500])

    folder = store.export_parquet(tmp_path / "out")

    assert partitions(folder) == ["year=2025/month=12", "year=2026/month=1"]


def test_an_export_lies_directly_on_a_mount(store, action, closed_parent):
    """Where nothing can be made beside the folder, an export is made and replaced inside it, without leftovers."""
    store.export_parquet(closed_parent)
    store.upsert([action(3, started_at="2025-12-01T00:00:00Z")], [1_773_354_500])

    folder = store.export_parquet(closed_parent)

    assert partitions(folder) == ["year=2025/month=12", "year=2026/month=1"]
    assert sorted(entry.name for entry in folder.iterdir()) == ["year=2025", "year=2026"]


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


FILL = """
    INSERT INTO stored.actions BY NAME
    SELECT i AS id, 'reboot' AS type, 'completed' AS status,
        make_timestamp(1500000000000000 + i * 1500000000)::TIMESTAMP_S AS started_at,
        started_at + INTERVAL 5 SECONDS AS completed_at, started_at AS observed_at, started_at AS first_seen_at
    FROM range({rows}) t(i)
"""
EXPORT = """
import sys
import doaudit.history.parquet, doaudit.progress
from doaudit.history.store import open_store
doaudit.history.parquet._SHOWN_FROM_ROWS = doaudit.progress._SHOWN_AFTER_S = 0
store = open_store(sys.argv[1], "mine")
try:
    store.export_parquet(sys.argv[2])
except KeyboardInterrupt:
    sys.exit("stopped")
"""


@pytest.fixture
def filled(opened, path):
    """The file of a history of so many actions, less than two thousand a month."""

    def filled(rows):
        opened()
        with duckdb.connect(path) as connection:
            connection.execute(FILL.format(rows=rows))
        return path

    return filled


def test_ctrl_c_ends_an_export(filled, tmp_path):
    """Ctrl-C ends an export between two files, the earlier one is as it was, and nothing else is left."""
    out = tmp_path / "out"
    (out / "year=0").mkdir(parents=True)
    with subprocess.Popen(
        [sys.executable, "-c", EXPORT, filled(200_000), out], stderr=subprocess.PIPE, text=True
    ) as process:
        while not list(out.glob(".doaudit-*/new/year=*/month=*/*.parquet")):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=300)

    assert (process.returncode, said.strip()) == (1, "stopped")
    assert [entry.name for entry in out.iterdir()] == ["year=0"]


def test_a_long_export_shows_its_progress(filled, tmp_path):
    """A terminal shows how many actions are exported."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with subprocess.Popen([sys.executable, "-c", EXPORT, filled(3_000), tmp_path / "out"], stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # which is how Linux says that the other end has closed
            while part := os.read(ours, 4096):
                shown += part
    os.close(ours)

    assert process.returncode == 0
    assert "export" in shown.decode()
    assert "3000/3000" in shown.decode()


SPARK = """
import json, os, sys
from pyspark.sql import SparkSession
session = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
session = session.config("spark.sql.session.timeZone", sys.argv[2]).getOrCreate()
session.read.parquet(sys.argv[1]).createOrReplaceTempView("actions")
by_type = session.sql("SELECT type, count(*) FROM actions GROUP BY type ORDER BY type").collect()
seconds = session.sql(
    "SELECT min(started_at_s), max(started_at_s), min(unix_timestamp(started_at)), max(unix_timestamp(started_at)), "
    "count(DISTINCT year, month) FROM actions"
).collect()
print("RESULT", json.dumps([[list(row) for row in by_type], list(seconds[0])]))
"""


@pytest.fixture
def spark():
    """Run SQL on an export in Spark, in a session of some zone; or skip; in CI there has to be one."""
    if shutil.which("java") is None or importlib.util.find_spec("pyspark") is None:
        reason = "No Spark here: it needs Java 17 or newer, and pyspark, which make test-engines installs"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)

    def run(folder, zone):
        done = subprocess.run(
            [sys.executable, "-c", SPARK, folder, zone], capture_output=True, text=True, check=True, timeout=300
        )
        [result] = [line.removeprefix("RESULT") for line in done.stdout.splitlines() if line.startswith("RESULT")]
        return json.loads(result)

    return run


@pytest.mark.thorough
@pytest.mark.engines
@pytest.mark.parametrize("zone", [pytest.param("UTC", marks=pytest.mark.release), "America/New_York"])
def test_spark_reads_it_as_it_is(spark, store, zone, tmp_path):
    """In a session of whatever zone Spark finds the same actions, and the same seconds in times and numbers."""
    folder = store.export_parquet(tmp_path / "out")

    by_type, seconds = spark(folder, zone)

    assert by_type == [["power_off", 2], ["reboot", 1]]
    assert seconds == [1_767_225_599, 1_767_225_600, 1_767_225_599, 1_767_225_600, 3]
