"""
Tests and intervals of two periods: of failure rates, of durations, and of the longest of them.

Actions of one day are often slow, or fail, together, so days are the units of chance. Everything is vectorised over
groups; arrays of two columns are of the period before and of that after.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import erfc, gammaln, stdtr

from doaudit.analysis.change_scores import block_medians, rank_scores
from doaudit.analysis.design_effect import design_effect
from doaudit.analysis.intervals import order_statistic_interval, ratio, wilson_limits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = ["day_deff", "difference_p", "log_rank", "median_interval", "newcombe", "welch_of_ranks"]

_CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + _CONFIDENCE) / 2)
_LEAST_ACTIONS, _LEAST_DAYS = 5, 3  # of each period
_NOTHING = 1e-12
_MOST_Z, _HALVINGS = 38.0, 60


def welch_of_ranks(
    group: Counts, is_after: Counts, day: Counts, seconds: Figures, count: Counts
) -> tuple[Figures, Figures]:
    """
    Test whether durations rank higher in one of two periods: Welch's test of the sums of ranks of days.

    Where all days of a period are alike, the p-value is that of a permutation of the days.

    Source: Welch, The Generalization of Student's Problem, 1947, on the ranks of Wilcoxon, 1945, less their mean.

    Args:
        group: the number of the group, from 0, each number once at least.
        is_after: 1 for the later period, 0 for the earlier one.
        day: the day of the start.
        seconds: the duration.
        count: number of such actions.

    Returns:
        (t, p): Welch's statistic, or the mere difference if days do not differ, above 0 if durations are longer in the
        later period, and the two-sided p-value; NaN where a period has fewer than five actions or three days.

    Example:
        >>> day = np.arange(8)
        >>> one = np.zeros(8, dtype=np.int64)
        >>> seconds = np.array([5.0, 6, 7, 8, 9, 13, 12, 11])
        >>> t, p = welch_of_ranks(one, day // 4, day, seconds, one + 2)
        >>> t.round(2).tolist(), p.round(3).tolist()
        ([4.38], [0.005])
    """
    scores = rank_scores(group, group, day, seconds, count)
    cell, groups = 2 * group + is_after, int(group.max(initial=-1)) + 1
    days, of_day = np.unique(np.stack([cell, day], axis=1), axis=0, return_inverse=True)
    sums = np.bincount(of_day.ravel(), scores.score * count)
    m = np.bincount(days[:, 0], minlength=2 * groups).reshape(groups, 2)
    mean = ratio(np.bincount(days[:, 0], sums, minlength=2 * groups).reshape(groups, 2), m)
    apart = (sums - mean.ravel()[days[:, 0]]) ** 2
    variance = ratio(ratio(np.bincount(days[:, 0], apart, minlength=2 * groups).reshape(groups, 2), m - 1), m)
    both = variance.sum(axis=1)
    freedom = ratio(both**2, ratio(variance**2, m - 1).sum(axis=1))
    shift = mean[:, 1] - mean[:, 0]
    t = np.where(both > _NOTHING, ratio(shift, np.sqrt(both)), shift)
    alike = np.where(np.abs(shift) > _NOTHING, _permutation_p(m), 1.0)
    p = np.where(both > _NOTHING, 2 * stdtr(freedom, -np.abs(t)), alike)
    actions = np.bincount(cell, count, minlength=2 * groups).reshape(groups, 2)
    is_tested = (m >= _LEAST_DAYS).all(axis=1) & (actions >= _LEAST_ACTIONS).all(axis=1)
    return np.where(is_tested, t, np.nan), np.where(is_tested, p, np.nan)


def _permutation_p(days: Counts) -> Figures:
    """Return the chance that all days of one period are above all of the other, or below."""
    ways = gammaln(days.sum(axis=1) + 1) - gammaln(days[:, 0] + 1) - gammaln(days[:, 1] + 1)
    return np.fmin(2 * np.exp(-ways), 1.0)  # type: ignore[no-any-return]


def log_rank(
    group: Counts, is_after: Counts, day: Counts, seconds: Figures, ended: Counts, running: Counts
) -> tuple[Figures, Figures]:
    """
    Test whether actions end later in one of two periods, also those that have not ended: the log-rank test.

    It weighs the longest durations more than a test of ranks does. Its variance is raised where days differ by more
    than chance.

    Source: Mantel, Evaluation of Survival Data and Two New Rank Order Statistics, 1966; Klein and Moeschberger,
    Survival Analysis, 2nd edition, 2003, 7.3. Days from martingale residuals (Lin and Wei, The Robust Inference for the
    Cox Proportional Hazards Model, 1989).

    Args:
        group: the number of the group, from 0, each number once at least.
        is_after: 1 for the later period, 0 for the earlier one.
        day: the day of the start.
        seconds: the duration.
        ended: number of such actions that ended after so long.
        running: number of such actions that were last seen when they had lasted so long.

    Returns:
        (z, p): standard deviations, above 0 if actions end later in the later period, and the two-sided p-value; NaN
        where a period has fewer than five actions or nothing ended.

    Example:
        >>> one = np.zeros(10, dtype=np.int64)
        >>> is_after, seconds = np.arange(10) // 5, np.array([5.0, 6, 7, 8, 9, 13, 12, 11, 9, 14])
        >>> z, p = log_rank(one, is_after, np.arange(10), seconds, one + 1, one)
        >>> z.round(2).tolist(), p.round(4).tolist()
        ([2.85], [0.0044])
    """
    groups, count, cell = int(group.max(initial=-1)) + 1, ended + running, 2 * group + is_after
    moments, at = np.unique(np.stack([group, seconds], axis=1), axis=0, return_inverse=True)
    at, group_at = at.ravel(), moments[:, 0].astype(np.int64)
    d, d_after, of_all, of_after = (
        np.bincount(at, weights) for weights in (ended, ended * is_after, count, count * is_after)
    )
    n, n_after = _at_risk(of_all, group_at), _at_risk(of_after, group_at)
    surplus = np.bincount(group_at, d_after - d * n_after / n)
    spread = np.nan_to_num(ratio(d * (n - d) * n_after * (n - n_after), n * n * (n - 1)))
    variance = np.bincount(group_at, spread, groups)
    hazard = _sum_within(ratio(d, n), group_at)[at]
    sums, squares = ended - count * hazard, ended * (1 - hazard) ** 2 + running * hazard**2
    size = np.bincount(cell, count, 2 * groups)
    mean = np.nan_to_num(ratio(np.bincount(cell, sums, 2 * groups), size))
    days, of_day = np.unique(np.stack([cell, day], axis=1), axis=0, return_inverse=True)
    apart = np.bincount(of_day.ravel(), sums - count * mean[cell]) ** 2
    alone = (np.bincount(cell, squares, 2 * groups) - size * mean**2).reshape(groups, 2).sum(axis=1)
    deff = np.fmax(ratio(np.bincount(days[:, 0] // 2, apart, groups), alone), 1.0)
    is_tested = (size.reshape(groups, 2) >= _LEAST_ACTIONS).all(axis=1)
    z = -ratio(surplus, np.sqrt(variance * deff * is_tested))
    return z, erfc(np.abs(z) / np.sqrt(2))


def _at_risk(leaving: NDArray[Any], group: Counts) -> Figures:
    """Return how many of a group have not left before each of its moments."""
    staying: Figures = np.bincount(group, leaving)[group] - _sum_within(leaving, group) + leaving
    return staying


def _sum_within(values: NDArray[Any], group: Counts) -> Figures:
    """Sum values from the first of each group on."""
    total, of_group = np.cumsum(values), np.bincount(group, values)
    summed: Figures = total - (np.cumsum(of_group) - of_group)[group]
    return summed


def median_interval(
    cell: Counts, day: Counts, seconds: Figures, count: Counts, cells: int
) -> tuple[Figures, Figures, Figures]:
    """
    Compute the median duration of each cell and its 95 % interval, for as many actions as the design effect leaves.

    Source: order statistics (David and Nagaraja, Order Statistics, 7.1), with the design effect of being at most the
    median (Woodruff, Confidence Intervals for Medians and Other Position Measures, 1952).

    Args:
        cell: the number of the cell.
        day: the day of the start.
        seconds: the duration.
        count: number of such actions.
        cells: how many cells there are; those without an action have no median.

    Returns:
        (median, low, high), float64 seconds: 0 and infinity where so few actions bound nothing, NaN without an action.

    Example:
        >>> seconds, one = np.arange(1.0, 10.0), np.zeros(9, dtype=np.int64)
        >>> [limit.tolist() for limit in median_interval(one, np.arange(9), seconds, one + 1, cells=1)]
        [[5.0], [1.0], [9.0]]
    """
    found, code = np.unique(cell, return_inverse=True)
    medians = block_medians(code, seconds, count)
    is_below = seconds <= medians[code]
    deff = day_deff(code, day, count * is_below, count * ~is_below, len(found))
    size = np.bincount(code, count).astype(np.int64)
    fewer = np.floor(size / np.fmax(deff, 1.0)).astype(np.int64)
    order = np.lexsort([seconds, code])
    reached, before = np.cumsum(count[order]), np.cumsum(size) - size
    lower, upper = order_statistic_interval(fewer, 0.5, _CONFIDENCE)
    lower, upper = np.floor(lower * ratio(size, fewer)), np.ceil(upper * ratio(size, fewer))
    bounds = []
    for rank, is_bound, instead in ((lower, lower >= 1, 0.0), (upper, upper <= size, np.inf)):
        place = before + np.where(is_bound, rank, 1).astype(np.int64)
        bounds.append(np.where(is_bound, seconds[order][np.searchsorted(reached, place)], instead))
    result = np.full((3, cells), np.nan)
    result[:, found] = [medians, *bounds]
    return result[0], result[1], result[2]


def day_deff(cell: Counts, day: Counts, hits: Counts, misses: Counts, cells: int) -> Figures:
    """
    Compute the design effect of days for the share of hits in each cell; see `doaudit.analysis.design_effect`.

    Example:
        >>> cell, day = np.zeros(4, dtype=np.int64), np.arange(4)
        >>> day_deff(cell, day, np.array([8, 0, 0, 0]), np.array([2, 10, 10, 10]), cells=1).round(2).tolist()
        [10.0]
    """
    days, of_day = np.unique(np.stack([cell, day], axis=1), axis=0, return_inverse=True)
    k, missed = (np.bincount(of_day.ravel(), counts) for counts in (hits, misses))
    n = k + missed
    weights = {"completed": missed, "errored": k, "days": n > 0, "errored_squared": k * k}
    weights |= {"errored_finished": k * n, "finished_squared": n * n}
    sums = {name: np.bincount(days[:, 0], values, cells) for name, values in weights.items()}
    return design_effect(pd.DataFrame(sums, index=range(cells)))


def newcombe(k: Figures, n: Figures, z: Figures | float = _Z) -> tuple[Figures, Figures, Figures]:
    """
    Compute the difference of two failure rates and its interval of 95 %, or so many standard deviations.

    Source: Newcombe, Interval Estimation for the Difference between Independent Proportions, 1998, method 10.

    Args:
        k: failures before and after, one row a group.
        n: finished actions, likewise.
        z: how many standard deviations away the limits are.

    Returns:
        (difference, low, high) of the later rate less the earlier, float64; NaN where nothing has finished.

    Example:
        >>> newcombe(np.array([[2.0, 9.0]]), np.array([[100.0, 100.0]]))[1].round(4).tolist()
        [0.0047]
    """
    rate = ratio(k, n)
    low, high = (limit.T for limit in wilson_limits(k.T, n.T, z))
    difference = rate[:, 1] - rate[:, 0]
    down = np.sqrt((rate[:, 1] - low[:, 1]) ** 2 + (high[:, 0] - rate[:, 0]) ** 2)
    up = np.sqrt((high[:, 1] - rate[:, 1]) ** 2 + (rate[:, 0] - low[:, 0]) ** 2)
    return difference, difference - down, difference + up


def difference_p(k: Figures, n: Figures) -> Figures:
    """
    Compute the p-value of two failure rates: that of the interval after Newcombe which just holds 0.

    Example:
        >>> difference_p(np.array([[2.0, 9.0]]), np.array([[100.0, 100.0]])).round(3).tolist()
        [0.038]
    """
    low, high = np.zeros(len(k)), np.full(len(k), _MOST_Z)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        _, lower, upper = newcombe(k, n, middle)
        is_inside = (lower < 0) & (upper > 0)
        low, high = np.where(is_inside, low, middle), np.where(is_inside, middle, high)
    return np.where((n >= _LEAST_ACTIONS).all(axis=1), erfc(low / np.sqrt(2)), np.nan)
