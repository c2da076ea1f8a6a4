"""
Engines: reading an actions frame of any engine, its times as whole numbers, and bringing results into pandas.

Everything goes through narwhals, so that no other module needs to know which engine holds the rows. Arithmetic with
times differs from engine to engine, and with the time zone of a session; arithmetic with whole numbers does not. So
each of the three times gets a second column here, its seconds since 1970, and statistics compute with nothing else.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import narwhals as nw
import pandas as pd

from doaudit.actions import ACCOUNT, COLUMNS, categorical
from doaudit.analysis.time_casts import time_cast
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from narwhals.typing import IntoFrame

__all__ = [
    "ADDED",
    "TIMES",
    "Rows",
    "is_in_process",
    "joins_small_tables",
    "quoted",
    "read_columns",
    "read_frame",
    "small_table",
    "to_pandas",
    "unix_seconds",
    "with_unix_seconds",
    "wrap",
]

Rows: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]
"""A frame of any engine, wrapped by narwhals."""

TIMES = ("started_at", "completed_at", "observed_at")
_NEEDED = ("status", *TIMES)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS = {name: f"{name}_in_unix_seconds" for name in TIMES}
_WHOLE: dict[str, Any] = {"id": "int64", "resource_id": "Int64"}
_CATEGORIES = [ACCOUNT, *(name for name, dtype in COLUMNS.items() if dtype == "category")]

ADDED = tuple(_SECONDS.values())
"""The columns that `read_frame` adds; no column to group by can have such a name."""


def read_frame(actions: IntoFrame, columns: Sequence[str] = ()) -> Rows:
    """
    Wrap an actions frame of any engine: the status, the times, and their seconds since 1970 (see `unix_seconds`).

    Args:
        actions: an actions frame of pandas, Polars (also lazy), PyArrow, DuckDB, Dask, Spark, ibis, or another engine
            that narwhals reads.
        columns: the columns that are needed besides the status and the times.

    Raises:
        InvalidArgument: a column is missing, a time has no time zone or is none, or this is no data frame at all.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> read_frame(to_frame([Record(7, "errored", "resize")], observed_at=1632996060), ["id"])["id"].to_list()
        [7]
    """
    frame = wrap(actions, columns).select(*dict.fromkeys([*_NEEDED, *columns]))
    return with_unix_seconds(_with_words(frame), _SECONDS)


def wrap(actions: IntoFrame, columns: Sequence[str] = ()) -> Rows:
    """
    Wrap an actions frame of any engine as it is, with all of its columns.

    Raises:
        InvalidArgument: this is no data frame, or it lacks the status, a time, or one of *columns*.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> len(wrap(to_frame([Record(7, "errored", "resize")], observed_at=1632996060), ["region"]).columns)
        11
    """
    try:
        frame: Rows = nw.from_native(actions)
    except TypeError as error:
        raise InvalidArgument(
            f"Actions come as a data frame of pandas, Polars, PyArrow, DuckDB, Dask, Spark or ibis; this is of type "
            f"{type(actions).__name__}. account.actions() gives one."
        ) from error
    schema = frame.collect_schema()
    names = schema.names()
    if absent := [name for name in _NEEDED if name not in names]:
        raise InvalidArgument(
            f"This frame holds no actions: it lacks {quoted(absent)}. account.actions() gives one that does."
        )
    if absent := [name for name in columns if name not in names]:
        raise InvalidArgument(f"These actions have no column {quoted(absent)}; name one of {quoted(names)}.")
    return frame


def read_columns(actions: IntoFrame, columns: Sequence[str]) -> Rows:
    """
    Wrap some columns of an actions frame that `read_frame` has taken, for what needs none of the seconds.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> read_columns(to_frame([Record(7, "errored", "resize")], observed_at=1632996060), ["id"])["id"].to_list()
        [7]
    """
    frame: Rows = nw.from_native(actions)
    return _with_words(frame.select(*columns))


def quoted(names: Iterable[str]) -> str:
    """
    List the names of columns for a message.

    Example:
        >>> quoted(["type", "region"])
        "'type', 'region'"
    """
    return ", ".join(repr(name) for name in names)


def unix_seconds(time: str) -> nw.Expr:
    """
    Return the expression for the seconds from 1970 to a time in a frame of `read_frame`, null where there is no time.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(7, "errored", "resize", "1970-01-01T00:01:00Z")], observed_at=1632996060)
        >>> read_frame(actions).select(unix_seconds("started_at").alias("start"))["start"].to_list()
        [60]
    """
    return nw.col(_SECONDS[time])


def with_unix_seconds(frame: Rows, names: Mapping[str, str]) -> Rows:
    """
    Add to each of the three times a column with its seconds since 1970, null where there is no time.

    Args:
        frame: as `wrap` returns it.
        names: the name of the column that is added, for each of `TIMES`.

    Raises:
        InvalidArgument: a time has no time zone, or is none.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(7, "errored", "resize", "1970-01-01T00:01:00Z")], observed_at=1632996060)
        >>> with_unix_seconds(wrap(actions), {time: f"{time}_s" for time in TIMES})["started_at_s"].to_list()
        [60]
    """
    schema, engine = frame.collect_schema(), frame.implementation
    for name in TIMES:
        if not schema[name].is_integer() and getattr(schema[name], "time_zone", None) is None:
            raise InvalidArgument(_no_time(name, schema[name], engine))
    whole = [name for name in TIMES if schema[name].is_integer()]
    times = [name for name in TIMES if name not in whole]
    frame = frame.with_columns(**{names[name]: nw.col(name).cast(nw.Int64) for name in whole}) if whole else frame
    if not times:
        return frame
    native: Any = frame.to_native()
    if engine.is_pandas() and all(isinstance(native[name].dtype, pd.DatetimeTZDtype) for name in times):
        added = {names[name]: _seconds_in_pandas(native[name]) for name in times}
        return cast("Rows", nw.from_native(native.assign(**added)))
    if engine.is_duckdb():
        # A literal time subtracted from a column would be taken in the time zone of the session. Whole numbers are
        # faster than floats, but divided towards nought, so all of them are made positive first.
        whole_seconds = "(epoch_us({}) + 100_000_000_000_000_000) // 1_000_000 - 100_000_000_000"
        columns = ", ".join(f"{whole_seconds.format(name)} AS {names[name]}" for name in times)
        return cast("Rows", nw.from_native(native.project(f"*, {columns}")))
    if engine.is_ibis():
        seconds = {names[name]: _seconds_in_ibis(native[name]) for name in times}
        return cast("Rows", nw.from_native(native.mutate(**seconds)))
    if engine.is_spark_like():
        return frame.with_columns(**{names[name]: nw.col(name).cast(nw.Int64) for name in times})
    return frame.with_columns(
        **{
            names[name]: (nw.col(name).dt.convert_time_zone("UTC") - nw.lit(_EPOCH)).dt.total_seconds()
            for name in times
        }
    )


def is_in_process(frame: Rows) -> bool:
    """
    Return whether the engine of a frame runs in this process, so that bringing a number of each row costs little.

    Example:
        >>> is_in_process(nw.from_native(pd.DataFrame({"id": [7]})))
        True
    """
    engine = frame.implementation
    return engine.is_pandas() or engine.is_polars() or engine.is_duckdb()


def joins_small_tables(frame: Rows) -> bool:
    """
    Return whether an engine can be given a small table of values, and joins it to the rows of a frame at little cost.

    Example:
        >>> joins_small_tables(nw.from_native(pd.DataFrame({"id": [7]})))
        False
    """
    return frame.implementation.is_polars() or frame.implementation.is_duckdb()


def small_table(frame: Rows, columns: Mapping[str, Sequence[str | int]]) -> Any:  # noqa: ANN401 -- of the frame's kind
    """
    Return a small table in the engine of a frame for which `joins_small_tables`.

    Args:
        frame: of that engine.
        columns: texts or whole numbers; the names are this package's own.
    """
    if frame.implementation.is_polars():
        table = nw.from_dict(columns, backend="polars")
        return table.lazy() if isinstance(frame, nw.LazyFrame) else table
    native: Any = frame.to_native()
    rows = zip(*([_literal(value) for value in values] for values in columns.values()), strict=True)
    listed = ", ".join(f"({', '.join(row)})" for row in rows)
    # The name is one that no table of the user has, since it is seen in the connection that is the user's.
    return nw.from_native(
        native.query("doaudit_small_table", f"FROM (VALUES {listed}) AS listed({', '.join(columns)})")
    )


def to_pandas(frame: Rows) -> pd.DataFrame:
    """
    Bring a narwhals frame into pandas, from whichever engine it is in, with the dtypes of an actions frame.

    Example:
        >>> to_pandas(nw.from_native(pd.DataFrame({"id": [7]}))).to_dict("records")
        [{'id': 7}]
    """
    if frame.implementation.is_pandas_like() and isinstance(frame, nw.DataFrame):
        return frame.to_pandas()
    table = _collect(frame)
    return table.assign(**{str(name): _as_in_pandas(table[name]) for name in table})


def _literal(value: str | int) -> str:
    """Return a value in DuckDB's SQL; a text may hold whatever the API sent."""
    if isinstance(value, int):
        return str(value)
    return "'" + value.replace("'", "''").replace("\0", "' || chr(0) || '") + "'"


