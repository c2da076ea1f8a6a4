"""
Planted events that are made of routine actions, moved to another time or droplet.

A moved action keeps its type, its outcome and its duration, so that no count of the company changes, and no other
action.
Every function changes the columns of a history in place; its rows are in order of time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.demo.company.fleet import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Columns = dict[str, NDArray[Any]]
    Mask = NDArray[np.bool_]

__all__ = ["close_gaps", "plant_mass_destroy", "plant_retry_chain", "switch_on_again"]

_CHAIN_DAYS_AGO = (100, 300)
_RETRIES = 2
_ALONE_S = 7_200
_DESTROYED, _DESTROY_DAYS_AGO, _DESTROY_S = 12, 110, 1_700
_NIGHT = (23, 5)  # hour and minute at which they begin to be destroyed
_SUNDAY = 3  # the first day since 1970 is a Thursday, three days before one
_OFF_AT_MOST_S = 4 * DAY_S
_NO_ID = 0


def plant_retry_chain(random: np.random.Generator, columns: Columns, candidates: Mask, start: int) -> None:
    """
    Let a snapshot that failed be tried again, in vain, and then once more, successfully.

    Args:
        random: The source of the choices.
        columns: The history.
        candidates: The actions of the droplets one of which it is to be.
        start: The start of the clock, in Unix seconds.
    """
    days_ago = (start - columns["started_at"]) / DAY_S
    snapshots = (columns["type"] == "snapshot") & _routine(columns) & (days_ago > _CHAIN_DAYS_AGO[0])
    failed = snapshots & (columns["outcome"] == "errored")
    firsts = np.flatnonzero(failed & candidates)
    alone = [row for row in firsts.tolist() if _is_alone(columns, row)]
    recent = [row for row in alone if days_ago[row] < _CHAIN_DAYS_AGO[1]]
    first = int(random.choice(recent or alone[-1:] or firsts))
    failed[first] = False
    there = columns["region"] == columns["region"][first]
    # The nearest ones, so that few other actions change their rank. The last is one of many of its droplet: no image
    # that is still kept is of it.
    distance_s = np.abs(columns["started_at"] - columns["started_at"][first])
    again = _nearest(distance_s, failed, there, _RETRIES)
    at_last = _nearest(distance_s, snapshots & (columns["outcome"] == "completed") & candidates, there, 1)

    columns["planted"][first] = "retry"
    ends_at = columns["ends_at"][first]
    for row in [*again, *at_last]:
        for name in ("resource_type", "resource_id", "resource", "region"):
            columns[name][row] = columns[name][first]
        ends_at = _move(columns, row, int(ends_at + random.integers(90, 400)), "retry")


def plant_mass_destroy(random: np.random.Generator, columns: Columns, candidates: Mask, start: int) -> None:
    """
    Let a dozen droplets outlive their day, and be destroyed within half an hour on one Sunday night.

    Args:
        random: The source of the times.
        columns: The history.
        candidates: The actions of the droplets of which they are to be.
        start: The start of the clock, in Unix seconds.
    """
    day = start // DAY_S - _DESTROY_DAYS_AGO
    sunday = day - (day - _SUNDAY) % 7
    begins = sunday * DAY_S + _NIGHT[0] * 3_600 + _NIGHT[1] * 60
    destroyed = (columns["type"] == "destroy") & (columns["outcome"] == "completed") & _routine(columns) & candidates
    rows = np.flatnonzero(destroyed & (columns["started_at"] < begins))[-_DESTROYED:]
    offsets = np.sort(random.choice(_DESTROY_S, len(rows), replace=False))
    for row, offset in zip(rows.tolist(), offsets.tolist(), strict=True):
        _move(columns, row, begins + offset, "destroy")


def switch_on_again(columns: Columns) -> None:
    """Let each droplet that stays off for days, because it could not be switched on, be switched on after all."""
    types, at = columns["type"], columns["started_at"]
    switches = np.flatnonzero(np.isin(types, ["power_on", "power_off", "shutdown", "destroy"]))
    off_since: dict[str, int] = {}
    failed: dict[str, int] = {}
    for row in switches.tolist():
        droplet, type_ = columns["resource"][row], types[row]
        if type_ == "power_on" and columns["outcome"][row] == "errored":
            failed.setdefault(droplet, row)
        elif columns["outcome"][row] == "completed" and type_ in ("power_off", "shutdown"):
            off_since.setdefault(droplet, int(at[row]))
        elif columns["outcome"][row] == "completed":
            if at[row] - off_since.pop(droplet, at[row]) > _OFF_AT_MOST_S and droplet in failed:
                columns["outcome"][failed[droplet]] = "completed"
            failed.pop(droplet, None)
    for droplet in off_since.keys() & failed.keys():
        columns["outcome"][failed[droplet]] = "completed"


def close_gaps(columns: Columns, seconds: Sequence[int], ids: Sequence[int]) -> Columns:
    """
    Return the history in order of time again, with ids of their time for the actions that were moved.

    Args:
        columns: The history.
        seconds: Unix seconds, and
        ids: the ids of actions at these.
    """
    order = np.argsort(columns["started_at"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    for place in np.flatnonzero(columns["id"] == _NO_ID).tolist():
        usual = int(np.interp(columns["started_at"][place], seconds, ids))
        # Some rows on each side: the ids within one second are in no order, and the next rows may have none yet.
        before, after = columns["id"][max(place - 30, 0) : place], columns["id"][place + 1 : place + 31]
        columns["id"][place] = min(max(usual, int(before.max()) + 1), int(after[after != _NO_ID].min()) - 1)
    return columns


def _routine(columns: Columns) -> Mask:
    """Return which actions are neither planted nor odd."""
    return (columns["planted"] == "") & (columns["odd"] == "") & (columns["end_hidden"] == "")  # type: ignore[no-any-return]


def _is_alone(columns: Columns, row: int) -> bool:
    """Return whether nothing else happens to the resource of an action for some time after it."""
    later = columns["started_at"] - columns["started_at"][row]
    same = columns["resource"] == columns["resource"][row]
    return int(np.count_nonzero(same & (later >= 0) & (later < _ALONE_S))) == 1


def _nearest(distance_s: NDArray[np.int64], possible: Mask, preferred: Mask, count: int) -> list[int]:
    """Return the nearest *count* of the possible actions, of the preferred ones if there are enough."""
    rows = np.flatnonzero(possible & preferred)
    rows = rows if len(rows) >= count else np.flatnonzero(possible)
    return rows[np.argsort(distance_s[rows], kind="stable")][:count].tolist()  # type: ignore[no-any-return]


def _move(columns: Columns, row: int, at: int, planted: str) -> int:
    """Move an action to a second at about *at* that no other action is near, and return its end."""
    others = np.delete(columns["started_at"], row)
    while np.any(np.abs(others - at) <= 1):
        at += 1
    ends_at = int(columns["ends_at"][row] + at - columns["started_at"][row])
    columns["started_at"][row], columns["ends_at"][row] = at, ends_at
    columns["planted"][row], columns["id"][row] = planted, _NO_ID
    return ends_at
