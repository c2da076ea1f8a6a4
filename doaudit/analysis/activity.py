"""Activity: actions that started in each period, and in each hour of the week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from doaudit.analysis.tally import per_hour, sum_counts
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

__all__ = ["activity", "week_pattern"]

_HOURS_A_DAY, _DAYS_A_WEEK = 24, 7
_HOURS_A_WEEK = _HOURS_A_DAY * _DAYS_A_WEEK
_MONDAY = 3  # the first day since 1970 is a Thursday, three days after one


@dataclass(frozen=True, slots=True)
class _Calendar:
    """Periods counted from 1970: the number of the one that an hour is in, and the start of a numbered one."""

    number: Callable[[Numbers], Numbers]
    start: Callable[[Numbers], NDArray[np.datetime64]]


def _week(day: Numbers) -> Numbers:
    return (day + _MONDAY) // _DAYS_A_WEEK


_MONTHS = _Calendar(
    lambda hour: hour.astype("datetime64[h]").astype("datetime64[M]").astype(np.int64),
    lambda month: month.astype("datetime64[M]"),
)
_CALENDARS = {
    "h": _Calendar(lambda hour: hour, lambda hour: hour.astype("datetime64[h]")),
    "D": _Calendar(lambda hour: hour // _HOURS_A_DAY, lambda day: day.astype("datetime64[D]")),
    "W": _Calendar(
        lambda hour: _week(hour // _HOURS_A_DAY),
        lambda week: (week * _DAYS_A_WEEK - _MONDAY).astype("datetime64[D]"),
    ),
    "MS": _MONTHS,
    "ME": _MONTHS,
}


def activity(actions: IntoFrame, freq: str = "D") -> pd.DataFrame:
    """
    Count the actions that started in each period, by outcome, from the first period to the last, without gaps.

    An action without a start belongs to no period and is left out.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        freq: "h" hours, "D" days, "W" weeks from Monday, "MS" or "ME" months; all in UTC.

    Returns:
        One row a period: `period` (datetime64[s, UTC], its start), `actions`, `completed`, `errored`, `open`, `unclear`
        (int64).

    Raises:
        InvalidArgument: *freq* is none of these, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(1, "done", "resize", f"2021-10-0{day}T10:00:00Z") for day in (1, 3)]
        >>> activity(to_frame(taken, observed_at=1633400000))["actions"].tolist()
        [1, 0, 1]
    """
    if freq not in _CALENDARS:
        known = ", ".join(repr(name) for name in _CALENDARS)
        raise InvalidArgument(f"freq must be one of {known}; got {freq!r}.")
    calendar = _CALENDARS[freq]
    hours = per_hour(actions)
    number = calendar.number(hours["hour"].to_numpy())
    first, end = (number[0], number[-1] + 1) if len(number) else (0, 0)
    counts = _counts(hours, number - first, end - first)
    period = pd.DatetimeIndex(calendar.start(np.arange(first, end)).astype("datetime64[s]"), tz="UTC")
    return pd.DataFrame({"period": period}).join(counts)


def week_pattern(actions: IntoFrame) -> pd.DataFrame:
    """
    Count the actions that start in each hour of the week, and compute the share of them that failed.

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Returns:
        Always 168 rows: `weekday` (0 is Monday), `hour` (0 to 23, UTC), `actions`, `errored` (int64), and
        `failure_rate` among the completed and errored (float64, NaN if there are none).

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> pattern = week_pattern(to_frame([Record(1, "errored", "resize", "2026-03-12T22:27:07Z")], 1773354500))
        >>> pattern[pattern["actions"] > 0].values.tolist()
        [[3.0, 22.0, 1.0, 1.0, 1.0]]
    """
    hours = per_hour(actions)
    since_monday = (hours["hour"].to_numpy() + _MONDAY * _HOURS_A_DAY) % _HOURS_A_WEEK
    counts = _counts(hours, since_monday, _HOURS_A_WEEK)
    finished = counts["completed"] + counts["errored"]
    hour_of_week = np.arange(_HOURS_A_WEEK)
    return pd.DataFrame(
        {
            "weekday": hour_of_week // _HOURS_A_DAY,
            "hour": hour_of_week % _HOURS_A_DAY,
            "actions": counts["actions"],
            "errored": counts["errored"],
            "failure_rate": counts["errored"] / finished.where(finished > 0),
        }
    )


def _counts(hours: pd.DataFrame, slot: Numbers, slots: int) -> pd.DataFrame:
    """Sum the counts of each slot, numbered from 0; zeros where nothing started."""
    counts = sum_counts(hours.assign(slot=slot), "slot").set_index("slot")
    return counts.reindex(range(slots), fill_value=0).reset_index(drop=True)
