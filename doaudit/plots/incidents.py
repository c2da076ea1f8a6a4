"""Plot of incidents: for each a row with the failures of its group on every day, and the incident among them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import Patch

from doaudit.plots import style
from doaudit.plots.date_axis import date_axis, date_numbers
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels
from doaudit.plots.table_columns import by_columns, group_keys, numbers, require, rows_by_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from matplotlib.axes import Axes

    from doaudit.plots.table_columns import GroupKey

__all__ = ["incidents"]

_COLUMNS: Final = ("first_failure_at", "last_failure_at", "actions", "errored", "expected")
_DAILY: Final = ("day", "actions", "errored")
_LOOK: Final = style.VERMILLION
_HEIGHT = 0.8  # of the tallest bar, in rows
_NARROWEST, _LOWEST = 1 / 300, 0.1  # of the axis, and of the tallest bar


def incidents(table: pd.DataFrame, *, daily: pd.DataFrame | None = None, ax: Axes | None = None, top: int = 12) -> Axes:
    """
    Draw each incident as a bar at its days, as high as it has failures, and faint ones for those of all other days.

    A bar of few failures is drawn high enough to be seen.

    Beside each row stands how many of how many actions failed, and how many were to be expected.

    Args:
        table: what `doaudit.incidents` returns.
        daily: what `doaudit.daily_failures` returns for the same `by`; without it the other days are not drawn.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of incidents to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: a table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> day = pd.Timestamp("2026-06-17", tz="UTC")
        >>> one = {"region": "ams3", "first_failure_at": day, "last_failure_at": day, "actions": 239, "errored": 150}
        >>> ax = incidents(pd.DataFrame([one | {"expected": 2.2}]), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.texts]
        ['150 of 239 failed', '2.2 expected']
    """
    require(table, _COLUMNS, maker="incidents")
    by = by_columns(table, until="first_failure_at")
    if daily is not None:
        require(daily, (*by, *_DAILY), maker="daily_failures")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.34) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "incidents")
        style.set_title(axes, f"Incidents{by_phrase(by)}{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no incidents to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        style.label_rows(axes, _names(first, by, table), font_size=font_size)
        _draw(axes, first, daily, by)
        errored, actions = ([f"{count:,}" for count in first[name]] for name in ("errored", "actions"))
        counts = [f"{failed} of {of} failed" for failed, of in zip(errored, actions, strict=True)]
        notes = [f"{expected:,.1f} expected" for expected in numbers(first, "expected")]
        style.row_texts(axes, counts, notes=notes, font_size=font_size)
        axes.set_xlabel("day, UTC")
    return axes


def _names(table: pd.DataFrame, by: Sequence[str], among: pd.DataFrame) -> list[str]:
    days = [f"{first:%Y-%m-%d}" for first in table["first_failure_at"]]
    labels = group_labels(table, by, among=among)
    return [f"{label} {day}" if by else day for label, day in zip(labels, days, strict=True)]


def _draw(ax: Axes, table: pd.DataFrame, daily: pd.DataFrame | None, by: Sequence[str]) -> None:
    first, last = _days(table["first_failure_at"]), _days(table["last_failure_at"])
    seen = np.concatenate([first, last, np.empty(0) if daily is None else _days(daily["day"])])
    ax.set_xlim(seen.min(), seen.max() + 1)
    others = _failures_by_group(daily, by)
    highest = max([table["errored"].max(), *(errored.max() for _, errored in others.values())])
    rows = zip(group_keys(table, by), first, last, numbers(table, "errored"), strict=True)
    for row, (key, begin, end, errored) in enumerate(rows):
        ax.axhline(row + _HEIGHT / 2, color=style.GRID, linewidth=0.8, zorder=0)
        days, counts = others.get(key, (np.empty(0), np.empty(0)))
        outside = (days < begin) | (days > end)
        _bars(ax, row, days[outside], days[outside] + 1, counts[outside] / highest, style.SKY)
        _bars(ax, row, np.array([begin]), np.array([end + 1]), np.array([errored / highest]), _LOOK)
    date_axis(ax)
    handles = [Patch(facecolor=_LOOK, linewidth=0, label="failures in the incident")]
    style.legend(ax, [*handles, *([Patch(facecolor=style.SKY, linewidth=0, label="on other days")] if others else [])])


def _failures_by_group(daily: pd.DataFrame | None, by: Sequence[str]) -> dict[GroupKey, tuple[np.ndarray, np.ndarray]]:
    """Return for each group the days with failures, and how many."""
    if daily is None:
        return {}
    failed = daily[daily["errored"] > 0]
    days, counts = _days(failed["day"]), numbers(failed, "errored")
    return {key: (days[rows], counts[rows]) for key, rows in rows_by_key(group_keys(failed, by)).items()}


def _bars(ax: Axes, row: int, begin: np.ndarray, end: np.ndarray, shares: np.ndarray, color: str) -> None:
    """Draw bars that stand on the lower edge of a row; each is wide and high enough to be seen."""
    left, right = ax.get_xlim()
    widths = np.maximum(end - begin, (right - left) * _NARROWEST)
    heights = _HEIGHT * np.maximum(shares, _LOWEST)
    ax.bar(begin, -heights, widths, row + _HEIGHT / 2, align="edge", color=color, linewidth=0)


def _days(moments: pd.Series) -> np.ndarray:
    """Return the days that moments are on, as matplotlib counts them."""
    days: np.ndarray = np.floor(date_numbers(moments))
    return days
