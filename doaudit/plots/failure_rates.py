"""How often actions fail: a dot with its interval for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from doaudit.plots import style
from doaudit.plots.wording import by_columns, group_keys, group_names, numbers, require, shown, spoken

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["failure_rates"]

_COLUMNS: Final = ("actions", "open", "finished", "errored", "failure_rate", "low", "high")


def failure_rates(rates: pd.DataFrame, *, ax: Axes | None = None, top: int = 20) -> Axes:
    """
    The share of finished actions that errored, with its interval; beside it the counts, as in "3 of 812".

    A group in which nothing has finished keeps its row and has no dot.

    Args:
        rates: what `doaudit.failure_rates` returns.
        ax: where to draw; without it a new figure is made.
        top: how many groups to draw, from the table's first row.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> group = {"type": "resize", "actions": 9, "open": 1, "finished": 8, "errored": 2}
        >>> rates = pd.DataFrame([group | {"failure_rate": 0.25, "low": 0.07, "high": 0.59}])
        >>> ax = failure_rates(rates, ax=Figure().add_subplot())
        >>> ax.get_title(loc="left"), [text.get_text() for text in ax.texts]
        ('How often actions fail, by type', ['2 of 8, 1 open'])
    """
    require(rates, _COLUMNS, maker="failure_rates")
    by = by_columns(rates, until="actions")
    first = rates.head(top)
    with style.picture(ax, rows=len(first), row_inches=0.22) as axes:
        style.headline(axes, f"How often actions fail{spoken(by)}{shown(len(first), len(rates), 'groups')}")
        if first.empty:
            style.sentence(axes, "no actions to show")
            return axes
        font = style.row_font(axes, len(first))
        style.name_rows(axes, group_names(group_keys(first, by)), font=font)
        _draw(axes, first)
        style.beside(axes, _counts(first), font=font)
        axes.set_xlabel("share of finished actions that errored, with its interval")
    return axes


def _draw(ax: Axes, rates: pd.DataFrame) -> None:
    rate, low, high = (numbers(rates, column) for column in ("failure_rate", "low", "high"))
    rows = np.arange(len(rates))
    known = ~np.isnan(rate)
    right = max(high[known], default=1.0)
    ax.set_xlim(-0.015 * right, 1.03 * right)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda rate, _: f"{100 * rate:g} %"))
    ax.grid(visible=True, axis="x", which="major")
    ax.hlines(rows[known], low[known], high[known], color=style.SKY, linewidth=3.0, capstyle="butt")
    ax.plot(
        rate[known], rows[known], marker="o", markersize=6.5, **style.DOTS, color=style.BLUE, clip_on=False,
        markeredgecolor=style.CARD, markeredgewidth=0.8,
    )  # fmt: skip


def _counts(rates: pd.DataFrame) -> list[str]:
    return [
        (f"{errored:,} of {finished:,}" if finished else "none finished") + (f", {still:,} open" if still else "")
        for errored, finished, still in zip(rates["errored"], rates["finished"], rates["open"], strict=True)
    ]
