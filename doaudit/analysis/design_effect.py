"""
Design effect of days: by how much failures that come on the same days widen an interval.

An interval from counts supposes that each action fails by itself. Where a region is down for an afternoon, a hundred
actions fail together, and say little more than one of them would. The design effect is the variance of a rate with days
as clusters, over what it would be without; counts divided by it are those of as many independent actions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.intervals import ratio

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Figures = NDArray[np.float64]

__all__ = ["design_effect", "effective"]

_LEAST_DAYS = 2
_COLUMNS = ("errored", "completed", "days", "errored_squared", "errored_finished", "finished_squared")


def design_effect(counted: pd.DataFrame) -> Figures:
    """
    Compute the design effect of each group's failure rate, with days as clusters.

    Source: the variance of a ratio under cluster sampling (Cochran, Sampling Techniques, 3rd edition, 1977, 9A.2), over
    that of a binomial share (Kish, Survey Sampling, 1965, 5.4).

    Args:
        counted: what `doaudit.analysis.daily_counts.outcomes_by_day` returns.

    Returns:
        One a group, float64: 1 if days make no difference, more if failures come together; NaN where nothing can tell,
        since none or all failed, or all on one day.

    Example:
        >>> import pandas as pd
        >>> sums = {"days": [4], "errored_squared": [64], "errored_finished": [80], "finished_squared": [400]}
        >>> design_effect(pd.DataFrame({"completed": [32], "errored": [8], **sums})).round(2).tolist()
        [10.0]
    """
    k, completed, days, kk, kn, nn = (counted[name].to_numpy(dtype=float) for name in _COLUMNS)
    rate = np.nan_to_num(ratio(k, k + completed))
    apart = kk - 2 * rate * kn + rate**2 * nn  # the sum over days of the squared failures beyond those of the rate
    can_tell = (days >= _LEAST_DAYS) & (k > 0) & (completed > 0)
    return ratio(ratio(days * apart, days - 1), np.where(can_tell, k * (1 - rate), 0))


def effective(counts: pd.Series[int], deff: Figures) -> Figures:
    """
    Return the number of independent actions that say as much: counts over the design effect where that is above 1.

    Source: Korn and Graubard, Confidence Intervals for Proportions with Small Expected Number of Positive Counts
    Estimated from Survey Data, 1998, without their factor for few clusters.

    Example:
        >>> import pandas as pd
        >>> effective(pd.Series([100, 100, 100]), np.array([4.0, 0.5, np.nan])).tolist()
        [25.0, 100.0, 100.0]
    """
    return counts.to_numpy(dtype=float) / np.fmax(deff, 1.0)
