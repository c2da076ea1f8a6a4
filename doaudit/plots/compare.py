"""Plot of a comparison: for each group the median before and after with intervals, and the failure rates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D

from doaudit.formatting import rate
from doaudit.plots import style
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels
from doaudit.plots.share_axis import share_axis
from doaudit.plots.table_columns import by_columns, numbers, require
from doaudit.plots.time_axis import open_ends, time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["compare"]

_COLUMNS: Final = (
    "presence", "actions_before", "actions_after", "rate_before", "rate_after", "p50_before_s", "p50_before_low_s",
    "p50_before_high_s", "p50_after_s", "p50_after_low_s", "p50_after_high_s", "q_rate", "q_duration", "q_tail",
)  # fmt: skip
_MOST_Q: Final = 0.05
_FAINT: Final = "#B8B8B8"
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "before": {"color": style.BLUE, "marker": "o", "label": "before"},
    "after": {"color": style.VERMILLION, "marker": "D", "label": "after"},
}
_MARKER: Final[dict[str, Any]] = {
    "markersize": 5.5, "markeredgecolor": style.BACKGROUND, "markeredgewidth": 0.8, **style.MARKERS_ONLY,
}  # fmt: skip
_OFFSETS: Final = {"before": -0.15, "after": 0.15}
"""The offset of each period within its row: apart, so that their intervals never meet."""
_PANELS: Final = {"median": (0.0, 0.57), "rate": (0.67, 1.0)}
"""The part of the width that each panel has."""


def compare(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 15) -> Axes:
    """
    Draw the median duration of each group before and after with its interval, and in a second panel its failure rates.

    What differs by more than chance (q at most 5 %) has colours, the rest is faint: medians by the tests of durations
    and of their tail, failure rates by their own. An interval without an upper end runs into an arrow, and one that
    bounds nothing is not drawn. The two panels lie within the Axes, as its `child_axes`.

    Args:
        table: what `doaudit.compare` returns.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of groups to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> counts = {"type": "resize", "presence": "both", "actions_before": 90, "actions_after": 80}
        >>> before = {"p50_before_s": 60, "p50_before_low_s": 50, "p50_before_high_s": 70, "rate_before": 0.01}
        >>> after = {"p50_after_s": 90, "p50_after_low_s": 80, "p50_after_high_s": 95, "rate_after": 0.02}
        >>> one = counts | before | after | {"q_rate": 0.5, "q_duration": 0.01, "q_tail": 0.2}
        >>> ax = compare(pd.DataFrame([one]), ax=Figure().add_subplot())
        >>> ax.get_title(loc="left"), [text.get_text() for text in ax.texts]
        ('Before and after, by type', ['1.00 % → 2.00 % fail', '90 → 80 actions'])
    """
    require(table, _COLUMNS, maker="compare")
    by = by_columns(table, until="presence")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.34) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "groups", "what got worse first")
        style.set_title(axes, f"Before and after{by_phrase(by)}{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no actions to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        style.label_rows(axes, group_labels(first, by, among=table), font_size=font_size)
        _draw(axes, first)
        style.row_texts(axes, _rates(first), notes=_counts(first), font_size=font_size)
    return axes


def _draw(ax: Axes, table: pd.DataFrame) -> None:
    median_differs = (numbers(table, "q_duration") <= _MOST_Q) | (numbers(table, "q_tail") <= _MOST_Q)
    rate_differs = numbers(table, "q_rate") <= _MOST_Q
    ax.set_xlim(0, 1)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.hlines(range(len(table)), 0, 1, color=style.GRID, linewidth=0.8, zorder=0)  # a row goes through both panels
    medians, rates = (style.panel(ax, left, right) for left, right in _PANELS.values())
    _draw_medians(medians, table, median_differs)
    medians.set_xlabel("median duration, log scale")
    values = [numbers(table, f"rate_{name}") for name in _LOOKS]
    share_axis(rates, np.concatenate(values), ticks=3)
    _dumbbells(rates, values, rate_differs)
    rates.set_xlabel("failure rate")
    handles = [Line2D([], [], linewidth=1.8, markersize=5.5, **look) for look in _LOOKS.values()]
    faint = Line2D([], [], linewidth=1.8, color=_FAINT, label="no difference beyond chance")
    style.legend(ax, [*handles, *([] if median_differs.all() and rate_differs.all() else [faint])])


def _draw_medians(ax: Axes, table: pd.DataFrame, differs: np.ndarray) -> None:
    points = [numbers(table, f"p50_{name}{part}_s") for name in _LOOKS for part in ("", "_low", "_high")]
    seconds = np.concatenate(points)
    right = time_axis(ax, seconds, from_zero=bool((seconds < 1).any()))
    for name, look in _LOOKS.items():
        low, high = (numbers(table, f"p50_{name}{part}_s") for part in ("_low", "_high"))
        for mask, color in ((differs, look["color"]), (~differs, _FAINT)):
            places, is_bounded = np.arange(len(table)) + _OFFSETS[name], mask & ((low > 0) | np.isfinite(high))
            ends = low[is_bounded], np.minimum(high, right)[is_bounded]
            ax.hlines(places[is_bounded], *ends, color=color, linewidth=1.8, capstyle="butt")
            open_ends(ax, places[is_bounded & np.isinf(high)], right=right, color=color)
    _dumbbells(ax, [numbers(table, f"p50_{name}_s") for name in _LOOKS], differs)


def _dumbbells(ax: Axes, values: list[np.ndarray], differs: np.ndarray) -> None:
    """Draw for each row a marker before, one after, and a line from one to the other."""
    before, after = values
    rows = np.arange(len(differs))
    for row in np.flatnonzero(~np.isnan(before) & ~np.isnan(after)):
        ends = (row + _OFFSETS["before"], row + _OFFSETS["after"])
        ax.plot((before[row], after[row]), ends, color=_FAINT, linewidth=1.2, zorder=1)
    for (name, look), places in zip(_LOOKS.items(), values, strict=True):
        for mask, color in ((differs, look["color"]), (~differs, _FAINT)):
            ax.plot(places[mask], rows[mask] + _OFFSETS[name], **(look | _MARKER | {"color": color}), clip_on=False)


def _rates(table: pd.DataFrame) -> list[str]:
    differs = numbers(table, "q_rate") <= _MOST_Q
    rates = zip(*(numbers(table, f"rate_{name}") for name in _LOOKS), differs, strict=True)
    return [f"{rate(before)} → {rate(after)} fail{', differs' if differ else ''}" for before, after, differ in rates]


def _counts(table: pd.DataFrame) -> list[str]:
    rows = zip(table["presence"], table["actions_before"], table["actions_after"], strict=True)
    return [
        f"{before:,} → {after:,} actions{'' if presence == 'both' else f', {presence}'}"
        for presence, before, after in rows
    ]
