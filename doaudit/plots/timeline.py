"""Plot of a timeline: the actions of each resource as bars along the time, or of one resource those of each type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patches import Patch

from doaudit.plots import style
from doaudit.plots.date_axis import date_axis, date_numbers
from doaudit.plots.labels import first_rows_phrase, group_labels
from doaudit.plots.table_columns import group_keys, require
from doaudit.plots.time_axis import open_ends

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["timeline"]

_COLUMNS: Final = ("type", "resource", "start", "end", "outcome")
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "completed": {"facecolor": style.BLUE},
    "unclear": {"facecolor": "#8A8A8A"},
    "open": {"facecolor": style.ORANGE},
    "errored": {"facecolor": style.VERMILLION, "hatch": "////"},
}
"""From the one that is drawn first to the one that lies on top."""
_HALF_HEIGHT: Final = 0.31
_NARROWEST: Final = 1 / 400  # of the axis
_SHORTEST: Final = 1 / 1440  # days that an axis shows at least


def timeline(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 20) -> Axes:
    """
    Draw each action as a bar from its start to its end: a row for each resource, or for each type if there is only one.

    Of many accounts a resource is that of its account, which is in front. Errored ones are hatched and lie on top; an
    open one goes on to the right edge and runs into an arrow. Bars are wide enough to be seen, so ask for a shorter
    time where they meet. The row that was active last is at the top.

    Args:
        table: what `doaudit.timeline` returns, or part of it.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of rows to draw, from the one that was active last.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> start, end = (pd.Timestamp(f"2026-03-12T22:27:{second}Z") for second in ("07", "14"))
        >>> power_off = {"type": "power_off", "resource": "droplet:5", "start": start, "end": end}
        >>> ax = timeline(pd.DataFrame([power_off | {"outcome": "completed"}]), ax=Figure().add_subplot())
        >>> ax.get_title(loc="left"), [label.get_text() for label in ax.get_yticklabels()]
        ('What happened to droplet:5', ['power_off'])
    """
    require(table, _COLUMNS, maker="timeline")
    started = table[table["start"].notna()]
    by_resource = [*(name for name in ("account",) if name in table), "resource"]
    if len(by_resource) > 1:  # the table goes account by account
        started = started.sort_values("start", kind="stable")
    resources = started.drop_duplicates(by_resource, keep="last")[::-1]
    row_by = ["type"] if len(resources) == 1 else by_resource
    rows = resources if len(resources) != 1 else started.drop_duplicates("type", keep="last")[::-1]
    first = rows.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.25) as axes:
        one = group_labels(resources, by_resource, among=resources)[0] if len(resources) == 1 else ""
        about = f" to {one}" if one else ", by resource"
        which = first_rows_phrase(len(first), len(rows), f"{row_by[-1]}s").replace("first", "latest")
        style.set_title(axes, f"What happened{about}{which}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no actions to show")
            return axes
        labels = group_labels(first, row_by, among=rows)
        style.label_rows(axes, labels, font_size=style.row_font_size(axes, len(first)))
        number = {key: row for row, key in enumerate(group_keys(first, row_by))}
        row = np.array([number.get(key, -1) for key in group_keys(started, row_by)])
        _draw(axes, started[row >= 0], row[row >= 0])
        axes.set_xlabel("time, UTC")
    return axes


def _draw(ax: Axes, table: pd.DataFrame, row: np.ndarray) -> None:
    start, end = date_numbers(table["start"]), date_numbers(table["end"])
    outcome = table["outcome"].to_numpy(dtype=object)
    left, right = start.min(), np.nanmax(np.append(end, start))
    length = max(right - left, _SHORTEST)
    ax.set_xlim(left - 0.01 * length, right + 0.015 * length)
    is_open = outcome == "open"
    end = np.where(is_open, ax.get_xlim()[1], np.where(np.isnan(end), start, end))
    width = np.maximum(end - start, length * _NARROWEST)
    for name, look in _LOOKS.items():
        for number in np.unique(row[outcome == name]):
            bars = (outcome == name) & (row == number)
            spans = list(zip(start[bars], width[bars], strict=True))
            ax.broken_barh(spans, (number - _HALF_HEIGHT, 2 * _HALF_HEIGHT), linewidth=0, **look)
    open_ends(ax, row[is_open], right=ax.get_xlim()[1], color=style.ORANGE)
    date_axis(ax)
    style.legend(ax, [Patch(**look, linewidth=0, label=name) for name, look in _LOOKS.items() if name in set(outcome)])
