"""Power periods: from when to when a droplet was off, what switched it off, and what ended that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from doaudit.actions import text_dtype
from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import NOT_A_TIME, from_unix_seconds
from doaudit.analysis.engines import quoted
from doaudit.analysis.groups import ranks
from doaudit.analysis.resource_rows import last_observed, resource_numbers, resource_rows
from doaudit.analysis.tally import OUTCOMES
from doaudit.errors import InvalidArgument
from doaudit.resources import DROPLET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from narwhals.typing import IntoFrame
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]
    Flags = NDArray[np.bool_]

__all__ = ["power_periods"]

_SWITCHED_OFF, _ASKED_OFF, _REBOOTED, _ENDED = range(4)
_BOOTS: Final = ("power_cycle", "rebuild", "restore")
_EFFECTS: Final = {
    "power_off": _SWITCHED_OFF,
    "shutdown": _ASKED_OFF,
    "reboot": _REBOOTED,
    **dict.fromkeys(("power_on", *_BOOTS, *DROPLET.destroyed_by), _ENDED),
}
_NOTES: Final = {
    "asked": "A shutdown completes whether or not the guest obeys.",
    "again": "A power_off completed again meanwhile, which a droplet that is off refuses: it may have been on between.",
    "rebooted": "A reboot completed meanwhile, so that it may have been on.",
    "booted": "No public description says that what ended it switches on a droplet that is off.",
    "begin": "off_from is when the action started, because its end is not known.",
    "end": "off_to is when the action started, because its end is not known.",
}


@dataclass(frozen=True)
class _Periods:
    """
    Periods as positions in the rows of power actions.

    Attributes:
        begin: of the action that switched the droplet off.
        end: of the action that ended it; of any row where it is still off.
        still_off: nothing has ended it.
        again: another power-off completed in it.
        rebooted: a reboot completed in it.
    """

    begin: Numbers
    end: Numbers
    still_off: Flags
    again: Flags
    rebooted: Flags


def power_periods(
    actions: IntoFrame, *, started_by_doaudit: Iterable[int] | pd.DataFrame | None = None
) -> pd.DataFrame:
    """
    List the periods in which a droplet was off: since when, until when, and which actions began and ended each.

    A completed power_off or shutdown begins a period. A power_off that follows a shutdown begins it anew, because the
    API refuses it for a droplet that is off: the shutdown had no effect. A completed power_on, power_cycle, rebuild,
    restore or destroy ends it. A reboot is asked of the guest, as a shutdown is, and ends nothing. Errored and open
    actions change nothing.

    A period is `certain` if a power_off began it, if a power_on or destroy ended it or it has not ended, if the ends of
    both actions are known, and if in between no other power_off and no reboot completed. The `note` says what is
    missing of that. What leaves no action is not here: a guest that powers itself off, and what happened before the
    first of these actions. A droplet that is off is billed as one that is on.

    Args:
        actions: an actions frame of any engine that narwhals reads.
        started_by_doaudit: the ids of the actions that doaudit started, `account.started()["id"]`; of many accounts a
            table with `account` and `id`.

    Returns:
        One row a period, those that have not ended first, the longest first: `account` first, where the frame has it;
        `resource`, `resource_name`, `region` (category); `off_from`, `off_to` (datetime64[s, UTC], when the actions
        ended; NaT while it is off); `still_off` (bool); `off_s` (float64 seconds, until the newest `observed_at` while
        it is off); `off_by` (category), `off_id` (int64), the action that began it; `on_by` (category), `on_id`
        (Int64), the action that ended it, null while it is off; `by_doaudit` (boolean: doaudit started what ended it;
        null while it is off, or without *started_by_doaudit*); `certain` (bool); `note` (text, empty if it is certain).

    Raises:
        InvalidArgument: the frame holds no actions, or it is of many accounts and *started_by_doaudit* is not.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> off = Record(1, "completed", "power_off", "2026-03-12T22:00:00Z", "2026-03-12T22:00:07Z", 7, "droplet")
        >>> on = Record(2, "completed", "power_on", "2026-03-12T22:10:00Z", "2026-03-12T22:10:02Z", 7, "droplet")
        >>> table = power_periods(to_frame([off, on], observed_at=1773354430))
        >>> table[["resource", "off_s", "on_by", "certain"]].values.tolist()
        [['droplet:7', 595.0, 'power_on', True]]
    """
    rows = resource_rows(actions, DROPLET, _EFFECTS)
    rows = rows[(rows["outcome"] == OUTCOMES.index("completed")) & (rows["end"] > NOT_A_TIME)].reset_index(drop=True)
    periods = _find(rows)
    off = rows.iloc[periods.begin].reset_index(drop=True)
    on = rows.iloc[periods.end].reset_index(drop=True)
    off_to = from_unix_seconds(on["end"].mask(periods.still_off))
    accounts = account_keys(off)
    table = off[[*accounts, "resource", "resource_name", "region"]].assign(
        off_from=from_unix_seconds(off["end"]), off_to=off_to, still_off=periods.still_off
    )
    lasted = off_to.where(~periods.still_off, last_observed(actions, off)) - table["off_from"]
    table = table.assign(
        off_s=lasted.dt.total_seconds().clip(lower=0).astype("float64"),
        off_by=off["type"],
        off_id=off["id"],
        on_by=on["type"].mask(periods.still_off),
        on_id=on["id"].astype("Int64").mask(periods.still_off),
        by_doaudit=_started_by(on, started_by_doaudit).mask(periods.still_off),
        **_certainty(periods, off, on),
    )
    longest_first = -table["off_s"].fillna(0).to_numpy()
    by_account = [ranks(off[name]) for name in accounts]
    order = np.lexsort([*by_account, off["id"].to_numpy(), off["end"].to_numpy(), longest_first, ~periods.still_off])
    return table.iloc[order].reset_index(drop=True)


def _find(rows: pd.DataFrame) -> _Periods:
    """Find the periods in completed actions, each droplet's in their order."""
    effect = rows["type"].astype(object).map(_EFFECTS).to_numpy(dtype=np.int64)
    droplet = resource_numbers(rows)
    starts_stretch = np.ones(len(rows), dtype=bool)
    starts_stretch[1:] = (droplet[1:] != droplet[:-1]) | (effect[:-1] == _ENDED)
    # A stretch is what happens to one droplet until something ends it; there is at most one period in it.
    stretch, firsts = np.cumsum(starts_stretch) - 1, np.flatnonzero(starts_stretch)
    position, count, never = np.arange(len(rows)), len(firsts), len(rows)

    def first(which: int) -> Numbers:
        found = np.full(count, never)
        np.minimum.at(found, stretch[effect == which], position[effect == which])
        return found

    switched = first(_SWITCHED_OFF)
    begin = np.where(switched < never, switched, first(_ASKED_OFF))
    last_reboot = np.full(count, -1)
    np.maximum.at(last_reboot, stretch[effect == _REBOOTED], position[effect == _REBOOTED])
    again = np.bincount(stretch[effect == _SWITCHED_OFF], minlength=count) > 1
    end = np.append(firsts[1:], never)[:count] - 1
    still_off = effect[end] != _ENDED
    found = begin < never
    return _Periods(begin[found], end[found], still_off[found], again[found], (last_reboot > begin)[found])


