"""Casts that give times without a time zone the one they are in, as they are written in each engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import narwhals as nw

__all__ = ["time_cast"]

_PANDAS = 'actions["{0}"] = actions["{0}"].dt.tz_localize("UTC")'
_CASTS = {
    "pandas": _PANDAS,
    "modin": _PANDAS,
    "cudf": _PANDAS,
    "dask": _PANDAS,
    "polars": 'actions = actions.with_columns(pl.col("{0}").dt.replace_time_zone("UTC"))',
    "pyarrow": (
        'actions = actions.set_column(actions.column_names.index("{0}"), "{0}", '
        'pyarrow.compute.assume_timezone(actions["{0}"], "UTC"))'
    ),
    "duckdb": """actions = actions.project("* REPLACE ({0} AT TIME ZONE 'UTC' AS {0})")""",
    # Their own casts take such a time in the zone of the session; whole seconds are the same in each.
    "spark": (
        'actions = actions.withColumn("{0}", pyspark.sql.functions.expr('
        """"timestampdiff(SECOND, TIMESTAMP_NTZ '1970-01-01 00:00:00', {0})"))"""
    ),
    "ibis": "actions = actions.mutate({0}=actions.{0}.epoch_seconds())",
}


def time_cast(column: str, engine: nw.Implementation) -> str:
    """
    Write the statement that makes the times of a column, which have no time zone, times in UTC.

    Example:
        >>> import narwhals as nw
        >>> time_cast("started_at", nw.Implementation.PANDAS)
        'actions["started_at"] = actions["started_at"].dt.tz_localize("UTC")'
    """
    name = "spark" if engine.is_spark_like() else engine.value
    return _CASTS.get(name, _PANDAS).format(column)
