"""
Retries: what followed on a resource after an action had failed there.

A retry is the next action of the same type on the same resource, if it starts within a stated time after the one before
it has ended, and that one is not known to have worked. A failure that is no retry itself, and its retries, are a chain.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import text_dtype
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import action_rows, newest_observed_of, unix_times
from doaudit.analysis.engines import unix_seconds
from doaudit.analysis.groups import number_groups
from doaudit.analysis.tally import OUTCOMES, timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows

__all__ = ["CHAIN_FIGURES", "CHAIN_OUTCOMES", "RETRY_S", "chains", "retries"]

CHAIN_OUTCOMES = ("recovered", "failed again", "not retried", "open", "unclear")
"""What a chain came to."""

CHAIN_FIGURES = ("first_failure_at", "attempts", "errored", "outcome", "recovered_at", "recovery_s", "ids")
"""The columns of `chains` besides those of the first failure."""

RETRY_S = 21_600
"""The longest time between the end of an attempt and the start of the next, where nothing else is said."""

_RECOVERED, _FAILED_AGAIN, _NOT_RETRIED, _PENDING, _UNKNOWN = range(len(CHAIN_OUTCOMES))
_COMPLETED, _ERRORED, _OPEN, _UNCLEAR = range(len(OUTCOMES))
_SAME = ["resource", "type"]
_ABOUT = ("type", "resource_type", "resource", "resource_name", "region")


def retries(actions: IntoFrame, *, within_s: float = RETRY_S) -> pd.DataFrame:
    """
    List the failures, newest first, and what followed: the retries on the same resource, and whether one has worked.

    A retry is the next action of the same type on the same resource, if it starts no later than *within_s* after the
    one before it ended (or started, where it has no usable end), and that one is not known to have worked. It may start
    earlier, for whoever gives up waiting tries again before the failure is recorded. A chain is a failure that is no
    retry itself, with its retries, until one has completed. What is done in place of a retry, such as a `power_off`
    after a `shutdown` that failed, is of another type and not in the chain.

    Six hours, because people and programs try again within an hour or two, while a job that runs every day comes again
    after a day, and would be taken for a retry. Use less for jobs that run more often than that.

    Actions without a resource, a type or a start are left out: nobody can say what they follow.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        within_s: the longest time from the end of an attempt to the start of the next, in seconds.

    Returns:
        One row a chain: `account` first, where the frame has it; `type`, `resource_type`, `resource`, `resource_name`,
        `region` of its first failure;
        `first_failure_at` (its start, datetime64[s, UTC]); `attempts`, the first one included, and how many of them
        `errored` (int64); `outcome` (category): "recovered" (the last attempt completed), "failed again" (there were
        retries, and the last one errored), "not retried", "open" (the last attempt has not ended, or so lately that a
        retry may still come) or "unclear" (it has ended with a status that says neither); `recovered_at`, when the one
        that worked ended, `recovery_s`, from the start of the first failure until then (float64 seconds, NaN where
        there is none, or if that one is untimed); `ids` of the attempts, the first one first (text).

    Raises:
        InvalidArgument: *within_s* is negative or no number, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> times = [("errored", "22:00:00Z", "22:00:03Z"), ("completed", "22:05:00Z", "22:06:00Z")]
        >>> tries = [
        ...     Record(n, status, "snapshot", f"2026-03-12T{start}", f"2026-03-12T{end}", 123, "droplet")
        ...     for n, (status, start, end) in enumerate(times)
        ... ]
        >>> retries(to_frame(tries, observed_at=1773354500))[["attempts", "outcome", "recovery_s"]].values.tolist()
        [[2, 'recovered', 360.0]]
    """
    about = [*account_keys(actions), *_ABOUT]
    table = chains(actions, about, within_s=within_s)
    newest_first = table.sort_values(["first_failure_at", "id"], ascending=False, ignore_index=True)
    return newest_first[[*about, *CHAIN_FIGURES]]


def chains(actions: IntoFrame, columns: Sequence[str], *, within_s: float) -> pd.DataFrame:
    """
    Find each failure that is no retry, and its retries (see `retries`), in the order of account, resource, type, start.

    Returns:
        One row a chain: `id` and *columns* of its first failure, and `CHAIN_FIGURES`.

    Raises:
        InvalidArgument: *within_s* is negative or no number, a column is missing, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> failed = to_frame([Record(7, "errored", "resize", "2026-03-12T22:27:07Z", None, 1, "droplet")], 1773354500)
        >>> chains(failed, ["region"], within_s=3600)[["id", "outcome"]].values.tolist()
        [[7, 'open']]
    """
    if not (within_s >= 0 and math.isfinite(within_s)):
        raise InvalidArgument(f"within_s is a time in seconds, such as {RETRY_S}, and not negative; got {within_s!r}.")
    same = [*account_keys(actions), *_SAME]
    needed = list(dict.fromkeys(["id", *same, "started_at", "completed_at", *columns]))
    rows = timed(actions, needed)
    tries = action_rows(_beside_failures(rows, same), [*needed, "outcome"], seconds="seconds")
    tries, chain, over = _attempts(tries, same, within_s)
    first, last = np.flatnonzero(np.diff(chain, prepend=-1)), np.flatnonzero(np.diff(chain, append=-1))
    lately = over >= newest_observed_of(tries, rows) - within_s
    outcome = _outcomes(tries["outcome"].to_numpy(dtype="int64"), lately, first, last)
    recovered_at = tries["completed_at"].iloc[last].reset_index(drop=True).where(outcome == _RECOVERED)
    table = tries[list(dict.fromkeys(["id", *columns]))].iloc[first].reset_index(drop=True)
    began = tries["started_at"].iloc[first].reset_index(drop=True)
    is_timed = tries["seconds"].notna().to_numpy()[last]
    return table.assign(
        first_failure_at=began,
        attempts=last - first + 1,
        errored=np.add.reduceat(tries["outcome"].eq(_ERRORED).to_numpy(dtype="int64"), first),
        outcome=pd.Categorical.from_codes(outcome, categories=pd.Index(CHAIN_OUTCOMES)),
        recovered_at=recovered_at,
        recovery_s=(recovered_at - began).dt.total_seconds().where(is_timed),
        ids=_joined(tries["id"], first, last),
    )


def _beside_failures(rows: Rows, same: list[str]) -> Rows:
    """Return the actions of each resource and type of which at least one has errored."""
    known = rows.filter(*(~nw.col(name).is_null() for name in _SAME), ~unix_seconds("started_at").is_null())
    failed: Any = known.filter(nw.col("outcome") == _ERRORED).select(*same)
    return known.join(failed, on=same, how="semi")


def _attempts(
    rows: pd.DataFrame, same: list[str], within_s: float
) -> tuple[pd.DataFrame, NDArray[np.int64], NDArray[np.float64]]:
    """Return the rows that belong to chains, in order; the number of each one's chain; and when each was over."""
    _, group = number_groups(rows, same)
    order = np.lexsort((rows["id"].to_numpy(), unix_times(rows["started_at"]).to_numpy(), group))
    rows, group = rows.iloc[order], group[order]
    start, outcome = unix_times(rows["started_at"]).to_numpy(), rows["outcome"].to_numpy(dtype="int64")
    seconds = rows["seconds"].to_numpy()
    over = start + np.where((outcome == _OPEN) | np.isnan(seconds), 0, seconds)
    follows = np.zeros(len(rows), dtype=bool)
    follows[1:] = (group[1:] == group[:-1]) & (outcome[:-1] != _COMPLETED) & (start[1:] - over[:-1] <= within_s)
    sequence = np.cumsum(~follows) - 1
    failed = np.cumsum(outcome == _ERRORED)
    failed_before = np.append(0, failed)[np.flatnonzero(~follows)]
    # What comes before the first failure of a sequence, such as an action that is open, is no part of a chain.
    in_chain = failed > failed_before[sequence]
    return rows[in_chain].reset_index(drop=True), sequence[in_chain], over[in_chain]


def _outcomes(
    tried: NDArray[np.int64], lately: NDArray[np.bool_], first: NDArray[np.int64], last: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the number of each chain's outcome; an attempt that was over only *lately* may be followed by another."""
    end = tried[last]
    pending = (end == _OPEN) | lately[last]
    outcome = np.where(first == last, _NOT_RETRIED, _FAILED_AGAIN)
    outcome = np.where(end == _UNCLEAR, _UNKNOWN, outcome)
    return np.where(end == _COMPLETED, _RECOVERED, np.where(pending, _PENDING, outcome))


def _joined(ids: pd.Series[int], first: NDArray[np.int64], last: NDArray[np.int64]) -> pd.Series[str]:
    words = ids.astype(str).tolist()
    joined = [", ".join(words[begin : end + 1]) for begin, end in zip(first, last, strict=True)]
    texts: pd.Series[str] = pd.Series(joined, dtype=text_dtype())
    return texts
