"""Text for people: time spans, counts, rates and times, and text from outside made safe to show."""

from __future__ import annotations

import html
import math
import unicodedata
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["count", "html_text", "one_line", "rate", "time_span", "utc_datetime", "utc_time", "visible"]

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_LONGEST_LINE = 200
# Control characters, those that turn the direction of text or have no width, lone surrogates, ends of lines.
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def time_span(seconds: float | None) -> str:
    """
    Write a time span in its two largest units; '-' if it is unknown or infinite.

    Example:
        >>> [time_span(span) for span in (0, 59.6, 90, 240, 3_700, 200_000, None, float("inf"))]
        ['0 s', '1 min', '1 min 30 s', '4 min', '1 h 1 min', '2 d 7 h', '-', '-']
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    rest = max(0, round(seconds))
    if rest < 10 * _MINUTE:
        minutes, rest = divmod(rest, _MINUTE)
        return _two_units(minutes, "min", rest, "s")
    if rest < _DAY:
        hours, rest = divmod(rest // _MINUTE, _MINUTE)
        return _two_units(hours, "h", rest, "min")
    days, rest = divmod(rest // _HOUR, _DAY // _HOUR)
    return _two_units(days, "d", rest, "h")


def _two_units(large: int, large_unit: str, small: int, small_unit: str) -> str:
    parts = [f"{large:,} {large_unit}"] if large else []
    parts += [f"{small} {small_unit}"] if small or not large else []
    return " ".join(parts)


def count(number: int, noun: str) -> str:
    """
    Write a number of things, the noun in the plural unless there is one.

    Example:
        >>> count(1, "request"), count(52_292, "action")
        ('1 request', '52,292 actions')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rate(share: float) -> str:
    """
    Write a share as a percentage; '-' if there is none.

    Example:
        >>> rate(0.010175), rate(float("nan"))
        ('1.02 %', '-')
    """
    return "-" if math.isnan(share) else f"{100 * share:.2f} %"


def utc_time(moment: datetime) -> str:
    """
    Write the time of day in UTC, to the second.

    Example:
        >>> from datetime import datetime
        >>> utc_time(datetime.fromisoformat("2026-03-12T23:27:07+01:00"))
        '22:27:07'
    """
    return f"{moment.astimezone(UTC):%H:%M:%S}"


def utc_datetime(moment: datetime) -> str:
    """
    Write the day and the time in UTC, to the second.

    Example:
        >>> from datetime import datetime
        >>> utc_datetime(datetime.fromisoformat("2026-03-12T23:27:07+01:00"))
        '2026-03-12 22:27:07 UTC'
    """
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def visible(text: str, *, keep: str = "") -> str:
    r"""
    Show control characters of a text as escapes: no terminal obeys one, and no name looks like another by one.

    Letters of every language, marks and symbols stay. What is shown already is not changed again.

    Args:
        text: a text from outside, such as a droplet's name.
        keep: control characters that stay, such as the line feeds of a table.

    Example:
        >>> print(visible("Größe \x1b]0;title\a \u202egpj.exe\n"))
        Größe \x1b]0;title\x07 \u202egpj.exe\n
    """
    if text.isprintable():
        return text
    return "".join(_escape(c) if unicodedata.category(c) in _UNSEEN and c not in keep else c for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def html_text(text: object) -> str:
    r"""
    Escape a text for HTML: what looks like a tag in it, and every control character, is shown and not interpreted.

    Example:
        >>> html_text('<b>db</b> & "co"')
        '&lt;b&gt;db&lt;/b&gt; &amp; &quot;co&quot;'
        >>> print(html_text("\u202egpj.exe"))
        \u202egpj.exe
    """
    return html.escape(visible(str(text)))


def one_line(text: str, longest: int = _LONGEST_LINE) -> str:
    r"""
    Put a text from outside into one line of printable characters, cut after *longest* of them.

    Blanks and ends of lines become one space each time, and other control characters visible.

    Example:
        >>> print(one_line("a\n\n\x1bb"))
        a \x1bb
    """
    line = visible(" ".join(text[: 4 * longest].split()))
    line = "".join(c if c.isprintable() else " " for c in line)  # what no font has a picture of
    return line if len(line) <= longest else line[: longest - 1] + "…"
