"""Plot of the slowest actions: a dot for each, beside the time that is usual for its type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.labels import action_names
from doaudit.plots.table_columns import numbers, require
from doaudit.plots.time_axis import time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["slowest"]

_COLUMNS: Final = ("type", "resource", "started_at", "duration_s", "status")
_USUAL_COLUMNS: Final = ("type", "p99_s")
_COMPLETED: Final[dict[str, Any]] = {"color": style.BLUE, "marker": "o", "label": "completed"}
_ERRORED: Final[dict[str, Any]] = {"color": style.VERMILLION, "marker": "X", "label": "errored"}
_USUAL: Final[dict[str, Any]] = {"color": style.TEXT, "marker": "|", "label": "p99 of its type"}


def slowest(table: pd.DataFrame, *, usual: pd.DataFrame | None = None, ax: Axes | None = None) -> Axes:
    """
    Draw the duration of each of the slowest actions as a dot; those that errored are crosses and say so.

    Args:
        table: what `doaudit.slowest` returns; every row is drawn, the longest first.
        usual: what `doaudit.durations` returns by type, for a mark at the p99 of each action's type.
        ax: the Axes to draw on; without it a new figure is made.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: a table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> action = {"type": "snapshot", "resource": "droplet:123", "started_at": pd.Timestamp("2026-03-12", tz="UTC")}
        >>> table = pd.DataFrame([action | {"duration_s": 4000, "status": "errored"}])
        >>> ax = slowest(table, ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_yticklabels()], [text.get_text() for text in ax.texts]
        (['snapshot droplet:123 2026-03-12'], ['1 h 6 min, errored'])
    """
    require(table, _COLUMNS, maker="slowest")
    if usual is not None:
        require(usual, _USUAL_COLUMNS, maker="durations")
    with style.figure_for(ax, rows=len(table), row_inches=0.25) as axes:
        style.set_title(axes, "The slowest actions, longest first", with_legend=not table.empty)
        if table.empty:
            style.empty_message(axes, "no finished actions to show")
            return axes
        font_size = style.row_font_size(axes, len(table), notes=usual is not None)
        style.label_rows(axes, action_names(table), font_size=font_size)
        p99 = _p99_of_types(table, usual)
        errored = _draw(axes, table, p99)
        texts = [
            time_span(duration) + (", errored" if has_errored else "")
            for duration, has_errored in zip(numbers(table, "duration_s"), errored, strict=True)
        ]
        notes = ["" if np.isnan(span) else f"99 % of its type within {time_span(span)}" for span in p99]
        style.row_texts(axes, texts, notes=notes, font_size=font_size)
        axes.set_xlabel("from start to end of the action, log scale")
    return axes


def _p99_of_types(table: pd.DataFrame, usual: pd.DataFrame | None) -> np.ndarray:
    """Return the p99 of each row's type in seconds, NaN where it is not known."""
    if usual is None:
        return np.full(len(table), np.nan)
    known = dict(zip(usual["type"].astype(object), numbers(usual, "p99_s"), strict=True))
    return np.array([known.get(kind, np.nan) for kind in table["type"].astype(object)], dtype=float)


def _draw(ax: Axes, table: pd.DataFrame, p99: np.ndarray) -> np.ndarray:
    """Draw the marks, and return which actions errored."""
    seconds, rows = numbers(table, "duration_s"), np.arange(len(table))
    time_axis(ax, np.concatenate([seconds, p99[~np.isnan(p99)]]), from_zero=True)
    errored: np.ndarray = (table["status"] == "errored").to_numpy(dtype=bool, na_value=False)
    ax.hlines(rows, np.where(np.isnan(p99), seconds, p99), seconds, color=style.SKY, linewidth=2)
    handles: list[Any] = []
    if not np.isnan(p99).all():
        handles += ax.plot(p99, rows, markersize=9, markeredgewidth=2, **style.MARKERS_ONLY, **_USUAL)
    for mask, look in ((~errored, _COMPLETED), (errored, _ERRORED)):
        if mask.any():
            handles += ax.plot(seconds[mask], rows[mask], markersize=7, **style.MARKERS_ONLY, **look)
    style.legend(ax, handles)
    return errored
