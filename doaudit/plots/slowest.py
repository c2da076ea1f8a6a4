"""The slowest actions, one bar each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from doaudit.plots import style
from doaudit.plots.time_axis import time_axis
from doaudit.plots.wording import action_names, numbers, require, time_span

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["slowest"]

_COLUMNS: Final = ("type", "resource", "started_at", "duration_s", "status")
_FINISHED: Final[dict[str, Any]] = {"color": style.SKY, "label": "completed"}
_ERRORED: Final[dict[str, Any]] = {"color": style.VERMILLION, "hatch": "////", "label": "errored"}


def slowest(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """
    How long each of the slowest actions took; those that errored are hatched and say so.

    Args:
        table: what `doaudit.slowest` returns; every row is drawn.
        ax: where to draw; without it a new figure is made.

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
    with style.picture(ax, rows=len(table), row_inches=0.25) as axes:
        style.headline(axes, "The slowest actions", keyed=not table.empty)
        if table.empty:
            style.sentence(axes, "no finished actions to show")
            return axes
        font = style.row_font(axes, len(table))
        style.name_rows(axes, action_names(table), font=font)
        seconds = numbers(table, "duration_s")
        time_axis(axes, seconds, from_zero=True)
        errored = (table["status"] == "errored").to_numpy(dtype=bool, na_value=False)
        handles = []
        for rows, look in ((~errored, _FINISHED), (errored, _ERRORED)):
            if rows.any():
                handles.append(axes.barh(np.flatnonzero(rows), seconds[rows], height=0.62, linewidth=0, **look))
        style.key(axes, handles)
        words = (", errored" if failed else "" for failed in errored)
        style.beside(axes, [time_span(spell) + word for spell, word in zip(seconds, words, strict=True)], font=font)
        axes.set_xlabel("from start to end of the action, log scale")
    return axes
