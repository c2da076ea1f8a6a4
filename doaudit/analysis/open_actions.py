"""Open actions: their age, the share of comparable actions that took no longer, and the time they may still take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows
from doaudit.analysis.survival import kaplan_meier, remaining, share_ended
from doaudit.analysis.tally import OUTCOMES, lifetimes, tally, timed

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

__all__ = ["open_actions"]

_MIN_COMPARED = 20
_STUCK_SHARE = 0.99
_STUCK_MIN_COMPARED = 100
_CLOSER_MATCHES = (["type"], ["type", "resource"])
_FIGURES = ["finished", "older_than", "p50_left_s", "p90_left_s"]


def open_actions(actions: IntoFrame) -> pd.DataFrame:
    """
    List the actions that were still running when last seen, oldest first, each compared with finished actions.

    It is compared with the finished actions of the same type on the same resource if there are at least 20, else with
    those of the same type if there are at least 20, else with all. Only a known type or resource is the same as
    another.

    An action is called stuck if it is older than 99 % of at least 100 finished ones, the closest such set of the
    three. With fewer, "longer than 99 %" would mean "longer than all"; of 100, at most one took longer, which happens
    to 2 in 101 actions that are like the others.

    Source: 2 in 101 because each rank among 101 exchangeable durations is equally likely (Vovk, Gammerman and Shafer,
    Algorithmic Learning in a Random World, 2005, chapter 2); the remaining time is the quantile residual life on the
    curve of Kaplan and Meier (Jeong, Statistical Inference on Residual Life, 2014).

    Args:
        actions: an actions frame of any engine that narwhals reads.

    Returns:
        One row each: `id`, `type`, `resource_type`, `resource`, `resource_name`, `region`, `started_at`; `age_s` when
        last seen (float64 seconds, NaN without a start); `finished`, the number of actions that it is compared with
        (int64, the timed ones); `older_than`, the share of them that took no longer (float64, NaN if there are none);
        `stuck` (bool); `p50_left_s`, `p90_left_s`, the seconds within which it ends with a chance of 50 and 90 %, given
        its age, if it is like the others (float64, infinity where the data do not reach, NaN where there are none).

    Raises:
        InvalidArgument: the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> start, ends = "2026-03-12T22:00:00Z", [f"2026-03-12T22:{n}:00Z" for n in range(10, 34)]
        >>> taken = [Record(n, "completed", "snapshot", start, end) for n, end in enumerate(ends)]
        >>> table = open_actions(to_frame([*taken, Record(99, "in-progress", "snapshot", start)], 1773353700))
        >>> table[["id", "age_s", "finished", "older_than", "p50_left_s"]].values.tolist()
        [[99.0, 900.0, 24.0, 0.25, 540.0]]
    """
    is_open = nw.col("outcome") == OUTCOMES.index("open")
    table = action_rows(timed(actions, ACTION_COLUMNS).filter(is_open), ACTION_COLUMNS, seconds="age_s")
    table = table.sort_values(["started_at", "id"], ignore_index=True)
    return table.join(_compare(table, tally(actions, ["type", "resource"])))


def _compare(table: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """Return the figures of the closest set that is large enough for them; the widest is taken whatever its size."""
    compared = _compare_within(table, counted, [])
    for columns in _CLOSER_MATCHES:
        closer = _compare_within(table, counted, columns)
        for figures, least in ((_FIGURES, _MIN_COMPARED), (["stuck"], _STUCK_MIN_COMPARED)):
            enough = closer["finished"] >= least
            compared.loc[enough, figures] = closer.loc[enough, figures]
    return compared[["finished", "older_than", "stuck", "p50_left_s", "p90_left_s"]]


def _compare_within(table: pd.DataFrame, counted: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Compare each open action with the finished ones that share these columns with it; a null is shared with none."""
    times = lifetimes(counted, columns)
    curves = kaplan_meier(times.group, times.seconds, times.ended, times.running, groups=len(times.keys))
    group, known = _group_of(table, times.keys), table[columns].notna().all(axis="columns").to_numpy()
    finished = np.where(known, curves.ended[group], 0)
    age = table["age_s"].fillna(0).to_numpy(dtype=np.int64)
    comparable = table["age_s"].notna().to_numpy() & (finished > 0)
    older_than = np.where(comparable, share_ended(curves, group, age), np.nan)
    return pd.DataFrame(
        {
            "finished": finished,
            "older_than": older_than,
            "stuck": (older_than >= _STUCK_SHARE) & (finished >= _STUCK_MIN_COMPARED),
            "p50_left_s": np.where(comparable, remaining(curves, group, age, 0.5), np.nan),
            "p90_left_s": np.where(comparable, remaining(curves, group, age, 0.9), np.nan),
        }
    )


def _group_of(table: pd.DataFrame, keys: pd.DataFrame) -> NDArray[np.int64]:
    if not len(keys.columns):
        return np.zeros(len(table), dtype=np.int64)
    # An open action is in the tally too, so each finds its group; a merge takes a null for equal to a null.
    numbered = keys.assign(number=np.arange(len(keys)))
    number: NDArray[np.int64] = table[list(keys.columns)].merge(numbered, how="left")["number"].to_numpy(dtype=np.int64)
    return number