def _started_by(rows: pd.DataFrame, started: Iterable[int] | pd.DataFrame | None) -> pd.Series[Any]:
    """Return whether doaudit started the action of each row."""
    if started is None:
        return pd.Series(pd.NA, index=rows.index, dtype="boolean")
    keys = [*account_keys(rows), "id"]
    if not isinstance(started, pd.DataFrame):
        started = pd.DataFrame({"id": list(started)}, dtype="int64")
    if lacking := [name for name in keys if name not in started]:
        raise InvalidArgument(
            f"started_by_doaudit has no {quoted(lacking)}. An id is unique in its account only: of many accounts, "
            "give a table with 'account' and 'id'."
        )
    known = set(started[keys].itertuples(index=False, name=None))
    is_known = [row in known for row in rows[keys].itertuples(index=False, name=None)]
    return pd.Series(is_known, index=rows.index, dtype="boolean")


def _certainty(periods: _Periods, off: pd.DataFrame, on: pd.DataFrame) -> dict[str, Any]:
    """Return whether each period is certain, and in words why not."""
    ended = ~periods.still_off
    doubts = {
        "asked": off["type"].eq("shutdown").to_numpy(),
        "again": periods.again,
        "rebooted": periods.rebooted,
        "booted": ended & on["type"].isin(_BOOTS).to_numpy(),
        "begin": ~off["end_known"].to_numpy(),
        "end": ended & ~on["end_known"].to_numpy(),
    }
    notes = [
        " ".join(_NOTES[name] for name, doubted in zip(doubts, flags, strict=True) if doubted)
        for flags in zip(*doubts.values(), strict=True)
    ]
    return {"certain": ~np.logical_or.reduce([*doubts.values()]), "note": pd.Series(notes, dtype=text_dtype())}
