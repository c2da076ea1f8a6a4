"""
Curves and intervals over counted durations: pure numpy, many groups at once.

Durations are whole seconds, so a group is described by how many of its actions ended at each distinct second and
how many were seen running until then. The groups of a table lie one after another in flat arrays; nothing here
loops over groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betaincinv

from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = [
    "Curves",
    "clopper_pearson_low",
    "finished_needed",
    "kaplan_meier",
    "max_duration",
    "order_statistic_interval",
    "quantile",
    "quantile_interval",
    "remaining",
    "share_ended",
    "wilson",
]

# A curve is a product of a few dozen correctly rounded quotients: far less than this away from the true value, while
# neighbouring values of a curve over ten million actions are 1e-7 apart. Without it 1 - 9/10 would miss 0.1.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Curves:
    """
    The Kaplan-Meier curves of many groups: for each, a step at every second at which one of its actions ended.

    Attributes:
        starts: int64, one more than there are groups; the steps of group g are `starts[g]:starts[g + 1]`.
        seconds: int64, where the step is; rising within a group.
        survival: float64, the estimated share of actions that take longer than that.
        greenwood: float64, Greenwood's sum at the step: the variance of the survival over its square.
        ended_by: int64, how many of the group had ended by then.
        ended: int64, one a group, how many ended.
        running: int64, one a group, how many were still running when last seen.
    """

    starts: Counts
    seconds: Counts
    survival: Figures
    greenwood: Figures
    ended_by: Counts
    ended: Counts
    running: Counts


def kaplan_meier(group: Counts, seconds: Counts, ended: Counts, running: Counts, groups: int) -> Curves:
    """
    Share of actions that take longer than t, from those that ended and those that were still running when last seen.

    An action seen running for t seconds says only that it takes at least that long, so it counts among those at risk
    up to t, and at t still (Kaplan and Meier 1958; Klein and Moeschberger, Survival Analysis, 2nd ed., 4.2). Where
    nothing was still running the curve is the plain share, without rounding on the way.

    Args:
        group: the number of the group, from 0, rising.
        seconds: how long; rising within a group, each value once.
        ended: how many actions of the group ended after exactly that long.
        running: how many were last seen running after exactly that long.
        groups: how many groups there are, also those without a row.

    Example:
        >>> zeros, one_each = np.zeros(4, dtype=int), np.array([1, 1, 0, 1])
        >>> kaplan_meier(zeros, np.array([10, 20, 30, 40]), one_each, 1 - one_each, groups=1).survival.tolist()
        [0.75, 0.5, 0.0]
    """
    first = np.searchsorted(group, np.arange(groups + 1))
    position = np.arange(len(group)) - first[group]
    seen_by, ended_by = (_within(np.cumsum(counts), first, group) for counts in (ended + running, ended))
    total = np.diff(np.append(0, np.cumsum(ended + running))[first])
    totals = np.diff(np.append(0, np.cumsum(ended))[first])
    at_risk = total[group] - seen_by + ended + running
    survivors = at_risk - ended

    # The survivors of one step are those at risk at the next, but for actions lost from sight in between. Only these
    # leave a factor other than 1, which is why nothing is rounded where there are none.
    lost = np.ones(len(group))
    np.divide(survivors[:-1], at_risk[1:], out=lost[1:], where=position[1:] > 0)
    survival = survivors / np.maximum(total[group], 1) * _running(np.multiply, lost, position)
    variance = np.full(len(group), np.inf)
    np.divide(ended, at_risk * survivors.astype(float), out=variance, where=survivors > 0)

    steps = ended > 0
    return Curves(
        starts=np.append(0, np.cumsum(steps))[first],
        seconds=seconds[steps],
        survival=survival[steps],
        greenwood=_running(np.add, variance, position)[steps],
        ended_by=ended_by[steps],
        ended=totals,
        running=total - totals,
    )


def _within(cumulative: Counts, first: Counts, group: Counts) -> Counts:
    before: Counts = np.append(0, cumulative)[first[group]]
    return cumulative - before


def _running(combine: np.ufunc, values: Figures, position: Counts) -> Figures:
    """Running sum or product that begins anew in each group; as many passes as the longest group has binary digits."""
    result = values.copy()
    reach, last = 1, position.max(initial=0)
    while reach <= last:
        inside = np.flatnonzero(position >= reach)
        result[inside] = combine(result[inside], result[inside - reach])
        reach *= 2
    return result


def quantile(curves: Curves, p: float) -> Figures:
    """
    The smallest duration within which a share p of the actions ends: float64 seconds, one a group.

    Infinity where the curve never falls that far: the data do not reach it (Klein and Moeschberger, 4.5.1).

    Example:
        >>> nobody = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(nobody, np.array([10, 20, 30, 40]), nobody + 1, nobody, groups=1)
        >>> quantile(curves, 0.5).tolist()
        [20.0]
    """
    return _at(curves, _first_at_most(curves, curves.starts[:-1], curves.starts[1:], 1 - p), curves.starts[1:])


def max_duration(curves: Curves) -> Figures:
    """
    The longest duration of those that ended: float64 seconds, one a group; NaN where none has ended.

    Example:
        >>> nobody = np.zeros(2, dtype=int)
        >>> max_duration(kaplan_meier(nobody, np.array([10, 20]), nobody + 1, nobody, groups=2)).tolist()
        [20.0, nan]
    """
    last = np.append(curves.seconds, 0)[curves.starts[1:] - 1]
    return np.where(curves.ended > 0, last, np.nan)


def remaining(curves: Curves, group: Counts, age: Counts, p: float) -> Figures:
    """
    Within how many more seconds a share p ends of those actions that are already `age` seconds old.

    The quantile of T - age given T > age on the curve of the group named for each; infinity where the curve does not
    fall that far.

    Example:
        >>> nobody = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(nobody, np.array([10, 20, 30, 40]), nobody + 1, nobody, groups=1)
        >>> remaining(curves, np.array([0]), np.array([25]), 0.5).tolist()
        [5.0]
    """
    passed = _steps_passed(curves, group, age)
    alive = np.append(curves.survival, 1.0)[np.where(passed > curves.starts[group], passed - 1, -1)]
    ends = curves.starts[group + 1]
    return _at(curves, _first_at_most(curves, passed, ends, alive * (1 - p)), ends) - age


def share_ended(curves: Curves, group: Counts, age: Counts) -> Figures:
    """
    Share of the ended actions that took no longer than `age` seconds; NaN in a group in which none has ended.

    Example:
        >>> nobody = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(nobody, np.array([10, 20, 30, 40]), nobody + 1, nobody, groups=1)
        >>> share_ended(curves, np.array([0, 0]), np.array([9, 30])).tolist()
        [0.0, 0.75]
    """
    passed = _steps_passed(curves, group, age)
    by_then = np.append(curves.ended_by, 0)[np.where(passed > curves.starts[group], passed - 1, -1)]
    return _ratio(by_then, curves.ended[group])


def quantile_interval(curves: Curves, p: float, confidence: float) -> tuple[Figures, Figures]:
    """
    Between which durations the p-quantile lies: (low, high), float64 seconds, one each a group.

    Where every action has ended: exact, from order statistics (`order_statistic_interval`). Where some are still
    running: every duration at which the log-log transformed curve is not significantly above or below 1 - p
    (Brookmeyer and Crowley 1982; Klein and Moeschberger, 4.5). The upper end is infinity unless the curve, while
    some actions still survive, has fallen significantly below 1 - p. Taking the longest action for the upper end, as
    is common, makes a 95 % interval of a p99 of 20 actions cover 17 %.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> nobody = np.zeros(8, dtype=int)
        >>> curves = kaplan_meier(nobody, np.arange(10, 90, 10), nobody + 1, nobody, groups=1)
        >>> quantile_interval(curves, 0.5, 0.95)
        (array([10.]), array([80.]))
    """
    ranked = _ranked_interval(curves, p, confidence)
    inverted = _inverted_interval(curves, p, confidence)
    complete = curves.running == 0
    return np.where(complete, ranked[0], inverted[0]), np.where(complete, ranked[1], inverted[1])


def _ranked_interval(curves: Curves, p: float, confidence: float) -> tuple[Figures, Figures]:
    lower, upper = order_statistic_interval(curves.ended, p, confidence)
    begins, ends = curves.starts[:-1], curves.starts[1:]
    low = _at(curves, _first(begins, ends, lambda step: curves.ended_by[step] < lower), ends)
    high = _at(curves, _first(begins, ends, lambda step: curves.ended_by[step] < upper), ends)
    return np.where(lower > 0, low, 0.0), high


def _inverted_interval(curves: Curves, p: float, confidence: float) -> tuple[Figures, Figures]:
    begins, ends = curves.starts[:-1], curves.starts[1:]
    some = curves.survival > 0
    hazard = -np.log(curves.survival, out=np.full(len(some), -np.inf), where=some)
    distance = np.full(len(some), np.inf)
    np.divide(
        (np.log(hazard) - math.log(-math.log1p(-p))) * hazard, np.sqrt(curves.greenwood), out=distance, where=some
    )

    z = -NormalDist().inv_cdf(_tail(confidence))
    low = _at(curves, _next_step(distance >= -z, begins), ends)
    high = _at(curves, _next_step(some & (distance > z), begins), ends)
    return np.where(np.isinf(low), np.nan_to_num(max_duration(curves)), low), high


def order_statistic_interval(n: ArrayLike, p: float, confidence: float) -> tuple[Counts, Counts]:
    """
    Ranks (from 1) of the two order statistics that hold the p-quantile with at least this confidence.

    How many of n values lie below the quantile is binomial whatever their distribution, so the interval is exact
    (David and Nagaraja, Order Statistics, 3rd ed., 7.1), equal-tailed and closed; ties only make it safer. Rank 0
    means that no value bounds it from below, rank n + 1 that none does from above.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> order_statistic_interval([5, 6, 100], 0.5, 0.95)
        (array([ 0,  1, 40]), array([ 6,  6, 61]))
    """
    tail = _tail(confidence)
    counts = np.asarray(n, dtype=np.int64)
    return _binomial_quantile(tail, counts, p), _binomial_quantile(1 - tail, counts, p) + 1


def _binomial_quantile(q: float, n: Counts, p: float) -> Counts:
    """Smallest k with P(X <= k) >= q."""
    from scipy.special import bdtr, bdtrik  # noqa: PLC0415 -- takes as long to load as everything else together

    some = np.maximum(n, 1)
    nearby = np.ceil(bdtrik(q, some.astype(float), p))
    k = np.clip(np.nan_to_num(nearby, nan=0.0), 0, some).astype(np.int64)
    # Where k is met exactly the inverse may land a hair above it, one too high; the distribution itself decides.
    k = np.where((k > 0) & (bdtr(np.maximum(k - 1, 0), some, p) >= q), k - 1, k)
    return np.where(n > 0, k, 0)


def finished_needed(p: float, confidence: float) -> int:
    """
    How many finished actions it takes before the p-quantile has an upper limit at all.

    The longest of n bounds the quantile unless all n lie below it, which happens with probability p to the n; two
    sides leave that half of 1 - confidence.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> [finished_needed(p, 0.95) for p in (0.5, 0.9, 0.95, 0.99)]
        [6, 36, 72, 368]
    """
    return math.ceil(math.log(_tail(confidence)) / math.log(p) - _ROUNDING)


def wilson(errored: ArrayLike, finished: ArrayLike, confidence: float) -> tuple[Figures, Figures]:
    """
    Between which shares the true failure rate lies: (low, high), float64 between 0 and 1; NaN where nothing finished.

    Wilson's score interval (Wilson 1927; Brown, Cai and DasGupta 2001). Unlike the textbook's plus-minus it keeps its
    promise for small counts, and no failure at all still leaves an upper bound.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> low, high = wilson([0, 1], [20, 1], 0.95)
        >>> low.round(3).tolist(), high.round(3).tolist()
        ([0.0, 0.207], [0.161, 1.0])
    """
    z = -NormalDist().inv_cdf(_tail(confidence))
    k, n = np.broadcast_arrays(np.asarray(errored, dtype=float), np.asarray(finished, dtype=float))
    centre = _ratio(k + z * z / 2, np.where(n > 0, n + z * z, 0))
    reach = _ratio(z * np.sqrt(_ratio(k * (n - k), n) + z * z / 4), n + z * z)
    # Where all errored the upper limit is 1, which rounding would miss by a hair; the 0 at the other end it hits.
    return centre - reach, np.where((k == n) & (n > 0), 1.0, centre + reach)


def clopper_pearson_low(errored: ArrayLike, finished: ArrayLike, confidence: float) -> Figures:
    """
    Lower limit of a share that holds at least as often as it says, whatever the share: Clopper-Pearson's.

    Returns:
        The limit for each group (float64 between 0 and 1), NaN where nothing has finished. As a quantile of a beta
        distribution: Brown, Cai and DasGupta, Interval Estimation for a Binomial Proportion, 2001, section 4.2.1.

    Example:
        >>> clopper_pearson_low([1, 4], [1, 10], 0.95).round(3).tolist()
        [0.025, 0.122]
    """
    bad, every = np.asarray(errored, dtype=float), np.asarray(finished, dtype=float)
    limit: Figures = betaincinv(np.maximum(bad, 1), every - bad + 1, _tail(confidence))
    return np.where(every > 0, np.where(bad > 0, limit, 0.0), np.nan)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Figures:
    share = np.full(np.shape(part), np.nan)
    np.divide(part, whole, out=share, where=np.asarray(whole) > 0)
    return share


def _tail(confidence: float) -> float:
    if not 0 < confidence < 1:
        raise InvalidArgument(f"confidence must be a share between 0 and 1, such as 0.95; got {confidence!r}.")
    return (1 - confidence) / 2


def _first(begins: Counts, ends: Counts, before: Callable[[Counts], NDArray[np.bool_]]) -> Counts:
    """For each stretch of steps, the first at which `before` no longer holds, else its end: all bisected at once."""
    low, high = begins, ends
    while (unsure := low < high).any():
        # Stretches that are settled may sit at the very end; their step is read all the same and not used.
        middle = np.minimum((low + high) // 2, ends.max() - 1)
        earlier = before(middle)
        low = np.where(unsure & earlier, middle + 1, low)
        high = np.where(unsure & ~earlier, middle, high)
    return low


def _first_at_most(curves: Curves, begins: Counts, ends: Counts, level: ArrayLike) -> Counts:
    above = np.asarray(level) + _ROUNDING
    return _first(begins, ends, lambda step: curves.survival[step] > above)


def _steps_passed(curves: Curves, group: Counts, age: Counts) -> Counts:
    return _first(curves.starts[group], curves.starts[group + 1], lambda step: curves.seconds[step] <= age)


def _next_step(marked: NDArray[np.bool_], begins: Counts) -> Counts:
    steps = np.append(np.flatnonzero(marked), len(marked))
    following: Counts = steps[np.searchsorted(steps, begins)]
    return following


def _at(curves: Curves, step: Counts, ends: Counts) -> Figures:
    return np.where(step < ends, np.append(curves.seconds, 0)[np.minimum(step, len(curves.seconds))], np.inf)
