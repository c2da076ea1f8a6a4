"""Cells of a column as people read them: the text, its tone, and the place of its interval on a bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.formatting import rate, time_span, visible
from doaudit.show.columns import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from doaudit.show.columns import ShownColumn

__all__ = ["Cell", "column_cells"]

_NOTHING = "-"
_LEAST_CHANCE = 0.001
_SECONDS_A_MINUTE = 60
_TONES = {
    **dict.fromkeys(("act now", "stuck", "errored", "failed again"), "bad"),
    **dict.fromkeys(("look", "slow"), "warn"),
    **dict.fromkeys(("normal", "completed", "recovered"), "good"),
    **dict.fromkeys(("open", "in-progress"), "accent"),
}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_TONES_IF_TRUE = {"without": "warn", "still_off": "warn"}


@dataclass(frozen=True, slots=True)
class Cell:
    """
    A cell of a grid.

    Attributes:
        text: what it says; control characters in it are visible.
        detail: what stands behind it in brackets, such as an interval; empty if nothing does.
        tone: 'good', 'warn', 'bad', 'accent' or 'muted' for a word that is a verdict; empty for all other cells.
        bar: lower end, value and upper end of the interval, as places from 0 to 1 on the scale of its column.
    """

    text: str
    detail: str = ""
    tone: str = ""
    bar: tuple[float, float, float] | None = None


def column_cells(rows: pd.DataFrame, column: ShownColumn) -> list[Cell]:
    """Return the cells of one column."""
    values = rows[column.name]
    match column.kind:
        case Kind.RESOURCE:
            return [Cell(text) for text in _resource_labels(rows)]
        case Kind.MOMENT:
            return _moment_cells(rows, column)
        case Kind.FLAG:
            return [_flag_cell(value, column.name) for value in values.tolist()]
        case Kind.CHIP | Kind.TEXT:
            return [_word_cell(value, is_chip=column.kind is Kind.CHIP) for value in values.tolist()]
        case _:
            return _number_cells(rows, column)


def _number_cells(rows: pd.DataFrame, column: ShownColumn) -> list[Cell]:
    write = _WRITERS[column.kind]
    if column.low:
        return _interval_cells(rows, column, write)
    return [Cell(_NOTHING if _is_null(value) else write(value)) for value in rows[column.name].tolist()]


def _is_null(value: object) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value))


def _text(value: object) -> str:
    return _NOTHING if _is_null(value) or value == "" else visible(str(value))


def _word_cell(value: object, *, is_chip: bool) -> Cell:
    tone = _TONES.get(str(value), "muted") if is_chip and not _is_null(value) else ""
    return Cell(_text(value), tone=tone)


def _flag_cell(value: object, name: str) -> Cell:
    if _is_null(value):
        return Cell(_NOTHING)
    return Cell("yes", tone=_TONES_IF_TRUE.get(name, "")) if value else Cell("no")


def _resource_labels(rows: pd.DataFrame) -> list[str]:
    """Return the name of each resource, with its key where others have the same name, or the key alone."""
    keys = rows["resource"].astype(object).tolist()
    if "resource_name" not in rows.columns:
        return [_text(key) for key in keys]
    names = rows["resource_name"].astype(object).tolist()
    keys_of: dict[object, set[object]] = {}
    for key, name in zip(keys, names, strict=True):
        keys_of.setdefault(name, set()).add(key)
    return [
        _text(key) if _is_null(name) else f"{_text(name)} ({_text(key)})" if len(keys_of[name]) > 1 else _text(name)
        for key, name in zip(keys, names, strict=True)
    ]


def _moment_cells(rows: pd.DataFrame, column: ShownColumn) -> list[Cell]:
    texts = _moments(rows[column.name])
    if not column.low:
        return [Cell(text) for text in texts]
    ends = zip(_moments(rows[column.low]), _moments(rows[column.high]), strict=True)
    return [Cell(text, _between(*pair)) for text, pair in zip(texts, ends, strict=True)]


def _moments(column: pd.Series[Any]) -> list[str]:
    """Write times in UTC to the minute, and to the day where all are the beginning of one."""
    utc = column.dt.tz_convert("UTC")
    known = utc.dropna()
    form = "%Y-%m-%d" if len(known) and (known == known.dt.normalize()).all() else "%Y-%m-%d %H:%M"
    return [_NOTHING if value is pd.NaT else value.strftime(form) for value in utc]


def _interval_cells(rows: pd.DataFrame, column: ShownColumn, write: Callable[[float], str]) -> list[Cell]:
    names = (column.low, column.name, column.high)
    values = rows[list(names)].to_numpy(dtype="float64", na_value=np.nan)
    bars = _bars(values, column.kind)
    return [
        Cell(
            _NOTHING if math.isnan(value) else write(value),
            "" if math.isnan(low) and math.isnan(high) else _interval(low, high, column.kind, write),
            bar=bar,
        )
        for (low, value, high), bar in zip(values.tolist(), bars, strict=True)
    ]


def _interval(low: float, high: float, kind: Kind, write: Callable[[float], str]) -> str:
    """Write both ends; an end that is not known is a dash."""
    ends = [_NOTHING if math.isnan(end) else write(end) for end in (low, high)]
    if kind is Kind.SHARE and min(low, high) >= 0:
        return "-".join(end.removesuffix(" %") for end in ends)
    return _between(*(end.removesuffix(" x") for end in ends))


def _between(low: str, high: str) -> str:
    return "" if low == high == _NOTHING else f"{low} to {high}"


def _bars(values: np.ndarray[Any, np.dtype[np.float64]], kind: Kind) -> Sequence[tuple[float, float, float] | None]:
    """
    Return the places of low, value and high from 0 to 1, or None where one of them is not known.

    Shares are drawn from nought. Spans and ratios differ by powers of ten within a column, so their scale is
    logarithmic; a span of less than a second is drawn as one.
    """
    known = np.isfinite(values).all(axis=1)
    if kind is Kind.NUMBER or kind is Kind.COUNT or not known.any() or (kind is Kind.SHARE and (values < 0).any()):
        return [None] * len(values)
    scaled = values if kind is Kind.SHARE else np.log(np.maximum(values, 1.0 if kind is Kind.SPAN else 1e-3))
    floor = 0.0 if kind in (Kind.SHARE, Kind.SPAN) else float(scaled[known].min())
    width = float(scaled[known].max()) - floor
    if width <= 0:
        return [None] * len(values)
    places = np.clip((scaled - floor) / width, 0.0, 1.0)
    return [
        (place[0], place[1], place[2]) if is_known else None
        for place, is_known in zip(places.tolist(), known.tolist(), strict=True)
    ]


def _span(seconds: float) -> str:
    """Write a span; of less than a minute a half second counts."""
    is_broken = 0 < seconds < _SECONDS_A_MINUTE and seconds != round(seconds)
    return f"{seconds:.1f} s" if is_broken else time_span(seconds)


def _chance(probability: float) -> str:
    return f"< {_LEAST_CHANCE}" if probability < _LEAST_CHANCE else f"{probability:.3f}"


def _weekday(number: int) -> str:
    return _WEEKDAYS[number] if 0 <= number < len(_WEEKDAYS) else str(number)


def _number(value: float) -> str:
    if not math.isfinite(value):
        return _NOTHING
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1_000 else f"{value:.3g}"  # noqa: PLR2004


_WRITERS: dict[Kind, Callable[[Any], str]] = {
    Kind.COUNT: lambda value: f"{value:,}",
    Kind.ID: str,
    Kind.NUMBER: _number,
    Kind.SHARE: rate,
    Kind.RATIO: lambda value: f"{value:.2f} x",
    Kind.WEEKDAY: _weekday,
    Kind.CHANCE: _chance,
    Kind.SPAN: _span,
}
