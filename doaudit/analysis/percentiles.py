"""Percentiles of durations by group, with intervals that know days, and what to say where one is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.curve_values import quantile, share_within_s
from doaudit.analysis.design_effect import DailyDurations
from doaudit.analysis.groups import first_of_runs, key_columns, number_groups, run_lengths
from doaudit.analysis.intervals import finished_needed, wilson
from doaudit.analysis.notes import Note
from doaudit.analysis.quantile_intervals import independent_actions, quantile_interval, rank_interval
from doaudit.analysis.survival import Curves, kaplan_meier
from doaudit.analysis.tally import OUTCOMES

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from doaudit.analysis.groups import By
    from doaudit.analysis.tally import Lifetimes

    Figures = NDArray[np.float64]

__all__ = ["Percentile", "daily_durations", "ended_curves", "percentile", "percentile_notes", "share_within"]


@dataclass(frozen=True, slots=True, eq=False)
class Percentile:
    """
    A percentile of each group.

    Attributes:
        seconds, low_s, high_s: the percentile and its interval.
        deff: the design effect of days, NaN where nothing can tell it.
        ended: how many actions it is from, and as how many independent ones they count.
        independent: as how many independent actions these count.
    """

    seconds: Figures
    low_s: Figures
    high_s: Figures
    deff: Figures
    ended: NDArray[np.int64]
    independent: NDArray[np.int64]


def ended_curves(times: Lifetimes) -> Curves:
    """Return the curves of Kaplan and Meier, with any end as an end."""
    return kaplan_meier(times.group, times.seconds, times.ended, times.running, groups=len(times.keys))


def daily_durations(counted: pd.DataFrame, by: By, *, of: str) -> DailyDurations:
    """
    Collect the durations of each group on each day out of a tally by day.

    Args:
        counted: what `doaudit.analysis.tally.tally` returns by these columns with *by_day*.
        by: the column or columns it is grouped by.
        of: 'completed', or 'ended' for all that are not open.
    """
    keys, group = number_groups(counted, key_columns(by))
    outcome = counted["outcome"].cat.codes.to_numpy()
    wanted = outcome == OUTCOMES.index("completed") if of == "completed" else outcome != OUTCOMES.index("open")
    wanted &= counted["seconds"].notna().to_numpy()
    day = counted["day"].to_numpy(dtype=np.int64, na_value=-1)[wanted]
    seconds = counted["seconds"].to_numpy(dtype=np.int64, na_value=-1)[wanted]
    group = group[wanted]
    first = first_of_runs(group, day)
    cell = np.repeat(np.arange(len(first)), run_lengths(first, len(day)))
    return DailyDurations(group, cell, seconds, counted["actions"].to_numpy()[wanted], len(keys))


def percentile(curves: Curves, percent: int, confidence: float, deff: Figures) -> Percentile:
    """
    Compute a percentile of each group, where there are enough for an upper limit, and its interval.

    Curves without a variance (`completed_curves`) have intervals from ranks.

    Args:
        curves: those of the groups.
        percent: which percentile.
        confidence: of the interval.
        deff: the design effect of days at `quantile(curves, percent / 100)`, one a group.
    """
    p = percent / 100
    estimate = quantile(curves, p)
    has_variance = not np.isnan(curves.greenwood).any()
    low, high = (quantile_interval if has_variance else rank_interval)(curves, p, confidence, deff)
    seconds = np.where(curves.ended < finished_needed(p, confidence), np.nan, estimate)
    return Percentile(seconds, low, high, deff, curves.ended, independent_actions(curves.ended, deff))


def percentile_notes(each: Percentile, percent: int, confidence: float, noun: str) -> list[Note]:
    """Return the notes that say why a percentile, or its upper limit, is missing or infinite."""
    needed = finished_needed(percent / 100, confidence)
    is_missing, is_unreached = np.isnan(each.seconds), np.isinf(each.seconds)
    is_unbounded = np.isinf(each.high_s) & ~is_missing & ~is_unreached
    too_few = each.independent < needed
    return [
        Note(is_missing, f"p{percent} needs {needed} {noun} actions"),
        Note(is_unreached, f"p{percent} is infinite: too many are open"),
        Note(
            is_unbounded & too_few,
            f"p{percent} has no upper limit: actions of a day are alike, so that these count as {{}}",
            each.independent,
        ),
        Note(is_unbounded & ~too_few, f"p{percent} has no upper limit: too many are open"),
    ]


def share_within(curves: Curves, seconds: float, confidence: float, deff: Figures) -> tuple[Figures, Figures, Figures]:
    """
    Compute the share of each group's actions that take no longer than some seconds, and its interval.

    Source: Wilson's interval, on the counts over the design effect of days at these seconds.
    """
    share = share_within_s(curves, seconds)
    n = curves.ended / np.fmax(deff, 1.0)
    return share, *wilson(np.nan_to_num(share) * n, n, confidence)
