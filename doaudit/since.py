"""Moments from which on, or until which, actions are wanted: a span counted back, a date, or a time with a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from doaudit.errors import InvalidArgument

__all__ = ["Since", "parse_since", "parse_span", "read_moment"]

Since = str | date | timedelta
"""A moment: "90d", "30min", "2026-06-01", a date (midnight in UTC), a datetime with a zone, or a timedelta."""

_UNITS = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(rf"(\d{{1,10}})\s*({'|'.join(_UNITS)})")
_LONGEST_S = int(timedelta.max.total_seconds())
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


def parse_since(since: Since, now: datetime, *, name: str = "since") -> datetime:
    """
    Return the moment that is meant, in UTC.

    Args:
        since: "90d", "12h", "30min" or "8w", counted back from now; "2026-06-01" or a date, from midnight in UTC; a
            text or a datetime with a zone, such as "2026-06-01T08:00:00Z"; or a timedelta.
        now: the time, with its zone.
        name: what the argument is called, for messages.

    Raises:
        InvalidArgument: it is none of these, has no zone, or lies in the future.

    Example:
        >>> parse_since("90d", datetime(2026, 11, 23, 12, tzinfo=UTC)).isoformat()
        '2026-08-25T12:00:00+00:00'
    """
    moment = read_moment(since, name=name)
    if isinstance(moment, timedelta):
        moment = now - moment if now - _EARLIEST > moment else _EARLIEST
    if moment > now:
        raise InvalidArgument(
            f"{name} says from when on actions are wanted; {moment:%Y-%m-%d %H:%M} UTC is yet to come."
        )
    return moment


def read_moment(moment: Since, *, name: str = "since") -> datetime | timedelta:
    """
    Return a moment in UTC, or the span by which it lies back, which needs no clock.

    Args:
        moment: as in `parse_since`.
        name: what the argument is called, for messages.

    Raises:
        InvalidArgument: it is no moment, or has no zone.

    Example:
        >>> read_moment("2026-06-01").isoformat(), read_moment("8w", name="until").days
        ('2026-06-01T00:00:00+00:00', 56)
    """
    if isinstance(moment, str):
        if span := _SPAN.fullmatch(moment.strip()):
            return timedelta(seconds=min(int(span[1]) * _UNITS[span[2]], _LONGEST_S))
        moment = _from_text(moment.strip(), name)
    if isinstance(moment, timedelta):
        return moment
    if not isinstance(moment, date):
        raise InvalidArgument(_forms(name, moment))
    if not isinstance(moment, datetime):
        return datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        raise InvalidArgument(
            f"{name} has no time zone: {moment.isoformat()}. Add one, as in {moment.isoformat()}Z for UTC, or give a "
            'span such as "90d".'
        )
    return moment.astimezone(UTC)


def parse_span(span: str | timedelta, *, name: str) -> timedelta:
    """
    Return a span of time: "30d", "12h", "8w", or a timedelta.

    Raises:
        InvalidArgument: it is none of these, or nothing long.

    Example:
        >>> parse_span("2w", name="last")
        datetime.timedelta(days=14)
    """
    long = read_moment(span, name=name) if isinstance(span, str) and _SPAN.fullmatch(span.strip()) else span
    if not isinstance(long, timedelta) or long <= timedelta(0):
        raise InvalidArgument(f'{name} is how long a period is, such as "30d", "12h" or "8w"; got {span!r}.')
    return long


def _from_text(text: str, name: str) -> date:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    raise InvalidArgument(_forms(name, text))


def _forms(name: str, got: object) -> str:
    return (
        f'{name} is "90d", "12h", "30min", a date such as "2026-06-01", or a time with a zone such as '
        f'"2026-06-01T08:00:00Z"; got {got!r}.'
    )
