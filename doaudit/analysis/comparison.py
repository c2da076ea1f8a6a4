"""
Comparison sets: the finished actions that an open one is compared with, of its own resource or of its type.

There is one set for each action, and never one of other types or accounts. Its own resource's is taken if 20 of them
have finished, or if half of them took longer than 99 % of its type do: then the type says nothing about this resource.
Of each set only the actions that started in the last 180 days count, where at least 100 of them have finished, since
what is usual may change. Those days are counted back from when the actions of the account were last read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import newest_observed
from doaudit.analysis.curve_values import ended_quantile, max_duration
from doaudit.analysis.engines import read_frame, to_pandas, unix_seconds
from doaudit.analysis.groups import number_groups
from doaudit.analysis.survival import kaplan_meier
from doaudit.analysis.tally import OUTCOMES, lifetimes, tally
from doaudit.expected_duration import LEAST_FINISHED

if TYPE_CHECKING:
    from collections.abc import Collection

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows
    from doaudit.analysis.survival import Curves

    Figures = NDArray[np.float64]

__all__ = ["RECENT_DAYS", "ComparisonSets", "comparison_sets", "recent_tally", "says_more_than"]

RECENT_DAYS = 180
_LEAST_RECENT = 100
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class ComparisonSets:
    """
    The comparison set of each group.

    Attributes:
        keys: one row a group, by value; its position is the number of the group.
        curves: the curves of Kaplan and Meier.
        p50_s, p90_s, p99_s, max_s: seconds within which such shares of the finished ones ended, and that the longest
            took (float64, NaN where none has finished).
        is_recent: whether only actions that started in the last 180 days count.
    """

    keys: pd.DataFrame
    curves: Curves
    p50_s: Figures
    p90_s: Figures
    p99_s: Figures
    max_s: Figures
    is_recent: NDArray[np.bool_]


def recent_tally(actions: IntoFrame, types: Collection[str] | None = None) -> pd.DataFrame:
    """
    Count actions by type, resource, and whether they started in the last 180 days, of each account on its own.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        types: the types that are wanted besides those that are not known; None for all.

    Returns:
        As `doaudit.analysis.tally.tally` by `account`, where the frame has it, `type`, `resource` and `is_recent`
        (int64, 0 or 1).

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(1, "completed", "resize", "2021-09-30T10:00:00Z", "2021-09-30T10:01:30Z", 7, "droplet")]
        >>> recent_tally(to_frame(taken, observed_at=1632996000)).values.tolist()
        [['resize', 'droplet:7', 1, 'completed', 90, 1]]
    """
    accounts = account_keys(actions)
    rows = read_frame(actions, [*accounts, "type", "resource"])
    started_recently = _started_recently(rows, accounts)
    if types is not None:
        rows = rows.filter(nw.col("type").is_in(sorted(types) or [""]) | nw.col("type").is_null())
    is_recent = nw.when(started_recently).then(nw.lit(1)).otherwise(nw.lit(0))
    counted = tally(rows.with_columns(is_recent=is_recent).to_native(), [*accounts, "type", "resource", "is_recent"])
    return counted.astype({"is_recent": "int64"})


def _started_recently(rows: Rows, accounts: list[str]) -> nw.Expr:
    """Return whether an action started in the 180 days before the actions of its account were last read."""
    start, read_at = unix_seconds("started_at"), unix_seconds("observed_at").max().alias("read_at")
    if not accounts:
        return start >= _oldest(newest_observed(rows))
    newest = to_pandas(rows.group_by(accounts, drop_null_keys=True).agg(read_at))
    # Accounts that were read together share one condition.
    oldest = newest["read_at"].map(_oldest)
    recent = [
        nw.col(*accounts).is_in(newest.loc[oldest == oldest_s, accounts[0]].tolist()) & (start >= oldest_s)
        for oldest_s in sorted(set(oldest.tolist()))
    ]
    return reduce(or_, recent, nw.lit(value=False))


def _oldest(read_at: float) -> int:
    return 0 if pd.isna(read_at) else int(read_at) - RECENT_DAYS * _DAY_S


def comparison_sets(counted: pd.DataFrame, columns: list[str]) -> ComparisonSets:
    """
    Collect the comparison set of each group out of a `recent_tally`.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> ends = [f"2026-03-12T22:{n}:00Z" for n in range(10, 50)]
        >>> taken = [Record(n, "completed", "snapshot", "2026-03-12T22:00:00Z", end) for n, end in enumerate(ends)]
        >>> sets = comparison_sets(recent_tally(to_frame(taken, observed_at=1773355000)), ["type"])
        >>> sets.p50_s.tolist(), sets.max_s.tolist()
        ([1740.0], [2940.0])
    """
    keys, group = number_groups(counted, columns)
    recent = counted["is_recent"].to_numpy() == 1
    ended = (counted["outcome"] != OUTCOMES[2]).to_numpy() & counted["seconds"].notna().to_numpy()
    weights = np.where(recent & ended, counted["actions"].to_numpy(), 0)
    is_recent = np.bincount(group, weights=weights, minlength=len(keys)) >= _LEAST_RECENT
    times = lifetimes(counted[recent | ~is_recent[group]], columns)
    curves = kaplan_meier(times.group, times.seconds, times.ended, times.running, groups=len(times.keys))
    p50_s, p90_s, p99_s = (ended_quantile(curves, p) for p in (0.5, 0.9, 0.99))
    return ComparisonSets(times.keys, curves, p50_s, p90_s, p99_s, max_duration(curves), is_recent)


def says_more_than(own_finished: NDArray[Any], own_p50_s: NDArray[Any], type_p99_s: NDArray[Any]) -> NDArray[np.bool_]:
    """
    Return whether the finished actions of one resource are compared with, and not those of its type.

    Example:
        >>> says_more_than(np.array([20, 3, 3]), np.array([9.0, 9.0, 90.0]), np.array([60.0, 60.0, 60.0])).tolist()
        [True, False, True]
    """
    return (own_finished >= LEAST_FINISHED) | (own_p50_s > type_p99_s)
