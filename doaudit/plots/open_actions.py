"""Plot of open actions: the age of each, and the range in which its end is expected."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.labels import action_names, first_rows_phrase, percentage
from doaudit.plots.table_columns import numbers, require
from doaudit.plots.time_axis import open_ends, time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["open_actions"]

_COLUMNS: Final = (
    "type", "resource", "started_at", "age_s", "verdict", "finished", "older_than", "p50_left_s", "p90_left_s",
)  # fmt: skip
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "": {"color": style.SKY, "label": "age"},
    "slow": {"color": style.ORANGE, "hatch": "//", "label": "age, slow"},
    "stuck": {"color": style.VERMILLION, "hatch": "////", "label": "age, stuck"},
}


def open_actions(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 20) -> Axes:
    """
    Draw the age of each open action as a bar, and as a range the age at which it is expected to end (p50 to p90).

    A range whose p90 is not known runs into an arrow; without a known p50 there is none. Slow and stuck actions are
    hatched and say so.

    Args:
        table: what `doaudit.open_actions` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of actions to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> action = {"type": "snapshot", "resource": "droplet:123", "started_at": pd.Timestamp("2026-03-12", tz="UTC")}
        >>> age = {"age_s": 90, "verdict": "normal", "finished": 812, "older_than": 0.5}
        >>> left = {"p50_left_s": 30, "p90_left_s": 80}
        >>> ax = open_actions(pd.DataFrame([action | age | left]), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.texts]
        ['1 min 30 s', 'older than 50 % of 812']
    """
    require(table, _COLUMNS, maker="open_actions")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.3) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "actions")
        style.set_title(axes, f"Open actions, by age{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no open actions to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        style.label_rows(axes, action_names(first), font_size=font_size)
        _draw(axes, first)
        ages = [
            time_span(age) + (f", {look}" if look else "")
            for age, look in zip(numbers(first, "age_s"), _looks(first), strict=True)
        ]
        style.row_texts(axes, ages, notes=_comparisons(first), font_size=font_size)
        axes.set_xlabel("from start of the action, log scale")
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    age, p50_left, p90_left = (numbers(table, column) for column in ("age_s", "p50_left_s", "p90_left_s"))
    rows = np.arange(len(table))
    right = time_axis(ax, [*age, *(age + p50_left), *(age + p90_left)], from_zero=True)
    looks = np.array(_looks(table))
    handles: list[Any] = []
    for look, style_of_bar in _LOOKS.items():
        if (mask := looks == look).any():
            handles.append(ax.barh(rows[mask], age[mask], height=0.5, linewidth=0, **style_of_bar))
    known = np.isfinite(p50_left) & ~np.isnan(p90_left)
    bounded, endless = known & np.isfinite(p90_left), known & np.isinf(p90_left)
    first, last = age + p50_left, np.minimum(age + p90_left, right)
    ax.hlines(rows[known], first[known], last[known], color=style.BLUE, linewidth=2.2, capstyle="butt")
    ax.plot(first[known], rows[known], marker="o", markersize=5.5, **style.MARKERS_ONLY, color=style.BLUE)
    ax.plot(
        last[bounded],
        rows[bounded],
        marker="|",
        markersize=9,
        markeredgewidth=2,
        **style.MARKERS_ONLY,
        color=style.BLUE,
    )
    open_ends(ax, rows[endless], right=right, color=style.BLUE)
    if known.any():
        handles.append(Line2D([], [], color=style.BLUE, marker="o", linewidth=2.2, label="expected end, p50 to p90"))
    style.legend(ax, handles)


def _looks(table: pd.DataFrame) -> list[str]:
    return [verdict if verdict in _LOOKS else "" for verdict in table["verdict"].astype(str)]


def _comparisons(table: pd.DataFrame) -> list[str]:
    return [
        f"older than {percentage(older)} of {finished:,}" if finished else "nothing to compare with"
        for older, finished in zip(numbers(table, "older_than"), table["finished"], strict=True)
    ]
