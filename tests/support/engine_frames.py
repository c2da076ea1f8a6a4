"""An actions frame of pandas taken to each engine, in a session of any time zone."""

from __future__ import annotations

import importlib.util
import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pytest

from doaudit.actions import ACCOUNT, COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ENGINES", "ZONES", "Engine", "need", "plain", "to_duckdb", "to_polars"]

ZONES = ("UTC", "America/New_York", "Asia/Kolkata")


@dataclass(frozen=True)
class Engine:
    """
    An engine, as it is named in the guide.

    Attributes:
        take: makes its frame from one of pandas, in a session with a time zone, and files in a folder.
        package: the package that its version is taken from.
        handed: how it is handed over, for the guide.
        apart: true if it is installed for `make test-engines` alone.
    """

    take: Callable[[pd.DataFrame, str, Any], Any]
    package: str
    handed: str
    apart: bool = False


def need(engine: Engine) -> None:
    """Skip a test whose engine is not here, with the reason; in CI that is an error."""
    module = engine.package.partition("-")[0]
    lacks = ""
    if importlib.util.find_spec(module) is None:
        lacks = f"{engine.package} is not installed; make test-engines installs it"
    elif module == "pyspark" and shutil.which("java") is None:
        lacks = "Spark needs Java, and there is no java here"
    if lacks and os.environ.get("CI"):
        pytest.fail(f"{lacks}.")
    if lacks:
        pytest.skip(f"{lacks}.")


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the categories that do not occur: only pandas keeps those of rows that are gone."""
    unused = {name: table[name].cat.remove_unused_categories() for name in table.select_dtypes("category")}
    return table.assign(**unused)


def to_polars(actions: pd.DataFrame) -> pl.DataFrame:
    """Build the same frame in Polars: categories as its own, times in its microseconds."""
    kinds = {"category": pl.Categorical, "int64": pl.Int64, "Int64": pl.Int64}
    columns = {}
    of_many = {ACCOUNT: "category"} if ACCOUNT in actions else {}
    for name, dtype in (of_many | COLUMNS).items():
        values = [None if pd.isna(value) else value for value in actions[name].astype(object)]
        if dtype.startswith("datetime"):
            times = [value and datetime.fromtimestamp(value.timestamp(), tz=UTC) for value in values]
            columns[name] = pl.Series(times, dtype=pl.Datetime("us", "UTC"))
        else:
            columns[name] = pl.Series(values, dtype=kinds[dtype])
    return pl.DataFrame(columns)


def to_duckdb(actions: pd.DataFrame, zone: str) -> duckdb.DuckDBPyRelation:
    """Build the same frame as a relation of a connection of its own, whose session is in a time zone."""
    connection = duckdb.connect()
    connection.execute(f"SET TimeZone = '{zone}'")
    connection.register("given", actions)
    connection.execute("CREATE TABLE taken AS FROM given")
    return connection.table("taken")


def _to_pyarrow(actions: pd.DataFrame) -> Any:
    import pyarrow as pa  # noqa: PLC0415 -- takes long to import

    return pa.Table.from_pandas(actions, preserve_index=False)


def _to_parquet(actions: pd.DataFrame, folder: Any) -> str:
    file = folder / "actions.parquet"
    actions.to_parquet(file, index=False)
    return str(file)


def _to_ibis(actions: pd.DataFrame, zone: str, folder: Any) -> Any:
    import ibis  # noqa: PLC0415 -- takes long to import

    connection = ibis.duckdb.connect()
    connection.raw_sql(f"SET TimeZone = '{zone}'")
    connection.raw_sql(f"CREATE TABLE taken AS FROM '{_to_parquet(actions, folder)}'")
    return connection.table("taken")


def _to_dask(actions: pd.DataFrame) -> Any:
    import dask  # noqa: PLC0415 -- takes long to import
    import dask.dataframe as dd  # noqa: PLC0415 -- likewise

    dask.config.set(scheduler="threads", num_workers=2)
    return dd.from_pandas(actions, npartitions=3)


def _to_spark(actions: pd.DataFrame, zone: str, folder: Any, *, connect: bool) -> Any:
    session = _spark(connect=connect)
    session.conf.set("spark.sql.session.timeZone", zone)
    return session.read.parquet(_to_parquet(actions, folder))


_sessions: dict[bool, Any] = {}


def _spark(*, connect: bool) -> Any:
    from pyspark.sql import SparkSession  # noqa: PLC0415 -- installed for `make test-engines` alone

    if connect not in _sessions:
        end_spark()  # a process has one of the two kinds at a time
        builder = SparkSession.builder.remote("local[1]") if connect else SparkSession.builder.master("local[1]")
        # So few rows are slower in parts.
        options = {"spark.sql.shuffle.partitions": "1", "spark.sql.adaptive.enabled": "false"}
        if not connect:  # a server that is connected to takes none of these
            options |= {
                "spark.ui.enabled": "false",
                "spark.driver.host": "127.0.0.1",
                "spark.driver.bindAddress": "127.0.0.1",
            }
        for name, value in options.items():
            builder = builder.config(name, value)
        _sessions[connect] = builder.getOrCreate()
    return _sessions[connect]


def end_spark() -> None:
    """End the session of Spark, if there is one."""
    while _sessions:
        _sessions.popitem()[1].stop()


@contextmanager
def process_zone(zone: str) -> Iterator[None]:
    """Let this process be in a time zone while the block runs."""
    import time  # noqa: PLC0415 -- for the zone alone; no test looks at a clock

    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


ENGINES = {
    "pandas": Engine(lambda actions, _zone, _folder: actions, "pandas", handed="da.durations(account.actions())"),
    "Polars": Engine(
        lambda actions, _zone, _folder: to_polars(actions),
        "polars",
        handed='da.durations(pl.read_parquet("actions/**/*.parquet"))',
    ),
    "Polars, lazy": Engine(
        lambda actions, _zone, _folder: to_polars(actions).lazy(),
        "polars",
        handed='da.durations(pl.scan_parquet("actions/**/*.parquet"))',
    ),
    "PyArrow": Engine(
        lambda actions, _zone, _folder: _to_pyarrow(actions),
        "pyarrow",
        handed='da.durations(pyarrow.parquet.read_table("actions"))',
        apart=True,
    ),
    "DuckDB": Engine(
        lambda actions, zone, _folder: to_duckdb(actions, zone),
        "duckdb",
        handed="da.durations(account.history.relation())",
    ),
    "ibis on DuckDB": Engine(
        _to_ibis, "ibis-framework", handed='da.durations(ibis.read_parquet("actions/**/*.parquet"))', apart=True
    ),
    "Dask": Engine(
        lambda actions, _zone, _folder: _to_dask(actions),
        "dask",
        handed='da.durations(dask.dataframe.read_parquet("actions"))',
        apart=True,
    ),
    "Spark": Engine(
        lambda *taken: _to_spark(*taken, connect=False),
        "pyspark",
        handed='da.durations(spark.read.parquet("actions"))',
        apart=True,
    ),
    "Spark Connect": Engine(
        lambda *taken: _to_spark(*taken, connect=True),
        "pyspark",
        handed='da.durations(spark.read.parquet("actions"))',
        apart=True,
    ),
}
