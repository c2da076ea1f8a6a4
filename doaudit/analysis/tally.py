"""
The tally: counts of actions for each group, outcome and duration.

An action's duration is a whole number of seconds, so every statistic of this package is a function of one small
table, the tally. Counting is the only step that touches the rows, and counts add up. It is written with narwhals and
runs where the rows are: in pandas, in Polars, in Spark, or in a DuckDB relation that is larger than the memory of a
notebook.

The outcome of an action:

    completed   its status is 'completed', or 'done', which the API has sent for the same
    errored     its status is 'errored'
    open        its status is 'in-progress', or an unknown word (or none) and it has no end
    unclear     its status is an unknown word (or none) and it has an end

The duration is `completed_at - started_at`; an open action has been running for `observed_at - started_at`. Where one
of the two is missing, or the end lies before the start, the action is *untimed*: it is counted, and has an outcome,
but its seconds are null.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import COMPLETED, ERRORED, IN_PROGRESS
from doaudit.analysis.counting import count_rows
from doaudit.analysis.engines import ADDED, Rows, read_frame, unix_seconds
from doaudit.analysis.groups import check_names, first_of_runs, key_columns, number_groups, sort_columns, with_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.groups import By

    Counts = NDArray[np.int64]

__all__ = [
    "OUTCOMES",
    "Lifetimes",
    "add_day",
    "lifetimes",
    "outcome_code",
    "outcomes",
    "per_slot",
    "sum_counts",
    "tally",
    "timed",
]

OUTCOMES = ("completed", "errored", "open", "unclear")
_COMPLETED, _ERRORED, _OPEN, _UNCLEAR = range(len(OUTCOMES))
_ADDED = ("outcome", "seconds", "actions", *ADDED)
_UNTIMED = -1
_HOUR_S, _DAY_S = 3_600, 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Lifetimes:
    """
    Durations of each group's actions: of those that ended, and until last seen of those still running.

    Attributes:
        keys: one row a group, by value; its position is the number of the group.
        group: int64, the number of the group, rising.
        seconds: int64, rising within a group, each value once.
        ended: int64, number of actions that ended after that long.
        completed, errored: int64, number of those that did.
        running: int64, number of actions that were last seen running after that long.
    """

    keys: pd.DataFrame
    group: Counts
    seconds: Counts
    ended: Counts
    completed: Counts
    errored: Counts
    running: Counts

    def totals(self) -> Counts:
        """Return how many actions each group has, without the untimed."""
        return np.bincount(self.group, weights=self.ended + self.running, minlength=len(self.keys)).astype(np.int64)


def tally(actions: IntoFrame, by: By, *, by_day: bool = False) -> pd.DataFrame:
    """
    Count the actions of each group, outcome and duration, also by day where that is asked for.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
        by_day: whether actions that started on different days (UTC) are counted apart.

    Returns:
        The *by* columns with their dtypes; with *by_day* `day` (Int64, days since 1970, null without a start);
        `outcome` (category of `OUTCOMES`), `seconds` (Int64, null if untimed) and `actions` (int64), in order of the
        keys (nulls last), the day, the outcome and the seconds.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "done", "resize", "2021-09-30T10:00:00Z", "2021-09-30T10:01:30Z") for n in range(3)]
        >>> tally(to_frame(taken, observed_at=1632996000), by="type").values.tolist()
        [['resize', 'completed', 90, 3]]
    """
    keys, figures = key_columns(by), ["outcome", "seconds"]
    rows = timed(actions, keys)
    if by_day:
        figures, rows = ["day", *figures], add_day(rows, keys)
    counted = count_rows(rows, keys, figures, many=by_day)
    seconds = counted["seconds"].astype("Int64")
    counted = counted.assign(outcome=_outcome_names(counted["outcome"]), seconds=seconds.mask(seconds == _UNTIMED))
    return counted.astype({"day": "Int64"}) if by_day else counted


def add_day(rows: Rows, keys: Sequence[str] = ()) -> Rows:
    """
    Add to rows that `timed` has made the day on which each action started (UTC), in days since 1970.

    Raises:
        InvalidArgument: one of the keys that the rows are to be grouped by has that name.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> rows = timed(to_frame([Record(1, "done", "resize", "1970-01-02T01:59:59Z")], observed_at=1632996000))
        >>> add_day(rows)["day"].to_list()
        [1]
    """
    check_names(keys, ["day"])
    return rows.with_columns(day=unix_seconds("started_at") // _DAY_S)


def outcomes(actions: IntoFrame, by: By) -> pd.DataFrame:
    """
    Count the actions of each group by outcome.

    Returns:
        One row a group, by value of the keys (nulls last): the *by* columns, `actions`, and one column for each of
        `OUTCOMES` (all int64).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(1, "errored", "resize"), Record(2, "in-progress", "resize"), Record(3, "done", "resize")]
        >>> outcomes(to_frame(taken, observed_at=1632996000), by="type").values.tolist()
        [['resize', 3, 1, 1, 1, 0]]
    """
    keys = key_columns(by)
    counted = count_rows(timed(actions, keys), keys, ["outcome"])
    return sum_counts(counted.assign(outcome=_outcome_names(counted["outcome"])), keys)


def per_slot(actions: IntoFrame, by: By = (), *, slot_s: int = _HOUR_S) -> pd.DataFrame:
    """
    Count the actions of each group that started in each slot of time, by outcome; those without a start are in none.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group.
        slot_s: the length of a slot in seconds: an hour.

    Returns:
        One row for each group, slot and outcome that occur, by value: the *by* columns, `slot` (int64, slots since
        1970, UTC), `outcome` (category of `OUTCOMES`), `actions` (int64).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> per_slot(to_frame([Record(1, "done", "resize", "1970-01-02T01:59:59Z")], 1632996000)).values.tolist()
        [[25, 'completed', 1]]
    """
    keys = key_columns(by)
    check_names(keys, ["slot"])
    start = unix_seconds("started_at")
    started = timed(actions, keys).filter(~start.is_null()).with_columns(slot=start // slot_s)
    counted = count_rows(started, keys, ["slot", "outcome"])
    return counted.assign(slot=counted["slot"].astype("int64"), outcome=_outcome_names(counted["outcome"]))


def sum_counts(counted: pd.DataFrame, by: By) -> pd.DataFrame:
    """
    Sum the counts of a finer table by outcome: a tally, or any columns together with `outcome` and `actions`.

    Returns:
        The same columns as `outcomes`. With `by=()` there is always one row.

    Example:
        >>> finer = pd.DataFrame({"type": ["resize"] * 2, "actions": [3, 4]})
        >>> finer["outcome"] = pd.Categorical(["errored", "open"], categories=OUTCOMES)
        >>> sum_counts(finer, by=()).to_dict("records")
        [{'actions': 7, 'completed': 0, 'errored': 3, 'open': 4, 'unclear': 0}]
    """
    keys, group = number_groups(counted, key_columns(by))
    cell = counted["outcome"].cat.codes.to_numpy(dtype=np.int64) * len(keys) + group
    summed = np.bincount(cell, weights=counted["actions"], minlength=len(OUTCOMES) * len(keys))
    sums = summed.astype(np.int64).reshape(len(OUTCOMES), len(keys))
    return with_keys(keys, {"actions": sums.sum(axis=0), **dict(zip(OUTCOMES, sums, strict=True))})


def lifetimes(counted: pd.DataFrame, by: By) -> Lifetimes:
    """
    Collect the durations of each group out of a tally by at least these columns; the untimed are left out.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> open_action = Record(1, "in-progress", "resize", "2021-09-30T10:00:00Z")
        >>> lifetimes(tally(to_frame([open_action], observed_at=1632996060), "type"), "type").seconds.tolist()
        [60]
    """
    keys, group = number_groups(counted, key_columns(by))
    seconds = counted["seconds"].to_numpy(dtype=np.int64, na_value=_UNTIMED, copy=True)
    seconds -= _UNTIMED  # from 0, which is that of the untimed
    outcome, count = counted["outcome"].cat.codes.to_numpy(), counted["actions"].to_numpy()
    group, seconds, outcome, count = sort_columns([group, seconds, outcome, count])
    new = first_of_runs(group, seconds)
    masked = np.empty_like(count)  # one for all four sums: these arrays are as long as the tally
    is_timed = seconds[new] > 0
    sums = [
        np.add.reduceat(np.multiply(count, mask, out=masked), new)[is_timed] if new.size else count
        for mask in (outcome != _OPEN, outcome == _COMPLETED, outcome == _ERRORED, outcome == _OPEN)
    ]
    new = new[is_timed]
    return Lifetimes(keys, group[new], seconds[new] + _UNTIMED, *sums)


def timed(actions: IntoFrame, columns: Sequence[str] = ()) -> Rows:
    """
    Add the outcome and the seconds of each action, which is all that the statistics need to know of a row.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        columns: the columns that the caller needs besides the status and the times.

    Returns:
        The frame with `outcome` (a whole number, the position in `OUTCOMES`) and `seconds` (int64, -1 if untimed).

    Raises:
        InvalidArgument: a column is missing, or this is no data frame at all.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> timed(to_frame([Record(1, "errored", "resize")], observed_at=1632996060))["seconds"].to_list()
        [-1]
    """
    check_names(columns, _ADDED)
    frame = read_frame(actions, columns)
    end = unix_seconds("completed_at")
    # Both as floats: of whole numbers and a column with nulls, pandas 2 would guess the dtype, and warn.
    observed, ended = unix_seconds("observed_at").cast(nw.Float64), end.cast(nw.Float64)
    last_seen = nw.when(nw.col("outcome") == _OPEN).then(observed).otherwise(ended)
    seconds = nw.col("seconds")
    return (
        frame.with_columns(outcome=outcome_code(nw.col("status"), end))
        .with_columns(seconds=last_seen - unix_seconds("started_at"))
        .with_columns(seconds=nw.when(seconds >= 0).then(seconds).otherwise(nw.lit(_UNTIMED)).cast(nw.Int64))
    )


def outcome_code(status: nw.Expr, end: nw.Expr) -> nw.Expr:
    """
    Return the expression for the outcome of an action, as its position in `OUTCOMES`.

    Args:
        status: its status, as text.
        end: its end; only whether there is one matters.

    Example:
        >>> frame = nw.from_native(pd.DataFrame({"status": ["done", "pending"], "end": [90, None]}))
        >>> frame.select(outcome_code(nw.col("status"), nw.col("end")).alias("code"))["code"].to_list()
        [0, 2]
    """
    is_open = status.is_in(sorted(IN_PROGRESS)) | end.is_null()
    outcome = nw.when(is_open).then(nw.lit(_OPEN)).otherwise(nw.lit(_UNCLEAR))
    outcome = nw.when(status.is_in(sorted(ERRORED))).then(nw.lit(_ERRORED)).otherwise(outcome)
    return nw.when(status.is_in(sorted(COMPLETED))).then(nw.lit(_COMPLETED)).otherwise(outcome)


def _outcome_names(outcome: pd.Series[Any]) -> pd.Categorical[str]:
    positions: Counts = outcome.to_numpy(dtype=np.int64)
    return pd.Categorical.from_codes(positions, categories=pd.Index(OUTCOMES))
