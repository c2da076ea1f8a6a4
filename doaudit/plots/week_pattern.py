"""Plot of the week pattern: actions started, by weekday and hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from doaudit.plots import style
from doaudit.plots.labels import shorten
from doaudit.plots.table_columns import numbers, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["week_pattern"]

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS: Final = 24


def week_pattern(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """
    Draw the number of actions that start in each hour of the week as a map: the darker, the more.

    Args:
        table: what `doaudit.week_pattern` returns.
        ax: the Axes to draw on; without it a new figure is made. A colour bar is added to the same figure.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> table = pd.DataFrame({"weekday": [0, 6], "hour": [9, 23], "actions": [12, 3], "zone": "UTC"})
        >>> ax = week_pattern(table, ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_yticklabels()][0]
        'Monday'
    """
    require(table, ("weekday", "hour", "actions", "zone"), maker="week_pattern")
    with style.figure_for(ax, height=3.6) as axes:
        style.set_title(axes, "When in the week actions start")
        counts = np.zeros((len(_DAYS), _HOURS))
        counts[table["weekday"].to_numpy(), table["hour"].to_numpy()] = numbers(table, "actions")
        if not counts.any():
            style.empty_message(axes, "no actions to show")
            return axes
        _draw(axes, counts, zone=shorten(str(table["zone"].iloc[0])))
    return axes


def _draw(ax: Axes, counts: np.ndarray, *, zone: str) -> None:
    mesh = ax.pcolormesh(counts, cmap="Blues", vmin=0, edgecolors=style.BACKGROUND, linewidth=0.7)
    ax.set_xlim(0, _HOURS)
    ax.set_ylim(len(_DAYS), 0)
    ax.set_xticks(np.arange(0, _HOURS, 3) + 0.5, [f"{hour:02d}" for hour in range(0, _HOURS, 3)])
    ax.set_yticks(np.arange(len(_DAYS)) + 0.5, _DAYS)
    ax.spines["bottom"].set_visible(False)
    ax.set_xlabel(f"hour in which the action started, {zone}")
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, aspect=18)
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(nbins=5, integer=True)
    bar.formatter = FuncFormatter(lambda count, _: f"{count:,.0f}")
    style.style_ticks(bar.ax)
    bar.set_label("actions started")
