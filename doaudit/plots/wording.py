"""Words in a picture: names of groups and actions, times, counts; and the check that a table has its columns."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "Keys",
    "action_names",
    "by_columns",
    "group_keys",
    "group_names",
    "numbers",
    "plain",
    "require",
    "share",
    "shown",
    "spoken",
    "time_span",
]

Keys = tuple[str | None, ...]
"""What names a group: its value in each `by` column, None where that is null."""

LONGEST_NAME = 44
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def require(table: pd.DataFrame, columns: Sequence[str], *, maker: str) -> None:
    """
    Refuse a table that lacks one of *columns*; *maker* is the function that makes such tables.

    Example:
        >>> require(pd.DataFrame({"id": [1]}), ["id", "age_s"], maker="open_actions")
        Traceback (most recent call last):
        doaudit.errors.InvalidArgument: The table has no column 'age_s'; draw what doaudit.open_actions(...) returns.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        names = ", ".join(repr(column) for column in missing)
        plural = "s" if len(missing) > 1 else ""
        raise InvalidArgument(f"The table has no column{plural} {names}; draw what doaudit.{maker}(...) returns.")


def numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """
    A column as floats, nulls as NaN, whichever dtype it has.

    Example:
        >>> numbers(pd.DataFrame({"age_s": pd.array([3, None], dtype="Int64")}), "age_s").tolist()
        [3.0, nan]
    """
    return table[column].to_numpy(dtype=float, na_value=np.nan)


def by_columns(table: pd.DataFrame, *, until: str) -> list[str]:
    """
    The columns a table was grouped by: those before the column *until*.

    Example:
        >>> by_columns(pd.DataFrame(columns=["region", "type", "actions", "open"]), until="actions")
        ['region', 'type']
    """
    return [str(column) for column in table.columns[: list(table.columns).index(until)]]


def group_keys(table: pd.DataFrame, by: Sequence[str]) -> list[Keys]:
    """
    Each row's value in the *by* columns, as text; None where it is null.

    Example:
        >>> group_keys(pd.DataFrame({"region": ["fra1", None]}), ["region"])
        [('fra1',), (None,)]
    """
    columns = [[None if pd.isna(value) else str(value) for value in table[column]] for column in by]
    return list(zip(*columns, strict=True)) if columns else [()] * len(table)


def group_names(keys: Sequence[Keys]) -> list[str]:
    """
    How groups are called in a picture.

    Example:
        >>> group_names([("droplet", "snapshot"), ("volume", None), ()])
        ['droplet · snapshot', 'volume · (none)', 'all actions']
    """
    return [plain(" · ".join("(none)" if part is None else part for part in key)) or "all actions" for key in keys]


def action_names(actions: pd.DataFrame) -> list[str]:
    """
    How single actions are called in a picture: type, resource and day; needs `type`, `resource`, `started_at`.

    Example:
        >>> started = pd.to_datetime(["2026-03-12T22:27:07Z"])
        >>> action_names(pd.DataFrame({"type": ["snapshot"], "resource": ["droplet:123"], "started_at": started}))
        ['snapshot droplet:123 2026-03-12']
    """
    days = [None if pd.isna(start) else f"{start:%Y-%m-%d}" for start in actions["started_at"]]
    whats = group_keys(actions, ["type", "resource"])
    # The day never falls victim to a long name: it is what tells two actions on one resource apart.
    return [
        f"{plain(' '.join(part or '(none)' for part in what), longest=LONGEST_NAME - 11)} {day or '(no start)'}"
        for what, day in zip(whats, days, strict=True)
    ]


def plain(text: str, *, longest: int = LONGEST_NAME) -> str:
    r"""
    One printable line of at most *longest* characters: a longer text loses its middle, for names differ at their ends.

    Example:
        >>> plain("reserved_ip:45.55.96.47\nassign", longest=15)
        'reserved_…ssign'
    """
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if len(line) <= longest:
        return line
    tail = (longest - 1) * 2 // 5
    return f"{line[: longest - 1 - tail]}…{line[-tail:]}"


def time_span(seconds: float) -> str:
    """
    A time in its two largest units, rounded down.

    Example:
        >>> [time_span(seconds) for seconds in (0, 61, 3600, 200_000)]
        ['0 s', '1 min 1 s', '1 h', '2 d 7 h']
    """
    rest = int(seconds)
    for position, (size, unit) in enumerate(_UNITS):
        if rest >= size:
            small_size, small_unit = _UNITS[min(position + 1, len(_UNITS) - 1)]
            small = rest % size // small_size
            return f"{rest // size:,} {unit}" + (f" {small} {small_unit}" if small else "")
    return "0 s"


def share(part: float) -> str:
    """
    A share in percent, rounded down: 99.96 % is not called all.

    Example:
        >>> share(0.9996), share(1.0), share(0.5)
        ('99.9 %', '100 %', '50 %')
    """
    # The tiny addend undoes what a binary fraction lacks: 0.29 * 1000 is 289.99999999999994.
    return f"{math.floor(part * 1000 + 1e-9) / 10:g} %"


def spoken(by: Sequence[str]) -> str:
    """
    What to add to a title for a table that is grouped.

    Example:
        >>> spoken(["resource_type", "type"]), spoken([])
        (', by resource type and type', '')
    """
    return f", by {' and '.join(by)}".replace("_", " ") if by else ""


def shown(rows: int, of: int, noun: str) -> str:
    """
    What to add to a title when only the first rows of a table are drawn.

    Example:
        >>> shown(12, 31, "groups"), shown(5, 5, "groups")
        (' (first 12 of 31 groups)', '')
    """
    return f" (first {rows} of {of:,} {noun})" if rows < of else ""
