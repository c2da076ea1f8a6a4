"""Plot of durations: a row for each group, on a time axis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from doaudit.errors import InvalidArgument
from doaudit.plots import style
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels, shorten
from doaudit.plots.table_columns import GroupKey, by_columns, group_keys, numbers, require
from doaudit.plots.time_axis import open_ends, time_axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

__all__ = ["durations"]

_COLUMNS: Final = (
    "actions", "open", "finished", "p50_s", "p50_low_s", "p50_high_s", "p90_s", "p90_low_s", "p90_high_s", "p99_s",
    "max_s", "note",
)  # fmt: skip
_SHAPE_COLOR: Final = "#D9E6EF"
_HALF_HEIGHT: Final = 0.42
"""The distance that the tallest bin of a shape reaches from the middle of its row; rows are 1 apart."""
_LOOKS: Final[dict[str, dict[str, Any]]] = {
    "p50": {"color": style.BLUE, "marker": "o", "label": "median, interval"},
    "p90": {"color": style.VERMILLION, "marker": "D", "label": "p90, interval"},
}
_SHORT: Final = (
    (r" (completed|finished) actions", ""),
    (r" is infinite: [^;]*", " not reached"),
    (r" has no upper limit: [^;]*", " has no upper limit"),
    (r" without a usable duration left out", " untimed"),
)
_OFFSETS: Final = {"p50": -0.15, "p90": 0.15}
"""The offset of each percentile within its row: apart, so that their intervals never meet."""


def durations(
    table: pd.DataFrame, *, distribution: pd.DataFrame | None = None, ax: Axes | None = None, top: int = 12
) -> Axes:
    """
    Draw the durations of each group: median and p90 with their intervals, p99 and the longest.

    An interval without an upper end runs into an arrow. A percentile that the group is too small for is not drawn;
    the table's note, in small print, says how many actions it needs.

    Args:
        table: what `doaudit.durations` returns.
        distribution: what `doaudit.duration_distribution` returns for the same `by`; drawn as a shape behind.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of groups to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: a table lacks a column, or the two were not made with the same `by`.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> group = {"type": "snapshot", "actions": 9, "open": 1, "finished": 8, "note": "p90 needs 36"}
        >>> median = {"p50_s": 61, "p50_low_s": 40, "p50_high_s": 95, "p90_s": None, "p90_low_s": 80}
        >>> tail = {"p90_high_s": None, "p99_s": None, "max_s": 120}
        >>> ax = durations(pd.DataFrame([group | median | tail]), ax=Figure().add_subplot())
        >>> ax.get_title(loc="left"), [label.get_text() for label in ax.get_yticklabels()]
        ('How long actions take, by type', ['snapshot'])
    """
    require(table, _COLUMNS, maker="durations")
    by = by_columns(table, until="actions")
    if distribution is not None:
        _require_same_groups(distribution, by)
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.33) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "groups", "most actions first")
        style.set_title(axes, f"How long actions take{by_phrase(by)}{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no finished actions to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        keys = group_keys(first, by)
        style.label_rows(axes, group_labels(first, by, among=table), font_size=font_size)
        _draw(axes, first, _shapes(distribution, by, keys))
        style.row_texts(axes, _counts(first), notes=_notes(first), font_size=font_size)
        axes.set_xlabel("from start to end of an action, log scale")
    return axes


def _require_same_groups(distribution: pd.DataFrame, by: Sequence[str]) -> None:
    require(distribution, ("from_s", "to_s", "share"), maker="duration_distribution")
    other = by_columns(distribution, until="from_s")
    if list(by) != other:
        raise InvalidArgument(
            f"The durations are grouped by {list(by)}, but the distribution by {other}; "
            "give doaudit.durations(...) and doaudit.duration_distribution(...) the same by."
        )


def _shapes(distribution: pd.DataFrame | None, by: Sequence[str], keys: Sequence[GroupKey]) -> dict[int, pd.DataFrame]:
    """Return the bins of each row's group, by row; groups without a bin are left out."""
    if distribution is None:
        return {}
    rows_of: dict[GroupKey, list[int]] = {}
    for position, key in enumerate(group_keys(distribution, by)):
        rows_of.setdefault(key, []).append(position)
    return {row: distribution.iloc[rows_of[key]] for row, key in enumerate(keys) if key in rows_of}


