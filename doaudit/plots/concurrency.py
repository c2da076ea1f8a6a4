"""Plot of concurrency: for each group a row with the most that ran at once on every day, and the most of all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from matplotlib.patches import Patch

from doaudit.formatting import time_span
from doaudit.plots import style
from doaudit.plots.date_axis import date_axis, date_numbers
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels, percentage
from doaudit.plots.table_columns import by_columns, group_keys, numbers, require, rows_by_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from doaudit.plots.table_columns import GroupKey

    Steps = tuple[np.ndarray, np.ndarray]

__all__ = ["concurrency"]

_COLUMNS: Final = ("actions", "most", "most_at", "most_s", "busy_share")
_DAILY: Final = ("day", "most")
_LOOK: Final = style.VERMILLION
_HEIGHT: Final = 0.8  # of the tallest bar, in rows
_NARROWEST: Final = 1 / 300  # of the axis
_LEAST_SHARE: Final = 0.001  # that is written as a number


def concurrency(
    table: pd.DataFrame, *, daily: pd.DataFrame | None = None, ax: Axes | None = None, top: int = 12
) -> Axes:
    """
    Draw the most actions that ran at once in each group as a bar at its day, and fainter steps for all other days.

    Each row has a scale of its own, from none to its most. Beside it stands the most, for how long so many ran, and
    during which share of the time at least one did.

    Args:
        table: what `doaudit.concurrency` returns.
        daily: what `doaudit.daily_concurrency` returns for the same `by`; without it the other days are not drawn.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of groups to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: a table lacks a column.

    Example:
        >>> from matplotlib.figure import Figure
        >>> group = {"type": "snapshot", "actions": 5965, "most": 15, "most_s": 64, "busy_share": 0.0288}
        >>> table = pd.DataFrame([group | {"most_at": pd.Timestamp("2026-06-17T13:26:30Z")}])
        >>> ax = concurrency(table, ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.texts]
        ['15 at once for 1 min 4 s', '2026-06-17 13:26, busy 2.8 %']
    """
    require(table, _COLUMNS, maker="concurrency")
    by = by_columns(table, until="actions")
    if daily is not None:
        require(daily, (*by, *_DAILY), maker="daily_concurrency")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.34) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "groups", "most at once first")
        title = f"How many actions run at once{by_phrase(by)}{first_rows}"
        ran = numbers(first, "most") > 0
        style.set_title(axes, title, with_legend=bool(ran.any()))
        if not ran.any():
            style.empty_message(axes, "no actions to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        style.label_rows(axes, group_labels(first, by, among=table), font_size=font_size)
        _draw(axes, first, _steps_by_group(daily, by), by)
        style.row_texts(axes, _counts(first), notes=_notes(first), font_size=font_size)
        axes.set_xlabel("day, UTC")
    return axes


def _draw(ax: Axes, table: pd.DataFrame, steps_of: dict[GroupKey, Steps], by: Sequence[str]) -> None:
    keys, peak, most = group_keys(table, by), _days(table["most_at"]), numbers(table, "most")
    drawn = {row: steps_of[key] for row, key in enumerate(keys) if key in steps_of}
    seen = np.concatenate([peak[~np.isnan(peak)], *(days for days, _ in drawn.values())])
    left, right = seen.min(), seen.max() + 1
    ax.set_xlim(left, right)
    width = max(1, (right - left) * _NARROWEST)
    for row in range(len(table)):
        floor = row + _HEIGHT / 2
        ax.axhline(floor, color=style.GRID, linewidth=0.8, zorder=0)
        if row in drawn:
            days, counts = drawn[row]
            # After a day its steps fall to nought, unless the next one follows.
            shown = np.column_stack([np.ones(len(days), dtype=bool), np.append(days[1:] > days[:-1] + 1, True)]).ravel()
            edges = np.append(np.column_stack([days, days + 1]).ravel()[shown], right + 1)
            heights = np.column_stack([counts, np.zeros(len(counts))]).ravel()[shown] * _HEIGHT / max(most[row], 1)
            ax.stairs(floor - heights, edges, baseline=floor, fill=True, facecolor=style.SKY, linewidth=0)
    ran = most > 0
    bottom = np.flatnonzero(ran) + _HEIGHT / 2
    ax.bar(peak[ran], -_HEIGHT, width, bottom, align="edge", color=_LOOK, linewidth=0)
    date_axis(ax)
    handles = [Patch(facecolor=_LOOK, linewidth=0, label="the most, when it was first reached")]
    others = [Patch(facecolor=style.SKY, linewidth=0, label="the most of each day")] if drawn else []
    style.legend(ax, [*handles, *others])


def _steps_by_group(daily: pd.DataFrame | None, by: Sequence[str]) -> dict[GroupKey, Steps]:
    """Return for each group the days on which an action ran, and how many at most."""
    if daily is None:
        return {}
    days, counts = _days(daily["day"]), numbers(daily, "most")
    return {key: (days[rows], counts[rows]) for key, rows in rows_by_key(group_keys(daily, by)).items()}


def _counts(table: pd.DataFrame) -> list[str]:
    rows = zip(table["most"], numbers(table, "most_s"), strict=True)
    return [f"{most:,} at once for {time_span(seconds)}" if most else "none timed" for most, seconds in rows]


def _notes(table: pd.DataFrame) -> list[str]:
    rows = zip(table["most_at"], numbers(table, "busy_share"), strict=True)
    return ["" if pd.isna(when) else f"{when:%Y-%m-%d %H:%M}, busy {_share(share)}" for when, share in rows]


def _share(share: float) -> str:
    return "less than 0.1 %" if share < _LEAST_SHARE else percentage(share)


def _days(moments: pd.Series) -> np.ndarray:
    """Return the days that moments are on, as matplotlib counts them; NaN where there is none."""
    days: np.ndarray = np.floor(date_numbers(moments))
    return days
