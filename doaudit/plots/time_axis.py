"""Time axis: logarithmic in seconds, with a place for 0 s, and ticks in seconds, minutes, hours and days."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.ticker import FuncFormatter, Locator, NullLocator

from doaudit.formatting import time_span
from doaudit.plots import style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

__all__ = ["open_ends", "time_axis"]

_TICKS = (0, 1, 10, 60, 600, 3600, 86400, 864_000, 8_640_000)
_FEW_TICKS = (0, 60, 3600, 86400, 8_640_000)
_LABEL_POINTS = 26
"""The distance that neighbouring tick labels need, from middle to middle."""
_BELOW_ZERO = -0.25
"""The left end of an axis that shows 0 s: far enough left of it for a marker."""


class _TimeLocator(Locator):
    """Ticks at whole units of time; fewer of them where their labels would meet."""

    def __init__(self, ax: Axes) -> None:
        self._ax = ax

    def __call__(self) -> list[int]:
        """Return the ticks for the present width of the axes, which a layout may have changed."""
        low, high = self._ax.get_xlim()
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[int]:
        """Return the ticks between *vmin* and *vmax* seconds."""
        inside = [tick for tick in _TICKS if vmin <= tick <= vmax]
        few = [tick for tick in _FEW_TICKS if vmin <= tick <= vmax]
        return few if len(few) > 1 and self._narrowest(inside) < _LABEL_POINTS else inside

    def _narrowest(self, ticks: list[int]) -> float:
        """Return the smallest distance between two of *ticks*, in points."""
        pixels = self._ax.transData.transform([(tick, 0) for tick in ticks])[:, 0]
        return float(np.diff(pixels).min()) * 72 / self._ax.figure.dpi


def time_axis(ax: Axes, seconds: Iterable[float], *, from_zero: bool) -> float:
    """
    Make the x axis a time axis that shows all of *seconds*, and return its right end, in seconds.

    Values that are not finite are left out. Between 0 s and 1 s, where no whole second falls, the axis is linear.
    With *from_zero* it starts at 0 s, else at the last tick below the smallest value.
    """
    finite = [value for value in seconds if math.isfinite(value)]
    shortest, longest = min(finite, default=0), max(finite, default=0)
    right = max(longest, 10) * 1.5
    left = _BELOW_ZERO
    if not from_zero and shortest >= 1:
        left = 0.8 * max(tick for tick in _TICKS if tick <= shortest)
    ax.set_xscale("symlog", linthresh=1, linscale=0.5, base=10)
    ax.set_xlim(left, right)
    ax.xaxis.set_major_locator(_TimeLocator(ax))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda tick, _: time_span(tick)))
    ax.grid(visible=True, axis="x", which="major")
    return right


def open_ends(ax: Axes, rows: np.ndarray, *, right: float, color: str) -> None:
    """Draw an arrow head at the right end of the axis for each of *rows*: the interval goes on without end."""
    ax.plot(
        np.full(len(rows), right),
        rows,
        marker=">",
        markersize=5,
        **style.MARKERS_ONLY,
        color=color,
        clip_on=False,
    )
