"""Plot of retries: for each failure how long it took until a retry worked, or what it came to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.labels import action_names, first_rows_phrase
from doaudit.plots.table_columns import numbers, require
from doaudit.plots.time_axis import time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["retries"]

_COLUMNS: Final = ("type", "resource", "first_failure_at", "attempts", "outcome", "recovery_s")
_RECOVERED: Final = "recovered"
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "failed again": {"marker": "X", "markersize": 7, "color": style.VERMILLION},
    "not retried": {"marker": "o", "markersize": 6, "color": style.VERMILLION, "markerfacecolor": style.BACKGROUND},
    "open": {"marker": ">", "markersize": 6, "color": style.ORANGE},
    "unclear": {"marker": "s", "markersize": 5.5, "color": style.MUTED_TEXT},
}


def retries(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 30) -> Axes:
    """
    Draw each failure that was recovered from as a bar, from its start until a retry had worked, newest first.

    A failure that was not has a mark at the left, which shows whether it failed again, was not retried, or may
    still be. Beside each row stand the outcome and the number of attempts.

    Args:
        table: what `doaudit.retries` returns, or part of it.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of failures to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> began = pd.Timestamp("2026-03-12T22:27:07Z")
        >>> first = {"type": "resize", "resource": "droplet:7", "first_failure_at": began, "attempts": 2}
        >>> table = pd.DataFrame([first | {"outcome": "recovered", "recovery_s": 4306.0}])
        >>> ax = retries(table, ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_yticklabels()], [text.get_text() for text in ax.texts]
        (['resize droplet:7 2026-03-12'], ['recovered after 1 h 11 min, 2 attempts'])
    """
    require(table, _COLUMNS, maker="retries")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.22) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "failures").replace("first", "latest")
        style.set_title(axes, f"Failures, and whether trying again helped{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no failures to show")
            return axes
        font_size = style.row_font_size(axes, len(first))
        names = action_names(first.rename(columns={"first_failure_at": "started_at"}))
        style.label_rows(axes, names, font_size=font_size)
        _draw(axes, first)
        style.row_texts(axes, _outcomes(first), font_size=font_size)
        axes.set_xlabel("from the start of the failure until a retry had worked, log scale")
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    seconds, outcome, rows = (
        numbers(table, "recovery_s"),
        table["outcome"].astype(str).to_numpy(),
        np.arange(len(table)),
    )
    time_axis(ax, seconds, from_zero=True)
    ax.hlines(rows, *ax.get_xlim(), color=style.GRID, linewidth=0.8, zorder=0)
    is_timed = (outcome == _RECOVERED) & ~np.isnan(seconds)
    handles: list[Any] = []
    if (outcome == _RECOVERED).any():
        ax.barh(rows[is_timed], seconds[is_timed], height=0.55, color=style.BLUE, linewidth=0)
        handles.append(Patch(facecolor=style.BLUE, linewidth=0, label=_RECOVERED))
    for name, look in _LOOKS.items():
        at = rows[outcome == name]
        if len(at):
            ax.plot(np.zeros(len(at)), at, **look, **style.MARKERS_ONLY)
            handles.append(Line2D([], [], linestyle="none", label=name, **look))
    style.legend(ax, handles)


def _outcomes(table: pd.DataFrame) -> list[str]:
    rows = zip(table["outcome"], numbers(table, "recovery_s"), table["attempts"], strict=True)
    return [
        str(outcome)
        + ("" if np.isnan(seconds) else f" after {time_span(seconds)}")
        + (f", {attempts:,} attempts" if attempts > 1 else "")
        for outcome, seconds, attempts in rows
    ]
