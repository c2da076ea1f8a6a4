"""Plot of power periods: a bar over time for each period in which a droplet was off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import Patch

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.date_axis import date_axis, date_numbers
from doaudit.plots.labels import first_rows_phrase, resource_names
from doaudit.plots.table_columns import group_keys, numbers, require
from doaudit.plots.time_axis import open_ends

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["power_periods"]

_COLUMNS: Final = ("resource", "resource_name", "off_from", "still_off", "off_s", "off_by", "on_by", "certain")
_LOOKS: Final = {
    (True, True): (style.VERMILLION, "still off"),
    (True, False): (style.ORANGE, "still off, not certain"),
    (False, True): (style.BLUE, "was off"),
    (False, False): (style.SKY, "was off, not certain"),
}
_DAY_S: Final = 86_400
_NARROWEST: Final = 1 / 250  # of the axis


def power_periods(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 25) -> Axes:
    """
    Draw each period in which a droplet was off as a bar over time; one that has not ended runs into an arrow.

    A bar that would be too narrow is drawn wide enough to be seen. Periods that are not certain are lighter, and say
    so. Beside each row stands how long it was, and which actions began and ended it.

    Args:
        table: what `doaudit.power_periods` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of periods to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> period = {"resource": "droplet:7", "resource_name": "web", "off_from": pd.Timestamp("2026-03-12", tz="UTC")}
        >>> period |= {"still_off": True, "off_s": 200_000.0, "off_by": "power_off", "on_by": None, "certain": True}
        >>> ax = power_periods(pd.DataFrame([period]), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.texts]
        ['2 d 7 h, still off', 'since power_off']
    """
    require(table, _COLUMNS, maker="power_periods")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.27) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "periods", "still off first, then longest")
        style.set_title(axes, f"Periods in which a droplet was off{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no periods to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        days = [f"{moment:%Y-%m-%d}" for moment in first["off_from"]]
        names = [f"{name} {day}" for name, day in zip(resource_names(first, beside=11), days, strict=True)]
        style.label_rows(axes, names, font_size=font_size)
        _draw(axes, first)
        style.row_texts(axes, _lengths(first), notes=_causes(first), font_size=font_size)
        axes.set_xlabel("day, UTC")
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    begin, days = date_numbers(table["off_from"]), np.nan_to_num(numbers(table, "off_s")) / _DAY_S
    left, right = begin.min(), max((begin + days).max(), begin.min() + 1)
    ax.set_xlim(left - 0.02 * (right - left), right)
    widths = np.maximum(days, _NARROWEST * (right - left))
    still_off, certain = (table[name].to_numpy(dtype=bool) for name in ("still_off", "certain"))
    handles = []
    ax.hlines(range(len(table)), *ax.get_xlim(), color=style.GRID, linewidth=0.8, zorder=0)
    for (is_off, is_certain), (color, label) in _LOOKS.items():
        rows = np.flatnonzero((still_off == is_off) & (certain == is_certain))
        if len(rows):
            ax.barh(rows, widths[rows], 0.55, np.minimum(begin[rows], right - widths[rows]), color=color, linewidth=0)
            handles.append(Patch(facecolor=color, linewidth=0, label=label))
        if is_off and len(rows):
            open_ends(ax, rows, right=right, color=color)
    date_axis(ax)
    style.legend(ax, handles)


def _lengths(table: pd.DataFrame) -> list[str]:
    rows = zip(numbers(table, "off_s"), table["still_off"], table["certain"], strict=True)
    return [
        time_span(seconds) + (", still off" if still_off else "") + ("" if certain else ", not certain")
        for seconds, still_off, certain in rows
    ]


def _causes(table: pd.DataFrame) -> list[str]:
    return [f"{off} to {on}" if on else f"since {off}" for off, on in group_keys(table, ["off_by", "on_by"])]
