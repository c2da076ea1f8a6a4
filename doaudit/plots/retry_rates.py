"""Plot of retries: for each group the failures that recovered, that failed again, and that nobody tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.ticker import MaxNLocator

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels, percentage
from doaudit.plots.table_columns import by_columns, numbers, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["retry_rates"]

_COLUMNS: Final = (
    "failures", "recovered", "failed_again", "not_retried", "open", "unclear", "recovery_rate", "low", "high",
    "p50_recovery_s",
)  # fmt: skip
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "recovered": {"color": style.BLUE, "label": "recovered"},
    "failed_again": {"color": style.VERMILLION, "hatch": "////", "label": "failed again"},
    "open": {"color": style.ORANGE, "label": "open"},
    "unclear": {"color": "#8A8A8A", "label": "unclear"},
    "not_retried": {"color": style.GRID, "label": "not retried"},
}


def retry_rates(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 12) -> Axes:
    """
    Draw the failures of each group as a bar, in parts by what followed; next to it how many retried ones recovered.

    Below that stand the interval of this share, and the median time to recovery where it is known.

    Args:
        table: what `doaudit.retry_rates` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of groups to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> group = {"type": "snapshot", "failures": 97, "recovered": 29, "failed_again": 5, "not_retried": 63}
        >>> rates = {"open": 0, "unclear": 0, "recovery_rate": 0.85, "low": 0.70, "high": 0.94, "p50_recovery_s": 4306}
        >>> ax = retry_rates(pd.DataFrame([group | rates]), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.texts]
        ['29 of 34 retried recovered', '70-94 %, half within 1 h 11 min']
    """
    require(table, _COLUMNS, maker="retry_rates")
    by = by_columns(table, until="failures")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.34) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "groups", "most failures first")
        style.set_title(axes, f"What followed a failure{by_phrase(by)}{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no failures to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        style.label_rows(axes, group_labels(first, by, among=table), font_size=font_size)
        _draw(axes, first)
        style.row_texts(axes, _counts(first), notes=_notes(first), font_size=font_size)
        axes.set_xlabel("failures that were no retries themselves")
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    rows, left, handles = np.arange(len(table)), np.zeros(len(table)), []
    for name, look in _LOOKS.items():
        counts = numbers(table, name)
        if counts.any():
            handles.append(ax.barh(rows, counts, left=left, height=0.62, linewidth=0, **look))
        left = left + counts
    ax.set_xlim(0, 1.03 * max(left))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.grid(visible=True, axis="x", which="major")
    style.legend(ax, handles)


def _counts(table: pd.DataFrame) -> list[str]:
    return [
        f"{recovered:,} of {recovered + again:,} retried recovered" if recovered + again else "none retried"
        for recovered, again in zip(table["recovered"], table["failed_again"], strict=True)
    ]


def _notes(table: pd.DataFrame) -> list[str]:
    rows = zip(*(numbers(table, name) for name in ("low", "high", "p50_recovery_s")), strict=True)
    return [
        ""
        if np.isnan(low)
        else f"{percentage(low)[:-2]}-{percentage(high)}" + ("" if np.isnan(p50) else f", half within {time_span(p50)}")
        for low, high, p50 in rows
    ]
