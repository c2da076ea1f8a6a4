"""Plot of outcome curves: which share of a group has completed, errored, or is still open, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from doaudit.plots import style
from doaudit.plots.labels import group_names
from doaudit.plots.table_columns import by_columns, group_keys, numbers, require
from doaudit.plots.time_axis import time_axis

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["outcome_curves"]

_LOOKS: Final = {
    "errored": (style.VERMILLION, ""),
    "unclear": ("#4D4D4D", "...."),
    "open": (style.ORANGE, "////"),
    "completed": (style.SKY, ""),
}
"""Colour and hatch of each share, from the bottom up: what errored starts at zero."""


def outcome_curves(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """
    Draw which share of a group's actions has completed, errored, or is still open after so many seconds.

    Args:
        table: what `doaudit.outcome_curves` returns; its first group is drawn.
        ax: the Axes to draw on; without it a new figure is made.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> shares = {"completed": [0.5, 0.9], "errored": [0.1, 0.1], "unclear": [0, 0], "open": [0.4, 0]}
        >>> table = pd.DataFrame({"type": "resize", "after_s": [10, 40], **shares})
        >>> ax = outcome_curves(table, ax=Figure().add_subplot())
        >>> ax.get_title(loc="left")
        'What has become of actions after how long: resize'
    """
    require(table, ("after_s", *_LOOKS), maker="outcome_curves")
    keys = group_keys(table, by_columns(table, until="after_s"))
    groups = list(dict.fromkeys(keys))
    with style.figure_for(ax, height=4.0) as axes:
        of = f": {group_names(groups[:1])[0]}" if groups else ""
        others = f" (first of {len(groups):,} groups)" if len(groups) > 1 else ""
        style.set_title(axes, f"What has become of actions after how long{of}{others}", with_legend=bool(groups))
        if not groups:
            style.empty_message(axes, "no finished actions to show")
            return axes
        rows = table[[key == groups[0] for key in keys]]
        right = time_axis(axes, numbers(rows, "after_s"), from_zero=True)
        after = np.concatenate([[-1], numbers(rows, "after_s"), [right]])
        bottom = np.zeros(len(after))
        for name, (color, hatch) in _LOOKS.items():
            shares = numbers(rows, name)
            top = bottom + np.concatenate([[float(name == "open")], shares, shares[-1:]])
            axes.fill_between(after, bottom, top, step="post", facecolor=color, hatch=hatch, linewidth=0)
            bottom = top
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1, symbol=" %"))
        occurring = [name for name in _LOOKS if (rows[name] > 0).any()]
        looks = [(name, *_LOOKS[name]) for name in occurring]
        style.legend(
            axes, [Patch(facecolor=color, hatch=hatch, linewidth=0, label=name) for name, color, hatch in looks]
        )
        axes.set_xlabel("from start of the action, log scale")
    return axes
