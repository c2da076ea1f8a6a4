"""Times and texts as a panel says them. What comes from the API is text, and stays text in HTML."""

from __future__ import annotations

import html
import math
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["box", "clock_time", "day_time", "escaped", "span"]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def escaped(text: object) -> str:
    """
    A text for HTML: what looks like a tag in it is shown, not obeyed.

    Example:
        >>> escaped('<b>db</b> & "co"')
        '&lt;b&gt;db&lt;/b&gt; &amp; &quot;co&quot;'
    """
    return html.escape(str(text))


def span(seconds: float | None) -> str:
    """
    A time span in one or two units; unknown is a dash.

    Example:
        >>> [span(one) for one in (0, 59.6, 90, 240, 3_700, 200_000, None, float("inf"))]
        ['0 s', '1 min', '1 min 30 s', '4 min', '1 h 1 min', '2 d 7 h', '-', '-']
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    left = max(0, round(seconds))
    if left < 10 * _MINUTE:
        minutes, rest = divmod(left, _MINUTE)
        return _two(minutes, "min", rest, "s")
    if left < _DAY:
        hours, rest = divmod(left // _MINUTE, _MINUTE)
        return _two(hours, "h", rest, "min")
    days, rest = divmod(left // _HOUR, _DAY // _HOUR)
    return _two(days, "d", rest, "h")


def _two(large: int, large_unit: str, small: int, small_unit: str) -> str:
    parts = [f"{large} {large_unit}"] if large else []
    parts += [f"{small} {small_unit}"] if small or not large else []
    return " ".join(parts)


def clock_time(moment: datetime) -> str:
    """
    The time of day in UTC, to the second.

    Example:
        >>> from datetime import datetime
        >>> clock_time(datetime.fromisoformat("2026-03-12T23:27:07+01:00"))
        '22:27:07'
    """
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def day_time(moment: datetime) -> str:
    """
    Day and time in UTC, to the second.

    Example:
        >>> from datetime import datetime
        >>> day_time(datetime.fromisoformat("2026-03-12T23:27:07+01:00"))
        '2026-03-12 22:27:07 UTC'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def box(kind: str, inside: str, *, role: str = "") -> str:
    """
    HTML in a frame: *kind* is 'good', 'bad', 'warn' or 'info'; *inside* is HTML already; *role* an ARIA role.

    Example:
        >>> box("good", "<p>Done.</p>", role="status")
        '<div class="da-box da-good" role="status"><p>Done.</p></div>'
    """
    return f'<div class="da-box da-{kind}"{f" role={chr(34)}{role}{chr(34)}" if role else ""}>{inside}</div>'
