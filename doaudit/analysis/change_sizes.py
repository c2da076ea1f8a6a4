"""Sizes of changes: the level before and after, their ratio, and its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.change_points import z_since
from doaudit.analysis.change_scores import block_medians, rank_scores
from doaudit.analysis.intervals import ratio, ratio_interval, wilson

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.analysis.change_search import Change

__all__ = ["Levels", "duration_levels", "rate_levels"]

_CONFIDENCE, _Z = 0.95, 1.959963984540054
_FARTHEST = 10.0  # logarithm of a ratio: a second and six hours
_ROUNDED_TO_0 = 0.5
_WIDTH, _NEAR = 0.1, 5e-4  # of such a logarithm: the first step, and what is near enough


@dataclass(frozen=True, slots=True)
class Levels:
    """
    A figure before and after a change.

    Attributes:
        before: the median in seconds, or the failure rate.
        after: likewise.
        ratio: of after to before.
        low: the lower limit of the ratio.
        high: the upper limit.
    """

    before: float
    after: float
    ratio: float
    low: float
    high: float


def duration_levels(change: Change) -> Levels:
    """
    Return the median duration before and after a change, and how many times as long like actions take.

    The medians are of the types and resources that have actions before and after. The ratio compares like with like: it
    is the one by which later durations have to be divided so that nothing is left of the change, and its interval holds
    those that leave no more than chance would.

    Source: Hodges and Lehmann, Estimates of Location Based on Rank Tests, 1963.

    Example:
        >>> import pandas as pd
        >>> from doaudit.analysis.change_search import Change
        >>> day = np.arange(40)
        >>> rows = pd.DataFrame({"day": day, "actions": 1, "block": 0, "is_after": day >= 20})
        >>> rows["seconds"] = np.where(rows["is_after"], 30.0, 10.0) + day % 3
        >>> levels = duration_levels(Change(0, "duration", 0.0, 9.0, 20, 17, 23, False, 1.0, rows))
        >>> levels.before, levels.after, round(levels.ratio, 1)
        (11.0, 31.0, 2.8)
    """
    day, count = (change.rows[name].to_numpy(dtype=np.int64) for name in ("day", "actions"))
    seconds, is_after = change.rows["seconds"].to_numpy(), change.rows["is_after"].to_numpy()
    _, block = np.unique(change.rows["block"], return_inverse=True)
    sides = [np.bincount(block[side], count[side], block.max() + 1) > 0 for side in (~is_after, is_after)]
    both = (sides[0] & sides[1])[block]
    before, after = block_medians(is_after[both].astype(np.int64), seconds[both], count[both]).tolist()
    milliseconds = 1000 * np.fmax(seconds, _ROUNDED_TO_0)  # after dividing, none is to be taken for one rounded to 0
    group = np.zeros_like(block)

    def left(logarithm: float) -> float:
        """Return what is left of the change where later durations are divided by the ratio."""
        divided = np.where(is_after, milliseconds * math.exp(-logarithm), milliseconds)
        return z_since(rank_scores(group, block, day, divided, count), change.since)

    middle = _crossing(left, 0.0, near=math.log((after or _ROUNDED_TO_0) / (before or _ROUNDED_TO_0)))
    low, high = (_crossing(left, z, near=middle) for z in (_Z, -_Z))
    return Levels(before, after, *(math.exp(logarithm) for logarithm in (middle, low, high)))


def rate_levels(change: Change) -> Levels:
    """
    Return the failure rate before and after a change, and their ratio; the interval is of as many independent actions.

    Source: see `doaudit.analysis.intervals.ratio_interval`, from Wilson's intervals of both rates.

    Example:
        >>> import pandas as pd
        >>> from doaudit.analysis.change_search import Change
        >>> rows = pd.DataFrame({"day": [1, 2], "actions": [100, 100], "errored": [2, 8], "is_after": [False, True]})
        >>> levels = rate_levels(Change(0, "failure rate", 0.0, 2.0, 2, 1, 3, False, 1.0, rows))
        >>> levels.before, levels.after, levels.ratio
        (0.02, 0.08, 4.0)
    """
    is_after, deff = change.rows["is_after"].to_numpy(dtype=np.int64), change.deff
    errored, actions = (np.bincount(is_after, change.rows[name], minlength=2) for name in ("errored", "actions"))
    rates = ratio(errored, actions)
    before, after = zip(rates, *wilson(errored / deff, actions / deff, _CONFIDENCE), strict=True)
    low, high = ratio_interval(after, before)
    times = after[0] / before[0] if before[0] > 0 else math.inf
    return Levels(float(before[0]), float(after[0]), float(times), float(low), float(high))


def _crossing(left: Callable[[float], float], level: float, *, near: float) -> float:
    """Return where a falling function crosses a level, or infinity if that is farther away than durations go."""
    low, high, width = near, near, _WIDTH
    while left(low) < level:
        low, high, width = low - width, low, 2 * width
        if low < -_FARTHEST:
            return -math.inf
    while high <= low or left(high) >= level:
        low, high, width = high, high + width, 2 * width
        if high > _FARTHEST:
            return math.inf
    while high - low > _NEAR:
        middle = (low + high) / 2
        low, high = (middle, high) if left(middle) >= level else (low, middle)
    return (low + high) / 2
