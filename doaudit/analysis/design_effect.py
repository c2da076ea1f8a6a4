"""
Design effect of days: by how much actions that are alike on the same days widen an interval.

An interval from counts supposes that each action fails, or takes long, by itself. Where a region is down for an
afternoon, a hundred actions fail together, and say little more than one of them would. The design effect is the
variance of a share with days as clusters, over what it would be without; counts divided by it are those of as many
independent actions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.groups import first_of_runs
from doaudit.analysis.intervals import ratio

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = [
    "DailyDurations",
    "design_effect",
    "design_effect_of_days",
    "effective",
    "quantile_design_effect",
]

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
    return _over_days(k, k + completed, days, kk, kn, nn)


def quantile_design_effect(daily: DailyDurations, quantile_s: Figures) -> Figures:
    """
    Compute the design effect of each group's share of actions that take no longer than its quantile.

    Source: as `design_effect`; for quantiles Woodruff, Confidence Intervals for Medians and Other Position Measures,
    1952.

    Args:
        daily: the durations of each group on each day.
        quantile_s: seconds, one a group; NaN or infinity where there is none.

    Returns:
        One a group, float64; NaN where nothing can tell.

    Example:
        >>> at = np.array([0, 0, 1, 1])
        >>> daily = DailyDurations(at * 0, at, np.array([5, 6, 50, 60]), at * 0 + 10, groups=1)
        >>> quantile_design_effect(daily, np.array([6.0])).tolist()
        [40.0]
    """
    if not len(daily.seconds):
        return np.full(daily.groups, np.nan)
    first, present, n, n_sum, days, n_squared = daily.cells
    k = np.add.reduceat(np.where(daily.seconds <= quantile_s[daily.group], daily.actions, 0), first).astype(float)
    k_sum, k_squared, product = (np.add.reduceat(values, present) for values in (k, k * k, k * n))
    deff = np.full(daily.groups, np.nan)
    deff[daily.group[first[present]]] = _over_days(k_sum, n_sum, days, k_squared, product, n_squared)
    return deff


def design_effect_of_days(group: Counts, k: Figures, n: Figures, *, groups: int) -> Figures:
    """
    Compute the design effect of each group's share out of the counts of each day.

    Source: as `design_effect`.

    Args:
        group: the number of the group of each day.
        k: how many of the day count in the share.
        n: how many there are of that day.
        groups: the number of groups.

    Returns:
        One a group, float64; NaN where nothing can tell.

    Example:
        >>> design_effect_of_days(np.array([0, 0]), np.array([20.0, 0.0]), np.array([20.0, 20.0]), groups=1).tolist()
        [40.0]
    """
    summed = (k, n, np.ones(len(n)), k * k, k * n, n * n)
    return _over_days(*(np.bincount(group, weights=each, minlength=groups).astype(float) for each in summed))


@dataclass(frozen=True, eq=False)
class DailyDurations:
    """
    Durations of each group's actions on each day.

    Attributes:
        group: the number of the group, rising.
        cell: the number of the group and day, rising.
        seconds: the duration.
        actions: how many took so long on that day.
        groups: the number of groups, also those without a row.
    """

    group: Counts
    cell: Counts
    seconds: Counts
    actions: Counts
    groups: int

    @cached_property
    def cells(self) -> tuple[Counts, Counts, Figures, Figures, Figures, Figures]:
        """First row of each cell, first cell of each group, actions of each cell, and sums of each group."""
        first = first_of_runs(self.cell)
        present = first_of_runs(self.group[first])
        n = np.add.reduceat(self.actions, first).astype(float)
        n_sum, days, n_squared = (np.add.reduceat(values, present) for values in (n, np.ones(len(n)), n * n))
        return first, present, n, n_sum, days, n_squared


def _over_days(k: Figures, n: Figures, days: Figures, kk: Figures, kn: Figures, nn: Figures) -> Figures:
    share = np.nan_to_num(ratio(k, n))
    apart = kk - 2 * share * kn + share**2 * nn  # the sum over days of the squared numbers beyond those of the share
    can_tell = (days >= _LEAST_DAYS) & (k > 0) & (k < n)
    return ratio(ratio(days * apart, days - 1), np.where(can_tell, k * (1 - share), 0))


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
