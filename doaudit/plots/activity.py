"""Plot of activity: actions started in each period, stacked by outcome, for all actions or in a row for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from doaudit.plots import style
from doaudit.plots.labels import by_phrase, group_labels
from doaudit.plots.table_columns import by_columns, group_keys, numbers, require

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from doaudit.plots.table_columns import GroupKey

__all__ = ["activity"]

_LOOKS: Final = {
    "errored": (style.VERMILLION, ""),
    "open": (style.ORANGE, "////"),
    "unclear": ("#4D4D4D", "...."),
    "completed": (style.SKY, ""),
}
"""Colour and hatch of each outcome, from the bottom up: errored actions start at zero in every period."""

_MAX_BARS: Final = 80
"""More periods than this are drawn as one stepped area: gaps between very thin bars would only flicker."""

_HEIGHT: Final = 0.8
"""The height of the highest period of a group, in rows."""

_UNITS: Final = {round(1 / 24, 6): "per hour", 1.0: "per day", 7.0: "per week"}


def activity(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 8) -> Axes:
    """
    Draw the actions started in each period, stacked by outcome: errored at the bottom, then open, unclear, completed.

    A table of groups has a row for each of the largest, and one for all others together. Every row has a scale of its
    own: beside it stands how many actions it has, and how many are in its highest period.

    Args:
        table: what `doaudit.activity` returns: one row for each period, or for each group and period, without gaps.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of groups to draw by themselves.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> days = pd.date_range("2026-03-01", periods=2, tz="UTC")
        >>> counts = {"completed": [5, 7], "errored": [1, 0], "open": [0, 2], "unclear": [0, 0]}
        >>> ax = activity(pd.DataFrame({"period": days, **counts}), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['errored', 'open', 'completed']
    """
    require(table, ("period", *_LOOKS), maker="activity")
    if by := by_columns(table, until="period"):
        return _grouped(table, by, ax, top)
    with style.figure_for(ax, height=4.0) as axes:
        style.set_title(axes, "Actions started, by outcome", with_legend=not table.empty)
        if table.empty:
            style.empty_message(axes, "no actions to show")
            return axes
        edges = _edges(table["period"])
        occurring = [outcome for outcome in _LOOKS if (table[outcome] > 0).any()]
        bottom = np.zeros(len(table))
        for outcome in occurring:
            _draw_layer(axes, edges, bottom, bottom := bottom + numbers(table, outcome), outcome)
        _set_scales(axes, edges, highest=bottom.max())
        style.legend(axes, [_legend_entry(outcome) for outcome in occurring])
        axes.set_ylabel(f"actions {_unit(edges)}")
        axes.set_xlabel("start of the action, UTC")
    return axes


def _grouped(table: pd.DataFrame, by: Sequence[str], ax: Axes | None, top: int) -> Axes:
    rows = _rows(table, by, top)
    with style.figure_for(ax, rows=len(rows), row_inches=0.5) as axes:
        style.set_title(axes, f"Actions started{by_phrase(by)}", with_legend=bool(rows))
        if not rows:
            style.empty_message(axes, "no actions to show")
            return axes
        edges = _edges(table["period"].drop_duplicates().sort_values())
        font_size = 0.9 * style.row_font_size(axes, len(rows), notes=True)
        style.label_rows(axes, [name for name, _ in rows], font_size=font_size)
        for row, (_, counts) in enumerate(rows):
            floor, highest = row + _HEIGHT / 2, max(counts.sum(axis=0).max(), 1)
            axes.axhline(floor, color=style.GRID, linewidth=0.8, zorder=0)
            tops = floor - _HEIGHT * np.vstack([np.zeros(counts.shape[1]), counts.cumsum(axis=0)]) / highest
            for outcome, below, above in zip(_LOOKS, tops, tops[1:], strict=False):
                if (below > above).any():
                    _draw_layer(axes, edges, below, above, outcome)
        _set_dates(axes, edges)
        occurring = [outcome for outcome in _LOOKS if (table[outcome] > 0).any()]
        style.legend(axes, [_legend_entry(outcome) for outcome in occurring])
        totals = [f"{counts.sum():,.0f} actions" for _, counts in rows]
        notes = [f"at most {counts.sum(axis=0).max():,.0f} {_unit(edges)}" for _, counts in rows]
        style.row_texts(axes, totals, notes=notes, font_size=font_size)
        axes.set_xlabel("start of the action, UTC")
    return axes


def _rows(table: pd.DataFrame, by: Sequence[str], top: int) -> list[tuple[str, np.ndarray]]:
    """Return the counts of each group by outcome and period, the largest first, and those of all others together."""
    periods, place = np.unique(pd.to_datetime(table["period"], utc=True).to_numpy(), return_inverse=True)
    keys = group_keys(table, by)
    example = {key: row for row, key in enumerate(keys)}
    counts: dict[GroupKey, np.ndarray] = {key: np.zeros((len(_LOOKS), len(periods))) for key in example}
    for outcome, name in enumerate(_LOOKS):
        for key, at, count in zip(keys, place, numbers(table, name), strict=True):
            counts[key][outcome, at] += count
    largest = sorted(counts, key=lambda key: -counts[key].sum())
    # One other is drawn by itself: a row for it says more than a row called "1 other".
    shown = largest if len(largest) == top + 1 else largest[:top]
    names = group_labels(table.iloc[[example[key] for key in shown]], by, among=table)
    others = [counts[key] for key in largest if key not in shown]
    rest = [(f"{len(others):,} others", np.sum(others, axis=0))] if others else []
    return [*zip(names, (counts[key] for key in shown), strict=True), *rest]


def _edges(period: pd.Series) -> np.ndarray:
    """Return the start of each period, in matplotlib's days, and the end of the last: as long as the one before."""
    starts = date2num(pd.to_datetime(period, utc=True).dt.tz_localize(None).to_numpy())  # type: ignore[no-untyped-call]
    length = starts[-1] - starts[-2] if len(starts) > 1 else 1.0
    return np.append(starts, starts[-1] + length)


def _unit(edges: np.ndarray) -> str:
    """Return the unit of a bar's height, from the length of the periods in days."""
    days = np.unique(np.round(np.diff(edges[:-1]), 6))
    if len(days) == 1 and days[0] in _UNITS:
        return _UNITS[days[0]]
    return "per month" if len(days) and set(days) <= {28, 29, 30, 31} else "in the period"


def _draw_layer(ax: Axes, edges: np.ndarray, bottom: np.ndarray, top: np.ndarray, outcome: str) -> None:
    color, hatch = _LOOKS[outcome]
    if len(top) > _MAX_BARS:
        ax.stairs(top, edges, baseline=bottom, fill=True, facecolor=color, hatch=hatch, linewidth=0)
    else:
        widths = 0.86 * np.diff(edges)
        ax.bar(edges[:-1], top - bottom, widths, bottom, align="edge", color=color, hatch=hatch, linewidth=0)


def _legend_entry(outcome: str) -> Patch:
    color, hatch = _LOOKS[outcome]
    return Patch(facecolor=color, hatch=hatch, linewidth=0, label=outcome)


def _set_scales(ax: Axes, edges: np.ndarray, *, highest: float) -> None:
    ax.set_ylim(0, 1.05 * max(highest, 1))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{count:,.0f}"))
    ax.grid(visible=True, axis="y", which="major")
    _set_dates(ax, edges)


def _set_dates(ax: Axes, edges: np.ndarray) -> None:
    ax.set_xlim(edges[0], edges[-1])
    inches = ax.get_window_extent().width / ax.figure.dpi
    dates = AutoDateLocator(tz="UTC", minticks=3, maxticks=max(3, min(9, int(inches / 0.55))))  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(dates)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(dates, tz="UTC"))  # type: ignore[no-untyped-call]
    ax.tick_params(axis="x", length=3)
