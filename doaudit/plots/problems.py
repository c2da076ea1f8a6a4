"""Plot of problems: how many rows break each expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

from doaudit.formatting import count
from doaudit.plots import style
from doaudit.plots.labels import first_rows_phrase, group_labels, shorten
from doaudit.plots.table_columns import group_keys, require, rows_by_key, within_accounts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["problems"]

_COLUMNS: Final = ("problem", "detail")
_NARROWEST: Final = 1 / 250  # of the axis


def problems(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 20) -> Axes:
    """
    Draw for each problem a bar as long as it has rows, that with most first, and write beside it the newest.

    Args:
        table: what `doaudit.problems` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of problems to draw.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> odd = {"problem": ["region_missing"] * 2, "detail": ["There is no region."] * 2}
        >>> ax = problems(pd.DataFrame(odd), ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_yticklabels()], [text.get_text() for text in ax.texts]
        (['region_missing'], ['2 rows', 'There is no region.'])
    """
    require(table, _COLUMNS, maker="problems")
    columns = within_accounts(table, "problem")
    groups = sorted(rows_by_key(group_keys(table, columns)).values(), key=len, reverse=True)
    first = table.iloc[[group[0] for group in groups[:top]]]
    with style.figure_for(ax, rows=len(first), row_inches=0.32) as axes:
        first_rows = first_rows_phrase(len(first), len(groups), "problems")
        style.set_title(axes, f"Rows that break an expectation{first_rows}")
        if first.empty:
            style.empty_message(axes, "no problems to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        style.label_rows(axes, group_labels(first, columns, among=table), font_size=font_size)
        counts = [len(group) for group in groups[:top]]
        _draw(axes, np.array(counts))
        details = [shorten(str(detail)) for detail in first["detail"]]
        style.row_texts(axes, [count(number, "row") for number in counts], notes=details, font_size=font_size)
        axes.set_xlabel("rows")
    return axes


def _draw(ax: Axes, counts: np.ndarray) -> None:
    right = 1.03 * counts.max()
    ax.barh(range(len(counts)), np.maximum(counts, _NARROWEST * right), height=0.62, color=style.ORANGE, linewidth=0)
    ax.set_xlim(0, right)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda number, _: f"{number:,.0f}"))
    ax.grid(visible=True, axis="x", which="major")
