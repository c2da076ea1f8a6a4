"""Plot of failures: for each type of action a row with a line at the time of each action that errored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from doaudit.formatting import count
from doaudit.plots import style
from doaudit.plots.date_axis import date_numbers, show_dates
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels
from doaudit.plots.table_columns import group_keys, require, rows_by_key, within_accounts

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["failures"]

_HALF_HEIGHT: Final = 0.36  # of a line, in rows


def failures(table: pd.DataFrame, *, by: str = "type", ax: Axes | None = None, top: int = 25) -> Axes:
    """
    Draw a line at the start of each action that errored, in a row for each type, that with most of them first.

    The more there are in a row, the fainter is each, so that crowds are darker than the rest. Beside each row stands
    how many there are, and when the last one started, in UTC.

    Args:
        table: what `doaudit.failures` returns.
        by: the column that has a row for each of its values: 'type', 'resource_type', 'resource' or 'region'.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of rows to draw.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> from matplotlib.figure import Figure
        >>> failed = {"type": "resize", "started_at": pd.Timestamp("2026-03-12T22:27:07Z")}
        >>> ax = failures(pd.DataFrame([failed]), ax=Figure().add_subplot())
        >>> ax.get_title(loc="left"), [text.get_text() for text in ax.texts]
        ('When actions failed, by type', ['1 failure, last 2026-03-12'])
    """
    require(table, (by, "started_at"), maker="failures")
    columns = within_accounts(table, by)
    groups = sorted(rows_by_key(group_keys(table, columns)).values(), key=len, reverse=True)
    with style.figure_for(ax, rows=len(groups[:top]), row_inches=0.25) as axes:
        phrase = by_phrase([by]) + first_rows_phrase(len(groups[:top]), len(groups), "groups", "most failures first")
        style.set_title(axes, f"When actions failed{phrase}")
        started = [date_numbers(table["started_at"].iloc[group]) for group in groups[:top]]
        if table.empty:
            style.empty_message(axes, "no failures to show")
            return axes
        font_size = style.row_font_size(axes, len(started))
        first = table.iloc[[group[0] for group in groups[:top]]]
        style.label_rows(axes, group_labels(first, columns, among=table), font_size=font_size)
        _draw(axes, started)
        style.row_texts(axes, _counts(table["started_at"], groups[:top]), font_size=font_size)
        axes.set_xlabel("start of the action, UTC")
    return axes


def _draw(ax: Axes, started: list[np.ndarray]) -> None:
    ends = show_dates(ax, np.concatenate(started))
    ax.hlines(range(len(started)), *ends, color=style.GRID, linewidth=0.8, zorder=0)
    for row, moments in enumerate(started):
        opacity, heights = style.opacity(len(moments)), (row - _HALF_HEIGHT, row + _HALF_HEIGHT)
        ax.vlines(moments[~np.isnan(moments)], *heights, color=style.VERMILLION, linewidth=1.2, alpha=opacity)


def _counts(started_at: pd.Series, groups: list[list[int]]) -> list[str]:
    newest = [started_at.iloc[group].max() for group in groups]
    return [
        count(len(group), "failure") + ("" if pd.isna(last) else f", last {last:%Y-%m-%d}")
        for group, last in zip(groups, newest, strict=True)
    ]
