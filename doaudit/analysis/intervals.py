"""
Confidence intervals of shares and of quantiles, and the number of actions that an upper limit needs.

Everything is vectorised over groups: numbers or arrays go in, arrays of the same shape come out.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betaincinv

from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]
    Limits = tuple[ArrayLike, ArrayLike, ArrayLike]

__all__ = [
    "clopper_pearson",
    "finished_needed",
    "order_statistic_interval",
    "ratio",
    "ratio_interval",
    "tail_probability",
    "wilson",
    "wilson_limits",
]

# A quotient of two logarithms may come out a hair above the whole number that it is.
_ROUNDING = 1e-12


def wilson(errored: ArrayLike, finished: ArrayLike, confidence: float) -> tuple[Figures, Figures]:
    """
    Compute Wilson's score interval of a failure rate.

    Unlike the textbook's plus-minus it keeps its promise for small counts, and no failure at all still leaves an upper
    limit.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927; Brown, Cai and
    DasGupta, Interval Estimation for a Binomial Proportion, 2001, section 3.1.1.

    Returns:
        (low, high), float64 between 0 and 1; NaN where nothing has finished.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> low, high = wilson([0, 1], [20, 1], 0.95)
        >>> low.round(3).tolist(), high.round(3).tolist()
        ([0.0, 0.207], [0.161, 1.0])
    """
    return wilson_limits(errored, finished, -NormalDist().inv_cdf(tail_probability(confidence)))


def wilson_limits(errored: ArrayLike, finished: ArrayLike, z: ArrayLike) -> tuple[Figures, Figures]:
    """
    Compute the limits of Wilson's interval that lie z standard deviations away.

    Source: see `wilson`.

    Example:
        >>> low, high = wilson_limits([0, 1], [20, 1], 1.96)
        >>> low.round(3).tolist(), high.round(3).tolist()
        ([0.0, 0.207], [0.161, 1.0])
    """
    k, n, z = np.broadcast_arrays(*(np.asarray(value, dtype=float) for value in (errored, finished, z)))
    centre = ratio(k + z * z / 2, np.where(n > 0, n + z * z, 0))
    margin = ratio(z * np.sqrt(ratio(k * (n - k), n) + z * z / 4), n + z * z)
    # Where all errored the upper limit is 1, which rounding would miss by a hair; the 0 at the other end it hits.
    return centre - margin, np.where((k == n) & (n > 0), 1.0, centre + margin)


def clopper_pearson(errored: ArrayLike, finished: ArrayLike, confidence: float) -> tuple[Figures, Figures]:
    """
    Compute Clopper-Pearson's interval of a failure rate, which holds at least as often as it says, whatever the rate.

    Source: Clopper and Pearson, The Use of Confidence or Fiducial Limits, 1934; as quantiles of beta distributions:
    Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion, 2001, section 4.2.1.

    Returns:
        (low, high), float64 between 0 and 1; NaN where nothing has finished.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> low, high = clopper_pearson([1, 4], [1, 10], 0.95)
        >>> low.round(3).tolist(), high.round(3).tolist()
        ([0.025, 0.122], [1.0, 0.738])
    """
    tail = tail_probability(confidence)
    k, n = np.broadcast_arrays(np.asarray(errored, dtype=float), np.asarray(finished, dtype=float))
    some, others = k > 0, k < n
    low = np.where(some, betaincinv(np.where(some, k, 1), n - k + 1, tail), 0.0)
    high = np.where(others, betaincinv(k + 1, np.where(others, n - k, 1), 1 - tail), 1.0)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def order_statistic_interval(n: ArrayLike, p: float, confidence: float) -> tuple[Counts, Counts]:
    """
    Compute the ranks of the two order statistics that hold the p-quantile with at least this confidence.

    The number of n values that lie below the quantile is binomial whatever their distribution, so the interval is
    exact, equal-tailed and closed; ties only make it safer.

    Source: David and Nagaraja, Order Statistics, 3rd edition, 2003, section 7.1.

    Returns:
        (lower, upper), int64 ranks from 1. Rank 0 means that no value bounds the quantile from below, rank n + 1 that
        none does from above.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> order_statistic_interval([5, 6, 100], 0.5, 0.95)
        (array([ 0,  1, 40]), array([ 6,  6, 61]))
    """
    tail = tail_probability(confidence)
    # Thousands of groups have a few hundred different sizes, and a quantile of a binomial is slow.
    sizes, size_of = np.unique(np.asarray(n, dtype=np.int64), return_inverse=True)
    lower, upper = _binomial_quantile(tail, sizes, p), _binomial_quantile(1 - tail, sizes, p) + 1
    return lower[size_of], upper[size_of]


def _binomial_quantile(q: float, n: Counts, p: float) -> Counts:
    """Smallest k with P(X <= k) >= q."""
    from scipy.special import bdtr, bdtrik  # noqa: PLC0415 -- takes as long to load as everything else together

    trials = np.maximum(n, 1)
    estimate = np.ceil(bdtrik(q, trials.astype(float), p))
    k = np.clip(np.nan_to_num(estimate, nan=0.0), 0, trials).astype(np.int64)
    # Where k is met exactly the inverse may land a hair above it, one too high; the distribution itself decides.
    k = np.where((k > 0) & (bdtr(np.maximum(k - 1, 0), trials, p) >= q), k - 1, k)
    return np.where(n > 0, k, 0)


def finished_needed(p: float, confidence: float) -> int:
    """
    Compute the number of finished actions from which on the p-quantile has an upper limit at all.

    The longest of n bounds the quantile unless all n lie below it, which happens with probability p to the n; two
    sides leave that half of 1 - confidence.

    Source: Wilks, Determination of Sample Sizes for Setting Tolerance Limits, 1941, with half of 1 - confidence.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> [finished_needed(p, 0.95) for p in (0.5, 0.9, 0.95, 0.99)]
        [6, 36, 72, 368]
    """
    return math.ceil(math.log(tail_probability(confidence)) / math.log(p) - _ROUNDING)


def tail_probability(confidence: float) -> float:
    """
    Return the probability that an equal-tailed interval leaves on each side.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> tail_probability(0.5)
        0.25
    """
    if not 0 < confidence < 1:
        raise InvalidArgument(f"confidence must be a share between 0 and 1, such as 0.95; got {confidence!r}.")
    return (1 - confidence) / 2


def ratio(part: NDArray[Any], whole: NDArray[Any]) -> Figures:
    """
    Divide, with NaN where the whole is not above 0.

    Example:
        >>> ratio(np.array([1, 0]), np.array([4, 0])).tolist()
        [0.25, nan]
    """
    quotient = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=quotient, where=np.asarray(whole) > 0)
    return quotient


def ratio_interval(numerator: Limits, denominator: Limits) -> tuple[Figures, Figures]:
    """
    Compute the interval of a ratio of two independent figures from the interval of each.

    Source: MOVER-R, the method of variance estimates recovery (Donner and Zou, Closed-Form Confidence Intervals for
    Functions of the Normal Mean and Standard Deviation, 2012, section 2).

    Args:
        numerator: a figure of 0 or more and its two limits.
        denominator: likewise, of the same confidence.

    Returns:
        (low, high), float64: infinite above where the denominator may be 0, and below where it is; NaN where nothing is
        known of a figure.

    Example:
        >>> low, high = ratio_interval((13.0, 12.0, 14.0), (8.0, 7.5, 8.5))
        >>> low.round(2).tolist(), high.round(2).tolist()
        (1.47, 1.79)
    """
    a, a_low, a_high = (np.asarray(value, dtype=float) for value in numerator)
    b, b_low, b_high = (np.asarray(value, dtype=float) for value in denominator)
    low, high = np.zeros(np.broadcast(a, b).shape), np.full(np.broadcast(a, b).shape, np.inf)
    with np.errstate(
        invalid="ignore", divide="ignore"
    ):  # infinite limits are not used; a denominator may be 0 for sure
        square = a_low * (2 * a - a_low)  # solved for the limits so that nothing is divided by the difference of two
        root = np.sqrt(np.fmax((a * b) ** 2 - square * b_high * (2 * b - b_high), 0))
        np.divide(square, a * b + root, out=low, where=(a_low > 0) & np.isfinite(b_high))
        square = b_low * (2 * b - b_low)
        root = np.sqrt(np.fmax((a * b) ** 2 - square * a_high * (2 * a - a_high), 0))
        np.divide(a * b + root, square, out=high, where=(b_low > 0) & np.isfinite(a_high))
    is_unknown = np.isnan(a) | np.isnan(b)
    return np.where(is_unknown, np.nan, low), np.where(is_unknown, np.nan, high)
