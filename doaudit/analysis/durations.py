"""Durations of actions, open ones included: percentiles, their distribution, and the slowest actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import narwhals as nw
import numpy as np

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows, sort_rows
from doaudit.analysis.curve_values import max_duration, quantile
from doaudit.analysis.day_effects import tally_with_effects
from doaudit.analysis.groups import By, with_keys
from doaudit.analysis.intervals import ratio
from doaudit.analysis.notes import Note, join_notes
from doaudit.analysis.percentiles import ended_curves, percentile, percentile_notes, share_within
from doaudit.analysis.resource_labels import with_resource_names
from doaudit.analysis.survival import completed_curves
from doaudit.analysis.tally import OUTCOMES, lifetimes, sum_counts, tally, timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    import pandas as pd
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.day_effects import DesignEffects

__all__ = ["check_choice", "duration_distribution", "durations", "durations_of_tally", "slowest"]

_PERCENTS = (50, 90, 99)
_BINS_A_DECADE = 8
_NOUNS = {"completed": "completed", "ended": "finished"}


def check_choice(of: str) -> None:
    """
    Refuse a choice of durations other than 'completed' and 'ended'.

    Raises:
        InvalidArgument: it is another word.

    Example:
        >>> check_choice("completed")
    """
    if of not in _NOUNS:
        raise InvalidArgument(f"of says which durations count, 'completed' or 'ended'; got {of!r}.")


def durations(
    actions: IntoFrame,
    by: By = "type",
    *,
    of: Literal["completed", "ended"] = "completed",
    slo_s: float | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """
    Compute percentiles of the durations of each group's actions, the most frequent group first.

    Of completed actions, if nothing else is said: what fails fast would make a group look fast. Open actions are no
    missing values but the ones that take long: they count as lasting at least until they were last seen, and may still
    complete or not. A percentile is given only where the group is large enough for an upper limit. Where actions of one
    day take alike long, the interval is that of as many independent actions as say the same (`deff`). `note` says why
    where a figure is missing or infinite.

    Source: of completed actions the cumulative incidence of Aalen and Johansen, 1978, over its last value; of those
    that ended the curve of Kaplan and Meier, 1958. Intervals from order statistics, with the design effect of days
    (Woodruff, 1952); of those that ended, where some are open, after Brookmeyer and Crowley, 1982. See
    `doaudit.analysis.quantile_intervals`.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
        of: 'completed', or 'ended' for all that completed, errored, or ended with an unknown status.
        slo_s: seconds within which an action should end; then the share that does is in the table, too.
        confidence: of the intervals.

    Returns:
        One row a group: the *by* columns; `actions`, `open`, `finished`, `completed`, `errored`, `untimed` (int64, see
        `doaudit.analysis.tally`; untimed ones are in the other counts, but in no percentile); `completed_share` of the
        finished ones (float64, NaN if there are none); for 50, 90 and 99 the percentile and its interval `p50_s`,
        `p50_low_s`, `p50_high_s` (seconds, float64; NaN if there are too few, infinity if the data do not reach that
        far or cannot bound it); `max_s`, the longest; `deff`, the design effect of days at the median (float64, NaN
        where nothing can tell; each percentile has its own); with *slo_s* `within_slo`, `within_slo_low`,
        `within_slo_high` (float64 shares); `note`.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, *of* is another word, *slo_s* is negative, or
            confidence is not between 0 and 1.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> ends = [f"2026-03-12T22:0{n}:00Z" for n in range(1, 9)]
        >>> taken = [Record(n, "completed", "snapshot", "2026-03-12T22:00:00Z", end) for n, end in enumerate(ends)]
        >>> table = durations(to_frame(taken, observed_at=1773355000))
        >>> table[["type", "p50_s", "p50_low_s", "p50_high_s", "max_s"]].values.tolist()
        [['snapshot', 240.0, 60.0, 480.0, 480.0]]
        >>> table["note"].item()
        'p90 needs 36 completed actions; p99 needs 368 completed actions'
    """
    check_choice(of)
    if slo_s is not None and not slo_s >= 0:
        raise InvalidArgument(f"slo_s is a number of seconds that is not negative; got {slo_s!r}.")
    counted, effects = tally_with_effects(actions, by, of=of)
    table = durations_of_tally(counted, by, effects, of=of, slo_s=slo_s, confidence=confidence)
    return with_resource_names(table, actions, by)


def durations_of_tally(
    counted: pd.DataFrame,
    by: By,
    effects: DesignEffects,
    *,
    of: Literal["completed", "ended"] = "completed",
    slo_s: float | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """
    Compute the table of `durations`, without names of resources, from what `tally_with_effects` returns.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "done", "resize", "2021-09-30T10:00:00Z", "2021-09-30T10:01:30Z") for n in range(9)]
        >>> counted, effects = tally_with_effects(to_frame(taken, observed_at=1632996000), "type", of="completed")
        >>> durations_of_tally(counted, "type", effects)["p50_s"].tolist()
        [90.0]
    """
    counts, times = sum_counts(counted, by), lifetimes(counted, by)
    curves = completed_curves(times) if of == "completed" else ended_curves(times)
    limits = [quantile(curves, percent / 100) for percent in _PERCENTS]
    if slo_s is not None:
        limits.append(np.full(len(times.keys), float(slo_s)))
    deffs = effects(limits)
    untimed = counts["actions"].to_numpy() - times.totals()
    figures = _counts_of(counts, untimed)
    percentiles = [percentile(curves, percent, confidence, deffs[at]) for at, percent in enumerate(_PERCENTS)]
    notes = [Note(untimed > 0, "{} without a usable duration left out", untimed)]
    for percent, each in zip(_PERCENTS, percentiles, strict=True):
        figures |= {f"p{percent}_s": each.seconds, f"p{percent}_low_s": each.low_s, f"p{percent}_high_s": each.high_s}
        notes[-1:-1] = percentile_notes(each, percent, confidence, _NOUNS[of])
    figures |= {"max_s": max_duration(curves), "deff": percentiles[0].deff}
    if slo_s is not None:
        share, low, high = share_within(curves, slo_s, confidence, deffs[-1])
        figures |= {"within_slo": share, "within_slo_low": low, "within_slo_high": high}
        notes.insert(-1, Note(np.isnan(share), f"no {_NOUNS[of]} action to compare with the SLO"))
    table = with_keys(times.keys, {**figures, "note": join_notes(notes)})
    return table.sort_values("actions", ascending=False, kind="stable", ignore_index=True)


def _counts_of(counts: pd.DataFrame, untimed: NDArray[np.int64]) -> dict[str, Any]:
    """Return the columns that count, out of the counts of each outcome."""
    finished = counts["actions"] - counts["open"]
    return {
        "actions": counts["actions"],
        "open": counts["open"],
        "finished": finished,
        "completed": counts["completed"],
        "errored": counts["errored"],
        "untimed": untimed,
        "completed_share": ratio(counts["completed"].to_numpy(), finished.to_numpy()),
    }


def duration_distribution(
    actions: IntoFrame, by: By = "type", *, of: Literal["completed", "ended"] = "completed"
) -> pd.DataFrame:
    """
    Count the completed actions of each group by duration, in bins that are equally wide on a logarithmic axis.

    The bins are the same for all groups and their edges are whole seconds; the first holds only actions that took 0 s.
    Open and untimed actions are in no bin.

    Source: a histogram with eight bins for each factor of ten, their edges rounded to whole seconds.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        by: the column or columns to group by; `()` for all actions as one group. Nulls are a group of their own.
        of: 'completed', or 'ended' for all that completed, errored, or ended with an unknown status.

    Returns:
        One row for each group and bin, also the empty ones: the *by* columns; `from_s` (included) and `to_s` (not
        included), int64 seconds; `actions`, int64; `share` of those of the group, float64, NaN if it has none.

    Raises:
        InvalidArgument: *by* names a column that the frame does not have, or *of* is another word.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> reserved = Record(1, "completed", "reserve_ip", "2022-04-04T15:54:43Z", "2022-04-04T15:54:43Z")
        >>> duration_distribution(to_frame([reserved], observed_at=1649087700)).values.tolist()
        [['reserve_ip', 0, 1, 1, 1.0]]
    """
    check_choice(of)
    times = lifetimes(tally(actions, by), by)
    count = times.completed if of == "completed" else times.ended
    ended = count > 0
    edges = _bin_edges(times.seconds[ended].max(initial=0))
    groups, bins = len(times.keys), len(edges) - 1
    counts = np.zeros((groups, bins), dtype=np.int64)
    bin_of = np.searchsorted(edges, times.seconds[ended], side="right") - 1
    np.add.at(counts, (times.group[ended], bin_of), count[ended])

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
    List the finished actions that took longest, longest first; equal ones by id and account.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        n: number of actions to list.

    Returns:
        At most *n* rows: `account` first, where the frame has it; `id`, `type`, `resource_type`, `resource`,
        `resource_name`, `region`, `started_at`, `completed_at`, `duration_s` (float64 seconds), `status`.

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
    accounts = account_keys(actions)
    columns = [*accounts, *ACTION_COLUMNS, "completed_at", "status"]
    rows = timed(actions, columns)
    ended = rows.filter(nw.col("outcome") != OUTCOMES.index("open"), nw.col("seconds") >= 0)
    # Not `top_k`: narwhals would look for a DuckDB relation of another connection in the one that DuckDB begins with.
    equal_by = ["id", *accounts]
    longest_first = ended.sort("seconds", *equal_by, descending=[True, *[False] * len(equal_by)]).head(n)
    table = action_rows(longest_first, columns, seconds="duration_s")
    table = sort_rows(table, ["duration_s", "id"], falling=["duration_s"])
    return table[[*accounts, *ACTION_COLUMNS, "completed_at", "duration_s", "status"]]
