"""Plot of backups: the age of the last snapshot or backup of each droplet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.labels import first_rows_phrase, resource_names
from doaudit.plots.table_columns import group_keys, numbers, require
from doaudit.plots.time_axis import time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["backups"]

_COLUMNS: Final = (
    "resource", "resource_name", "last_type", "age_s", "longest_gap_s", "taken", "without", "still_exists",
)  # fmt: skip
_DAY_S: Final = 86_400
_RECENT: Final[dict[str, Any]] = {"marker": "o", "markersize": 6.5, "color": style.BLUE, "label": "recent enough"}
_WITHOUT: Final[dict[str, Any]] = {"marker": "D", "markersize": 6, "color": style.VERMILLION, "label": "too long ago"}
_NEVER: Final[dict[str, Any]] = {"marker": ">", "markersize": 7, "color": style.VERMILLION, "label": "none was taken"}


def backups(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 30) -> Axes:
    """
    Draw for each droplet how long ago a snapshot or backup of it was taken, as a dot on a time axis.

    Where that is too long ago there is a diamond, and where none was taken an arrow at the end of the axis. Beside each
    row stand the age, of what, how many were taken, and the longest time without one.

    Args:
        table: what `doaudit.backups` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of droplets to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> droplet = {"resource": "droplet:7", "resource_name": "web-01", "last_type": "backup", "age_s": 90_000.0}
        >>> droplet |= {"longest_gap_s": 200_000.0, "taken": 12, "without": False, "still_exists": True}
        >>> ax = backups(pd.DataFrame([droplet]), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.texts]
        ['1 d 1 h, backup', '12 taken, at most 2 d 7 h without']
    """
    require(table, _COLUMNS, maker="backups")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.27) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "droplets", "longest without first")
        style.set_title(axes, f"Last snapshot or backup of each droplet{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no droplets to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        style.label_rows(axes, resource_names(first), font_size=font_size)
        _draw(axes, first)
        style.row_texts(axes, _ages(first), notes=_counts(first), font_size=font_size)
        axes.set_xlabel("time since it was taken, log scale")
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    age = numbers(table, "age_s")
    right = time_axis(ax, [_DAY_S, *age], from_zero=False)  # a day is seen, however long ago all of them are
    never, without = np.isnan(age), table["without"].to_numpy(dtype=bool)
    at, rows = np.where(never, right, age), np.arange(len(table))
    ax.hlines(rows, ax.get_xlim()[0], at, color=style.GRID, linewidth=1.6, zorder=0)
    handles = []
    for mask, look in ((never, _NEVER), (~never & without, _WITHOUT), (~never & ~without, _RECENT)):
        if mask.any():
            handles += ax.plot(at[mask], rows[mask], **look, **style.MARKERS_ONLY, clip_on=False)
    style.legend(ax, handles)


def _ages(table: pd.DataFrame) -> list[str]:
    rows = zip(numbers(table, "age_s"), group_keys(table, ["last_type"]), strict=True)
    return ["none was taken" if np.isnan(age) else f"{time_span(age)}, {type_}" for age, (type_,) in rows]


def _counts(table: pd.DataFrame) -> list[str]:
    gone = (table["still_exists"] == False).to_numpy(dtype=bool, na_value=False)  # noqa: E712 -- null is not false
    rows = zip(table["taken"], numbers(table, "longest_gap_s"), gone, strict=True)
    return [
        (f"{taken:,} taken, at most {time_span(gap)} without" if taken else "")
        + (", none exists" if taken and is_gone else "")
        for taken, gap, is_gone in rows
    ]
