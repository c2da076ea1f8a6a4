"""Plot of the slowest actions: a bar for each."""

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
_COMPLETED: Final[dict[str, Any]] = {"color": style.SKY, "label": "completed"}
_ERRORED: Final[dict[str, Any]] = {"color": style.VERMILLION, "hatch": "////", "label": "errored"}


def slowest(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """
    Draw the duration of each of the slowest actions; those that errored are hatched and say so.

    Args:
        table: what `doaudit.slowest` returns; every row is drawn.
        ax: the Axes to draw on; without it a new figure is made.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

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
    with style.figure_for(ax, rows=len(table), row_inches=0.25) as axes:
        style.set_title(axes, "The slowest actions", with_legend=not table.empty)
        if table.empty:
            style.empty_message(axes, "no finished actions to show")
            return axes
        font_size = style.row_font_size(axes, len(table))
        style.label_rows(axes, action_names(table), font_size=font_size)
        seconds = numbers(table, "duration_s")
        time_axis(axes, seconds, from_zero=True)
        errored = (table["status"] == "errored").to_numpy(dtype=bool, na_value=False)
        handles = []
        for mask, look in ((~errored, _COMPLETED), (errored, _ERRORED)):
            if mask.any():
                handles.append(axes.barh(np.flatnonzero(mask), seconds[mask], height=0.62, linewidth=0, **look))
        style.legend(axes, handles)
        texts = [
            time_span(duration) + (", errored" if has_errored else "")
            for duration, has_errored in zip(seconds, errored, strict=True)
        ]
        style.row_texts(axes, texts, font_size=font_size)
        axes.set_xlabel("from start to end of the action, log scale")
    return axes
