"""
Columns of a table as a reader sees them: which are shown, which belong together, and what each is a measure of.

All is read from the names and dtypes of the columns, since every table carries its units in its names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any

import pandas as pd

from doaudit.formatting import visible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Kind", "ShownColumn", "choose_columns", "known_names"]


class Kind(Enum):
    """Kind of what a column holds, which says how it is written."""

    TEXT = "text"
    CHIP = "chip"
    RESOURCE = "resource"
    FLAG = "flag"
    COUNT = "count"
    ID = "id"
    NUMBER = "number"
    SHARE = "share"
    RATIO = "ratio"
    WEEKDAY = "weekday"
    CHANCE = "chance"
    SPAN = "span"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """
    A column that is shown.

    Attributes:
        name: of the table's column.
        heading: above it, without its unit.
        kind: what it holds.
        low: name of the column with the lower end of its interval; empty if it has none.
        high: name of the column with the upper end.
    """

    name: str
    heading: str
    kind: Kind
    low: str = ""
    high: str = ""


_NUMBERS = {"ratio": Kind.RATIO, "q": Kind.CHANCE, "weekday": Kind.WEEKDAY}
_CHIPS = {"severity", "verdict", "outcome", "status"}
# Shares that are not called rate or share: those of `outcome_curves`, and of `open_actions`.
_SHARES = {"share", "older_than", "completed", "errored", "unclear", "open"}
# What programs need, or what only a second question is about.
_FOR_PROGRAMS = {
    *("call", "deff", "groups_tested", "ids", "q_duration", "q_rate", "q_tail"),
    *("off_id", "on_id", "rate_if_open_complete", "rate_if_open_fail", "tests", "untimed"),
}
# Figures of which a sentence of the same row is made.
_IN_SENTENCE = {
    *(
        "actions_after",
        "actions_before",
        "after_s",
        "age_s",
        "before_s",
        "compared_with",
        "errored_after",
        "errored_before",
    ),
    *("finished_after", "finished", "finished_before", "group", "older_than", "open_after", "open_before"),
    *("p50_after_s", "p50_before_s", "p50_left_s", "p90_left_s", "presence", "rate_after", "rate_before"),
    *("rate_change", "shape", "usual_p50_s", "usual_p99_s"),
}
# What follows from another column of the same row. A table by one of them alone has it as the name of its rows.
_FOLLOWING = {
    "actions": {"finished"},
    "completed_share": {"completed"},
    "kind": {"group"},
    "id": {"observed_at"},
    "resource": {"resource_type", "resource_id"},
}
_ODD_IF_ANY = {"unclear"}  # worth a column only where there are some


def known_names(table: pd.DataFrame) -> list[str]:
    """Return the names of the columns that can be asked for, as text."""
    return [str(name) for name in table.columns]


def choose_columns(table: pd.DataFrame, names: Sequence[str] | None = None) -> list[ShownColumn]:
    """
    Choose the columns of a table that are shown, in their order; ids come last, so that names come before them.

    Args:
        table: with columns of different names.
        names: exactly these, in this order; by default all but those for programs and those without any value.

    Example:
        >>> table = pd.DataFrame({"id": [7], "p50_s": [9.0], "p50_low_s": [8.0], "p50_high_s": [11.0], "deff": [1.0]})
        >>> [(column.heading, column.low) for column in choose_columns(table)]
        [('p50', 'p50_low_s'), ('id', '')]
    """
    intervals = dict(_intervals(known_names(table)))
    if names is not None:
        return [_column(table, name, intervals) for name in names]
    ends = {end for pair in intervals.values() for end in pair}
    shown = [name for name in known_names(table) if name not in ends and _is_for_people(table, name)]
    ids_last = sorted(shown, key=lambda name: name == "id")
    return _distinct([_column(table, name, intervals) for name in ids_last])


def _distinct(columns: list[ShownColumn]) -> list[ShownColumn]:
    """Say of two columns with the same heading which is a time: `most` is a number of actions, `most_s` how long."""
    headings = [column.heading for column in columns]
    return [
        replace(column, heading=f"{column.heading} (time)")
        if column.kind is Kind.SPAN and headings.count(column.heading) > 1
        else column
        for column in columns
    ]


def _intervals(names: Sequence[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Return each column that has an interval, with the columns of its ends."""
    for before, name in zip(["", *names], names, strict=False):
        stem, unit = (name.removesuffix("_s"), "_s") if name.endswith("_s") else (name, "")
        ends = (f"{stem}_low{unit}", f"{stem}_high{unit}")
        if set(ends) <= set(names):
            yield name, ends
        elif name == "low" and "high" in names and before:
            yield before, ("low", "high")


def _is_for_people(table: pd.DataFrame, name: str) -> bool:
    """Return whether a column is shown where nobody asks for columns."""
    column = table[name]
    following = {each for basis, those in _FOLLOWING.items() if basis in table.columns for each in those}
    if (
        name in _FOR_PROGRAMS | following
        or name.endswith("_ids")
        or (name in _IN_SENTENCE and "sentence" in table.columns)
    ):
        return False
    if name == "resource_name" and "resource" in table.columns:
        return False  # it is the label of the resource
    if name in _ODD_IF_ANY and pd.api.types.is_integer_dtype(column.dtype):
        return bool((column != 0).any())
    return not len(table) or bool((column.notna() & (column != "")).any())


def _column(table: pd.DataFrame, name: str, intervals: dict[str, tuple[str, str]]) -> ShownColumn:
    kind = _kind(name, table[name])
    low, high = intervals.get(name, ("", ""))
    return ShownColumn(name, _heading(name, kind), kind, low, high)


def _heading(name: str, kind: Kind) -> str:
    """Write a column's name as a heading: its unit is said by each cell, but for UTC."""
    words = name
    if kind is Kind.SPAN:
        words = name.removesuffix("_s")
    elif kind is Kind.MOMENT:
        words = f"{name} (UTC)"
    return visible(words.replace("_", " "))


def _kind(name: str, column: pd.Series[Any]) -> Kind:
    types = pd.api.types
    is_whole = types.is_integer_dtype(column)
    is_share = name in _SHARES or name.endswith(("_rate", "_share")) or name.startswith("rate_")
    rules = (
        (name == "resource", Kind.RESOURCE),
        (isinstance(column.dtype, pd.DatetimeTZDtype), Kind.MOMENT),
        (types.is_bool_dtype(column), Kind.FLAG),
        (not types.is_numeric_dtype(column), Kind.CHIP if name in _CHIPS else Kind.TEXT),
        (name in _NUMBERS, _NUMBERS.get(name, Kind.NUMBER)),
        (name.endswith("_s"), Kind.SPAN),
        (is_whole and (name == "id" or name.endswith("_id")), Kind.ID),
        (is_whole, Kind.COUNT),
        (is_share, Kind.SHARE),
    )
    return next((kind for holds, kind in rules if holds), Kind.NUMBER)
