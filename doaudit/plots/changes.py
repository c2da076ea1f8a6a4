"""Plot of changes: for each a row with its weeks, and the level before and since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from doaudit.formatting import rate, time_span
from doaudit.plots import style
from doaudit.plots.labels import by_phrase, first_rows_phrase, group_labels
from doaudit.plots.table_columns import by_columns, group_keys, numbers, require, rows_by_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from doaudit.plots.table_columns import GroupKey

    Weeks: TypeAlias = tuple[np.ndarray, np.ndarray, np.ndarray]

__all__ = ["changes"]

_COLUMNS: Final = (
    "what", "shape", "since", "since_low", "since_high", "before_s", "after_s", "rate_before", "rate_after", "ratio",
    "ratio_low", "ratio_high",
)  # fmt: skip
_SERIES: Final = ("what", "week", "is_after", "median_s", "failure_rate")
_HEIGHT: Final = 0.8  # of a row; rows are 1 apart
_TOP: Final = 1.8  # of a row, as a multiple of the higher level; weeks above are drawn there
_WEEK: Final = 7
_MARGIN_DAYS: Final = 60  # around the days of the steps, where there are no weeks to draw
_BEFORE, _SINCE = style.BLUE, style.VERMILLION


def changes(table: pd.DataFrame, *, series: pd.DataFrame | None = None, ax: Axes | None = None, top: int = 6) -> Axes:
    """
    Draw each change as the median duration or failure rate of every week, and its level before and since as lines.

    Each row has a scale of its own, which begins at 0. Grey are the days between which a step began; the lines of a
    gradual change are dashed. Days and regions of incidents are in no week.

    Args:
        table: what `doaudit.changes` returns.
        series: what `doaudit.change_series` returns for the same `by`; without it only the levels are drawn.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of changes to draw, from the table's first row.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: a table lacks a column.

    Example:
        >>> from matplotlib.figure import Figure
        >>> day = pd.Timestamp("2026-06-17", tz="UTC")
        >>> step = {"type": "resize", "what": "duration", "shape": "step", "since": day, "since_low": day}
        >>> levels = {"since_high": day, "before_s": 60, "after_s": 90, "rate_before": None, "rate_after": None}
        >>> one = step | levels | {"ratio": 1.5, "ratio_low": 1.4, "ratio_high": 1.6}
        >>> ax = changes(pd.DataFrame([one]), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.texts]
        ['1 min → 1 min 30 s', '1.50 x (1.40 to 1.60), since 2026-06-17']
    """
    require(table, _COLUMNS, maker="changes")
    by = by_columns(table, until="what")
    if series is not None:
        require(series, (*by, *_SERIES), maker="change_series")
    first = table.head(top)
    with style.figure_for(ax, rows=len(first), row_inches=0.7) as axes:
        first_rows = first_rows_phrase(len(first), len(table), "changes", "what got worse first")
        style.set_title(axes, f"What changed{by_phrase(by)}{first_rows}", with_legend=not first.empty)
        if first.empty:
            style.empty_message(axes, "no changes to show")
            return axes
        font_size = 0.9 * style.row_font_size(axes, len(first), notes=True)
        names = group_labels(first, [*by, "what"], among=table)
        style.label_rows(axes, names, font_size=font_size)
        axes.set_ylim(len(first) - 0.5, -0.5)  # one change alone has all the height
        _draw(axes, first, series, by)
        style.row_texts(axes, _levels_in_words(first), notes=_sizes_in_words(first), font_size=font_size)
        axes.set_xlabel("start of the action, UTC")
    return axes


def _draw(ax: Axes, table: pd.DataFrame, series: pd.DataFrame | None, by: Sequence[str]) -> None:
    since, low, high = (_days(table[name]) for name in ("since", "since_low", "since_high"))
    weeks_of = _weeks_by_change(series, by)
    weeks = np.concatenate([weeks for weeks, _, _ in weeks_of.values()] or [np.empty(0)])
    seen = np.concatenate([low - _MARGIN_DAYS, high + _MARGIN_DAYS, weeks, weeks + _WEEK])
    is_seen = ~np.isnan(seen)
    left, right = (seen[is_seen].min(), seen[is_seen].max()) if is_seen.any() else (0.0, 1.0)
    ax.set_xlim(left, right)
    points: dict[str, Any] = {"marker": "o", "markersize": 2.4, "color": style.SKY, **style.MARKERS_ONLY}
    for row, (key, before, after) in enumerate(zip(_keys(table, by), *_levels(table), strict=True)):
        ax.axhline(row + _HEIGHT / 2, color=style.GRID, linewidth=0.8, zorder=0)
        days, values, is_after = weeks_of.get(key, (np.empty(0), np.empty(0), np.empty(0, dtype=bool)))
        highest = _TOP * max(before, after)
        border = since[row]
        if np.isnan(border):
            border = days[is_after].min() if is_after.any() else (left + right) / 2
        else:
            ax.fill_between([low[row], high[row]], row - _HEIGHT / 2, row + _HEIGHT / 2, color=style.GRID, linewidth=0)
        days = np.where(is_after & (days < border), border, days)  # the part of a week that is after
        ax.plot(days, _heights(row, values, highest), **points)
        look = "--" if np.isnan(since[row]) else "-"
        for level, ends, color in ((before, (left, border), _BEFORE), (after, (border, right), _SINCE)):
            ax.plot(ends, _heights(row, np.array([level] * 2), highest), look, color=color, linewidth=2.0)
    _finish(ax, has_days=bool(is_seen.any()), has_weeks=len(weeks) > 0, has_steps=not np.isnan(since).all())


def _finish(ax: Axes, *, has_days: bool, has_weeks: bool, has_steps: bool) -> None:
    """Draw the axis of days and the legend."""
    if has_days:
        dates = AutoDateLocator(tz="UTC", minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
        ax.xaxis.set_major_locator(dates)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(dates, tz="UTC"))  # type: ignore[no-untyped-call]
        ax.grid(visible=True, axis="x", which="major")
    else:
        ax.set_xticks([])
    week = Line2D([], [], marker="o", markersize=3, color=style.SKY, linestyle="none", label="median or rate of a week")
    looks = ((_BEFORE, "before"), (_SINCE, "since"))
    levels = [Line2D([], [], color=color, linewidth=2, label=label) for color, label in looks]
    began = Patch(facecolor=style.GRID, linewidth=0, label="may have begun")
    style.legend(ax, [*[week] * has_weeks, *levels, *[began] * has_steps])


def _heights(row: int, values: np.ndarray, highest: float) -> np.ndarray:
    """Return where values are drawn in a row: 0 is its lower edge."""
    return row + _HEIGHT / 2 - _HEIGHT * np.minimum(values / highest, 1.0)


def _keys(table: pd.DataFrame, by: Sequence[str]) -> list[tuple[GroupKey, str]]:
    return list(zip(group_keys(table, by), table["what"], strict=True))


def _levels(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the level of each row before and after, in seconds or as a share."""
    is_duration = (table["what"] == "duration").to_numpy()
    before = np.where(is_duration, numbers(table, "before_s"), numbers(table, "rate_before"))
    return before, np.where(is_duration, numbers(table, "after_s"), numbers(table, "rate_after"))


