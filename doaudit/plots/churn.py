"""Plot of churn: how many resources of a kind were created, destroyed and there in each week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from doaudit.plots import style
from doaudit.plots.date_axis import date_axis, date_numbers
from doaudit.plots.labels import group_names
from doaudit.plots.table_columns import group_keys, numbers, require

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

__all__ = ["churn"]

_COLUMNS: Final = ("kind", "week", "created", "destroyed", "existed")
_WEEK: Final = 7
_ROW_HEIGHT, _ZERO = 0.42, 0.05  # of the row of an account: of its largest number, and where zero is


def churn(table: pd.DataFrame, *, kind: str = "droplet", ax: Axes | None = None) -> Axes:
    """
    Draw the resources of a kind that were created in each week above zero, those destroyed below, and how many existed.

    Of many accounts each has a row with a scale of its own, and how many there are at the end beside it.

    Args:
        table: what `doaudit.churn` returns.
        kind: 'droplet' or 'reserved_ip'.
        ax: the Axes to draw on; without it a new figure is made.

    Returns:
        The Axes.

    Raises:
        InvalidArgument: the table lacks a column.

    Example:
        >>> import pandas as pd
        >>> from matplotlib.figure import Figure
        >>> week = {"kind": "droplet", "week": pd.Timestamp("2026-03-02", tz="UTC")}
        >>> ax = churn(pd.DataFrame([week | {"created": 5, "destroyed": 3, "existed": 9}]), ax=Figure().add_subplot())
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['created', 'destroyed', 'existed at the end of the week']
    """
    require(table, _COLUMNS, maker="churn")
    weeks = table[(table["kind"] == kind).to_numpy(dtype=bool, na_value=False)]
    noun = "Reserved IPs" if kind == "reserved_ip" else f"{kind.replace('_', ' ').capitalize()}s"
    rows = weeks["account"].nunique() if "account" in table else 0
    with style.figure_for(ax, height=1.4 if rows else 4.0, rows=rows, row_inches=0.5) as axes:
        style.set_title(axes, f"{noun} created and destroyed in each week", with_legend=not weeks.empty)
        if weeks.empty:
            style.empty_message(axes, "no weeks to show")
            return axes
        if "account" in table:
            _draw_accounts(axes, weeks)
        else:
            _draw(axes, weeks)
            axes.set_ylabel(noun.replace("Droplets", "droplets").replace("Reserved", "reserved"))
        axes.set_xlabel("week, UTC")
    return axes


def _draw(ax: Axes, weeks: pd.DataFrame) -> None:
    begin = date_numbers(weeks["week"])
    edges = np.append(begin, begin[-1] + _WEEK)
    created, destroyed, existed = (numbers(weeks, name) for name in ("created", "destroyed", "existed"))
    ax.stairs(created, edges, fill=True, facecolor=style.BLUE, linewidth=0)
    ax.stairs(-destroyed, edges, fill=True, facecolor=style.ORANGE, linewidth=0)
    ax.stairs(existed, edges, baseline=None, color=style.TEXT, linewidth=1.6)
    ax.axhline(0, color=style.MUTED_TEXT, linewidth=0.8)
    highest, lowest = max(created.max(), existed.max(), 1), max(destroyed.max(), 0)
    ax.set_xlim(edges[0], edges[-1])
    ax.set_ylim(-1.08 * lowest, 1.08 * highest)
    date_axis(ax)
    ax.grid(visible=True, axis="y", which="major")
    ax.yaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda count, _: f"{abs(count):,.0f}"))
    _legend(ax)


def _draw_accounts(ax: Axes, weeks: pd.DataFrame) -> None:
    keys = group_keys(weeks, ["account"])
    accounts = sorted(set(keys), key=str)
    begin = date_numbers(weeks["week"])
    font_size = 0.9 * style.row_font_size(ax, len(accounts), notes=True)
    style.label_rows(ax, group_names(accounts), font_size=font_size)
    last = []
    for row, account in enumerate(accounts):
        its = np.array([key == account for key in keys])
        edges = np.append(begin[its], begin[its][-1] + _WEEK)
        created, destroyed, existed = (numbers(weeks[its], name) for name in ("created", "destroyed", "existed"))
        zero, scale = row + _ZERO, _ROW_HEIGHT / max(created.max(), existed.max(), destroyed.max(), 1)
        ax.stairs(zero - scale * created, edges, baseline=zero, fill=True, facecolor=style.BLUE, linewidth=0)
        ax.stairs(zero + scale * destroyed, edges, baseline=zero, fill=True, facecolor=style.ORANGE, linewidth=0)
        ax.stairs(zero - scale * existed, edges, baseline=None, color=style.TEXT, linewidth=1.2)
        ax.axhline(zero, color=style.GRID, linewidth=0.8, zorder=0)
        last.append((existed[-1], existed.max()))
    ax.set_xlim(begin.min(), begin.max() + _WEEK)
    texts, notes = (
        [f"{count:,.0f} {word}" for count in counts]
        for counts, word in zip(zip(*last, strict=True), ("at the end", "at most"), strict=True)
    )
    style.row_texts(ax, texts, notes=notes, font_size=font_size)
    date_axis(ax)
    _legend(ax)


def _legend(ax: Axes) -> None:
    handles = [
        Patch(facecolor=style.BLUE, linewidth=0, label="created"),
        Patch(facecolor=style.ORANGE, linewidth=0, label="destroyed"),
        Line2D([], [], color=style.TEXT, linewidth=1.6, label="existed at the end of the week"),
    ]
    style.legend(ax, handles)
