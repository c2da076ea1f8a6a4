"""Activity: actions that started in each period, and in each hour of the week."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd

from doaudit.analysis.groups import key_columns, number_groups, with_keys
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.tally import per_slot, sum_counts
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.groups import By

    Numbers = NDArray[np.int64]

__all__ = ["activity", "week_pattern"]

_HOURS_A_DAY, _DAYS_A_WEEK = 24, 7
_HOURS_A_WEEK = _HOURS_A_DAY * _DAYS_A_WEEK
_SLOT_S = 900  # every offset from UTC that is in force today is a whole number of quarter hours
_MOST_ROWS = 5_000_000
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


def activity(actions: IntoFrame, freq: str = "D", by: By = ()) -> pd.DataFrame:
    """
    Count the actions that started in each period, by outcome, from the first period to the last, without gaps.

    An action without a start belongs to no period and is left out.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        freq: "h" hours, "D" days, "W" weeks from Monday, "MS" or "ME" months; all in UTC.
        by: the column or columns to group by; each group has the same periods, those of all actions. Nulls are a group
            of their own.

    Returns:
        One row for each group and period: the *by* columns (a `resource` has its newest `resource_name` beside it);
        `period` (datetime64[s, UTC], its start), `actions`,
        `completed`, `errored`, `open`, `unclear` (int64).

    Raises:
        InvalidArgument: *freq* is none of these, *by* names a column that the frame does not have, there would be more
            than five million rows, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(1, "done", "resize", f"2021-10-0{day}T10:00:00Z") for day in (1, 3)]
        >>> activity(to_frame(taken, observed_at=1633400000))["actions"].tolist()
        [1, 0, 1]
    """
    if freq not in _CALENDARS:
        known = ", ".join(repr(name) for name in _CALENDARS)
        raise InvalidArgument(f"freq must be one of {known}; got {freq!r}.")
    keys = key_columns(by)
    calendar, hours = _CALENDARS[freq], per_slot(actions, keys)
    number = calendar.number(hours["slot"].to_numpy())
    first, end = (number.min(), number.max() + 1) if len(number) else (0, 0)
    groups, group = number_groups(hours, keys)
    periods = int(end - first)
    if len(groups) * periods > _MOST_ROWS:
        raise InvalidArgument(
            f"{len(groups):,} groups in {periods:,} periods are more than {_MOST_ROWS:,} rows. Take longer periods "
            f"than freq={freq!r}, or fewer groups: doaudit.select(actions, ...) selects some."
        )
    counts = _counts(hours, group * periods + (number - first), len(groups) * periods)
    period = pd.DatetimeIndex(calendar.start(np.arange(first, end)).astype("datetime64[s]"), tz="UTC")
    rows = np.repeat(np.arange(len(groups)), periods)
    named = groups.iloc[rows].reset_index(drop=True)
    table = with_keys(named, {"period": period.take(np.tile(np.arange(periods), len(groups))), **counts})
    return with_resource_names(table, actions, by)


def week_pattern(actions: IntoFrame, tz: str = "UTC") -> pd.DataFrame:
    """
    Count the actions that start in each hour of the week, and compute the share of them that failed.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        tz: the time zone whose clock tells the hour, with its daylight saving time, such as "Europe/Berlin".

    Returns:
        Always 168 rows: `weekday` (0 is Monday), `hour` (0 to 23, by the clock of the zone), `actions`, `errored`
        (int64), `failure_rate` among the completed and errored (float64, NaN if there are none), and `zone` (text, the
        same in each row).

    Raises:
        InvalidArgument: there is no such time zone, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(1, "errored", "resize", "2026-03-12T22:27:07Z")], observed_at=1773354500)
        >>> pattern = week_pattern(actions, tz="Asia/Kolkata")
        >>> pattern[pattern["actions"] > 0].values.tolist()
        [[4, 3, 1, 1, 1.0, 'Asia/Kolkata']]
    """
    zone = _zone(tz)
    slots = per_slot(actions, slot_s=_SLOT_S)
    counts = _counts(slots, _hour_of_week(slots["slot"].to_numpy() * _SLOT_S, zone), _HOURS_A_WEEK)
    finished = counts["completed"] + counts["errored"]
    hour_of_week = np.arange(_HOURS_A_WEEK)
    return pd.DataFrame(
        {
            "weekday": hour_of_week // _HOURS_A_DAY,
            "hour": hour_of_week % _HOURS_A_DAY,
            "actions": counts["actions"],
            "errored": counts["errored"],
            "failure_rate": counts["errored"] / finished.where(finished > 0),
            "zone": pd.Series([tz] * _HOURS_A_WEEK, dtype="str"),
        }
    )


def _zone(tz: str) -> ZoneInfo:
    """Return the time zone of a name, or say which one may have been meant."""
    try:
        return ZoneInfo(tz)
    except (LookupError, ValueError, TypeError, OSError):  # a folder of zones, such as "Europe", is an OSError
        names = {name.lower(): name for name in sorted(available_timezones())}
        nearest = get_close_matches(str(tz).lower(), names, n=1)
    hint = f" Did you mean {names[nearest[0]]!r}?" if nearest else ""
    raise InvalidArgument(f'tz is the name of a time zone, such as "UTC" or "Europe/Berlin"; got {tz!r}.{hint}')


def _hour_of_week(seconds: Numbers, zone: ZoneInfo) -> Numbers:
    """Return the hour since Monday 00:00 that a clock in the zone shows at each of *seconds* since 1970."""
    moment = pd.DatetimeIndex(seconds.astype("datetime64[s]"), tz="UTC").tz_convert(zone)
    return np.asarray(moment.day_of_week * _HOURS_A_DAY + moment.hour, dtype=np.int64)


def _counts(starts: pd.DataFrame, place: Numbers, places: int) -> pd.DataFrame:
    """Sum the counts of each place, numbered from 0; zeros where nothing started."""
    counts = sum_counts(starts.assign(place=place)[["place", "outcome", "actions"]], "place").set_index("place")
    return counts.reindex(range(places), fill_value=0).reset_index(drop=True)
