"""
Survival curves of counted durations and what is read off them: pure numpy, many groups at once.

Durations are whole seconds, so a group is described by the number of its actions that ended at each distinct second,
and the number that were seen running until then. The groups of a table lie one after another in flat arrays; nothing
here loops over groups.

Cited as "Klein and Moeschberger": Survival Analysis, 2nd edition, Springer 2003.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.intervals import order_statistic_interval, ratio, tail_probability

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = [
    "Curves",
    "ended_quantile",
    "kaplan_meier",
    "max_duration",
    "quantile",
    "quantile_interval",
    "remaining",
    "share_ended",
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
        seconds: int64, the duration at the step; rising within a group.
        survival: float64, the estimated share of actions that take longer than that.
        greenwood: float64, Greenwood's sum at the step: the variance of the survival over its square.
        ended_by: int64, number of actions of the group that had ended by then.
        ended: int64, one a group, number of actions that ended.
        running: int64, one a group, number of actions that were still running when last seen.
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
    Estimate the share of actions that take longer than t, from those that ended and those that were still running.

    An action that was last seen running at t seconds says only that it takes at least that long. So it counts among
    those at risk up to t, and at t itself. Where nothing was still running the curve is the plain share, without
    rounding on the way.

    Source: Kaplan and Meier, Nonparametric Estimation from Incomplete Observations, 1958; the variance is Greenwood's
    (Klein and Moeschberger, 4.2).

    Args:
        group: int64, the number of the group, from 0, rising.
        seconds: int64, the duration; rising within a group, each value once.
        ended: int64, number of actions of the group that ended after exactly that long.
        running: int64, number of actions that were last seen running after exactly that long.
        groups: number of groups, also those without a row.

    Returns:
        One curve a group, with a step at each duration at which an action ended.

    Example:
        >>> zeros, ones = np.zeros(4, dtype=int), np.array([1, 1, 0, 1])
        >>> kaplan_meier(zeros, np.array([10, 20, 30, 40]), ones, 1 - ones, groups=1).survival.tolist()
        [0.75, 0.5, 0.0]
    """
    first = np.searchsorted(group, np.arange(groups + 1))
    position = np.arange(len(group)) - first[group]
    seen_by, ended_by = (_within_group(np.cumsum(counts), first, group) for counts in (ended + running, ended))
    total = np.diff(np.append(0, np.cumsum(ended + running))[first])
    total_ended = np.diff(np.append(0, np.cumsum(ended))[first])
    at_risk = total[group] - seen_by + ended + running
    survivors = at_risk - ended

    # The survivors of a step are those at risk at the next, but for actions that were last seen running in between.
    # Only these leave a factor other than 1, which is why nothing is rounded where there are none.
    censoring = np.ones(len(group))
    np.divide(survivors[:-1], at_risk[1:], out=censoring[1:], where=position[1:] > 0)
    survival = survivors / np.maximum(total[group], 1) * _accumulate(np.multiply, censoring, position)
    variance = np.full(len(group), np.inf)
    np.divide(ended, at_risk * survivors.astype(float), out=variance, where=survivors > 0)

    steps = ended > 0
    return Curves(
        starts=np.append(0, np.cumsum(steps))[first],
        seconds=seconds[steps],
        survival=survival[steps],
        greenwood=_accumulate(np.add, variance, position)[steps],
        ended_by=ended_by[steps],
        ended=total_ended,
        running=total - total_ended,
    )


def _within_group(cumulative: Counts, first: Counts, group: Counts) -> Counts:
    """Return running sums that begin anew in each group, from running sums over all groups."""
    before: Counts = np.append(0, cumulative)[first[group]]
    return cumulative - before


