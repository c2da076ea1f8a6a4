"""Plot of duration curves: the share of each group that has ended, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.ticker import PercentFormatter

from doaudit.plots import style
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_names
from doaudit.plots.table_columns import by_columns, group_keys, numbers, require
from doaudit.plots.time_axis import time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["duration_curves"]

_COLORS: Final = (style.BLUE, style.VERMILLION, "#4D4D4D", style.ORANGE, style.SKY)
_DASHES: Final = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))


def duration_curves(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 4) -> Axes:
    """
    Draw the share of each group's actions that has ended after so many seconds, with its interval as a band.

    Args:
        table: what `doaudit.duration_curves` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of groups to draw, at most 5, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> curve = {"type": "resize", "after_s": [10, 40], "share": [0.5, 1.0], "low": [0.3, 0.7], "high": [0.7, 1.0]}
        >>> ax = duration_curves(pd.DataFrame(curve), ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_legend().get_texts()]
        ['resize']
    """
    require(table, ("after_s", "share", "low", "high"), maker="duration_curves")
    by = by_columns(table, until="after_s")
    keys = group_keys(table, by)
    groups = list(dict.fromkeys(keys))
    shown = groups[: min(top, len(_COLORS))]
    with style.figure_for(ax, height=4.0) as axes:
        first = first_rows_phrase(len(shown), len(groups), "groups", "most actions first")
        style.set_title(axes, f"How many have ended after how long{by_phrase(by)}{first}", with_legend=bool(shown))
        if not shown:
            style.empty_message(axes, "no finished actions to show")
            return axes
        curves = [table[[other == key for other in keys]] for key in shown]
        right = time_axis(axes, np.concatenate([numbers(curve, "after_s") for curve in curves]), from_zero=True)
        names = group_names(shown, longest=18)
        lines = [
            _draw_curve(axes, curve, right, color=color, linestyle=dashes, label=name)
            for curve, name, color, dashes in zip(curves, names, _COLORS, _DASHES, strict=False)
        ]
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        axes.grid(visible=True, axis="y", which="major")
        style.legend(axes, lines)
        axes.set_xlabel("from start to end of an action, log scale")
    return axes


def _draw_curve(ax: Axes, curve: pd.DataFrame, right: float, **look: Any) -> Line2D:  # noqa: ANN401 -- matplotlib's
    """Draw the steps of a group from nothing to the right end of the axis, and its band."""

    def extended(column: str) -> np.ndarray:
        values = numbers(curve, column)
        return np.concatenate([[0.0], values, values[-1:]])

    after = np.concatenate([[-1], numbers(curve, "after_s"), [right]])
    ax.fill_between(after, extended("low"), extended("high"), step="post", color=look["color"], alpha=0.15, linewidth=0)
    (line,) = ax.plot(after, extended("share"), drawstyle="steps-post", linewidth=1.6, **look)
    return line
