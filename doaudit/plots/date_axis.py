"""Date axis: days in UTC, as matplotlib counts them, with few and short tick labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

__all__ = ["date_axis", "date_numbers"]


def date_axis(ax: Axes) -> None:
    """Make the x axis one of dates in UTC, with a grid."""
    dates = AutoDateLocator(tz="UTC", minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    ax.xaxis.set_major_locator(dates)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(dates, tz="UTC"))  # type: ignore[no-untyped-call]
    ax.grid(visible=True, axis="x", which="major")


def date_numbers(moments: pd.Series) -> np.ndarray:
    """
    Return moments as matplotlib counts them: days since 1970, NaN where null.

    Example:
        >>> date_numbers(pd.Series(pd.to_datetime(["1970-01-02T12:00:00Z", None]))).tolist()
        [1.5, nan]
    """
    return date2num(pd.to_datetime(moments, utc=True).dt.tz_localize(None).to_numpy())  # type: ignore[no-any-return,no-untyped-call]