def _accumulate(combine: np.ufunc, values: Figures, position: Counts) -> Figures:
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
    Return the smallest duration within which a share p of the actions ends.

    Source: Klein and Moeschberger, 4.5.1.

    Returns:
        float64 seconds, one a group; infinity where the curve never falls that far: the data do not reach it.

    Example:
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), zeros + 1, zeros, groups=1)
        >>> quantile(curves, 0.5).tolist()
        [20.0]
    """
    step = _first_at_most(curves, curves.starts[:-1], curves.starts[1:], 1 - p)
    return _seconds_at(curves, step, curves.starts[1:])


def ended_quantile(curves: Curves, p: float) -> Figures:
    """
    Return the smallest duration within which a share p of the actions that ended did; open ones are no part of it.

    Source: the inverse of the empirical distribution function (van der Vaart, Asymptotic Statistics, 1998, 21.1).

    Returns:
        float64 seconds, one a group; NaN where none has ended.

    Example:
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), np.array([1, 1, 0, 0]), zeros + 1, groups=1)
        >>> ended_quantile(curves, 0.5).tolist(), ended_quantile(curves, 0.99).tolist()
        ([10.0], [20.0])
    """
    wanted = np.ceil(p * curves.ended - _ROUNDING * curves.ended)
    begins, ends = curves.starts[:-1], curves.starts[1:]
    first = _bisect(begins, ends, lambda step: curves.ended_by[step] < wanted)
    return np.where(curves.ended > 0, _seconds_at(curves, first, ends), np.nan)


def max_duration(curves: Curves) -> Figures:
    """
    Return the longest duration of the actions that ended.

    Returns:
        float64 seconds, one a group; NaN where none has ended.

    Example:
        >>> zeros = np.zeros(2, dtype=int)
        >>> max_duration(kaplan_meier(zeros, np.array([10, 20]), zeros + 1, zeros, groups=2)).tolist()
        [20.0, nan]
    """
    last = np.append(curves.seconds, 0)[curves.starts[1:] - 1]
    return np.where(curves.ended > 0, last, np.nan)


def remaining(curves: Curves, group: Counts, age: Counts, p: float) -> Figures:
    """
    Return the time within which a share p ends of those actions that are already `age` seconds old.

    It is the p-quantile of T - age given T > age, the quantile residual life.

    Source: Jeong, Statistical Inference on Residual Life, Springer 2014, on the Kaplan-Meier curve.

    Args:
        curves: the curves of all groups.
        group: int64, the number of the group that each age is looked up in.
        age: int64 seconds, as many as *group* has.
        p: the share, between 0 and 1.

    Returns:
        float64 seconds from now, one an age; infinity where the curve does not fall that far.

    Example:
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), zeros + 1, zeros, groups=1)
        >>> remaining(curves, np.array([0]), np.array([25]), 0.5).tolist()
        [5.0]
    """
    passed = _steps_passed(curves, group, age)
    alive = np.append(curves.survival, 1.0)[np.where(passed > curves.starts[group], passed - 1, -1)]
    ends = curves.starts[group + 1]
    return _seconds_at(curves, _first_at_most(curves, passed, ends, alive * (1 - p)), ends) - age


def share_ended(curves: Curves, group: Counts, age: Counts) -> Figures:
    """
    Return the share of the ended actions that took no longer than `age` seconds.

    Source: the empirical distribution function (van der Vaart, Asymptotic Statistics, 1998, 19.1); running actions
    are no part of it.

    Returns:
        float64 between 0 and 1, one an age; NaN in a group in which none has ended.

    Example:
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), zeros + 1, zeros, groups=1)
        >>> share_ended(curves, np.array([0, 0]), np.array([9, 30])).tolist()
        [0.0, 0.75]
    """
    passed = _steps_passed(curves, group, age)
    by_then = np.append(curves.ended_by, 0)[np.where(passed > curves.starts[group], passed - 1, -1)]
    return ratio(by_then, curves.ended[group])


def quantile_interval(curves: Curves, p: float, confidence: float) -> tuple[Figures, Figures]:
    """
    Compute the confidence interval of the p-quantile of the durations of each group.

    Where every action has ended: exact, from order statistics (`doaudit.analysis.intervals`). Where some are still
    running: every duration at which the log-log transformed curve is not significantly above or below 1 - p. The upper
    end is infinity unless the curve, while some actions still survive, has fallen significantly below 1 - p. Taking
    the longest action for the upper end, as is common, makes a 95 % interval of a p99 of 20 actions cover 17 %.

    Source: Brookmeyer and Crowley, A Confidence Interval for the Median Survival Time, 1982; Klein and Moeschberger,
    4.5.

    Returns:
        (low, high), float64 seconds, one of each a group.

    Raises:
        InvalidArgument: the confidence is not between 0 and 1.

    Example:
        >>> zeros = np.zeros(8, dtype=int)
        >>> curves = kaplan_meier(zeros, np.arange(10, 90, 10), zeros + 1, zeros, groups=1)
        >>> quantile_interval(curves, 0.5, 0.95)
        (array([10.]), array([80.]))
    """
    from_ranks = _order_statistic_limits(curves, p, confidence)
    from_curve = _log_log_limits(curves, p, confidence)
    complete = curves.running == 0
    return np.where(complete, from_ranks[0], from_curve[0]), np.where(complete, from_ranks[1], from_curve[1])


def _order_statistic_limits(curves: Curves, p: float, confidence: float) -> tuple[Figures, Figures]:
    lower, upper = order_statistic_interval(curves.ended, p, confidence)
    begins, ends = curves.starts[:-1], curves.starts[1:]
    low = _seconds_at(curves, _bisect(begins, ends, lambda step: curves.ended_by[step] < lower), ends)
    high = _seconds_at(curves, _bisect(begins, ends, lambda step: curves.ended_by[step] < upper), ends)
    return np.where(lower > 0, low, 0.0), high


def _log_log_limits(curves: Curves, p: float, confidence: float) -> tuple[Figures, Figures]:
    begins, ends = curves.starts[:-1], curves.starts[1:]
    surviving = curves.survival > 0
    hazard = -np.log(curves.survival, out=np.full(len(surviving), -np.inf), where=surviving)
    distance = np.full(len(surviving), np.inf)
    np.divide(
        (np.log(hazard) - math.log(-math.log1p(-p))) * hazard, np.sqrt(curves.greenwood), out=distance, where=surviving
    )

    z = -NormalDist().inv_cdf(tail_probability(confidence))
    low = _seconds_at(curves, _next_step(distance >= -z, begins), ends)
    high = _seconds_at(curves, _next_step(surviving & (distance > z), begins), ends)
    return np.where(np.isinf(low), np.nan_to_num(max_duration(curves)), low), high


def _bisect(begins: Counts, ends: Counts, before: Callable[[Counts], NDArray[np.bool_]]) -> Counts:
    """For each range of steps, the first at which `before` no longer holds, else its end: all bisected at once."""
    low, high = begins, ends
    while (unsure := low < high).any():
        # Ranges that are settled may sit at the very end; their step is read all the same and not used.
        middle = np.minimum((low + high) // 2, ends.max() - 1)
        earlier = before(middle)
        low = np.where(unsure & earlier, middle + 1, low)
        high = np.where(unsure & ~earlier, middle, high)
    return low


def _first_at_most(curves: Curves, begins: Counts, ends: Counts, level: ArrayLike) -> Counts:
    above = np.asarray(level) + _ROUNDING
    return _bisect(begins, ends, lambda step: curves.survival[step] > above)


def _steps_passed(curves: Curves, group: Counts, age: Counts) -> Counts:
    return _bisect(curves.starts[group], curves.starts[group + 1], lambda step: curves.seconds[step] <= age)


def _next_step(marked: NDArray[np.bool_], begins: Counts) -> Counts:
    steps = np.append(np.flatnonzero(marked), len(marked))
    following: Counts = steps[np.searchsorted(steps, begins)]
    return following


def _seconds_at(curves: Curves, step: Counts, ends: Counts) -> Figures:
    return np.where(step < ends, np.append(curves.seconds, 0)[np.minimum(step, len(curves.seconds))], np.inf)