def _draw(ax: Axes, table: pd.DataFrame, shapes: dict[int, pd.DataFrame]) -> None:
    points = [numbers(table, column) for column in _COLUMNS if column.endswith("_s")]
    filled = [bins[numbers(bins, "share") > 0] for bins in shapes.values()]
    edges = [numbers(bins, column) for bins in filled for column in ("from_s", "to_s")]
    seconds = np.concatenate([*points, *edges])
    right = time_axis(ax, seconds, from_zero=bool((seconds < 1).any()))
    for row, bins in shapes.items():
        _draw_shape(ax, row, bins)
    rows = np.arange(len(table))
    shape = [Patch(facecolor=_SHAPE_COLOR, label="all durations")] if shapes else []
    percentiles = [_draw_percentile(ax, table, name, right=right) for name in _LOOKS]
    (p99,) = ax.plot(
        numbers(table, "p99_s"), rows, marker="|", markersize=9, markeredgewidth=1.6, **style.MARKERS_ONLY,
        color=style.MUTED_TEXT, label="p99",
    )  # fmt: skip
    (longest,) = ax.plot(
        numbers(table, "max_s"),
        rows,
        marker="x",
        markersize=4.5,
        **style.MARKERS_ONLY,
        color="#8A8A8A",
        label="longest",
    )
    style.legend(ax, [*shape, *percentiles, p99, longest])


def _draw_shape(ax: Axes, row: int, bins: pd.DataFrame) -> None:
    """Draw the distribution of a group, mirrored about its row; its tallest bin always has the same height."""
    shares = numbers(bins, "share")
    if not np.nanmax(shares, initial=0) > 0:
        return
    heights = _HALF_HEIGHT * shares / np.nanmax(shares)
    edges = np.append(numbers(bins, "from_s"), numbers(bins, "to_s")[-1])
    ax.stairs(row + heights, edges, baseline=row - heights, fill=True, facecolor=_SHAPE_COLOR, linewidth=0)


def _draw_percentile(ax: Axes, table: pd.DataFrame, name: str, *, right: float) -> Line2D:
    """Draw markers with intervals, arrows at *right* where there is no upper end; return the legend's entry."""
    point, low, high = (numbers(table, f"{name}{part}_s") for part in ("", "_low", "_high"))
    rows = np.arange(len(table)) + _OFFSETS[name]
    color = _LOOKS[name]["color"]
    known = ~np.isnan(point) & np.isfinite(low) & ~np.isnan(high)
    endless = known & np.isinf(high)
    ax.hlines(rows[known], low[known], np.minimum(high, right)[known], color=color, linewidth=1.8, capstyle="butt")
    open_ends(ax, rows[endless], right=right, color=color)
    edge = {"markeredgecolor": style.BACKGROUND, "markeredgewidth": 0.8}
    look: dict[str, Any] = {"markersize": 5.5, **edge, **_LOOKS[name]}
    finite = np.isfinite(point)
    ax.plot(point[finite], rows[finite], **style.MARKERS_ONLY, **look)
    return Line2D([], [], linewidth=1.8, **look)


def _counts(table: pd.DataFrame) -> list[str]:
    return [
        f"{finished:,} finished" + (f", {running:,} open" if running else "")
        for finished, running in zip(table["finished"], table["open"], strict=True)
    ]


def _notes(table: pd.DataFrame) -> list[str]:
    """Return the reasons why a row lacks a marker or an end: the table's own notes, as short as there is room for."""
    notes = ["" if pd.isna(note) else str(note) for note in table["note"]]
    for pattern, short in _SHORT:
        notes = [re.sub(pattern, short, note) for note in notes]
    return [shorten(note) for note in notes]
