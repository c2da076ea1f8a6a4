"""
Engines: reading an actions frame of pandas, Polars or DuckDB, and bringing what was computed there into pandas.

Everything goes through narwhals, so that no module needs to know which engine holds the rows.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals as nw
import pandas as pd

from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from narwhals.typing import IntoFrame

__all__ = ["Rows", "quoted", "read_frame", "to_pandas", "unix_seconds"]

Rows: TypeAlias = nw.DataFrame[Any] | nw.LazyFrame[Any]
"""A frame of any engine, wrapped by narwhals."""

_NEEDED = ("status", "started_at", "completed_at", "observed_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def read_frame(actions: IntoFrame, columns: Sequence[str] = ()) -> Rows:
    """
    Wrap an actions frame of any engine, after a check that it has the columns that are needed.

    Args:
        actions: an actions frame of pandas, Polars (also lazy), DuckDB, or another engine that narwhals reads.
        columns: the columns that are needed besides the status and the times.

    Raises:
        InvalidArgument: a column is missing, or this is no data frame at all.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> read_frame(to_frame([Record(7, "errored", "resize")], observed_at=1632996060))["id"].to_list()
        [7]
    """
    try:
        frame: Rows = nw.from_native(actions)
    except TypeError as error:
        raise InvalidArgument(
            f"Actions come as a data frame of pandas, Polars or DuckDB; this is of type {type(actions).__name__}. "
            f"account.actions() gives one."
        ) from error
    names = frame.collect_schema().names()
    if absent := [name for name in _NEEDED if name not in names]:
        raise InvalidArgument(
            f"This frame holds no actions: it lacks {quoted(absent)}. account.actions() gives one that does."
        )
    if absent := [name for name in columns if name not in names]:
        raise InvalidArgument(f"These actions have no column {quoted(absent)}; name one of {quoted(names)}.")
    return frame


def quoted(names: Iterable[str]) -> str:
    """
    List the names of columns for a message.

    Example:
        >>> quoted(["type", "region"])
        "'type', 'region'"
    """
    return ", ".join(repr(name) for name in names)


def unix_seconds(column: str) -> nw.Expr:
    """
    Return the expression for the seconds from 1970 to a time: int64, null where there is no time.

    Example:
        >>> times = pd.DataFrame({"started_at": pd.to_datetime(["1970-01-01T00:01:00Z"])})
        >>> nw.from_native(times).select(unix_seconds("started_at")).to_native()["started_at"].tolist()
        [60]
    """
    return (nw.col(column) - nw.lit(_EPOCH)).dt.total_seconds()


def to_pandas(frame: Rows) -> pd.DataFrame:
    """
    Bring a narwhals frame into pandas, from whichever engine it is in.

    Example:
        >>> to_pandas(nw.from_native(pd.DataFrame({"id": [7]}))).to_dict("records")
        [{'id': 7}]
    """
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect() if frame.implementation.is_polars() else frame.collect("pandas")
    if not frame.implementation.is_polars():
        return frame.to_pandas()
    # Polars itself goes to pandas only through pyarrow, 55 MB that nothing else here needs.
    return pd.DataFrame({column.name: _from_polars(column) for column in frame.iter_columns()})


def _from_polars(column: nw.Series[Any]) -> pd.Series[Any]:
    nullable = "Int64" if column.dtype.is_integer() else "boolean" if column.dtype == nw.Boolean else None
    if nullable:
        return pd.Series(column.to_list(), dtype=nullable)
    converted: pd.Series[Any] = nw.new_series(column.name, column.to_list(), column.dtype, backend="pandas").to_native()
    return converted
