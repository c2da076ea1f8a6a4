"""Moments from which on actions are wanted: a span that is counted back, a date, or a time with a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from doaudit.errors import InvalidArgument

__all__ = ["Since", "parse_since", "parse_span"]

Since = str | date | timedelta
"""A moment: "90d", "12h", "2026-06-01", a date (midnight in UTC), a datetime with a zone, or a timedelta."""

_SPAN = re.compile(r"(\d{1,6})\s*([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


def parse_since(since: Since, now: datetime, *, name: str = "since") -> datetime:
    """
    Return the moment that is meant, in UTC.

    Args:
        since: "90d", "12h" or "8w", counted back from now; "2026-06-01" or a date, from midnight in UTC; a text or a
            datetime with a zone, such as "2026-06-01T08:00:00Z"; or a timedelta.
        now: the time, with its zone.
        name: what the argument is called, for messages.

    Raises:
        InvalidArgument: it is none of these, has no zone, or lies in the future.

    Example:
        >>> parse_since("90d", datetime(2026, 11, 23, 12, tzinfo=UTC)).isoformat()
        '2026-08-25T12:00:00+00:00'
    """
    moment = _moment(since, now, name)
    if moment > now:
        raise InvalidArgument(
            f"{name} says from when on actions are wanted; {moment:%Y-%m-%d %H:%M} UTC is yet to come."
        )
    return moment


def parse_span(span: str | timedelta, *, name: str) -> timedelta:
    """
    Return a span of time: "30d", "12h", "8w", or a timedelta.

    Raises:
        InvalidArgument: it is none of these, or nothing long.

    Example:
        >>> parse_span("2w", name="last")
        datetime.timedelta(days=14)
    """
    text = _SPAN.fullmatch(span.strip()) if isinstance(span, str) else None
    long = int(text[1]) * _UNITS[text[2]] if text else span
    if not isinstance(long, timedelta) or long <= timedelta(0):
        raise InvalidArgument(f'{name} is how long a period is, such as "30d", "12h" or "8w"; got {span!r}.')
    return long


def _moment(since: Since, now: datetime, name: str) -> datetime:
    if isinstance(since, str):
        if span := _SPAN.fullmatch(since.strip()):
            since = int(span[1]) * _UNITS[span[2]]
        else:
            since = _from_text(since.strip(), name)
    if isinstance(since, timedelta):
        return now - since if now - _EARLIEST > since else _EARLIEST
    if not isinstance(since, datetime):
        since = datetime(since.year, since.month, since.day, tzinfo=UTC)
    if since.tzinfo is None:
        raise InvalidArgument(
            f"{name} has no time zone: {since.isoformat()}. Add one, as in {since.isoformat()}Z for UTC, or give a "
            'span such as "90d".'
        )
    return since.astimezone(UTC)


def _from_text(text: str, name: str) -> date:
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            return read(text)
        except ValueError:
            continue
    raise InvalidArgument(
        f'{name} is "90d", "12h", "8w", a date such as "2026-06-01", or a time with a zone such as '
        f'"2026-06-01T08:00:00Z"; got {text!r}.'
    )