def _collect(frame: Rows) -> pd.DataFrame:
    engine = frame.implementation
    if engine.is_duckdb():
        return _from_duckdb(frame.to_native())
    if isinstance(frame, nw.LazyFrame):
        # Spark and ibis hand over Arrow's columns, in which a whole number stays one beside a null.
        through_arrow = engine.is_spark_like() or engine.is_ibis()
        frame = frame.collect(None if engine.is_polars() else "pyarrow" if through_arrow else "pandas")
    if frame.implementation.is_polars():
        # Polars itself goes to pandas only through pyarrow, 55 MB that nothing else here needs.
        return pd.DataFrame({column.name: _from_polars(column) for column in frame.iter_columns()})
    return _from_arrow(frame.to_native()) if frame.implementation.is_pyarrow() else frame.to_pandas()


def _from_polars(column: nw.Series[Any]) -> pd.Series[Any]:
    if column.dtype.is_integer():
        numbers = column.fill_null(0).to_numpy().astype("int64")
        return pd.Series(pd.arrays.IntegerArray(numbers, column.is_null().to_numpy().astype(bool)), name=column.name)
    if column.dtype == nw.Boolean:
        return pd.Series(column.to_list(), dtype="boolean")
    converted: pd.Series[Any] = nw.new_series(column.name, column.to_list(), column.dtype, backend="pandas").to_native()
    return converted


