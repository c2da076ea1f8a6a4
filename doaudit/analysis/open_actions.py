"""What is still running: how old it is, whether that is unusual, and how long it may yet take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.intervals import kaplan_meier, remaining, share_ended
from doaudit.analysis.rows import ACTION_COLUMNS, action_rows
from doaudit.analysis.tally import OUTCOMES, lifetimes, tally, timed

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

__all__ = ["open_actions"]

_ENOUGH = 20
_STUCK_BEYOND = 0.99
_STUCK_AMONG = 100
_CLOSER = (["type"], ["type", "resource"])
_FIGURES = ["finished", "older_than", "p50_left_s", "p90_left_s"]


def open_actions(actions: IntoFrame) -> pd.DataFrame:
    """
    The actions that were still running when last seen, oldest first, each beside those it can be compared with.

    These are the finished actions of the same type on the same resource if there are at least 20, else those of the
    same type if there are at least 20, else all. Only a known type or resource is the same as another.

    An action is called stuck if it is older than 99 % of at least 100 finished ones, the closest such set of the
    three. With fewer, "longer than 99 %" would mean "longer than all"; of 100, at most one took longer, which happens
    to 2 in 101 actions that are like the others.

    Returns:
        One row each: `id`, `type`, `resource_type`, `resource`, `resource_name`, `region`, `started_at`; `age_s` when
        last seen (float64 seconds, NaN without a start); `finished`, how many it is compared with (int64, the timed
        ones); `older_than`, the share of them that took no longer (float64, NaN if there are none); `stuck` (bool);
        `p50_left_s`, `p90_left_s`, within how many more seconds it ends with a chance of 50 and 90 % if it is one of
        its kind (Kaplan-Meier, given its age; float64, infinity where the data do not reach, NaN where there are
        none).

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
    return table.join(_compared(table, tally(actions, ["type", "resource"])))


def _compared(table: pd.DataFrame, counted: pd.DataFrame) -> pd.DataFrame:
    """The figures of the closest set that is large enough for them; the widest is taken whatever its size."""
    compared = _beside(table, counted, [])
    for alike in _CLOSER:
        closer = _beside(table, counted, alike)
        for columns, least in ((_FIGURES, _ENOUGH), (["stuck"], _STUCK_AMONG)):
            enough = closer["finished"] >= least
            compared.loc[enough, columns] = closer.loc[enough, columns]
    return compared[["finished", "older_than", "stuck", "p50_left_s", "p90_left_s"]]


def _beside(table: pd.DataFrame, counted: pd.DataFrame, alike: list[str]) -> pd.DataFrame:
    """Each open action beside the finished ones that share these columns with it; a null is shared with none."""
    lives = lifetimes(counted, alike)
    curves = kaplan_meier(lives.group, lives.seconds, lives.ended, lives.running, groups=len(lives.keys))
    group, known = _group_of(table, lives.keys), table[alike].notna().all(axis="columns").to_numpy()
    finished = np.where(known, curves.ended[group], 0)
    age = table["age_s"].fillna(0).to_numpy(dtype=np.int64)
    comparable = table["age_s"].notna().to_numpy() & (finished > 0)
    older_than = np.where(comparable, share_ended(curves, group, age), np.nan)
    return pd.DataFrame(
        {
            "finished": finished,
            "older_than": older_than,
            "stuck": (older_than >= _STUCK_BEYOND) & (finished >= _STUCK_AMONG),
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
