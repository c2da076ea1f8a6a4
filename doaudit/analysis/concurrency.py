"""
Concurrency: how many actions ran at once, by type, region or any other group.

Times are whole seconds, so an action runs in each second from the one in which it started to the one before that in
which it ended: one that ends in the second in which another starts does not overlap with it. One that took 0 s ran
within a second, and counts as running in that one. An open action runs until the newest `observed_at` of its account.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import from_unix_seconds, newest_observed_of
from doaudit.analysis.engines import to_pandas, unix_seconds
from doaudit.analysis.groups import By, check_names, key_columns, number_groups, with_keys
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.tally import OUTCOMES, timed

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

__all__ = ["concurrency", "daily_concurrency"]

_DAY_S = 86_400
_OPEN = OUTCOMES.index("open")
_NEVER = 2**62
_FIGURES = ("start", "actions", "untimed", "most", "most_at", "most_s", "p99", "mean", "busy_share", "day")


@dataclass(frozen=True, slots=True, eq=False)
class _Levels:
    """
    Numbers of actions that ran at once, from one change to the next, in the order of group and time.

    Attributes:
        keys: one row a group, by value; its position is the number of the group.
        actions, untimed: how many each group has.
        group, level: of each piece of time, at least one action.
        begin, end: in seconds since 1970; the end is not included.
        window_s: of each group, from the first start of any action to the newest reading, or the last end if that is
            later; of groups within an account, the account's own.
    """

    keys: pd.DataFrame
    actions: Counts
    untimed: Counts
    group: Counts
    level: Counts
    begin: Counts
    end: Counts
    window_s: Counts


def concurrency(actions: IntoFrame, by: By = "type") -> pd.DataFrame:
    """
    Compute how many actions of each group ran at once: the most and when, and the usual; the busiest group first.

    An action that ends in the second in which another starts does not overlap with it. One that took 0 s counts as
    running in the second in which it started, and an open one runs until the newest `observed_at` of its account.
    Untimed actions are left out.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
            A `resource` has its newest `resource_name` beside it.

    Returns:
        One row a group: the *by* columns; `actions`, of which `untimed` (int64); `most` that ran at once (int64),
        `most_at`, when so many ran for the first time (datetime64[s, UTC]), and `most_s`, the seconds during which so
        many did (int64); of the time from the first start of all actions to the newest reading, within an account if
        `account` is one of *by*: `p99`, the number that
        was not exceeded during 99 % of it, `mean`, and `busy_share`, the share during which at least one ran (float64,
        NaN without a timed action).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> times = [("10:00:00", "10:01:00"), ("10:00:30", "10:02:00"), ("10:01:00", "10:01:10")]
        >>> taken = [
        ...     Record(n, "completed", "resize", f"2026-03-12T{start}Z", f"2026-03-12T{end}Z")
        ...     for n, (start, end) in enumerate(times)
        ... ]
        >>> table = concurrency(to_frame(taken, observed_at=1773309720))
        >>> table[["type", "most", "most_s", "mean"]].round(2).values.tolist()
        [['resize', 2, 40, 1.33]]
    """
    levels = _levels(actions, by)
    groups, seconds = len(levels.keys), levels.end - levels.begin
    most = np.zeros(groups, dtype=np.int64)
    np.maximum.at(most, levels.group, levels.level)
    at_most = np.flatnonzero(levels.level == most[levels.group])
    some, first = np.unique(levels.group[at_most], return_index=True)
    most_at = pd.Series(pd.NA, index=range(groups), dtype="Int64")
    most_at.iloc[some] = levels.begin[at_most[first]]
    window = np.where(levels.window_s > 0, levels.window_s, np.nan)
    table = with_keys(
        levels.keys,
        {
            "actions": levels.actions,
            "untimed": levels.untimed,
            "most": most,
            "most_at": from_unix_seconds(most_at),
            "most_s": _sum(levels.group[at_most], seconds[at_most], groups),
            "p99": _p99(levels, seconds),
            "mean": _sum(levels.group, levels.level * seconds, groups) / window,
            "busy_share": _sum(levels.group, seconds, groups) / window,
        },
    )
    busiest_first = np.lexsort((-table["busy_share"].to_numpy(), -most))
    return with_resource_names(table.iloc[busiest_first].reset_index(drop=True), actions, by)


def daily_concurrency(actions: IntoFrame, by: By = "type") -> pd.DataFrame:
    """
    Compute how many actions of each group ran at once on each day (UTC): the most, and on average.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
            A `resource` has its newest `resource_name` beside it.

    Returns:
        One row for each group and day on which an action ran (see `concurrency`), by value: the *by* columns; `day`
        (datetime64[s, UTC]); `most` (int64); `mean`, over the whole day (float64).

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> late = Record(1, "completed", "resize", "2026-03-12T18:00:00Z", "2026-03-13T06:00:00Z")
        >>> daily_concurrency(to_frame([late], observed_at=1773446400))[["most", "mean"]].values.tolist()
        [[1.0, 0.25], [1.0, 0.25]]
    """
    levels = _levels(actions, by)
    from_day, to_day = levels.begin // _DAY_S, (levels.end - 1) // _DAY_S
    piece = np.repeat(np.arange(len(levels.group)), to_day - from_day + 1)
    new = np.diff(piece, prepend=-1) != 0
    day = from_day[piece] + np.arange(len(piece)) - np.maximum.accumulate(np.where(new, np.arange(len(piece)), 0))
    level, group = levels.level[piece], levels.group[piece]
    seconds = np.minimum(levels.end[piece], (day + 1) * _DAY_S) - np.maximum(levels.begin[piece], day * _DAY_S)
    first = np.flatnonzero((np.diff(group, prepend=-1) != 0) | (np.diff(day, prepend=-1) != 0))
    table = with_keys(
        levels.keys.iloc[group[first]].reset_index(drop=True),
        {
            "day": from_unix_seconds(pd.Series(day[first] * _DAY_S)),
            "most": np.maximum.reduceat(level, first) if first.size else level,
            "mean": (np.add.reduceat(level * seconds, first) if first.size else level) / _DAY_S,
        },
    )
    return with_resource_names(table, actions, by)


def _levels(actions: IntoFrame, by: By) -> _Levels:
    keys = key_columns(by)
    check_names(keys, _FIGURES)
    columns = list(dict.fromkeys([*keys, *account_keys(actions)]))
    rows = timed(actions, columns)
    table = to_pandas(rows.select(*columns, "outcome", "seconds", start=unix_seconds("started_at")))
    groups, group = number_groups(table, keys)
    seconds = table["seconds"].to_numpy(dtype=np.int64)
    is_timed = seconds >= 0
    begin = table["start"].to_numpy(dtype=np.int64, na_value=0)[is_timed]
    end = begin + np.maximum(seconds[is_timed], 1)
    # An open action was read, so that there is a newest reading where one is needed.
    newest = np.nan_to_num(newest_observed_of(table, rows)).astype(np.int64)
    is_open = table["outcome"].to_numpy(dtype=np.int64)[is_timed] == _OPEN
    end = np.where(is_open, np.maximum(end, newest[is_timed]), end)
    accounts, account = number_groups(table, [name for name in keys if name == ACCOUNT])
    account_of = np.zeros(len(groups), dtype=np.int64)
    account_of[group] = account
    windows = _windows(len(accounts), account[is_timed], begin, np.maximum(end, newest[is_timed]))
    actions_of, timed_of = (np.bincount(each, minlength=len(groups)) for each in (group, group[is_timed]))
    pieces = _pieces(group[is_timed], begin, end)
    return _Levels(groups, actions_of, actions_of - timed_of, *pieces, window_s=windows[account_of])


def _windows(accounts: int, account: Counts, begin: Counts, end: Counts) -> Counts:
    """Return the seconds from the first begin to the last end of each account; 0 where it has none."""
    first, last = np.full(accounts, _NEVER), np.full(accounts, 0)
    np.minimum.at(first, account, begin)
    np.maximum.at(last, account, end)
    return np.where(first < _NEVER, np.maximum(last - first, 0), 0)


def _pieces(group: Counts, begin: Counts, end: Counts) -> tuple[Counts, Counts, Counts, Counts]:
    """Return group, level, begin and end of each piece of time in which the number that runs is the same, above 0."""
    time, of = np.concatenate([begin, end]), np.concatenate([group, group])
    change = np.repeat([1, -1], len(group))
    order = np.lexsort((time, of))
    time, of, change = time[order], of[order], change[order]
    new = np.flatnonzero((np.diff(of, prepend=-1) != 0) | (np.diff(time, prepend=-1) != 0))
    # Every group goes back to none at its last end, so the running sum begins anew with each.
    level = np.cumsum(change)[np.append(new[1:], len(time)) - 1] if new.size else change
    time, of = time[new], of[new]
    until = np.append(time[1:], 0)[: len(time)]
    running = level > 0
    return of[running], level[running], time[running], until[running]


def _p99(levels: _Levels, seconds: Counts) -> NDArray[np.float64]:
    """Return the number that was not exceeded during 99 % of the time: the highest that ran for more than 1 % of it."""
    p99 = np.where(levels.window_s > 0, 0.0, np.nan)
    order = np.lexsort((-levels.level, levels.group))
    group, level, so_far = levels.group[order], levels.level[order], np.cumsum(seconds[order])
    first = np.searchsorted(group, group, side="left")
    above = 100 * (so_far - np.append(0, so_far)[first]) > levels.window_s[group]
    some, highest = np.unique(group[above], return_index=True)
    p99[some] = level[above][highest]
    return p99


def _sum(group: Counts, values: Counts, groups: int) -> Counts:
    sums = np.zeros(groups, dtype=np.int64)
    np.add.at(sums, group, values)
    return sums
