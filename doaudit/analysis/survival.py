"""
Survival curves of counted durations and what is read off them: pure numpy, many groups at once.

Durations are whole seconds, so a group is described by the number of its actions that ended at each distinct second,
and the number that were seen running until then. The groups of a table lie one after another in flat arrays; nothing
here loops over groups.

Cited as "Klein and Moeschberger": Survival Analysis, 2nd edition, Springer 2003.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.intervals import ratio
from doaudit.expected_duration import STUCK_FACTOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.analysis.tally import Lifetimes

    Counts = NDArray[np.int64]
    Figures = NDArray[np.float64]

__all__ = ["Curves", "completed_curves", "incidence", "kaplan_meier"]


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
        beyond: float64, one a group, the share that may yet end after the last step, over the share that ended by then.
    """

    starts: Counts
    seconds: Counts
    survival: Figures
    greenwood: Figures
    ended_by: Counts
    ended: Counts
    running: Counts
    beyond: Figures


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
    risk = _at_risk(group, ended, running, groups)
    variance = np.full(len(group), np.inf)
    np.divide(ended, risk.at_risk * risk.survivors.astype(float), out=variance, where=risk.survivors > 0)
    steps = ended > 0
    return Curves(
        starts=np.append(0, np.cumsum(steps))[risk.first],
        seconds=seconds[steps],
        survival=(risk.survivors / np.maximum(risk.total[group], 1) * risk.weight)[steps],
        greenwood=_accumulate(np.add, variance, risk.position)[steps],
        ended_by=_within_group(np.cumsum(ended), risk.first, group)[steps],
        ended=risk.total_ended,
        running=risk.total - risk.total_ended,
        beyond=np.zeros(groups),
    )


def completed_curves(times: Lifetimes) -> Curves:
    """
    Estimate for those actions that complete the share that takes longer than t; open ones may complete or not.

    Where no action is open it is the plain share of the completed ones. Else it is the cumulative incidence of
    completing, with every other end as a competing risk, over its last value.

    Source: Aalen and Johansen, An Empirical Transition Matrix for Non-Homogeneous Markov Chains Based on Censored
    Observations, 1978; Klein and Moeschberger, 4.7.

    Returns:
        One curve a group, with a step at each duration at which an action completed; *ended* counts the completed ones,
        and there is no variance (*greenwood* is NaN).

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.tally import lifetimes, tally
        >>> ends = {"completed": "2026-03-12T22:00:40Z", "errored": "2026-03-12T22:00:01Z"}
        >>> taken = [Record(n, word, "resize", "2026-03-12T22:00:00Z", ends[word]) for n, word in enumerate(ends)]
        >>> curves = completed_curves(lifetimes(tally(to_frame(taken, observed_at=1773355000), "type"), "type"))
        >>> curves.seconds.tolist(), curves.survival.tolist()
        ([40], [0.0])
    """
    group, completed = times.group, times.completed
    risk = _at_risk(group, times.ended, times.running, len(times.keys))
    completed_by = _within_group(np.cumsum(completed), risk.first, group)
    total = np.diff(np.append(0, np.cumsum(completed))[risk.first])
    share, most = completed_by / np.maximum(total[group], 1), np.zeros(len(times.keys))
    by_then = _incidence(times, risk, completed)
    most[group] = by_then  # it rises within a group, and the last row of each is what stays
    is_censored = (risk.total > risk.total_ended)[group]
    np.divide(by_then, most[group], out=share, where=is_censored & (most[group] > 0))
    steps = completed > 0
    return Curves(
        starts=np.append(0, np.cumsum(steps))[risk.first],
        seconds=times.seconds[steps],
        survival=np.clip(1 - share[steps], 0.0, 1.0),
        greenwood=np.full(int(steps.sum()), np.nan),
        ended_by=completed_by[steps],
        ended=total,
        running=risk.total - risk.total_ended,
        beyond=_beyond(times, risk, most),
    )


def incidence(times: Lifetimes, counts: Counts) -> Figures:
    """
    Estimate the share of each group's actions that ended in some way by each of its durations.

    Source: Aalen and Johansen, 1978; each end counts for itself and for those last seen running before (Efron, The Two
    Sample Problem with Censored Data, 1967, redistribution to the right).

    Args:
        times: the durations.
        counts: int64, how many ended in that way after each of them.

    Returns:
        float64, one a duration.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.tally import lifetimes, tally
        >>> taken = [Record(1, "errored", "resize", "2026-03-12T22:00:00Z", "2026-03-12T22:00:01Z")]
        >>> times = lifetimes(tally(to_frame(taken, observed_at=1773355000), "type"), "type")
        >>> incidence(times, times.errored).tolist()
        [1.0]
    """
    return _incidence(times, _at_risk(times.group, times.ended, times.running, len(times.keys)), counts)


def _incidence(times: Lifetimes, risk: _Risk, counts: Counts) -> Figures:
    mass = np.append(0.0, np.cumsum(counts * risk.weight / np.maximum(risk.total[times.group], 1)))
    by_then: Figures = np.clip(mass[1:] - mass[risk.first[times.group]], 0.0, 1.0)
    return by_then


def _beyond(times: Lifetimes, risk: _Risk, completed_share: Figures) -> Figures:
    """Return what share may yet complete after the last that did, over the share that has; what is stuck may not."""
    groups, group = len(times.keys), times.group
    last_s = np.zeros(groups, dtype=np.int64)
    has_completed = times.completed > 0
    last_s[group[has_completed]] = times.seconds[has_completed]  # rising within a group: the last one stays
    may_end = (times.seconds >= last_s[group]) & (times.seconds <= STUCK_FACTOR * last_s[group])
    open_ones = np.bincount(group, weights=np.where(may_end, times.running, 0), minlength=groups)
    # Each of those that survive the last completion stands for as many as one that ended then.
    is_last = (times.seconds == last_s[group]) & (times.completed > 0)
    weight = np.zeros(groups)
    weight[group[is_last]] = risk.weight[is_last]
    return np.nan_to_num(ratio(open_ones * weight / np.maximum(risk.total, 1), completed_share))


@dataclass(frozen=True, slots=True, eq=False)
class _Risk:
    """
    Actions at risk at each duration of each group.

    Attributes:
        first: one more than there are groups; the rows of group g are `first[g]:first[g + 1]`.
        position: of the row within its group.
        total, total_ended: actions of each group, and those that ended.
        at_risk, survivors: of each row, before and after its ends.
        weight: by how much an end counts for more than its own action, since others were last seen running before.
    """

    first: Counts
    position: Counts
    total: Counts
    total_ended: Counts
    at_risk: Counts
    survivors: Counts
    weight: Figures


def _at_risk(group: Counts, ended: Counts, running: Counts, groups: int) -> _Risk:
    first = np.searchsorted(group, np.arange(groups + 1))
    position = np.arange(len(group)) - first[group]
    seen_by = _within_group(np.cumsum(ended + running), first, group)
    total = np.diff(np.append(0, np.cumsum(ended + running))[first])
    at_risk = total[group] - seen_by + ended + running
    survivors = at_risk - ended
    # The survivors of a step are those at risk at the next, but for actions that were last seen running in between.
    # Only these leave a factor other than 1, which is why nothing is rounded where there are none.
    censoring = np.ones(len(group))
    np.divide(survivors[:-1], at_risk[1:], out=censoring[1:], where=position[1:] > 0)
    weight = _accumulate(np.multiply, censoring, position) if running.any() else censoring
    return _Risk(first, position, total, np.diff(np.append(0, np.cumsum(ended))[first]), at_risk, survivors, weight)


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
