"""Rows of single actions in a table: the columns that name an action, its seconds, and its times as numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT
from doaudit.analysis.engines import to_pandas, unix_seconds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows

__all__ = [
    "ACTION_COLUMNS",
    "NOT_A_TIME",
    "action_rows",
    "from_unix_seconds",
    "newest_by_account",
    "newest_observed",
    "newest_observed_of",
    "sort_rows",
    "unix_times",
]

ACTION_COLUMNS = ("id", "type", "resource_type", "resource", "resource_name", "region", "started_at")

_TIMES = ("started_at", "completed_at", "observed_at")
_EPOCH = pd.Timestamp(0, tz="UTC")
NOT_A_TIME = int(np.iinfo(np.int64).min)
"""The number that numpy reads as NaT."""


def action_rows(frame: Rows, columns: Sequence[str], seconds: str) -> pd.DataFrame:
    """
    Bring rows that `tally.timed` has made into pandas, with *seconds* as the name of their seconds.

    Returns:
        The columns with the dtypes of an actions frame, and the seconds as float64, NaN if untimed.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.tally import timed
        >>> reserved = Record(1, "completed", "reserve_ip", "2022-04-04T15:54:43Z", "2022-04-04T15:54:43Z")
        >>> rows = timed(to_frame([reserved], 1649087700), ["id"])
        >>> action_rows(rows, ["id"], seconds="duration_s").to_dict("records")
        [{'id': 1, 'duration_s': 0.0}]
    """
    times = [name for name in columns if name in _TIMES]
    numbers = [unix_seconds(name).alias(name) if name in times else nw.col(name) for name in columns]
    table = to_pandas(frame.select(*numbers, "seconds")).rename(columns={"seconds": seconds})
    return table.assign(
        **{name: from_unix_seconds(table[name]) for name in times},
        id=table["id"].astype("int64"),
        **{seconds: table[seconds].astype("float64").where(table[seconds] >= 0)},
    )


def sort_rows(table: pd.DataFrame, by: Sequence[str], *, falling: Sequence[str] = ()) -> pd.DataFrame:
    """
    Sort the rows of actions, each column rising but for the *falling*; what is equal in two accounts by their names.

    Example:
        >>> table = pd.DataFrame({"id": [7, 7, 8], "account": ["globex", "acme", "acme"]})
        >>> sort_rows(table, ["id"], falling=["id"]).values.tolist()
        [[8, 'acme'], [7, 'acme'], [7, 'globex']]
    """
    accounts = [ACCOUNT] if ACCOUNT in table else []
    order = [*by, *accounts]
    rising = [name not in falling for name in order]
    return table.sort_values(order, ascending=rising, key=_by_value if accounts else None, ignore_index=True)


def _by_value(column: pd.Series[Any]) -> pd.Series[Any]:
    # The categories of a frame may be in any order; those of another engine are in that of their values.
    return column.astype(object) if column.name == ACCOUNT else column


def from_unix_seconds(since_epoch: pd.Series[Any]) -> pd.DatetimeIndex:
    """
    Return moments in UTC from their seconds since 1970, NaT where null.

    Example:
        >>> from_unix_seconds(pd.Series([60, None]))[0].isoformat()
        '1970-01-01T00:01:00+00:00'
    """
    # As numbers, times come alike from every engine; a SQL engine's own would be in the time zone of its session.
    numbers = since_epoch.astype("Int64").to_numpy(dtype="int64", na_value=NOT_A_TIME)
    return pd.DatetimeIndex(numbers.astype("datetime64[s]"), tz="UTC")


def unix_times(times: pd.Series[Any]) -> pd.Series[float]:
    """
    Return the seconds from 1970 to each time, NaN where there is none.

    Example:
        >>> unix_times(pd.Series(pd.to_datetime(["1970-01-01T00:01:00Z", None]))).tolist()
        [60.0, nan]
    """
    since: pd.Series[float] = (times - _EPOCH).dt.total_seconds()
    return since


def newest_observed(rows: Rows) -> float:
    """
    Return the newest `observed_at` of rows of `engines.read_frame`, in seconds since 1970; NaN without one.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.tally import timed
        >>> newest_observed(timed(to_frame([Record(1, "errored", "resize")], observed_at=1632996060)))
        1632996060.0
    """
    newest = to_pandas(rows.select(unix_seconds("observed_at").max().alias("newest")))["newest"]
    return float("nan") if newest.isna().all() else float(newest.max())


def newest_by_account(rows: Rows) -> dict[str | None, float]:
    """
    Return the newest `observed_at` of each account by its name, in seconds since 1970, NaN without one.

    Rows without `account` are those of one account, whose name is None here.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.tally import timed
        >>> resize = to_frame([Record(1, "errored", "resize")], observed_at=60)
        >>> newest_by_account(timed(resize)), newest_by_account(timed(resize.assign(account="acme"), ["account"]))
        ({None: 60.0}, {'acme': 60.0})
    """
    if ACCOUNT not in rows.collect_schema().names():
        return {None: newest_observed(rows)}
    grouped: Any = rows.group_by(ACCOUNT, drop_null_keys=False).agg(unix_seconds("observed_at").max().alias("newest"))
    newest = to_pandas(grouped)
    return dict(zip(newest[ACCOUNT], newest["newest"].to_numpy(dtype="float64", na_value=np.nan).tolist(), strict=True))


def newest_observed_of(table: pd.DataFrame, rows: Rows) -> NDArray[np.float64]:
    """
    Return for each row of a table the newest `observed_at` of its account, in seconds since 1970; NaN without one.

    Args:
        table: of actions, groups or resources; with `account` where they are of many accounts.
        rows: of `engines.read_frame`, with `account` where the table has it.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.tally import timed
        >>> resizes = to_frame([Record(n, "errored", "resize") for n in (1, 2)], observed_at=[60, 90])
        >>> rows = timed(resizes.assign(account=["globex", "acme"]), ["account"])
        >>> newest_observed_of(pd.DataFrame({"account": ["acme", "globex", "initech"]}), rows).tolist()
        [60.0, 90.0, nan]
    """
    if ACCOUNT not in table:
        return np.full(len(table), newest_observed(rows))
    newest = newest_by_account(rows)
    codes, accounts = pd.factorize(table[ACCOUNT])
    return np.array([newest.get(account, np.nan) for account in [*accounts, None]])[codes]
