"""Changes: which durations and failure rates are different, since when, by how much, and the weeks that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.analysis.account_keys import within_accounts
from doaudit.analysis.change_scores import block_medians
from doaudit.analysis.change_search import DURATION, find_changes
from doaudit.analysis.change_sentences import change_sentence
from doaudit.analysis.change_sizes import duration_levels, rate_levels
from doaudit.analysis.groups import By, check_names, group_labels, number_groups, with_keys
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from narwhals.typing import IntoFrame

    from doaudit.analysis.change_search import Change

__all__ = ["change_series", "changes"]

_FIGURES = (
    "what", "shape", "since", "since_low", "since_high", "before_s", "after_s", "rate_before", "rate_after", "ratio",
    "ratio_low", "ratio_high", "q", "actions", "sentence",
)  # fmt: skip
_SERIES: dict[str, Any] = {
    "what": str, "week": "int64", "is_after": bool, "actions": "int64",
    "median_s": "float64", "failure_rate": "float64",
}  # fmt: skip
_WEEK = 7
_MONDAY = 4  # in days since 1970
_NO_DAY = np.iinfo(np.int64).min  # the number that numpy reads as NaT


def changes(actions: IntoFrame, by: By = "type", *, max_q: float = 0.05) -> pd.DataFrame:
    """
    List the groups whose durations or failure rate are different since some day, what got worse first.

    A duration is compared with the median of the same type on the same resource, so that a fleet which merely changes
    is no change; a resource's only action of a type, such as its creation, tells nothing then. Actions of one day are
    not taken for independent. The days and regions that `incidents` finds in an account alone are left out first.

    How large a change shows depends on the number of actions: durations 1.25 times as long for 90 days are always found
    among 2,000 actions of a year, and half of the time among 250, where twice as long is always found. Failures need
    patience: three times as many for 90 days are found 9 times in 10 where 70 fail a year, 3 in 10 where 24 do.
    Of quiet accounts at most one in twenty has a row. Durations that wander for weeks and come back (an autocorrelation
    of 0.7 from week to week) look like a change.

    Source: the largest split of aligned ranks in standard deviations of days; see `doaudit.analysis.change_points`
    (Lausen and Schumacher, 1992; Miller and Siegmund, 1982; Eo and Morley, 2015) and `doaudit.analysis.change_sizes`.
    All tests are judged together after Benjamini and Hochberg, 1995.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own, and
            no group is of two accounts.
        max_q: the share of false changes that is accepted among those listed.

    Returns:
        One row a change: `account` first, where the frame has it, and the *by* columns; `what` ("duration" or "failure
        rate"); `shape` ("step" or "gradual"); `since`, the first day of a step, and the days between which it began,
        `since_low` and `since_high` (datetime64[s, UTC], NaT if gradual); the medians `before_s`, `after_s` of what has
        actions on both sides (seconds), or the failure rates `rate_before`, `rate_after` (float64, NaN for what did not
        change); `ratio` of after to before, of durations like with like, and its 95 % interval `ratio_low`,
        `ratio_high` (float64, infinite where nothing failed before); `q` (float64, of the tests of all accounts
        together); `actions` in which it was found (int64); `sentence`.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or *max_q* is not between 0 and 1.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> def reboot(day, seconds):
        ...     start = pd.Timestamp("2026-01-01T10:00:00Z") + pd.Timedelta(day, "D")
        ...     end = start + pd.Timedelta(seconds, "s")
        ...     return Record(day, "completed", "reboot", f"{start:%FT%TZ}", f"{end:%FT%TZ}", 7, "droplet")
        >>> taken = [reboot(day, (20 if day < 60 else 40) + day * 7 % 10) for day in range(100)]
        >>> changes(to_frame(taken, observed_at=1780000000))["sentence"].item()
        'reboot takes 1.8 x as long as it did (1.7 to 1.9): 24 s before, 44 s since 2026-03-02 (02-27 to 03-05)'
    """
    keys = _checked_keys(within_accounts(actions, by), max_q, _FIGURES)
    groups, found = find_changes(actions, keys, max_q)
    table = with_keys(_keys(groups, found), _figures(found, groups))[[*keys, *_FIGURES]]
    return with_resource_names(table, actions, keys)


def change_series(actions: IntoFrame, by: By = "type", *, max_q: float = 0.05) -> pd.DataFrame:
    """
    Compute the median duration or the failure rate of each week, for the groups that `changes` lists.

    The week of a step has two rows, one with the actions before it and one with those after.

    Source: medians and shares of the very actions in which the change was found.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by, as in `changes`.
        max_q: as in `changes`.

    Returns:
        One row for each change and week (UTC) with an action, in the order of `changes`: `account` first, where the
        frame has it, and the *by* columns; `what` ("duration" or "failure rate"); `week`, its Monday (datetime64[s,
        UTC]); `is_after` the change began; `actions` (int64); `median_s` (float64 seconds) or `failure_rate` (float64),
        NaN for what did not change.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or *max_q* is not between 0 and 1.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> len(change_series(to_frame([Record(1, "errored", "resize")], observed_at=1632996000)))
        0
    """
    keys = _checked_keys(within_accounts(actions, by), max_q, _SERIES)
    groups, found = find_changes(actions, keys, max_q)
    weekly = [_by_week(change) for change in found]
    figures = pd.concat(weekly, ignore_index=True) if weekly else pd.DataFrame(columns=list(_SERIES))
    change_of = [change for change, weeks in zip(found, weekly, strict=True) for _ in range(len(weeks))]
    figures = figures.astype(_SERIES).assign(week=_moments(figures["week"]))
    return with_resource_names(with_keys(_keys(groups, change_of), {**figures})[[*keys, *_SERIES]], actions, keys)


def _checked_keys(keys: list[str], max_q: float, figures: Collection[str]) -> list[str]:
    if not 0 < max_q < 1:
        raise InvalidArgument(f"max_q must be a share between 0 and 1, such as 0.05; got {max_q!r}.")
    check_names(keys, figures)
    return keys


def _keys(groups: pd.DataFrame, found: Iterable[Change]) -> pd.DataFrame:
    return groups.iloc[[change.group for change in found]].reset_index(drop=True)


def _figures(found: list[Change], groups: pd.DataFrame) -> dict[str, Any]:
    levels = [duration_levels(change) if change.what == DURATION else rate_levels(change) for change in found]
    is_duration = np.array([change.what == DURATION for change in found], dtype=bool)
    before, after, ratio, low, high = np.array(
        [(level.before, level.after, level.ratio, level.low, level.high) for level in levels], dtype=float
    ).reshape(-1, 5).T  # fmt: skip
    return {
        "what": _text([change.what for change in found]),
        "shape": _text(["gradual" if change.is_gradual else "step" for change in found]),
        "since": _moments([_NO_DAY if change.is_gradual else change.since for change in found]),
        "since_low": _moments([_NO_DAY if change.is_gradual else change.since_low for change in found]),
        "since_high": _moments([_NO_DAY if change.is_gradual else change.since_high for change in found]),
        "before_s": np.where(is_duration, before, np.nan),
        "after_s": np.where(is_duration, after, np.nan),
        "rate_before": np.where(is_duration, np.nan, before),
        "rate_after": np.where(is_duration, np.nan, after),
        "ratio": ratio,
        "ratio_low": low,
        "ratio_high": high,
        "q": np.array([change.q for change in found], dtype=float),
        "actions": np.array([change.rows["actions"].sum() for change in found], dtype=np.int64),
        "sentence": _text(
            [change_sentence(*each) for each in zip(group_labels(_keys(groups, found)), found, levels, strict=True)]
        ),
    }


def _text(words: list[str]) -> pd.Series[str]:
    return pd.Series(words, dtype=str)


def _moments(days: Any) -> pd.DatetimeIndex:  # noqa: ANN401 -- whole days since 1970, as numpy takes them
    numbers = np.asarray(days, dtype=np.int64).astype("datetime64[D]")
    return pd.DatetimeIndex(numbers.astype("datetime64[s]"), tz="UTC")


def _by_week(change: Change) -> pd.DataFrame:
    """Return the weeks of one change, with the level of each."""
    rows = change.rows.assign(week=change.rows["day"] - (change.rows["day"] - _MONDAY) % _WEEK)
    weeks, week = number_groups(rows, ["week", "is_after"])
    count = rows["actions"].to_numpy()
    actions = np.bincount(week, count).astype(np.int64)
    weeks = weeks.assign(what=change.what, actions=actions, median_s=np.nan, failure_rate=np.nan)
    if change.what == DURATION:
        return weeks.assign(median_s=block_medians(week, rows["seconds"].to_numpy(), count))
    return weeks.assign(failure_rate=np.bincount(week, rows["errored"]) / actions)
