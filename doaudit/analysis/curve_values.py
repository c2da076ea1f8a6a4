"""Values read off survival curves of many groups: quantiles, shares, and the time that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.intervals import ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from doaudit.analysis.survival import Curves

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = [
    "ended_quantile",
    "first_step",
    "max_duration",
    "quantile",
    "remaining",
    "seconds_at",
    "share_ended",
    "share_within_s",
]

# A curve is a product of a few dozen correctly rounded quotients: far less than this away from the true value, while
# neighbouring values of a curve over ten million actions are 1e-7 apart. Without it 1 - 9/10 would miss 0.1.
_ROUNDING = 1e-12


def quantile(curves: Curves, p: float) -> Figures:
    """
    Return the smallest duration within which a share p of the actions ends.

    Source: Klein and Moeschberger, 4.5.1.

    Returns:
        float64 seconds, one a group; infinity where the curve never falls that far: the data do not reach it.

    Example:
        >>> from doaudit.analysis.survival import kaplan_meier
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), zeros + 1, zeros, groups=1)
        >>> quantile(curves, 0.5).tolist()
        [20.0]
    """
    step = _first_at_most(curves, curves.starts[:-1], curves.starts[1:], 1 - p)
    return seconds_at(curves, step, curves.starts[1:])


def ended_quantile(curves: Curves, p: float) -> Figures:
    """
    Return the smallest duration within which a share p of the actions that ended did; open ones are no part of it.

    Source: the inverse of the empirical distribution function (van der Vaart, Asymptotic Statistics, 1998, 21.1).

    Returns:
        float64 seconds, one a group; NaN where none has ended.

    Example:
        >>> from doaudit.analysis.survival import kaplan_meier
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), np.array([1, 1, 0, 0]), zeros + 1, groups=1)
        >>> ended_quantile(curves, 0.5).tolist(), ended_quantile(curves, 0.99).tolist()
        ([10.0], [20.0])
    """
    wanted = np.ceil(p * curves.ended - _ROUNDING * curves.ended)
    begins, ends = curves.starts[:-1], curves.starts[1:]
    first = first_step(begins, ends, lambda step: curves.ended_by[step] < wanted)
    return np.where(curves.ended > 0, seconds_at(curves, first, ends), np.nan)


def max_duration(curves: Curves) -> Figures:
    """
    Return the longest duration of the actions that ended.

    Returns:
        float64 seconds, one a group; NaN where none has ended.

    Example:
        >>> from doaudit.analysis.survival import kaplan_meier
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
        >>> from doaudit.analysis.survival import kaplan_meier
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), zeros + 1, zeros, groups=1)
        >>> remaining(curves, np.array([0]), np.array([25]), 0.5).tolist()
        [5.0]
    """
    passed = _steps_passed(curves, group, age)
    alive = np.append(curves.survival, 1.0)[np.where(passed > curves.starts[group], passed - 1, -1)]
    ends = curves.starts[group + 1]
    return seconds_at(curves, _first_at_most(curves, passed, ends, alive * (1 - p)), ends) - age


def share_ended(curves: Curves, group: Counts, age: Counts) -> Figures:
    """
    Return the share of the ended actions that took no longer than `age` seconds.

    Source: the empirical distribution function (van der Vaart, Asymptotic Statistics, 1998, 19.1); running actions
    are no part of it.

    Returns:
        float64 between 0 and 1, one an age; NaN in a group in which none has ended.

    Example:
        >>> from doaudit.analysis.survival import kaplan_meier
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), zeros + 1, zeros, groups=1)
        >>> share_ended(curves, np.array([0, 0]), np.array([9, 30])).tolist()
        [0.0, 0.75]
    """
    passed = _steps_passed(curves, group, age)
    by_then = np.append(curves.ended_by, 0)[np.where(passed > curves.starts[group], passed - 1, -1)]
    return ratio(by_then, curves.ended[group])


def share_within_s(curves: Curves, seconds: float) -> Figures:
    """
    Return the share that takes no longer than some seconds, by the curve.

    Returns:
        float64 between 0 and 1, one a group; NaN where none has ended.

    Example:
        >>> from doaudit.analysis.survival import kaplan_meier
        >>> zeros = np.zeros(4, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20, 30, 40]), zeros + 1, zeros, groups=1)
        >>> share_within_s(curves, 25).tolist()
        [0.5]
    """
    groups = np.arange(len(curves.ended))
    passed = _steps_passed(curves, groups, np.full(len(groups), seconds))
    survival = np.append(curves.survival, 1.0)[np.where(passed > curves.starts[:-1], passed - 1, -1)]
    return np.where(curves.ended > 0, 1 - survival, np.nan)


def first_step(begins: Counts, ends: Counts, before: Callable[[Counts], NDArray[np.bool_]]) -> Counts:
    """
    Return for each range of steps the first at which *before* no longer holds, else its end: all bisected at once.

    Example:
        >>> first_step(np.array([0, 3]), np.array([3, 5]), lambda step: step < 4).tolist()
        [3, 4]
    """
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
    return first_step(begins, ends, lambda step: curves.survival[step] > above)


def _steps_passed(curves: Curves, group: Counts, age: Counts) -> Counts:
    return first_step(curves.starts[group], curves.starts[group + 1], lambda step: curves.seconds[step] <= age)


def seconds_at(curves: Curves, step: Counts, ends: Counts) -> Figures:
    """
    Return the duration at a step, and infinity at the end of its range.

    Example:
        >>> from doaudit.analysis.survival import kaplan_meier
        >>> zeros = np.zeros(2, dtype=int)
        >>> curves = kaplan_meier(zeros, np.array([10, 20]), zeros + 1, zeros, groups=1)
        >>> seconds_at(curves, np.array([1, 2]), np.array([2, 2])).tolist()
        [20.0, inf]
    """
    return np.where(step < ends, np.append(curves.seconds, 0)[np.minimum(step, len(curves.seconds))], np.inf)