def _from_duckdb(relation: Any) -> pd.DataFrame:  # noqa: ANN401 -- a DuckDB relation
    # With a zone, times would come in that of the session, by a way of which pandas warns.
    zoned = [name for name, kind in zip(relation.columns, relation.types, strict=True) if "TIME ZONE" in str(kind)]
    replaced = ", ".join(f"""timezone('UTC', {_identifier(name)}) AS {_identifier(name)}""" for name in zoned)
    table: pd.DataFrame = (relation.project(f"* REPLACE ({replaced})") if zoned else relation).df()
    return table.assign(**{name: table[name].dt.tz_localize("UTC") for name in zoned})


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _from_arrow(table: Any) -> pd.DataFrame:  # noqa: ANN401 -- a pyarrow Table; pyarrow is no dependency
    def nullable(kind: object) -> Any:  # noqa: ANN401 -- a dtype, or None for that of pandas
        name = str(kind)
        return pd.BooleanDtype() if name == "bool" else pd.Int64Dtype() if name in ("int32", "int64") else None

    return cast("pd.DataFrame", table.to_pandas(types_mapper=nullable))


def _as_in_pandas(column: pd.Series[Any]) -> pd.Series[Any]:
    """Give a column of another engine the dtype that it has in the actions frame of pandas."""
    if column.name in _CATEGORIES:
        codes, words = pd.factorize(column)
        return pd.Series(categorical(words.tolist()).take(codes, allow_fill=True), index=column.index)
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        utc: pd.Series[Any] = column.dt.tz_convert("UTC")
        whole: pd.Series[Any] = utc.dt.as_unit("s")
        return whole if ((whole == utc) | utc.isna()).all() else utc
    if column.name in _WHOLE and pd.api.types.is_integer_dtype(column.dtype):
        return column.astype(_WHOLE[str(column.name)])
    return column


def _with_words(frame: Rows) -> Rows:
    """Make text of Arrow's dictionaries and of ENUMs, which cannot be compared with a word that they do not have."""
    if frame.implementation.is_pandas_like() or frame.implementation.is_dask():
        return frame
    coded = [name for name, dtype in frame.collect_schema().items() if dtype in (nw.Categorical, nw.Enum)]
    return frame.with_columns(*(nw.col(name).cast(nw.String) for name in coded)) if coded else frame


def _seconds_in_pandas(time: pd.Series[Any]) -> pd.Series[Any]:
    # What narwhals does for every engine, ten times as fast: through differences of times it takes 30 ms a million.
    moments = time.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[s]")
    seconds = pd.Series(moments.astype("int64"), index=time.index)
    return seconds if time.notna().all() else seconds.where(time.notna())


def _seconds_in_ibis(time: Any) -> Any:  # noqa: ANN401 -- a column of ibis, which is no dependency
    if time.get_backend().name == "duckdb":
        # There ibis makes a time without a zone of it first, in the zone of the session. A difference has no zone.
        return time.delta(_EPOCH, unit="second")
    return time.epoch_seconds().cast("int64")


def _no_time(name: str, dtype: nw.dtypes.DType, engine: nw.Implementation) -> str:
    if isinstance(dtype, nw.Datetime):
        return (
            f"The times in {name!r} have no time zone, so that nobody can say which moments they are. If they are in "
            f"UTC, say so and try again: {time_cast(name, engine)}"
        )
    return (
        f"The column {name!r} holds no times but {dtype}. Give it times with a time zone, or whole seconds since 1970 "
        "as integers, and try again."
    )
