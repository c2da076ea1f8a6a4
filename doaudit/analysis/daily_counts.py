"""Counts of each day: outcomes by group and day, and the sums over days that tell how much failures come together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np

from doaudit.analysis.engines import to_pandas
from doaudit.analysis.groups import check_names, key_columns, ranks, with_keys
from doaudit.analysis.tally import OUTCOMES, add_day, timed

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame

    from doaudit.analysis.engines import Rows
    from doaudit.analysis.groups import By

__all__ = ["DAY_SUMS", "outcomes_by_day", "per_day", "sum_days"]

DAY_SUMS = ("days", "errored_squared", "errored_finished", "finished_squared")
"""The sums over days of `outcomes_by_day`."""


def outcomes_by_day(actions: IntoFrame, by: By) -> pd.DataFrame:
    """
    Count the actions of each group by outcome, and sum what tells how much their failures come on the same days (UTC).

    Those without a start are taken for those of a day of their own.

    Returns:
        The columns of `outcomes`, and of the failures and the finished actions (completed or errored) of each day:
        `days`, the number of days with a finished one, and the sums over days `errored_squared`, `errored_finished`
        (their product) and `finished_squared` (all int64).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> starts = ["2021-09-29T10:00:00Z", "2021-09-30T10:00:00Z", "2021-09-30T11:00:00Z"]
        >>> taken = [Record(n, "errored", "resize", start) for n, start in enumerate(starts)]
        >>> table = outcomes_by_day(to_frame(taken, observed_at=1632996000), by="type")
        >>> table[["errored", "days", "errored_squared"]].values.tolist()
        [[3, 2, 5]]
    """
    keys = key_columns(by)
    check_names(keys, DAY_SUMS)
    return sum_days(_group_by_day(actions, keys), keys)


def sum_days(daily: Rows, keys: list[str]) -> pd.DataFrame:
    """
    Sum counts of days as `outcomes_by_day` does.

    Args:
        daily: one row for each group and day: the keys, and one column for each of `OUTCOMES` (whole numbers).
        keys: the columns by which groups are told apart.

    Example:
        >>> import pandas as pd
        >>> days = pd.DataFrame({"completed": [3, 1], "errored": [1, 2], "open": [0, 0], "unclear": [0, 0]})
        >>> sum_days(nw.from_native(days), [])[["actions", "errored_squared"]].values.tolist()
        [[7, 5]]
    """
    errored, finished = nw.col("errored"), nw.col("errored") + nw.col("completed")
    squared = daily.with_columns(
        days=(finished > 0).cast(nw.Int64),
        errored_squared=errored * errored,
        errored_finished=errored * finished,
        finished_squared=finished * finished,
    )
    sums = [nw.col(name).sum() for name in (*OUTCOMES, *DAY_SUMS)]
    summed = to_pandas(squared.group_by(keys, drop_null_keys=False).agg(*sums) if keys else squared.select(*sums))
    order = np.lexsort([ranks(summed[name]) for name in reversed(keys)]) if keys else np.arange(1)
    figures = summed[[*OUTCOMES, *DAY_SUMS]].iloc[order].fillna(0).astype("int64").reset_index(drop=True)
    counts = figures[list(OUTCOMES)].sum(axis="columns").rename("actions")
    return with_keys(summed[keys].iloc[order].reset_index(drop=True), {"actions": counts, **figures})


def per_day(actions: IntoFrame, by: By) -> pd.DataFrame:
    """
    Count the actions of each group that started on each day (UTC), by outcome; those without a start are of no day.

    Returns:
        One row for each group and day that occur, by value: the *by* columns, `day` (int64, days since 1970),
        `actions`, and one column for each of `OUTCOMES` (all int64).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(1, "done", "resize", "1970-01-02T01:59:59Z")], 1773354500)
        >>> per_day(actions, by="type")[["type", "day", "actions", "completed"]].values.tolist()
        [['resize', 1, 1, 1]]
    """
    keys = key_columns(by)
    daily = to_pandas(_group_by_day(actions, keys).filter(~nw.col("day").is_null()))
    order = np.lexsort([ranks(daily[name]) for name in ("day", *reversed(keys))])
    figures = daily[["day", *OUTCOMES]].iloc[order].astype("int64").reset_index(drop=True)
    figures.insert(1, "actions", figures[list(OUTCOMES)].sum(axis="columns"))
    return with_keys(daily[keys].iloc[order].reset_index(drop=True), {**figures})


def _group_by_day(actions: IntoFrame, keys: list[str]) -> Rows:
    """Count the actions of each group and day by outcome, where the rows are; the day is null without a start."""
    check_names(keys, OUTCOMES)
    is_outcome = {name: (nw.col("outcome") == code).cast(nw.Int64) for code, name in enumerate(OUTCOMES)}
    rows = add_day(timed(actions, keys), keys).with_columns(**is_outcome)
    return rows.group_by([*keys, "day"], drop_null_keys=False).agg(*(nw.col(name).sum() for name in OUTCOMES))
