"""
One table, or a plain count by type, of Parquet files on one engine, in a process of its own.

Run as a script, it prints as JSON what it took: seconds, seconds of a processor, and the most memory. What an engine
needs to start is not counted. Spark works in a process of Java, whose share is added.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import doaudit as da

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["ENGINES", "TABLES", "is_here", "work_on_engine"]

_PROC = Path("/proc")


@dataclass(frozen=True)
class Engine:
    """
    An engine that is measured.

    Attributes:
        module: the Python module that its frames come from.
        open: makes its frame of a folder of Parquet files, with that module.
        count: counts the rows of such a frame by type, without doaudit.
    """

    module: str
    open: Callable[[ModuleType, str], Any]
    count: Callable[[Any], object]


def is_here(engine: str) -> bool:
    """Whether an engine can be measured on this machine."""
    package = ENGINES[engine].module.partition(".")[0]
    return importlib.util.find_spec(package) is not None and (engine != "Spark" or shutil.which("java") is not None)


def work_on_engine(engine: str, work: str, folder: Path) -> dict[str, float]:
    """
    What a table took, or a plain count: `seconds`, `cpu_s`, `peak_mb`, and `java_mb`, which is 0 without Java.

    Raises:
        CalledProcessError: it failed, for instance as there was too little memory.
    """
    command = [sys.executable, __file__, engine, work, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _in_spark(sql: ModuleType, folder: str) -> Any:  # noqa: ANN401 -- a frame of Spark, which need not be here
    options = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    session = sql.SparkSession.builder.master("local[*]").config(map=options).getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session.read.parquet(folder)


ENGINES = {
    "DuckDB": Engine(
        "duckdb",
        lambda duckdb, folder: duckdb.read_parquet(f"{folder}/*.parquet"),
        lambda rows: rows.aggregate("type, count(*)").fetchall(),
    ),
    "Polars": Engine(
        "polars",
        lambda polars, folder: polars.scan_parquet(f"{folder}/*.parquet"),
        lambda rows: rows.group_by("type").len().collect(),
    ),
    "ibis on DuckDB": Engine(
        "ibis",
        lambda ibis, folder: ibis.read_parquet(f"{folder}/*.parquet"),
        lambda rows: rows.group_by("type").count().execute(),
    ),
    "Dask": Engine(
        "dask.dataframe",
        lambda dataframe, folder: dataframe.read_parquet(folder),
        lambda rows: rows.groupby("type").size().compute(),
    ),
    "Spark": Engine("pyspark.sql", _in_spark, lambda rows: rows.groupBy("type").count().collect()),
}

TABLES: dict[str, Callable[[Any], Any]] = {
    "durations by type": lambda rows: da.durations(rows, by="type"),
    "durations by resource": lambda rows: da.durations(rows, by="resource"),
    "failure_rates by type": lambda rows: da.failure_rates(rows, by="type"),
    "open_actions": da.open_actions,
}


def _main(engine: str, work: str, folder: str) -> None:
    rows = ENGINES[engine].open(importlib.import_module(ENGINES[engine].module), folder)
    # Spark says nowhere else which process is its own.
    java = rows.sparkSession.sparkContext._gateway.proc.pid if engine == "Spark" else None  # noqa: SLF001 -- as said
    began, cpu_began = time.perf_counter(), _cpu_s(java)
    (TABLES.get(work) or ENGINES[engine].count)(rows)
    taken = {"seconds": time.perf_counter() - began, "cpu_s": _cpu_s(java) - cpu_began}
    java_mb = _peak_mb(java) if java else 0
    print(json.dumps({**taken, "peak_mb": _peak_mb(os.getpid()) + java_mb, "java_mb": java_mb}))


def _cpu_s(java: int | None) -> float:
    """The seconds of a processor that this process has used, and the one of Java."""
    if java is None:
        return time.process_time()
    after_its_name = (_PROC / str(java) / "stat").read_text().rpartition(")")[2].split()
    return time.process_time() + sum(map(int, after_its_name[11:13])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(process: int) -> float:
    """The most memory that a process has used, in millions of bytes; 0 where only Linux could tell."""
    with suppress(FileNotFoundError):
        [line] = [each for each in (_PROC / str(process) / "status").read_text().splitlines() if "VmHWM" in each]
        return int(line.split()[1]) * 1024 / 1e6
    return 0


if __name__ == "__main__":
    _main(*sys.argv[1:])
