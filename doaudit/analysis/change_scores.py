"""
Scores of actions from which a change is found: ranks of durations, or failures, each within its block.

An action is compared only with others of its block, those of its type on its resource: the scores of a block sum to
nothing. So a fleet in which slow resources come and go does not look like a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.intervals import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = ["Scores", "block_medians", "failure_scores", "rank_scores"]

_LEAST_UNLIKE, _LEAST_FAILURES = 10, 5
_ROUNDED_TO_0 = 0.5
_DECIMALS = 9  # of logarithms: equal multiples of different medians are ties


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """
    Actions by group, block and day, with a score each; equal ones are counted.

    Attributes:
        group: int64, from 0, each number once at least.
        block: int64, from 0, likewise; each block is of one group.
        day: int64.
        score: float64; those of a block sum to nothing.
        count: int64, number of actions.
        least: float64 a group, the number of actions that either side of a change needs.
        rate: float64 a group, the share that failed; None if the scores are ranks.
    """

    group: Counts
    block: Counts
    day: Counts
    score: Figures
    count: Counts
    least: Figures
    rate: Figures | None = None


def rank_scores(group: Counts, block: Counts, day: Counts, seconds: Figures, count: Counts) -> Scores:
    """
    Score durations by their rank in the group, each as a multiple of the median of its block.

    Either side of a change needs ten actions; more of them where most durations are the same multiple, since then only
    the others tell anything.

    Source: aligned ranks (Hodges and Lehmann, Rank Methods for Combination of Independent Experiments in Analysis of
    Variance, 1962), with multiples in place of differences and the middle of tied ranks. A duration of 0 s is
    taken for half a second, since it was rounded.

    Example:
        >>> one, day = np.zeros(3, dtype=np.int64), np.arange(3)
        >>> rank_scores(one, one, day, np.array([5.0, 9.0, 7.0]), one + 1).score.tolist()
        [-0.25, 0.25, 0.0]
    """
    medians = block_medians(block, seconds, count)
    multiple = np.fmax(seconds, _ROUNDED_TO_0) / np.fmax(medians, _ROUNDED_TO_0)[block]
    multiple = np.asarray(np.round(np.log(multiple), _DECIMALS), dtype=np.float64)
    order = np.lexsort([multiple, group])
    is_new = (np.diff(group[order], prepend=-1) != 0) | (np.diff(multiple[order], prepend=np.inf) != 0)
    tie = np.empty(len(order), dtype=np.int64)
    tie[order] = np.cumsum(is_new) - 1
    tied, size, of_block = (np.bincount(where, count).astype(float) for where in (tie, group, block))
    group_of = group[order][is_new]
    below = np.cumsum(tied) - tied - (np.cumsum(size) - size)[group_of]
    rank = ((below + (tied + 1) / 2) / (size[group_of] + 1))[tie]
    mean = np.bincount(block, count * rank) / of_block
    most = np.zeros(len(size))
    np.maximum.at(most, group_of, tied)
    least = np.where(most < size, _LEAST_UNLIKE / np.fmax(1 - most / size, 1 / size), np.inf)
    return Scores(group, block, day, rank - mean[block], count, least)


def failure_scores(group: Counts, day: Counts, errored: Counts, finished: Counts) -> Scores:
    """
    Score finished actions by whether they failed, against the failure rate of the group.

    Either side of a change needs as many actions as five failures are to be expected among.

    Example:
        >>> one = np.zeros(1, dtype=np.int64)
        >>> failure_scores(one, one, one + 1, one + 4).score.tolist()
        [0.75, -0.25]
    """
    rate = np.bincount(group, errored) / np.bincount(group, finished)
    rarer = np.minimum(rate, 1 - rate)
    twice = np.tile(group, 2)
    return Scores(
        group=twice,
        block=twice,
        day=np.tile(day, 2),
        score=np.concatenate([1 - rate[group], -rate[group]]),
        count=np.concatenate([errored, finished - errored]),
        least=np.where(rarer > 0, ratio(np.full(rate.shape, _LEAST_FAILURES), rarer), np.inf),
        rate=rate,
    )


def block_medians(block: Counts, seconds: Figures, count: Counts) -> Figures:
    """
    Return the median of each block.

    Example:
        >>> block_medians(np.array([0, 0, 1]), np.array([5.0, 8.0, 7.0]), np.array([1, 1, 3])).tolist()
        [6.5, 7.0]
    """
    order = np.lexsort([seconds, block])
    size = np.bincount(block, count).astype(np.int64)
    before, reached = np.cumsum(size) - size, np.cumsum(count[order])
    low, high = (np.searchsorted(reached, before + middle + 1) for middle in ((size - 1) // 2, size // 2))
    return (seconds[order][low] + seconds[order][high]) / 2
