"""Plot of lifespans: for each resource a line from its creation to its destruction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.lines import Line2D

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.date_axis import date_numbers, show_dates
from doaudit.plots.labels import first_rows_phrase, resource_names, shorten
from doaudit.plots.table_columns import numbers, require
from doaudit.plots.time_axis import open_ends

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["lifespans"]

_COLUMNS: Final = ("kind", "resource", "resource_name", "created_at", "destroyed_at", "lifespan_s", "lives")
_COLORS: Final = {"droplet": style.BLUE, "reserved_ip": style.ORANGE}
_MOST_NAMED: Final = 40
"""More resources than this are drawn as thin lines without names."""
_DAY_S: Final = 86_400
_SHARE_OF_ROW: Final = 0.55  # that its line takes
_THINNEST, _THICKEST = 0.8, 8.0  # of a line, in points
_NARROWEST: Final = 1 / 400  # of the axis


def lifespans(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 5000) -> Axes:
    """
    Draw the life of each resource as a line from its creation to its destruction, the newest at the top.

    One that lives runs into an arrow at the right; one whose creation is not known begins at the left edge. The colour
    tells droplets from reserved IPs. Up to forty have their names and how long they lived beside them.

    Args:
        table: what `doaudit.lifespans` returns, or part of it.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of resources to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> life = {"kind": "droplet", "resource": "droplet:7", "resource_name": "web-01", "lifespan_s": 90_000.0}
        >>> life |= {"created_at": pd.Timestamp("2026-03-12T22:27:07Z"), "destroyed_at": pd.NaT, "lives": True}
        >>> ax = lifespans(pd.DataFrame([life]), ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_yticklabels()], [text.get_text() for text in ax.texts]
        (['web-01'], ['1 d 1 h, lives'])
    """
    require(table, _COLUMNS, maker="lifespans")
    first = table.head(top)
    named = len(first) <= _MOST_NAMED
    with style.figure_for(ax, rows=min(len(first), _MOST_NAMED // 2), row_inches=0.22) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "resources")
        style.set_title(axes, f"From creation to destruction{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no resources to show")
            return axes
        font_size = style.row_font_size(axes, len(first))
        style.label_rows(axes, resource_names(first) if named else [""] * len(first), font_size=font_size)
        _draw(axes, first)
        axes.set_xlabel("day, UTC")
        if named:
            style.row_texts(axes, _lengths(first), font_size=font_size)
        else:
            axes.set_yticks([])
            axes.set_ylabel(f"{len(first):,} resources, the newest at the top")
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    created, destroyed = date_numbers(table["created_at"]), date_numbers(table["destroyed_at"])
    lives, kind = table["lives"].to_numpy(dtype=bool), table["kind"].astype(str).to_numpy()
    end = np.where(lives, created + numbers(table, "lifespan_s") / _DAY_S, destroyed)
    left, right = show_dates(ax, np.concatenate([created, end]), margin=0.01)
    begin = np.where(np.isnan(created), left, created)
    end = np.where(lives | np.isnan(end), right, end)
    begin = np.minimum(begin, right - _NARROWEST * (right - left))
    end = np.maximum(end, begin + _NARROWEST * (right - left))
    rows, handles = np.arange(len(table)), []
    width = np.clip(_SHARE_OF_ROW * style.row_points(ax, len(table)), _THINNEST, _THICKEST)
    for name in sorted(set(kind)):
        is_so, color = kind == name, _COLORS.get(name, style.MUTED_TEXT)
        ax.hlines(rows[is_so], begin[is_so], end[is_so], color=color, linewidth=width, capstyle="butt")
        label = "reserved IP" if name == "reserved_ip" else shorten(name.replace("_", " "))
        handles.append(Line2D([], [], color=color, linewidth=4, label=label))
        if len(table) <= _MOST_NAMED:
            open_ends(ax, rows[is_so & lives], right=right, color=color)
    style.legend(ax, handles)


def _lengths(table: pd.DataFrame) -> list[str]:
    rows = zip(numbers(table, "lifespan_s"), table["lives"], strict=True)
    return [
        ("creation not known" if np.isnan(seconds) else time_span(seconds)) + (", lives" if lives else "")
        for seconds, lives in rows
    ]
