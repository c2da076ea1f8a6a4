"""Curves of durations: which share has ended after how long, and how, for each group."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from doaudit.analysis.curve_values import quantile
from doaudit.analysis.day_effects import tally_with_effects
from doaudit.analysis.durations import check_choice
from doaudit.analysis.groups import By, with_keys
from doaudit.analysis.intervals import ratio, wilson
from doaudit.analysis.percentiles import ended_curves
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.survival import completed_curves, incidence
from doaudit.analysis.tally import lifetimes, tally

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.survival import Curves
    from doaudit.analysis.tally import Lifetimes

    Figures = NDArray[np.float64]

__all__ = ["duration_curves", "outcome_curves"]


def duration_curves(
    actions: IntoFrame, by: By = "type", *, of: Literal["completed", "ended"] = "completed", confidence: float = 0.95
) -> pd.DataFrame:
    """
    Compute which share of each group's actions ends within how many seconds, the most frequent group first.

    They are the curves that `doaudit.durations` reads its percentiles off.

    Source: of completed actions the cumulative incidence of Aalen and Johansen, 1978, over its last value; of those
    that ended one minus the curve of Kaplan and Meier, 1958. Wilson's interval, on the number of independent actions
    that say as much: over the design effect of days at the median, and, where some are open, by Greenwood's variance.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
        of: 'completed', or 'ended' for all that completed, errored, or ended with an unknown status.
        confidence: of the interval, at each second by itself.

    Returns:
        One row for each group and second after which one ended: the *by* columns; `after_s` (int64); `share` that took
        no longer, `low`, `high` (float64). A group of which none has ended has no row.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, *of* is another word, or confidence is not
            between 0 and 1.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> ends = [f"2026-03-12T22:00:{second}Z" for second in (10, 20, 20, 40)]
        >>> taken = [Record(n, "completed", "resize", "2026-03-12T22:00:00Z", end) for n, end in enumerate(ends)]
        >>> duration_curves(to_frame(taken, observed_at=1773355000))[["after_s", "share"]].values.tolist()
        [[10.0, 0.25], [20.0, 0.75], [40.0, 1.0]]
    """
    check_choice(of)
    counted, effects = tally_with_effects(actions, by, of=of)
    times = lifetimes(counted, by)
    curves = completed_curves(times) if of == "completed" else ended_curves(times)
    [deff] = effects([quantile(curves, 0.5)])
    steps = np.diff(curves.starts)
    share, size = 1 - curves.survival, _independent(curves) / np.repeat(np.fmax(deff, 1.0), steps)
    low, high = wilson(share * size, size, confidence)
    keys = times.keys.iloc[np.repeat(np.arange(len(steps)), steps)].reset_index(drop=True)
    table = with_keys(keys, {"after_s": curves.seconds, "share": share, "low": low, "high": high})
    return with_resource_names(_frequent_first(table, times, steps), actions, by)


def outcome_curves(actions: IntoFrame, by: By = "type") -> pd.DataFrame:
    """
    Compute which share of each group's actions has completed, errored, or is still open after how many seconds.

    The shares of a row add up to 1. An action that is open now may complete, fail, or never end.

    Source: the cumulative incidences of Aalen and Johansen, An Empirical Transition Matrix for Non-Homogeneous Markov
    Chains Based on Censored Observations, 1978.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.

    Returns:
        One row for each group and second after which one ended, the most frequent group first: the *by* columns;
        `after_s` (int64); `completed`, `errored`, `unclear` (ended with an unknown status), `open` (float64 shares). A
        group of which none has ended has no row.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> start, word = "2026-03-12T22:00:00Z", {10: "errored", 20: "completed", 30: "in-progress", 40: "completed"}
        >>> taken = [Record(n, word[n], "resize", start, f"2026-03-12T22:00:{n}Z") for n in (10, 20, 40)]
        >>> table = outcome_curves(to_frame(taken, observed_at=1773355000))
        >>> table[["after_s", "completed", "errored", "open"]].round(2).values.tolist()
        [[10.0, 0.0, 0.33, 0.67], [20.0, 0.33, 0.33, 0.33], [40.0, 0.67, 0.33, 0.0]]
    """
    times = lifetimes(tally(actions, by), by)
    is_step = times.ended > 0
    unclear = times.ended - times.completed - times.errored
    shares = {
        name: incidence(times, counts)[is_step]
        for name, counts in (("completed", times.completed), ("errored", times.errored), ("unclear", unclear))
    }
    # What is left of 1, but never a hair below nothing.
    still_open = np.maximum(1 - sum(shares.values()), 0.0)
    keys = times.keys.iloc[times.group[is_step]].reset_index(drop=True)
    table = with_keys(keys, {"after_s": times.seconds[is_step], **shares, "open": still_open})
    rows = np.bincount(times.group[is_step], minlength=len(times.keys))
    return with_resource_names(_frequent_first(table, times, rows), actions, by)


def _independent(curves: Curves) -> Figures:
    """Return for each step how many actions, had all of them ended, would tell its share as surely."""
    ended = np.repeat(curves.ended.astype(float), np.diff(curves.starts))
    by_variance = ratio(1 - curves.survival, curves.survival * np.nan_to_num(curves.greenwood, posinf=0.0))
    is_open = np.repeat(curves.running > 0, np.diff(curves.starts))
    return np.where(is_open & ~np.isnan(by_variance), by_variance, ended)


def _frequent_first(table: pd.DataFrame, times: Lifetimes, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Sort the rows of whole groups, which lie one after another, by the number of timed actions of the group."""
    actions = np.repeat(times.totals(), rows)
    return table.iloc[np.argsort(-actions, kind="stable")].reset_index(drop=True)
