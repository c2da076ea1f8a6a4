"""Date axis: days in UTC, as matplotlib counts them, with few and short tick labels, and at least a day long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["date_axis", "date_numbers", "show_dates"]

_SHORTEST: Final = 1.0
"""Days that an axis shows at least."""


def date_axis(ax: Axes) -> None:
    """Make the x axis one of dates in UTC, with a grid."""
    # Three years are divided into halves; with fewer than nine ticks at most, some spans have no division that fits.
    dates = AutoDateLocator(tz="UTC", minticks=4, maxticks=9)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(dates)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(dates, tz="UTC"))  # type: ignore[no-untyped-call]
    ax.grid(visible=True, axis="x", which="major")


def show_dates(ax: Axes, dates: np.ndarray, *, margin: float = 0.02) -> tuple[float, float]:
    """
    Make the x axis one of dates that shows all of *dates*, as matplotlib counts them, and return its ends.

    It is a day long or longer, and *margin* of that more at both ends. Without a date that is known it has no ticks.

    Example:
        >>> from matplotlib.figure import Figure
        >>> show_dates(Figure().add_subplot(), np.array([100.0, np.nan]), margin=0.5)
        (99.0, 101.0)
    """
    known = dates[~np.isnan(dates)]
    left, right = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    spare = max(_SHORTEST - (right - left), 0.0) / 2
    left, right = left - spare, right + spare
    beside = margin * (right - left)
    ends = float(left - beside), float(right + beside)
    ax.set_xlim(*ends)
    if len(known):
        date_axis(ax)
    else:
        ax.set_xticks([])
    return ends


def date_numbers(moments: pd.Series) -> np.ndarray:
    """
    Return moments as matplotlib counts them: days since 1970, NaN where null.

    Example:
        >>> date_numbers(pd.Series(pd.to_datetime(["1970-01-02T12:00:00Z", None]))).tolist()
        [1.5, nan]
    """
    return date2num(pd.to_datetime(moments, utc=True).dt.tz_localize(None).to_numpy())  # type: ignore[no-any-return,no-untyped-call]
