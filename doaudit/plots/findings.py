"""Plot of findings: for each a row with a mark at its beginning, which shows how bad it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from doaudit.plots import style
from doaudit.plots.date_axis import date_numbers, show_dates
from doaudit.plots.labels import first_rows_phrase, group_labels
from doaudit.plots.table_columns import require

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["findings"]

_COLUMNS: Final = ("severity", "kind", "group", "since")
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "act now": {"marker": "D", "markersize": 6, "color": style.VERMILLION},
    "look": {"marker": "s", "markersize": 6, "color": style.ORANGE},
    "know": {"marker": "o", "markersize": 6, "color": style.BLUE},
}
_UNKNOWN: Final[dict[str, Any]] = {"markerfacecolor": style.BACKGROUND, "markeredgewidth": 1.4}


def findings(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 30) -> Axes:
    """
    Draw each finding as a mark at the time since when it is so, the worst first, and the line from there until the end.

    Shape and colour say whether to act now, to look, or only to know. A finding whose beginning is not known has an
    open mark at the right end. Beside each row stands the time in UTC.

    Args:
        table: what `doaudit.findings` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of findings to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> from matplotlib.figure import Figure
        >>> one = {"severity": "look", "kind": "droplet off", "group": "web-01"}
        >>> table = pd.DataFrame([one | {"since": pd.Timestamp("2026-03-12T22:27:07Z")}])
        >>> ax = findings(table, ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_yticklabels()], [text.get_text() for text in ax.texts]
        (['droplet off · web-01'], ['2026-03-12 22:27'])
    """
    require(table, _COLUMNS, maker="findings")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.22) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "findings")
        style.set_title(axes, f"Findings, the worst first{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no findings to show")
            return axes
        font_size = style.row_font_size(axes, len(first))
        style.label_rows(axes, group_labels(first, ["kind", "group"], among=table), font_size=font_size)
        _draw(axes, first)
        since = ["not known" if pd.isna(moment) else f"{moment:%Y-%m-%d %H:%M}" for moment in first["since"]]
        style.row_texts(axes, since, font_size=font_size)
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    since, severity = date_numbers(table["since"]), table["severity"].to_numpy(dtype=object)
    is_known, rows = ~np.isnan(since), np.arange(len(table))
    _, right = show_dates(ax, since, margin=0.03)
    ax.set_xlabel("since, UTC" if is_known.any() else "")
    ax.hlines(rows[is_known], since[is_known], right, color=style.GRID, linewidth=1.6, zorder=0)
    handles = []
    for name, look in _LOOKS.items():
        is_so = severity == name
        if is_so.any():
            handles.append(Line2D([], [], linestyle="none", label=name, **look))
        ax.plot(since[is_so & is_known], rows[is_so & is_known], **look, **style.MARKERS_ONLY, clip_on=False)
        open_marks = rows[is_so & ~is_known]
        places = np.full(len(open_marks), right)
        ax.plot(places, open_marks, **(look | _UNKNOWN), **style.MARKERS_ONLY, clip_on=False)
    if not is_known.all():
        look = {"marker": "o", "markersize": 6, "color": style.MUTED_TEXT, **_UNKNOWN}
        handles.append(Line2D([], [], linestyle="none", label="beginning not known", **look))
    style.legend(ax, handles)
