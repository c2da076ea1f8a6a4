"""Durations of actions, open ones included: percentiles, their distribution, and the slowest actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows
from doaudit.analysis.groups import By, with_keys
from doaudit.analysis.intervals import finished_needed, ratio
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.survival import kaplan_meier, max_duration, quantile, quantile_interval
from doaudit.analysis.tally import OUTCOMES, lifetimes, sum_counts, tally, timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.survival import Curves

__all__ = ["duration_distribution", "durations", "slowest"]

_PERCENTS = (50, 90, 99)
_BINS_A_DECADE = 8


def durations(actions: IntoFrame, by: By = "type", *, confidence: float = 0.95) -> pd.DataFrame:
    """
    Compute percentiles of the durations of each group's actions, the most frequent group first.

    An action ends when it completes or errs. Open actions are no missing values but the ones that take long: they count
    as lasting at least until they were last seen. A percentile is given only where the group is large enough for an
    upper limit; `note` says how many finished actions it would take.

    Source: percentiles from the curve of Kaplan and Meier, 1958. Intervals from order statistics where all actions have
    ended (David and Nagaraja, Order Statistics, 7.1), else after Brookmeyer and Crowley, 1982; see
    `doaudit.analysis.survival`.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
        confidence: of the intervals.

    Returns:
        One row a group: the *by* columns; `actions`, `open`, `finished`, `errored`, `untimed` (int64, see
        `doaudit.analysis.tally`; untimed ones are in the other counts, but in no percentile); for 50, 90 and 99 the
        percentile and its interval `p50_s`, `p50_low_s`, `p50_high_s` (seconds, float64; NaN if there are too few,
        infinity if the data do not reach that far or cannot bound it); `max_s`, the longest that finished; `note`.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or confidence is not between 0 and 1.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> ends = [f"2026-03-12T22:0{n}:00Z" for n in range(1, 9)]
        >>> taken = [Record(n, "completed", "snapshot", "2026-03-12T22:00:00Z", end) for n, end in enumerate(ends)]
        >>> table = durations(to_frame(taken, observed_at=1773355000))
        >>> table[["type", "p50_s", "p50_low_s", "p50_high_s", "max_s"]].values.tolist()
        [['snapshot', 240.0, 60.0, 480.0, 480.0]]
        >>> table["note"].item()
        'p90 needs 36 finished actions; p99 needs 368 finished actions'
    """
    counted = tally(actions, by)
    counts = sum_counts(counted, by)
    times = lifetimes(counted, by)
    curves = kaplan_meier(times.group, times.seconds, times.ended, times.running, groups=len(times.keys))
    untimed = counts["actions"].to_numpy() - curves.ended - curves.running
    figures: dict[str, Any] = {
        "actions": counts["actions"],
        "open": counts["open"],
        "finished": counts["actions"] - counts["open"],
        "errored": counts["errored"],
        "untimed": untimed,
    }
    notes = []
    for percent in _PERCENTS:
        percentile, note = _percentile(curves, percent, confidence)
        figures |= percentile
        notes.append(note)
    notes.append(np.array([f"{n} without a usable duration left out" if n else "" for n in untimed], dtype=object))
    figures |= {"max_s": max_duration(curves), "note": _join_notes(notes)}
    table = with_keys(times.keys, figures)
    table = table.sort_values("actions", ascending=False, kind="stable", ignore_index=True)
    return with_resource_names(table, actions, by)


def _percentile(
    curves: Curves, percent: int, confidence: float
) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.object_]]:
    p = percent / 100
    needed = finished_needed(p, confidence)
    too_few = curves.ended < needed
    low, high = quantile_interval(curves, p, confidence)
    figures = {
        f"p{percent}_s": np.where(too_few, np.nan, quantile(curves, p)),
        f"p{percent}_low_s": low,
        f"p{percent}_high_s": high,
    }
    note = f"p{percent} needs {needed} finished actions"
    return figures, np.where(too_few, np.array(note, dtype=object), "")


def _join_notes(notes: list[NDArray[np.object_]]) -> pd.Series[str]:
    joined = notes[0]
    for note in notes[1:]:
        separator = np.where((joined != "") & (note != ""), np.array("; ", dtype=object), "")
        joined = joined + separator + note
    return pd.Series(joined, dtype=str)


def duration_distribution(actions: IntoFrame, by: By = "type") -> pd.DataFrame:
    """
    Count the finished actions of each group by duration, in bins that are equally wide on a logarithmic axis.

    The bins are the same for all groups and their edges are whole seconds; the first holds only actions that took 0 s.
    Open and untimed actions are in no bin.

    Source: a histogram with eight bins for each factor of ten, their edges rounded to whole seconds.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.

    Returns:
        One row for each group and bin, also the empty ones: the *by* columns; `from_s` (included) and `to_s` (not
        included), int64 seconds; `actions`, int64; `share` of the group's finished actions, float64, NaN if it has
        none.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> reserved = Record(1, "completed", "reserve_ip", "2022-04-04T15:54:43Z", "2022-04-04T15:54:43Z")
        >>> duration_distribution(to_frame([reserved], observed_at=1649087700)).values.tolist()
        [['reserve_ip', 0, 1, 1, 1.0]]
    """
    times = lifetimes(tally(actions, by), by)
    ended = times.ended > 0
    edges = _bin_edges(times.seconds[ended].max(initial=0))
    groups, bins = len(times.keys), len(edges) - 1
    counts = np.zeros((groups, bins), dtype=np.int64)
    bin_of = np.searchsorted(edges, times.seconds[ended], side="right") - 1
    np.add.at(counts, (times.group[ended], bin_of), times.ended[ended])

    total = np.broadcast_to(counts.sum(axis=1, keepdims=True), counts.shape)
    table = with_keys(
        times.keys.iloc[np.repeat(np.arange(groups), bins)].reset_index(drop=True),
        {
            "from_s": np.tile(edges[:-1], groups),
            "to_s": np.tile(edges[1:], groups),
            "actions": counts.ravel(),
            "share": ratio(counts, total).ravel(),
        },
    )
    return with_resource_names(table, actions, by)


def _bin_edges(largest: int) -> NDArray[np.int64]:
    decades = len(str(largest))
    grid = 10 ** (np.arange(decades * _BINS_A_DECADE + 1) / _BINS_A_DECADE)
    edges = np.unique(np.append(0, np.rint(grid))).astype(np.int64)
    return edges[: np.searchsorted(edges, largest, side="right") + 1]


def slowest(actions: IntoFrame, n: int = 10) -> pd.DataFrame:
    """
    List the finished actions that took longest, longest first; equal ones by id.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        n: number of actions to list.

    Returns:
        At most *n* rows: `id`, `type`, `resource_type`, `resource`, `resource_name`, `region`, `started_at`,
        `completed_at`, `duration_s` (float64 seconds), `status`.

    Raises:
        InvalidArgument: *n* is negative, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> power_off = Record(3087531973, "completed", "power_off", "2026-03-12T22:27:07Z", "2026-03-12T22:27:14Z")
        >>> slowest(to_frame([power_off], observed_at=1773354500))[["id", "duration_s"]].values.tolist()
        [[3087531973.0, 7.0]]
    """
    if n < 0:
        raise InvalidArgument(f"n says how many actions to list, so it cannot be negative; got {n}.")
    columns = [*ACTION_COLUMNS, "completed_at", "status"]
    rows = timed(actions, columns)
    ended = rows.filter(nw.col("outcome") != OUTCOMES.index("open"), nw.col("seconds") >= 0)
    # Not `top_k`: narwhals would look for a DuckDB relation of another connection in the one that DuckDB begins with.
    longest_first = ended.sort("seconds", "id", descending=[True, False]).head(n)
    table = action_rows(longest_first, columns, seconds="duration_s")
    table = table.sort_values(["duration_s", "id"], ascending=[False, True], ignore_index=True)
    return table[[*ACTION_COLUMNS, "completed_at", "duration_s", "status"]]
