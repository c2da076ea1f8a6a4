"""
Rows of the actions on resources of one kind, resource by resource, and when the actions were last read.

A key of a resource is unique in its account. Of many accounts, a resource is a pair of `account` and `resource`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import categorical
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import NOT_A_TIME, from_unix_seconds, newest_observed_of
from doaudit.analysis.engines import read_frame, to_pandas, unix_seconds
from doaudit.analysis.groups import combined_ranks, ranks
from doaudit.analysis.tally import OUTCOMES, timed

if TYPE_CHECKING:
    from collections.abc import Collection

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows
    from doaudit.resources import Kind

__all__ = [
    "categorized",
    "last_observed",
    "resource_numbers",
    "resource_positions",
    "resource_rows",
    "seen_resources",
]

_COMPLETED = OUTCOMES.index("completed")
_NAMES = ["resource", "resource_name", "region"]


def resource_rows(actions: IntoFrame, kind: Kind, types: Collection[str]) -> pd.DataFrame:
    """
    Bring the actions of some types on resources of a kind into pandas, each resource's in the order of their ends.

    Actions that name no resource are left out. Where the end of an action is missing, or lies before its start, the
    start stands for it.

    Returns:
        `account` first, where the frame has it; `id` (int64), `type`, `resource`, `resource_name`, `region`; `outcome`
        (int64, the position in `tally.OUTCOMES`); `start`, `end` (int64, Unix seconds, `action_rows.NOT_A_TIME` where
        there is neither); `end_known` (bool).

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.resources import DROPLET
        >>> start = "1970-01-01T00:01:00Z"
        >>> taken = [Record(1, "done", "power_off", start, None, 7, "droplet"), Record(2, "done", "assign_ip", start)]
        >>> rows = resource_rows(to_frame(taken, observed_at=120), DROPLET, ["power_off"])
        >>> rows[["resource", "end", "end_known"]].values.tolist()
        [['droplet:7', 60, False]]
    """
    columns = [*account_keys(actions), "id", "type"]
    frame = _of_kind(timed(actions, [*columns, "resource_type", *_NAMES]), kind)
    chosen = frame.filter(nw.col("type").is_in(sorted(types)))
    times = {"start": unix_seconds("started_at"), "end": unix_seconds("completed_at")}
    rows = to_pandas(chosen.select(*columns, *_NAMES, "outcome", **times))
    start, end = (_whole_seconds(rows[name]) for name in times)
    known = (end > NOT_A_TIME) & (end >= start)
    rows = rows.assign(start=np.where(start > NOT_A_TIME, start, end), end=np.where(known, end, start), end_known=known)
    rows = rows.astype({"id": "int64", "outcome": "int64"})
    id_, start, end = (rows[name].to_numpy() for name in ("id", "start", "end"))
    order = np.lexsort([id_, ranks(rows["type"]), start, end, resource_numbers(rows)])
    return rows.iloc[order].reset_index(drop=True)


def seen_resources(actions: IntoFrame, kind: Kind) -> pd.DataFrame:
    """
    List the resources of a kind that any action was done to, with the name and the region of their latest action.

    One of which there is nothing but a creation that has not completed is left out.

    Returns:
        One row a resource, by value: `account`, where the frame has it, `resource`, `resource_name`, `region`.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.resources import DROPLET
        >>> failed = Record(1, "errored", "create", "2026-03-12T22:27:07Z", None, 7, "droplet")
        >>> reboot = Record(2, "completed", "reboot", "2026-03-12T22:27:07Z", None, 8, "droplet", None, "fra1")
        >>> seen_resources(to_frame([failed, reboot], 1773354500), DROPLET)[["resource", "region"]].values.tolist()
        [['droplet:8', 'fra1']]
    """
    accounts = account_keys(actions)
    keys = [*accounts, "resource"]
    frame = _of_kind(timed(actions, [*accounts, "type", "resource_type", *_NAMES]), kind)
    is_creation = nw.col("type").is_in(sorted(kind.created_by)) & ~nw.col("type").is_null()
    existed = frame.filter(~is_creation | (nw.col("outcome") == _COMPLETED))
    newest = unix_seconds("started_at").max().alias("newest")
    rows = to_pandas(existed.group_by([*accounts, *_NAMES], drop_null_keys=False).agg(newest))
    rank = {name: ranks(rows[name]) for name in ("region", "resource_name")}
    newest_first = ~_whole_seconds(rows["newest"])  # turned around, and without the overflow of a minus
    rows = rows.iloc[np.lexsort([rank["region"], rank["resource_name"], newest_first, resource_numbers(rows)])]
    resources = rows[keys].drop_duplicates(ignore_index=True)
    for name in ("resource_name", "region"):
        known = rows.loc[rows[name].notna(), [*keys, name]].drop_duplicates(keys)
        resources = resources.merge(known, on=keys, how="left")
    return resources


def resource_numbers(rows: pd.DataFrame) -> NDArray[np.int64]:
    """
    Return a number for the resource of each row, in the order of accounts and resources.

    Example:
        >>> rows = pd.DataFrame({"resource": ["droplet:8", "droplet:7", "droplet:8"]})
        >>> resource_numbers(rows).tolist()
        [1, 0, 1]
        >>> resource_numbers(rows.assign(account=["acme", "acme", "globex"])).tolist()
        [1, 0, 3]
    """
    return combined_ranks([ranks(rows[name]) for name in [*account_keys(rows), "resource"]])


def resource_positions(rows: pd.DataFrame, resources: pd.DataFrame) -> NDArray[np.int64]:
    """
    Return the position of each row's resource in a table of resources, -1 where it is not there.

    Example:
        >>> resources = pd.DataFrame({"resource": ["droplet:8", "droplet:7"]})
        >>> resource_positions(pd.DataFrame({"resource": ["droplet:7", "droplet:9"]}), resources).tolist()
        [1, -1]
    """
    keys = [*account_keys(resources), "resource"]
    # As objects: the categories of two tables need not be the same.
    rows, resources = rows[keys].astype(object), resources[keys].astype(object)
    if keys == ["resource"]:  # which is faster
        found = pd.Index(resources["resource"]).get_indexer(pd.Index(rows["resource"]))
    else:
        found = pd.MultiIndex.from_frame(resources).get_indexer(pd.MultiIndex.from_frame(rows))
    return np.asarray(found, dtype=np.int64)


def last_observed(actions: IntoFrame, table: pd.DataFrame) -> pd.DatetimeIndex:
    """
    Return when the actions of each row's account were last read from the API: the newest of their `observed_at`.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        table: made of it; with `account` where it is of many accounts.

    Returns:
        One moment a row, NaT where there is none.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> actions = to_frame([Record(1, "errored", "resize")], observed_at=1632996060)
        >>> last_observed(actions, actions)[0].isoformat()
        '2021-09-30T10:01:00+00:00'
    """
    return from_unix_seconds(pd.Series(newest_observed_of(table, read_frame(actions, account_keys(table)))))


def categorized(texts: pd.Series[Any]) -> pd.Categorical[Any]:
    """
    Return texts with nulls of any kind as a categorical whose categories are sorted.

    Example:
        >>> categorized(pd.Series(["web", None, "api"])).codes.tolist()
        [1, -1, 0]
    """
    return categorical(None if pd.isna(text) else str(text) for text in texts)


def _of_kind(frame: Rows, kind: Kind) -> Rows:
    is_of_kind = nw.col("resource_type").is_in(sorted(kind.resource_types))
    return frame.filter(is_of_kind, ~nw.col("resource").is_null())


def _whole_seconds(since_epoch: pd.Series[Any]) -> NDArray[np.int64]:
    return np.asarray(since_epoch.astype("Int64").fillna(NOT_A_TIME), dtype=np.int64)
