"""Plot of last actions: for each type a row with a dot for each resource, at the age of its last action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.lines import Line2D

from doaudit.actions import ERRORED
from doaudit.formatting import count
from doaudit.plots import style
from doaudit.plots.labels import first_rows_phrase, group_labels
from doaudit.plots.table_columns import group_keys, numbers, require, rows_by_key, within_accounts
from doaudit.plots.time_axis import time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["last_actions"]

_COLUMNS: Final = ("type", "status", "age_s")
_OTHERS: Final[dict[str, Any]] = {"marker": "o", "markersize": 6, "color": style.BLUE, "markeredgewidth": 0}
_FAILED: Final[dict[str, Any]] = {"marker": "D", "markersize": 5, "color": style.VERMILLION, "markeredgewidth": 0}


def last_actions(table: pd.DataFrame, *, ax: Axes | None = None, top: int = 30) -> Axes:
    """
    Draw a dot for each resource at the age of its last action, in a row for each type; the type used last comes first.

    The age is the time from the start of the action until the account was last read.

    The more dots there are in a row, the fainter is each, so that crowds are darker than the rest. Those that errored
    are diamonds, and lie on top. Beside each row stands the number of resources.

    Args:
        table: what `doaudit.last_actions` returns, or part of it.
        ax: the Axes to draw on; without it a new figure is made.
        top: number of types to draw.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> rows = [{"type": "resize", "status": "completed", "age_s": age} for age in (60.0, 86_400.0)]
        >>> ax = last_actions(pd.DataFrame(rows), ax=Figure().add_subplot())
        >>> [label.get_text() for label in ax.get_yticklabels()], [text.get_text() for text in ax.texts]
        (['resize'], ['2 resources'])
    """
    require(table, _COLUMNS, maker="last_actions")
    columns = within_accounts(table, "type")
    groups = list(rows_by_key(group_keys(table, columns)).values())
    with style.figure_for(ax, rows=len(groups[:top]), row_inches=0.22) as axes:
        first_rows = first_rows_phrase(len(groups[:top]), len(groups), "types")
        style.set_title(axes, f"Last action of each type{first_rows}", with_legend=not table.empty)
        if table.empty:
            style.empty_message(axes, "no actions to show")
            return axes
        font_size = style.row_font_size(axes, len(groups[:top]))
        first = table.iloc[[group[0] for group in groups[:top]]]
        style.label_rows(axes, group_labels(first, columns, among=table), font_size=font_size)
        _draw(axes, [table.iloc[group] for group in groups[:top]])
        style.row_texts(axes, [count(len(group), "resource") for group in groups[:top]], font_size=font_size)
        axes.set_xlabel("time since its start, a dot for each resource, log scale")
    return axes


def _draw(ax: Axes, groups: list[pd.DataFrame]) -> None:
    ages = [numbers(group, "age_s") for group in groups]
    time_axis(ax, np.concatenate(ages), from_zero=False)
    ax.hlines(range(len(groups)), *ax.get_xlim(), color=style.GRID, linewidth=0.8, zorder=0)
    has_failed = [group["status"].isin(ERRORED).to_numpy(dtype=bool) for group in groups]
    for row, (age, failed) in enumerate(zip(ages, has_failed, strict=True)):
        for mask, look in ((~failed, {**_OTHERS, "alpha": style.opacity(len(age))}), (failed, _FAILED)):
            ax.plot(age[mask], np.full(np.count_nonzero(mask), row), **look, **style.MARKERS_ONLY, clip_on=False)
    looks = ((_OTHERS, "the last action of a resource"), (_FAILED, "errored"))
    is_there = (any((~failed).any() for failed in has_failed), any(failed.any() for failed in has_failed))
    style.legend(
        ax,
        [
            Line2D([], [], linestyle="none", label=label, **look)
            for (look, label), there in zip(looks, is_there, strict=True) if there
        ],
    )  # fmt: skip
