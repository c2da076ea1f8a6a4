"""Backups: when a snapshot or backup of each droplet was last taken, and which droplets have had none for days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT, categorical
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import NOT_A_TIME, from_unix_seconds
from doaudit.analysis.engines import quoted
from doaudit.analysis.resource_rows import (
    categorized,
    last_observed,
    resource_numbers,
    resource_positions,
    resource_rows,
    seen_resources,
)
from doaudit.analysis.tally import OUTCOMES
from doaudit.errors import InvalidArgument
from doaudit.resources import DROPLET

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

__all__ = ["backups"]

_TYPES: Final = ("backup", "snapshot")
_IMAGES: Final = ("snapshot_ids", "backup_ids")
_DAY_S: Final = 86_400
_COMPLETED, _ERRORED = OUTCOMES.index("completed"), OUTCOMES.index("errored")


def backups(actions: IntoFrame, droplets: pd.DataFrame | None = None, *, days: float = 7) -> pd.DataFrame:
    """
    List for each droplet when a snapshot or backup of it was last taken, those without one for longest first.

    An action says that one was *taken*, not that it still exists; that is told by the account alone, and for a droplet
    as a whole. One counts from when it was begun, which is also what its image has as `created_at`.

    Args:
        actions: an actions frame of any engine that narwhals reads. What happened before the first of them is not
            known, so give all, and not a selection.
        droplets: the droplets that exist now, as `account.droplets()` returns them; the table has exactly those.
            Without it, it has those that anything was done to and that no completed destroy ended. Where the actions
            are of many accounts these are, too: both have `account`.
        days: for how long there may be none.

    Returns:
        One row a droplet, those of which none was taken first, then by age: `account` first, where the frame has it;
        `resource`, `resource_name`, `region` (category); `last_taken_at` (datetime64[s, UTC]), `last_type` (category)
        of the last that completed; `age_s`, the time since then until the newest `observed_at`; `longest_gap_s`, the
        longest time from one to the next, or from the last until then (both float64 seconds); `taken`, those that
        completed, `errored` (int64); `without` (bool: none was taken within the last *days* days); `still_exists`
        (boolean: the account has a snapshot or backup of it; null if that is not known). The times are null where none
        was taken.

    Raises:
        InvalidArgument: the frame holds no actions, *droplets* lacks a column, only one of the two has `account`, or
            *days* is not above 0.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = Record(1, "completed", "backup", "2026-03-12T22:00:00Z", "2026-03-12T22:05:00Z", 7, "droplet")
        >>> reboot = Record(2, "completed", "reboot", "2026-03-12T22:10:00Z", "2026-03-12T22:10:02Z", 8, "droplet")
        >>> table = backups(to_frame([taken, reboot], observed_at=1773356400))
        >>> table[["resource", "age_s", "taken", "without"]].values.tolist()
        [['droplet:8', nan, 0, True], ['droplet:7', 3600.0, 1, False]]
    """
    if not days > 0:
        raise InvalidArgument(f"days says for how long a droplet may be without a snapshot or backup; got {days!r}.")
    rows = resource_rows(actions, DROPLET, (*_TYPES, *DROPLET.destroyed_by))
    if droplets is None:
        listed = _not_destroyed(seen_resources(actions, DROPLET), rows)
    else:
        listed = _existing(droplets, account_keys(rows))
    figures = _figures(rows[rows["type"].isin(_TYPES)], listed, last_observed(actions, listed))
    without = figures["last_taken_at"].isna() | (figures["age_s"] > days * _DAY_S)
    still_exists = listed.pop("still_exists")
    table = listed.assign(**figures, without=without, still_exists=still_exists)
    oldest_first = -table["age_s"].fillna(np.inf).to_numpy()
    order = np.lexsort([resource_numbers(table), oldest_first])
    return table.iloc[order].reset_index(drop=True)


def _existing(droplets: pd.DataFrame, accounts: list[str]) -> pd.DataFrame:
    """Return the droplets that exist now, and whether an image of each does."""
    if lacking := [name for name in ("id", "name", "region", *_IMAGES) if name not in droplets]:
        raise InvalidArgument(f"These droplets have no {quoted(lacking)}; give what account.droplets() returns.")
    if (ACCOUNT in droplets) != bool(accounts):
        many, one = ("actions", "droplets") if accounts else ("droplets", "actions")
        raise InvalidArgument(
            f"The {many} are of many accounts, for they have a column {ACCOUNT!r}, and the {one} are not. Give both of "
            "many accounts, or both of one."
        )
    counts = [[_length(ids) for ids in row] for row in zip(*(droplets[name] for name in _IMAGES), strict=True)]
    exists = [True if any(row) else None if None in row else False for row in counts]
    return pd.DataFrame(
        {
            **{name: categorized(droplets[name]) for name in accounts},
            "resource": categorical([f"{DROPLET.name}:{number}" for number in droplets["id"]]),
            "resource_name": categorized(droplets["name"]),
            "region": categorized(droplets["region"]),
            "still_exists": pd.array(exists, dtype="boolean"),
        }
    )


def _length(ids: Any) -> int | None:  # noqa: ANN401 -- a list of any kind, or a null of any kind
    return len(ids) if pd.api.types.is_list_like(ids) else None


def _not_destroyed(seen: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the droplets that no completed destroy ended; nothing tells whether their images exist."""
    destroyed = rows[rows["type"].isin(DROPLET.destroyed_by) & (rows["outcome"] == _COMPLETED)]
    is_left = np.isin(np.arange(len(seen)), resource_positions(destroyed, seen), invert=True)
    left = seen[is_left].reset_index(drop=True)
    return left.assign(still_exists=pd.Series(pd.NA, index=left.index, dtype="boolean"))


def _figures(rows: pd.DataFrame, resources: pd.DataFrame, now: pd.DatetimeIndex) -> dict[str, Any]:
    """Return the columns about what was taken of each resource."""
    place = resource_positions(rows, resources)
    rows, count = rows.assign(place=place)[place >= 0], len(resources)
    is_taken = rows["outcome"] == _COMPLETED
    counts = {
        name: np.bincount(rows.loc[which, "place"], minlength=count).astype(np.int64)
        for name, which in (("taken", is_taken), ("errored", rows["outcome"] == _ERRORED))
    }
    taken = rows[is_taken & (rows["start"] > NOT_A_TIME)].sort_values(["place", "start", "id"])
    last = taken.drop_duplicates("place", keep="last").set_index("place").reindex(range(count))
    last_taken_at = pd.Series(from_unix_seconds(last["start"]))
    age_s = (now - last_taken_at).dt.total_seconds().clip(lower=0).astype("float64")
    gap_s = taken.groupby("place")["start"].diff().groupby(taken["place"]).max().reindex(range(count))
    figures = {
        "last_taken_at": last_taken_at,
        "last_type": last["type"].reset_index(drop=True),
        "age_s": age_s,
        "longest_gap_s": np.fmax(gap_s.to_numpy(dtype=float), age_s.to_numpy(dtype=float)),
    }
    return figures | counts
