"""
The day since which a group differs most from before, the chance of such a difference, and how sure the day is.

Scores are summed day by day, and the largest sum in standard deviations is the change. Days are the units of chance:
actions of one day are often slow, or fail, together, and where that is so all sums count for less. Everything is
vectorised over groups.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import xlogy

from doaudit.analysis.intervals import ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.analysis.change_scores import Scores

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = ["Splits", "find_splits", "maximal_p", "z_since"]

_LEAST_DAYS = 3  # on either side of a change, and of its date
_DROP = 7.35  # of the squared sum: so many sets of days hold the day of the change as intervals of 95 %
_CORRELATION = 0.05  # at least, of a sum with the next
_NO_VARIANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Splits:
    """
    The change of each group.

    Attributes:
        z: float64, the largest sum in standard deviations, above 0 if scores are higher since; NaN if not tested.
        p: float64, the chance of such a sum on any day if nothing changes; NaN if not tested.
        since: int64, the first day of the change.
        since_low: int64, the first day on which it may have begun.
        since_high: int64, the last day on which it may have begun.
        is_gradual: true if a steady rise or fall explains as much as a step.
        deff: float64, the design effect of days, at least 1.
    """

    z: Figures
    p: Figures
    since: Counts
    since_low: Counts
    since_high: Counts
    is_gradual: NDArray[np.bool_]
    deff: Figures


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """
    The sums of each group at the end of each of its days.

    Attributes:
        group: int64, rising.
        day: int64, rising within a group.
        begin: int64 a group, the position of its first day.
        deff: float64 a group, the variance of the days' sums over what it would be if actions were independent; at
            least 1.
        counts: float64, number of actions until then.
        sums: float64, of scores until then.
        variance: float64, of `sums` if actions were independent.
        added: float64, variance of the sum of the day alone.
        room: float64, number of actions on the smaller side, about: the sum over blocks of one side times the share
            of the other.
    """

    group: Counts
    day: Counts
    begin: Counts
    deff: Figures
    counts: Figures
    sums: Figures
    variance: Figures
    added: Figures
    room: Figures


def find_splits(scores: Scores) -> Splits:
    """
    Find for each group the day since which its scores are higher or lower than before.

    Source: the largest cumulative sum in standard deviations (Lausen and Schumacher, Maximally Selected Rank
    Statistics, 1992), for failures the signed root of the likelihood ratio (Hinkley and Hinkley, Inference about the
    Change-Point in a Sequence of Binomial Variables, 1970); its chance from `maximal_p`. The change began on one of the
    days whose squared sum is at most 7.35 below the largest (Eo and Morley, Likelihood-Ratio-Based Confidence Sets for
    the Timing of Structural Breaks, 2015), and at least three days on either side.

    Example:
        >>> from doaudit.analysis.change_scores import rank_scores
        >>> day, one = np.arange(200), np.zeros(200, dtype=np.int64)
        >>> slower = rank_scores(one, one, day, np.where(day < 120, 9.0, 14.0) + day % 5, one + 1)
        >>> find_splits(slower).since.tolist()
        [120]
    """
    days = _sum_by_day(scores)
    standardised = _standardised(days)
    z = standardised if scores.rate is None else _root_of_likelihood(days, scores.rate)
    is_split = _enough_on_either_side(days, scores.least)
    squared = np.where(is_split, z * z, -1.0)
    best = _first_maxima(squared, days)
    is_tested = squared[best] >= 0
    near = is_split & (squared >= (squared[best] - _DROP)[days.group])
    number = np.arange(len(near))
    first, last = _first_maxima(near.astype(float), days), _first_maxima(near * number.astype(float), days)
    first_day_after = np.append(days.day[1:], 0)  # no change is after the last of all days
    since, largest = first_day_after[best], np.where(is_tested, z[best], np.nan)
    return Splits(
        z=largest,
        p=np.where(is_tested, maximal_p(np.abs(largest), _length(days, is_split)), np.nan),
        since=since,
        since_low=np.minimum(days.day[first] + 1, since - _LEAST_DAYS),
        since_high=np.maximum(first_day_after[last], since + _LEAST_DAYS),
        is_gradual=is_tested & (np.abs(_trend(scores, days.deff)) >= np.abs(standardised[best])),
        deff=days.deff,
    )


def z_since(scores: Scores, day: int) -> float:
    """
    Return the sum of the scores of a single group from a day on, in standard deviations.

    Example:
        >>> from doaudit.analysis.change_scores import rank_scores
        >>> day, one = np.arange(8), np.zeros(8, dtype=np.int64)
        >>> round(z_since(rank_scores(one, one, day, day + 5.0, one + 1), day=4), 2)
        2.31
    """
    days = _sum_by_day(scores)
    return float(_standardised(days)[np.searchsorted(days.day, day) - 1])


def maximal_p(largest: Figures, length: Figures) -> Figures:
    """
    Compute the chance that the sum of some day is that large, in standard deviations, though nothing changes.

    Source: Miller and Siegmund, Maximally Selected Chi Square Statistics, 1982, for a Brownian bridge between the
    shares of time e and f: there the length is log(f (1 - e) / (e (1 - f))). That is minus twice the logarithm of the
    correlations of each sum with the next, summed, and so that is the length where blocks begin and end.

    Example:
        >>> maximal_p(np.array([2.975]), np.array([2 * np.log(0.85 / 0.15)])).round(3).tolist()
        [0.05]
    """
    b = np.fmax(largest, 1.0)
    density = np.exp(-b * b / 2) / np.sqrt(2 * np.pi)
    return np.where(largest > 1, np.fmin(density * (4 / b + (b - 1 / b) * length), 1.0), 1.0)


def _sum_by_day(scores: Scores) -> _Days:
    size = np.bincount(scores.block, scores.count)
    variance = np.nan_to_num(ratio(np.bincount(scores.block, scores.count * scores.score**2), size - 1))
    order = np.lexsort([scores.day, scores.block])
    block, day = scores.block[order], scores.day[order]
    new = _changes(block, day)
    block, day, group = block[new], day[new], scores.group[order][new]
    counts = np.add.reduceat(scores.count[order], new)
    sums = np.add.reduceat(scores.count[order] * scores.score[order], new)
    n = size[block]
    until = np.cumsum(counts) - (np.cumsum(size) - size)[block]
    room = (until * (n - until) - (until - counts) * (n - until + counts)) / n  # what the day adds to it
    added = variance[block] * counts * (n - counts) / n

    order = np.lexsort([day, group])
    group, day = group[order], day[order]
    new = _changes(group, day)
    begin = np.flatnonzero(np.diff(group[new], prepend=-1) != 0)
    of_day = {"counts": counts, "sums": sums, "variance": variance[block] * room, "added": added, "room": room}
    of_day = {name: np.add.reduceat(values[order].astype(float), new) for name, values in of_day.items()}
    added = of_day.pop("added")
    deff = np.fmax(ratio(np.add.reduceat(of_day["sums"] ** 2, begin), np.add.reduceat(added, begin)), 1.0)
    running = {name: _running(values, begin, group[new]) for name, values in of_day.items()}
    return _Days(group[new], day[new], begin, deff, added=added, **running)


def _changes(first: Counts, second: Counts) -> Counts:
    """Return the positions at which one of two numbers differs from the row before."""
    differs = (np.diff(first) != 0) | (np.diff(second) != 0)
    return np.append(0, np.flatnonzero(differs) + 1)


def _running(values: Figures, begin: Counts, group: Counts) -> Figures:
    total = np.cumsum(values)
    running: Figures = total - (total[begin] - values[begin])[group]
    return running


def _standardised(days: _Days) -> Figures:
    """Return the sums from the next day on in standard deviations; what comes after is minus what was before."""
    variance = days.variance * days.deff[days.group]
    return -ratio(days.sums, np.where(days.variance > _NO_VARIANCE, np.sqrt(np.abs(variance)), 0.0))


def _root_of_likelihood(days: _Days, rate: Figures) -> Figures:
    """Return the signed root of the likelihood ratio of two failure rates to one, over the design effect."""
    last = np.append(days.begin[1:], len(days.day)) - 1
    all_, p = days.counts[last][days.group], rate[days.group]
    before, failed = days.counts, np.clip(days.sums + p * days.counts, 0, days.counts)
    after, failed_after = all_ - before, np.clip(p * all_ - failed, 0, all_ - before)
    doubled = 2 * (_log_likelihood(failed, before, p) + _log_likelihood(failed_after, after, p))
    root = np.sqrt(np.fmax(doubled, 0) / days.deff[days.group])
    return np.where(days.sums > 0, -root, root)


def _log_likelihood(failed: Figures, n: Figures, p: Figures) -> Figures:
    """Return the logarithm of the likelihood of a rate of its own, over that of the rate p."""
    own = np.nan_to_num(ratio(failed, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = xlogy(failed, own / p) + xlogy(n - failed, (1 - own) / (1 - p))
    return np.nan_to_num(np.asarray(gain, dtype=np.float64))


def _enough_on_either_side(days: _Days, least: Figures) -> NDArray[np.bool_]:
    number = np.arange(len(days.day)) - days.begin[days.group]
    total = np.bincount(days.group)[days.group]
    enough = (number + 1 >= _LEAST_DAYS) & (total - number - 1 >= _LEAST_DAYS)
    return enough & (days.room >= least[days.group]) & (days.variance > _NO_VARIANCE)


def _first_maxima(values: Figures, days: _Days) -> Counts:
    """Return for each group the position of the first of its largest values."""
    largest = np.maximum.reduceat(values, days.begin)
    at = np.flatnonzero(values == largest[days.group])
    return at[np.searchsorted(days.group[at], np.arange(len(days.begin)))]


def _length(days: _Days, is_split: NDArray[np.bool_]) -> Figures:
    """Return for each group the length of the way on which its largest sum was looked for; see `maximal_p`."""
    both = is_split[:-1] & is_split[1:] & (days.group[:-1] == days.group[1:])
    first, second = days.variance[:-1], days.variance[1:]
    correlation = ratio((first + second - days.added[1:]) / 2, np.sqrt(np.abs(first * second)))
    step = -2 * np.log(np.clip(np.nan_to_num(correlation), _CORRELATION, 1.0))
    length: Figures = np.bincount(days.group[:-1], np.where(both, step, 0.0), minlength=len(days.begin)).astype(float)
    return length


def _trend(scores: Scores, deff: Figures) -> Figures:
    """Return the sum of scores times days of each group, in standard deviations."""
    size = np.bincount(scores.block, scores.count)
    first = np.full(len(deff), np.iinfo(np.int64).max)
    np.minimum.at(first, scores.group, scores.day)
    day = (scores.day - first[scores.group]).astype(float)
    centred = day - (np.bincount(scores.block, scores.count * day) / size)[scores.block]
    variance = np.nan_to_num(ratio(np.bincount(scores.block, scores.count * scores.score**2), size - 1))
    spread = np.bincount(scores.group, variance[scores.block] * scores.count * centred**2)
    rise = np.bincount(scores.group, scores.count * scores.score * centred)
    return ratio(rise, np.sqrt(spread * deff))
