"""The last action of each type on each resource: when was this droplet last snapshotted, powered off, resized?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows, newest_observed_of, sort_rows, unix_times
from doaudit.analysis.engines import quoted, to_pandas, unix_seconds
from doaudit.analysis.tally import OUTCOMES, timed
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    import numpy as np
    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.actions import Outcome
    from doaudit.analysis.engines import Rows

__all__ = ["last_actions"]

_KEYS = ["resource", "type"]
_COLUMNS = (*ACTION_COLUMNS, "completed_at", "status")
_NO_START = -(2**62)  # earlier than any start, so that an action without one is the last only where none has one


def last_actions(actions: IntoFrame, *, outcome: Outcome | None = None) -> pd.DataFrame:
    """
    List the last action of each type on each resource, newest first.

    The last is the one that started last, and of equal starts the one with the highest id. Actions without a resource
    are left out, for nobody can say which resource they belong to; so those on volumes are in the list only where the
    history has found their volume.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        outcome: "completed" for the last one that worked, likewise "errored", "open" or "unclear"; by default the last
            one however it ended.

    Returns:
        One row for each resource and type: `account` first, where the frame has it; `id`, `type`, `resource_type`,
        `resource`, `resource_name`, `region`, `started_at`, `completed_at`, `status`; `duration_s` (float64 seconds,
        NaN while it is open, or if untimed); `age_s` from its start to the newest `observed_at` of its account (float64
        seconds, NaN without a start, or if it starts later); `actions`, how many of that type the resource had, with
        that outcome if one is asked for (int64).

    Raises:
        InvalidArgument: there is no such outcome, or the frame holds no actions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> starts = ["2026-03-10T22:27:07Z", "2026-03-12T22:27:07Z"]
        >>> taken = [Record(n, "completed", "snapshot", start, None, 123, "droplet") for n, start in enumerate(starts)]
        >>> last_actions(to_frame(taken, observed_at=1773354500))[["id", "age_s", "actions"]].values.tolist()
        [[1.0, 73.0, 2.0]]
    """
    if outcome is not None and outcome not in OUTCOMES:
        raise InvalidArgument(f"The outcome of an action is one of {quoted(OUTCOMES)}; got {outcome!r}.")
    accounts = account_keys(actions)
    columns, keys = [*accounts, *_COLUMNS], [*accounts, *_KEYS]
    every = timed(actions, columns)
    rows = every.filter(~nw.col("resource").is_null())
    if outcome is not None:
        rows = rows.filter(nw.col("outcome") == OUTCOMES.index(outcome))
    grouped = _group(rows, keys)
    table = action_rows(_at_last_starts(rows, grouped, keys), [*columns, "outcome"], seconds="duration_s")
    newest_first = ["started_at", "id"]
    table = sort_rows(table, newest_first, falling=newest_first).drop_duplicates(keys).reset_index(drop=True)
    age = pd.Series(newest_observed_of(table, every)) - unix_times(table["started_at"])
    return table[columns].assign(
        duration_s=table["duration_s"].mask(table["outcome"] == OUTCOMES.index("open")),
        age_s=age.where(age >= 0),
        actions=_counts(table, to_pandas(grouped), keys),
    )


def _group(rows: Rows, keys: list[str]) -> Rows:
    """Count the actions of each resource and type, and find their last start, where the rows are."""
    groups = rows.with_columns(start=_start()).group_by(keys, drop_null_keys=False)
    return groups.agg(nw.col("start").max(), actions=nw.len())


def _at_last_starts(rows: Rows, grouped: Rows, keys: list[str]) -> Rows:
    """
    Return the rows that started at the last start of a type on their resource.

    The type itself is left out of the join, for in most engines a null is equal to nothing there. A row of another type
    that started at the same time does no harm: the last one of its own type is here, too.
    """
    on = [*(name for name in keys if name != "type"), "start"]
    last: Any = grouped.select(*on)
    return rows.with_columns(start=_start()).join(last, on=on, how="semi")


def _start() -> nw.Expr:
    start = unix_seconds("started_at")
    return nw.when(start.is_null()).then(nw.lit(_NO_START)).otherwise(start)


def _counts(table: pd.DataFrame, grouped: pd.DataFrame, on: list[str]) -> NDArray[np.int64]:
    """Return how many actions there are of each row's resource and type."""
    # As objects: categories of two tables from one engine need not be the same. A null is equal to a null here.
    keys, counts = table[on].astype(object), grouped[[*on, "actions"]].astype(dict.fromkeys(on, object))
    return keys.merge(counts, how="left", on=on)["actions"].to_numpy(dtype="int64")
