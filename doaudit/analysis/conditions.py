"""
Conditions on actions, as expressions that every engine evaluates where the rows are.

A condition is true or false for each row and never null, so that conditions can be joined and counted. Text is compared
as text and times as whole seconds, because engines differ in how they compare categories and moments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import narwhals as nw

from doaudit.analysis.tally import OUTCOMES, outcome_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "Condition",
    "has_outcome",
    "has_text",
    "has_value",
    "is_pattern",
    "pattern_regex",
    "started_before",
    "started_from",
    "was_running",
]

Values = tuple[str | None, ...]

_WILDCARDS = re.compile(r"([*?]+)")
_SPECIAL = re.compile(r"([\\.^$+{}\[\]|()])")


@dataclass(frozen=True)
class Condition:
    """
    One condition of a selection.

    Attributes:
        code: how it is written in a call of `select`.
        holds: the expression for it.
        columns: the columns that it is about.
        wanted: the values, or patterns, one of which they are to have; empty if it is about something else.
    """

    code: str
    holds: nw.Expr
    columns: tuple[str, ...] = ()
    wanted: Values = ()


def has_value(columns: Sequence[str], values: Values) -> nw.Expr:
    """
    Return the expression for a column that has one of the values or matches one of the patterns among them.

    None stands for null, which is looked for in the first column only: a resource that has a key may have no name.

    Example:
        >>> import pandas as pd
        >>> frame = nw.from_native(pd.DataFrame({"id": [1, 2, 3], "type": ["resize", "resize_volume", None]}))
        >>> frame.filter(has_value(["type"], ("*_volume", None)))["id"].to_list()
        [2, 3]
    """
    exact = [value for value in values if value is not None and not is_pattern(value)]
    patterns = [value for value in values if value is not None and is_pattern(value)]
    found = [nw.col(columns[0]).is_null()] if None in values else []
    for column in columns:
        text, is_there = nw.col(column).cast(nw.String), ~nw.col(column).is_null()
        found += [is_there & text.is_in(exact)] if exact else []
        found += [is_there & _matches(text.fill_null(""), pattern) for pattern in patterns]
    return _any(found)


def has_text(columns: Sequence[str], text: str) -> nw.Expr:
    """
    Return the expression for a column in which a text occurs, in capitals or not.

    Example:
        >>> import pandas as pd
        >>> frame = nw.from_native(pd.DataFrame({"id": [71, 5], "resource_name": ["db-1", "WEB-07"]}))
        >>> frame.filter(has_text(["id", "resource_name"], "web"))["id"].to_list()
        [5]
    """
    lower = [nw.col(column).cast(nw.String).fill_null("").str.to_lowercase() for column in columns]
    return _any([column.str.contains(text.lower(), literal=True) for column in lower])


def has_outcome(outcomes: Sequence[str], end: nw.Expr) -> nw.Expr:
    """
    Return the expression for an action that has one of the outcomes.

    Example:
        >>> import pandas as pd
        >>> frame = nw.from_native(pd.DataFrame({"status": ["done", "errored"], "end": [90, 90]}))
        >>> frame.filter(has_outcome(["completed"], nw.col("end")))["status"].to_list()
        ['done']
    """
    code = outcome_code(nw.col("status").cast(nw.String), end)
    return code.is_in([OUTCOMES.index(outcome) for outcome in outcomes])


def started_from(start: nw.Expr, since: int) -> nw.Expr:
    """
    Return the expression for an action that started at *since* or later, both in Unix seconds.

    Example:
        >>> import pandas as pd
        >>> frame = nw.from_native(pd.DataFrame({"start": [10, 20, None]}))
        >>> frame.filter(started_from(nw.col("start"), since=20))["start"].to_list()
        [20.0]
    """
    return ~start.is_null() & (start >= since)


def started_before(start: nw.Expr, until: int) -> nw.Expr:
    """
    Return the expression for an action that started before *until*, both in Unix seconds.

    Example:
        >>> import pandas as pd
        >>> frame = nw.from_native(pd.DataFrame({"start": [10, 20, None]}))
        >>> frame.filter(started_before(nw.col("start"), until=20))["start"].to_list()
        [10.0]
    """
    return ~start.is_null() & (start < until)


def was_running(times: Mapping[str, nw.Expr], since: int) -> nw.Expr:
    """
    Return the expression for an action that started at *since* or later, or was still running then.

    An open action runs on. One that has ended, nobody knows when, counts by its start only.

    Args:
        times: the seconds of `started_at` and `completed_at`.
        since: in Unix seconds.

    Example:
        >>> import pandas as pd
        >>> frame = nw.from_native(pd.DataFrame({"status": ["done"] * 2, "start": [10, 10], "end": [20, 21]}))
        >>> times = {"started_at": nw.col("start"), "completed_at": nw.col("end")}
        >>> frame.filter(was_running(times, since=20))["end"].to_list()
        [21]
    """
    start, end = times["started_at"], times["completed_at"]
    still = (~end.is_null() & (end > since)) | has_outcome(["open"], end)
    return started_from(start, since) | (~start.is_null() & still)


def is_pattern(value: str) -> bool:
    """
    Return whether a value has a wildcard.

    Example:
        >>> is_pattern("web-*"), is_pattern("web-01")
        (True, False)
    """
    return "*" in value or "?" in value


def pattern_regex(pattern: str) -> str:
    r"""
    Return a pattern as a regular expression that Python, Rust, RE2 and Java read alike.

    `*` stands for any characters, `?` for one that is no line break.

    Example:
        >>> pattern_regex("web-?.example.com*")
        '(?s)^web-[^\\n]\\.example\\.com'
    """
    pattern = _stars_last(pattern)
    parts = [_SPECIAL.sub(r"\\\1", part) for part in _WILDCARDS.split(pattern)]
    for at in range(1, len(parts), 2):
        parts[at] = parts[at].replace("?", r"[^\n]").replace("*", ".*")
    regex = "".join(parts)
    return f"(?s)^{regex.removesuffix('.*')}" if pattern.endswith("*") else f"(?s)^{regex}$"


def _stars_last(pattern: str) -> str:
    """Put the star of each run of wildcards at its end: "*?" says the same as "?*"."""
    return _WILDCARDS.sub(lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), pattern)


def _matches(text: nw.Expr, pattern: str) -> nw.Expr:
    found = text.str.contains(pattern_regex(pattern))
    # To some engines $ is also the place before a line break at the end of the text.
    return found if _stars_last(pattern).endswith(("*", "\n")) else found & ~text.str.ends_with("\n")


def _any(found: Sequence[nw.Expr]) -> nw.Expr:
    return reduce(or_, found)
