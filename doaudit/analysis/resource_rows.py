"""Rows of the actions on resources of one kind, resource by resource, and when the actions were last read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import categorical
from doaudit.analysis.action_rows import NOT_A_TIME, from_unix_seconds, newest_observed
from doaudit.analysis.engines import read_frame, to_pandas, unix_seconds
from doaudit.analysis.groups import ranks
from doaudit.analysis.tally import OUTCOMES, timed

if TYPE_CHECKING:
    from collections.abc import Collection

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows
    from doaudit.resources import Kind

__all__ = ["categorized", "last_observed", "resource_rows", "seen_resources"]

_COMPLETED = OUTCOMES.index("completed")
_NAMES = ["resource", "resource_name", "region"]


def resource_rows(actions: IntoFrame, kind: Kind, types: Collection[str]) -> pd.DataFrame:
    """
    Bring the actions of some types on resources of a kind into pandas, each resource's in the order of their ends.

    Actions that name no resource are left out. Where the end of an action is missing, or lies before its start, the
    start stands for it.

    Returns:
        `id` (int64), `type`, `resource`, `resource_name`, `region`; `outcome` (int64, the position in
        `tally.OUTCOMES`); `start`, `end` (int64, Unix seconds, `action_rows.NOT_A_TIME` where there is neither);
        `end_known` (bool).

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.resources import DROPLET
        >>> start = "1970-01-01T00:01:00Z"
        >>> taken = [Record(1, "done", "power_off", start, None, 7, "droplet"), Record(2, "done", "assign_ip", start)]
        >>> rows = resource_rows(to_frame(taken, observed_at=120), DROPLET, ["power_off"])
        >>> rows[["resource", "end", "end_known"]].values.tolist()
        [['droplet:7', 60, False]]
    """
    frame = _of_kind(timed(actions, ["id", "type", "resource_type", *_NAMES]), kind)
    chosen = frame.filter(nw.col("type").is_in(sorted(types)))
    times = {"start": unix_seconds("started_at"), "end": unix_seconds("completed_at")}
    rows = to_pandas(chosen.select("id", "type", *_NAMES, "outcome", **times))
    start, end = (_whole_seconds(rows[name]) for name in times)
    known = (end > NOT_A_TIME) & (end >= start)
    rows = rows.assign(start=np.where(start > NOT_A_TIME, start, end), end=np.where(known, end, start), end_known=known)
    rows = rows.astype({"id": "int64", "outcome": "int64"})
    id_, start, end = (rows[name].to_numpy() for name in ("id", "start", "end"))
    order = np.lexsort([id_, ranks(rows["type"]), start, end, ranks(rows["resource"])])
    return rows.iloc[order].reset_index(drop=True)


def seen_resources(actions: IntoFrame, kind: Kind) -> pd.DataFrame:
    """
    List the resources of a kind that any action was done to, with the name and the region of their latest action.

    One of which there is nothing but a creation that has not completed is left out.

    Returns:
        One row a resource, by value: `resource`, `resource_name`, `region`.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.resources import DROPLET
        >>> failed = Record(1, "errored", "create", "2026-03-12T22:27:07Z", None, 7, "droplet")
        >>> reboot = Record(2, "completed", "reboot", "2026-03-12T22:27:07Z", None, 8, "droplet", None, "fra1")
        >>> seen_resources(to_frame([failed, reboot], 1773354500), DROPLET)[["resource", "region"]].values.tolist()
        [['droplet:8', 'fra1']]
    """
    frame = _of_kind(timed(actions, ["type", "resource_type", *_NAMES]), kind)
    is_creation = nw.col("type").is_in(sorted(kind.created_by)) & ~nw.col("type").is_null()
    existed = frame.filter(~is_creation | (nw.col("outcome") == _COMPLETED))
    newest = unix_seconds("started_at").max().alias("newest")
    rows = to_pandas(existed.group_by(_NAMES, drop_null_keys=False).agg(newest))
    rank = {name: ranks(rows[name]) for name in _NAMES}
    newest_first = ~_whole_seconds(rows["newest"])  # turned around, and without the overflow of a minus
    rows = rows.iloc[np.lexsort([rank["region"], rank["resource_name"], newest_first, rank["resource"]])]
    resources = rows[["resource"]].drop_duplicates(ignore_index=True)
    for name in ("resource_name", "region"):
        known = rows.loc[rows[name].notna(), ["resource", name]].drop_duplicates("resource")
        resources = resources.merge(known, on="resource", how="left")
    return resources


def last_observed(actions: IntoFrame) -> pd.Timestamp:
    """
    Return when actions were last read from the API, the newest of their `observed_at`; NaT where there is none.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> last_observed(to_frame([Record(1, "errored", "resize")], observed_at=1632996060)).isoformat()
        '2021-09-30T10:01:00+00:00'
    """
    return from_unix_seconds(pd.Series([newest_observed(read_frame(actions))]))[0]


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
