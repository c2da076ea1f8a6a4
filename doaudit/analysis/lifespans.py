"""Lifespans: when each resource was created and destroyed, and how many of them there were from week to week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import NOT_A_TIME, from_unix_seconds
from doaudit.analysis.groups import number_groups
from doaudit.analysis.resource_rows import (
    categorized,
    last_observed,
    resource_numbers,
    resource_rows,
    seen_resources,
)
from doaudit.analysis.tally import OUTCOMES
from doaudit.resources import KINDS

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray
    from pandas.api.typing import NaTType

    from doaudit.resources import Kind

    Moment = pd.Timestamp | NaTType

__all__ = ["churn", "lifespans"]

_KINDS: Final = tuple(kind for kind in KINDS if kind.created_by and kind.destroyed_by)
_NAMES: Final = ("resource", "resource_name", "region")
_DAY_S, _DAYS_A_WEEK = 86_400, 7
_MONDAY = 3  # the first day since 1970 is a Thursday, three days after one


def lifespans(actions: IntoFrame) -> pd.DataFrame:
    """
    List when each droplet and each reserved IP was created and destroyed, and how long it lived.

    Only resources that existed are listed: a creation that has not completed, and that nothing followed, made none. If
    something followed, it made one, also if it errored. A reserved IP that was released and reserved again has a row
    for each time. Other resources have no actions for both their beginning and their end.

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Returns:
        One row a resource, the newest first, those of unknown creation last: `account` first, where the frame has it;
        `kind` ('droplet', 'reserved_ip'), `resource`, `resource_name`, `region` (category); `created_at` (datetime64[s,
        UTC], when the creation started; NaT if it is not among the actions), `destroyed_at` (when the destruction
        completed; NaT if none did); `lifespan_s` (float64 seconds, until the newest `observed_at` if it lives, NaN
        without `created_at`); `lives` (bool).

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> made = Record(1, "completed", "create", "2026-03-12T22:00:00Z", "2026-03-12T22:00:28Z", 7, "droplet")
        >>> ended = Record(2, "completed", "destroy", "2026-03-12T23:00:00Z", "2026-03-12T23:00:06Z", 7, "droplet")
        >>> lifespans(to_frame([made, ended], observed_at=1773356500))[["lifespan_s", "lives"]].values.tolist()
        [[3606.0, False]]
    """
    table = pd.concat([_lives(actions, kind) for kind in _KINDS], ignore_index=True)
    created_at, destroyed_at = (from_unix_seconds(table[name]) for name in ("created", "destroyed"))
    lives = np.asarray(destroyed_at.isna())
    lasted = destroyed_at.where(~lives, last_observed(actions, table)) - created_at
    accounts = account_keys(table)
    table = table[[*accounts, "kind"]].assign(
        **{name: categorized(table[name]) for name in (*accounts, *_NAMES)},
        created_at=created_at,
        destroyed_at=destroyed_at,
        lifespan_s=lasted.total_seconds().to_numpy(dtype=float).clip(min=0),
        lives=lives,
    )
    newest_first = ~created_at.asi8  # turned around, so that an unknown creation, the smallest number, is last
    order = np.lexsort([destroyed_at.asi8, resource_numbers(table), newest_first])
    return table.iloc[order].reset_index(drop=True)


def churn(actions: IntoFrame) -> pd.DataFrame:
    """
    Count the droplets and the reserved IPs that were created and destroyed in each week, and that then existed.

    What was created before the first of the actions counts as existing from the first week on.

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Returns:
        One row a kind and week, from the first creation or destruction to when the actions were last read, without
        gaps: `account` first, where the frame has it; `kind` ('droplet', 'reserved_ip'; category), `week`
        (datetime64[s, UTC], its Monday); `created`, `destroyed`, `existed` at its end (int64).

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> made = [Record(n, "completed", "create", f"2026-03-{day}T22:00:00Z", None, n, "droplet")
        ...         for n, day in enumerate(("02", "03", "17"), start=1)]
        >>> churn(to_frame(made, observed_at=1773878400))[["created", "existed"]].values.tolist()
        [[2, 2], [0, 2], [1, 3]]
    """
    table = lifespans(actions)
    accounts, account = number_groups(table, account_keys(table))
    read_at = last_observed(actions, accounts)
    parts = [_by_week(table[account == number], now) for number, now in enumerate(read_at)]
    keys = accounts.iloc[np.repeat(np.arange(len(parts)), [len(part) for part in parts])].reset_index(drop=True)
    return pd.concat([keys, pd.concat(parts or [_by_week(table, pd.NaT)], ignore_index=True)], axis="columns")


def _lives(actions: IntoFrame, kind: Kind) -> pd.DataFrame:
    """Return the lives of the resources of a kind, with the Unix seconds of their beginnings and ends, null if none."""
    rows = resource_rows(actions, kind, (*kind.created_by, *kind.destroyed_by))
    counts = rows["type"].isin(kind.created_by) | (rows["outcome"] == OUTCOMES.index("completed"))
    rows = rows[counts & (rows["end"] > NOT_A_TIME)].reset_index(drop=True)
    is_end, resource = rows["type"].isin(kind.destroyed_by).to_numpy(), resource_numbers(rows)
    is_first = np.ones(len(rows), dtype=bool)
    is_first[1:] = (resource[1:] != resource[:-1]) | is_end[:-1]
    moments = {"created": rows["start"].astype("Int64").mask(is_end), "destroyed": rows["end"].where(is_end)}
    keys = [*account_keys(rows), "resource"]
    lives = rows[keys].assign(**moments).groupby(np.cumsum(is_first)).first()
    seen = seen_resources(actions, kind).merge(lives, on=keys, how="left")
    seen = seen.astype(dict.fromkeys([*keys, *_NAMES], object))  # the categories of one kind are not those of another
    return seen.assign(kind=pd.Categorical([kind.name] * len(seen), categories=[each.name for each in _KINDS]))


def _by_week(table: pd.DataFrame, now: Moment) -> pd.DataFrame:
    """Count the beginnings and ends of each kind in each week, for one account."""
    parts = [_kind_by_week(table[table["kind"] == kind.name], kind.name, now) for kind in _KINDS]
    return pd.concat(parts, ignore_index=True)


def _kind_by_week(table: pd.DataFrame, kind: str, now: Moment) -> pd.DataFrame:
    created, destroyed = (_weeks(table[name].dropna()) for name in ("created_at", "destroyed_at"))
    moments = np.concatenate([created, destroyed])
    last = _weeks(pd.Series([now]).dropna())
    first, end = (moments.min(), np.concatenate([moments, last]).max() + 1) if len(moments) else (0, 0)
    counts = {
        name: np.bincount(weeks - first, minlength=end - first)
        for name, weeks in (("created", created), ("destroyed", destroyed))
    }
    before = int(table["created_at"].isna().sum())
    week = (np.arange(first, end) * _DAYS_A_WEEK - _MONDAY) * _DAY_S
    return pd.DataFrame(
        {
            "kind": pd.Categorical([kind] * len(week), categories=[each.name for each in _KINDS]),
            "week": from_unix_seconds(pd.Series(week, dtype="Int64")),
            **counts,
            "existed": before + np.cumsum(counts["created"] - counts["destroyed"]),
        }
    ).astype(dict.fromkeys((*counts, "existed"), "int64"))


def _weeks(moments: pd.Series[Any]) -> NDArray[np.int64]:
    """Return the number of the week, from Monday on, that each moment is in."""
    seconds = moments.dt.as_unit("s").astype("int64")  # pandas 2 makes a moment alone one of nanoseconds
    days = np.asarray(seconds, dtype=np.int64) // _DAY_S
    return (days + _MONDAY) // _DAYS_A_WEEK
