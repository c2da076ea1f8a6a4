"""Plot of failure rates: a dot with its interval for each group, and which fail more often than the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from doaudit.plots import style
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels
from doaudit.plots.share_axis import share_axis
from doaudit.plots.table_columns import by_columns, numbers, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["failure_rates"]

_COLUMNS: Final = ("actions", "open", "finished", "errored", "failure_rate", "low", "high", "deff", "q")
_MOST_Q, _BURSTS_DEFF = 0.05, 2.0
_LIKE_THE_REST: Final[dict[str, Any]] = {"marker": "o", "color": style.BLUE}
_MORE_OFTEN: Final[dict[str, Any]] = {
    "marker": "D", "color": style.VERMILLION, "label": "more often than the other groups (q at most 5 %)",
}  # fmt: skip


def failure_rates(rates: pd.DataFrame, *, ax: Axes | None = None, top: int = 20) -> Axes:
    """
    Draw the share of finished actions that errored, with its interval, and next to it the counts, as in "3 of 812".

    A group that fails more often than the others (q at most 5 %) has a diamond of another colour; "in bursts" says that
    failures come together on some days (deff above 2). One in which nothing has finished keeps its row and has no dot.

    Args:
        rates: what `doaudit.failure_rates` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of groups to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> group = {"type": "resize", "actions": 9, "open": 1, "finished": 8, "errored": 2}
        >>> rates = pd.DataFrame([group | {"failure_rate": 0.25, "low": 0.07, "high": 0.59, "deff": 1.0, "q": 0.3}])
        >>> ax = failure_rates(rates, ax=Figure().add_subplot())
        >>> ax.get_title(loc="left"), [text.get_text() for text in ax.texts]
        ('How often actions fail, by type', ['2 of 8, 1 open'])
    """
    require(rates, _COLUMNS, maker="failure_rates")
    by = by_columns(rates, until="actions")
    first = rates.head(top)
    more_often = numbers(first, "q") <= _MOST_Q
    with style.figure_for(ax, rows=len(first), row_inches=0.22) as axes:
        first_rows = first_rows_phrase(len(first), len(rates), "groups", "surest first")
        style.set_title(axes, f"How often actions fail{by_phrase(by)}{first_rows}", with_legend=bool(more_often.any()))
        if first.empty:
            style.empty_message(axes, "no actions to show")
            return axes
        font_size = style.row_font_size(axes, len(first))
        style.label_rows(axes, group_labels(first, by, among=rates), font_size=font_size)
        _draw(axes, first, more_often)
        style.row_texts(axes, _counts(first), font_size=font_size)
        axes.set_xlabel("share of finished actions that errored, with its interval")
    return axes


def _draw(ax: Axes, rates: pd.DataFrame, more_often: np.ndarray) -> None:
    rate, low, high = (numbers(rates, column) for column in ("failure_rate", "low", "high"))
    rows = np.arange(len(rates))
    known = ~np.isnan(rate)
    share_axis(ax, high[known])
    ax.hlines(rows[known], low[known], high[known], color=style.SKY, linewidth=3.0, capstyle="butt")
    for mask, look in ((known & ~more_often, _LIKE_THE_REST), (known & more_often, _MORE_OFTEN)):
        if mask.any():
            drawn = ax.plot(
                rate[mask], rows[mask], markersize=6.5, **look, **style.MARKERS_ONLY, clip_on=False,
                markeredgecolor=style.BACKGROUND, markeredgewidth=0.8,
            )  # fmt: skip
            style.legend(ax, drawn if look is _MORE_OFTEN else [])


def _counts(rates: pd.DataFrame) -> list[str]:
    rows = zip(rates["errored"], rates["finished"], rates["open"], numbers(rates, "deff"), strict=True)
    return [
        (f"{errored:,} of {finished:,}" if finished else "none finished")
        + (f", {running:,} open" if running else "")
        + (", in bursts" if deff > _BURSTS_DEFF else "")
        for errored, finished, running, deff in rows
    ]
