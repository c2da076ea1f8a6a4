"""Share axis: linear from zero, with ticks in per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, MaxNLocator

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["share_axis"]

_LEAST = 0.001
"""The right end of an axis of shares that are all 0."""


def share_axis(ax: Axes, shares: np.ndarray, *, ticks: int = 6) -> None:
    """
    Make the x axis one of shares, from 0 to the largest one that is known, with up to *ticks* intervals and a grid.

    Example:
        >>> from matplotlib.figure import Figure
        >>> ax = Figure().add_subplot()
        >>> share_axis(ax, np.array([0.1, np.nan]))
        >>> ax.xaxis.get_major_formatter().format_ticks([0.0, 0.025])
        ['0 %', '2.5 %']
    """
    known = shares[~np.isnan(shares)]
    right = max(known.max(), _LEAST) if len(known) else 1.0
    ax.set_xlim(-0.015 * right, 1.03 * right)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=ticks, steps=[1, 2, 2.5, 5, 10]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    ax.grid(visible=True, axis="x", which="major")
