"""
Design effects of days at some seconds of each group, out of a tally by day, or counted where the rows are.

Nearly every duration of a group occurs on few days only, so that a tally by day is nearly as long as the rows: of a
hundred million actions by type, three million rows. Where groups are few, DuckDB and Polars count for each group and
day how many are below the percentiles, which must be known before: a second look at the rows, of which only days come
back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import COMPLETED
from doaudit.analysis.design_effect import design_effect_of_days, quantile_design_effect
from doaudit.analysis.engines import (
    joins_small_tables,
    read_columns,
    read_frame,
    small_table,
    to_pandas,
    unix_seconds,
    wrap,
)
from doaudit.analysis.groups import key_columns, number_groups
from doaudit.analysis.percentiles import daily_durations
from doaudit.analysis.tally import OUTCOMES, add_day, outcome_code, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows
    from doaudit.analysis.groups import By

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = ["DesignEffects", "effects_of_days", "tally_with_effects"]

_FEW_GROUPS = 64  # of many, the days would be nearly as many as the rows
_LARGEST = 2**53  # seconds; no action takes so long
_LARGEST_DAY = 2**40
_BAND, _LIMIT, _JOINED = "doaudit_limits_exceeded", "doaudit_limit_", "doaudit_key_"
_NULL = "\ue000 no value"  # a word that no text of the API is
_OPEN = OUTCOMES.index("open")

DesignEffects: TypeAlias = "Callable[[Sequence[Figures]], list[Figures]]"
"""Returns for each list of seconds, one a group, the design effect of the share that takes no longer."""


def tally_with_effects(actions: IntoFrame, by: By, *, of: str) -> tuple[pd.DataFrame, DesignEffects]:
    """
    Count the actions of each group, outcome and duration, and return what tells design effects at some of these.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by.
        of: 'completed', or 'ended' for all that are not open.

    Returns:
        A tally by at least these columns (see `doaudit.analysis.tally`), and the function.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "done", "resize", f"2021-09-{n}T10:00:00Z", f"2021-09-{n}T10:00:0{n // 15}Z")
        ...          for n in (10, 11, 20, 21)]
        >>> counted, effects = tally_with_effects(to_frame(taken, observed_at=1632996000), "type", of="completed")
        >>> [effect.round(2).tolist() for effect in effects([np.array([0.0])])]
        [[1.33]]
    """
    keys = key_columns(by)
    if joins_small_tables(wrap(actions, keys)) and _has_few_groups(actions, keys):
        counted = tally(actions, by)
        finished, groups = _finished(read_frame(actions, keys), keys, of), number_groups(counted, keys)[0]
        return counted, lambda limits: _effects_in_engine(finished, groups, limits)
    counted = tally(actions, by, by_day=True)
    return counted, effects_of_days(counted, by, of=of)


def effects_of_days(counted: pd.DataFrame, by: By, *, of: str) -> DesignEffects:
    """
    Return what tells design effects at some seconds of each group, out of a tally by day.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "done", "resize", f"2021-09-{n}T10:00:00Z", f"2021-09-{n}T10:00:0{n // 15}Z")
        ...          for n in (10, 11, 20, 21)]
        >>> counted = tally(to_frame(taken, observed_at=1632996000), "type", by_day=True)
        >>> effects_of_days(counted, "type", of="completed")([np.array([0.0])])[0].round(2).tolist()
        [1.33]
    """
    daily = daily_durations(counted, by, of=of)
    return lambda limits: [quantile_design_effect(daily, limit) for limit in limits]


def _has_few_groups(actions: IntoFrame, keys: list[str]) -> bool:
    if not keys:
        return True
    rows = read_columns(actions, keys)
    schema = rows.collect_schema()
    if any(schema[name] not in (nw.String, nw.Categorical, nw.Enum) for name in keys):
        return False
    # Not `unique`, for which narwhals numbers all rows of a SQL engine.
    grouped: Any = rows.group_by(keys, drop_null_keys=False).agg(actions=nw.len())
    return len(to_pandas(grouped.head(_FEW_GROUPS + 1))) <= _FEW_GROUPS


def _finished(rows: Rows, keys: list[str], of: str) -> Rows:
    """Return the actions that count, with the day and the seconds of each, and nothing that only others need."""
    end = unix_seconds("completed_at")
    completed = nw.col("status").is_in(sorted(COMPLETED))
    is_wanted = completed if of == "completed" else outcome_code(nw.col("status"), end) != _OPEN
    return (
        add_day(rows, keys)
        .filter(is_wanted)
        .with_columns(seconds=end - unix_seconds("started_at"))
        .filter(nw.col("seconds") >= 0)
    )


def _effects_in_engine(rows: Rows, groups: pd.DataFrame, limits: Sequence[Figures]) -> list[Figures]:
    """Count the actions of each group and day between its limits, and compute the design effect at each of these."""
    if not len(groups):
        return [np.empty(0) for _ in limits]
    by = list(groups.columns)
    whole = [_whole(limit) for limit in limits]
    rising, rank = np.sort(whole, axis=0), np.argsort(np.argsort(whole, axis=0, kind="stable"), axis=0, kind="stable")
    grouped: Any = _with_band(rows, groups, rising).group_by([*by, "day", _BAND], drop_null_keys=False)
    days = to_pandas(grouped.agg(actions=nw.len()))
    # Each group comes once, in its order, before those of the days.
    of_day = np.zeros(len(days), dtype=np.int64)
    if by:  # as objects, or pandas 2.3 would warn of a column that is all null
        both = {name: pd.concat([each[name].astype(object) for each in (groups, days)]) for name in by}
        of_day = number_groups(pd.DataFrame(both).reset_index(drop=True), by)[1][len(groups) :]
    _, cell = np.unique(of_day * _LARGEST_DAY + days["day"].to_numpy(dtype=np.int64), return_inverse=True)
    of_cell = np.zeros(cell.max(initial=-1) + 1, dtype=np.int64)
    of_cell[cell] = of_day
    number, is_band = days["actions"].to_numpy(dtype=float), days[_BAND].to_numpy(dtype=np.int64)
    n = _sum_by(cell, number)
    return [
        design_effect_of_days(
            of_cell,
            _sum_by(cell, np.where(is_band <= at[of_day], number, 0)),
            n,
            groups=len(groups),
        )
        for at in rank
    ]


def _sum_by(cell: Counts, number: Figures) -> Figures:
    return np.bincount(cell, weights=number).astype(float)


def _whole(limit: Figures) -> Counts:
    """Return limits in whole seconds; -1 where there is none, so that no action is below it."""
    return np.floor(np.clip(np.nan_to_num(limit, nan=-1.0, posinf=_LARGEST), -1, _LARGEST)).astype(np.int64)


def _with_band(rows: Rows, groups: pd.DataFrame, rising: Counts) -> Rows:
    """
    Add to each row how many of the limits of its group it exceeds.

    The limits are a small table that is joined to the rows: to find them for each row among as many cases as there are
    groups would take twice the time. Nulls, which equal nothing in a join, are a word there.

    Args:
        rows: those that count.
        groups: the groups, by value.
        rising: their limits, each row at least as large as the one before.
    """
    names = list(groups.columns)
    limits = {f"{_LIMIT}{place}": limit.tolist() for place, limit in enumerate(rising)}
    if not names:
        whole = {name: nw.lit(limit[0]) for name, limit in limits.items()}
        return rows.with_columns(**whole).with_columns(**{_BAND: _exceeded(limits)})
    joined = {f"{_JOINED}{at}": name for at, name in enumerate(names)}
    words = {key: [_NULL if pd.isna(word) else str(word) for word in groups[name]] for key, name in joined.items()}
    filled = {key: nw.col(name).cast(nw.String).fill_null(_NULL) for key, name in joined.items()}
    beside: Any = rows.with_columns(**filled)
    found: Rows = beside.join(small_table(rows, words | limits), on=list(joined), how="left")
    return found.with_columns(**{_BAND: _exceeded(limits)})


def _exceeded(limits: Collection[str]) -> nw.Expr:
    one, none = nw.lit(1), nw.lit(0)
    return nw.sum_horizontal(*(nw.when(nw.col("seconds") > nw.col(each)).then(one).otherwise(none) for each in limits))