def _weeks_by_change(series: pd.DataFrame | None, by: Sequence[str]) -> dict[tuple[GroupKey, str], Weeks]:
    """Return for each change its weeks, their values, and which are after it."""
    if series is None:
        return {}
    median, share = numbers(series, "median_s"), numbers(series, "failure_rate")
    values = np.where((series["what"] == "duration").to_numpy(), median, share)
    weeks, is_after = _days(series["week"]), series["is_after"].to_numpy(dtype=bool)
    return {key: (weeks[rows], values[rows], is_after[rows]) for key, rows in rows_by_key(_keys(series, by)).items()}


def _levels_in_words(table: pd.DataFrame) -> list[str]:
    write = {"duration": time_span, "failure rate": rate}
    rows = zip(table["what"], *_levels(table), strict=True)
    return [f"{write[what](before)} → {write[what](after)}" for what, before, after in rows]


def _sizes_in_words(table: pd.DataFrame) -> list[str]:
    ratios = zip(*(numbers(table, name) for name in ("ratio", "ratio_low", "ratio_high")), strict=True)
    sizes = [
        f"{ratio:.2f} x ({low:.2f} to {high:.2f})" if np.isfinite(ratio) else f"at least {low:.2f} x"
        for ratio, low, high in ratios
    ]
    when = ["gradually" if pd.isna(day) else f"since {day:%Y-%m-%d}" for day in table["since"]]
    return [f"{size}, {moment}" for size, moment in zip(sizes, when, strict=True)]


def _days(moments: pd.Series) -> np.ndarray:
    """Return moments as matplotlib counts days, NaN where there is none."""
    return date2num(pd.to_datetime(moments, utc=True).dt.tz_localize(None).to_numpy())  # type: ignore[no-any-return,no-untyped-call]
