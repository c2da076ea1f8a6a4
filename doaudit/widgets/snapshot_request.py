"""Requests that a page of the snapshot panel may send, each checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from doaudit.errors import InvalidArgument

__all__ = ["SnapshotRequest", "read_request"]

_KINDS = ("look", "read", "choose", "start", "cancel", "again", "resume", "resume all")
_LONGEST_NAME = 300
_MOST_DROPLETS = 500
_MOST_AT_ONCE = 20


@dataclass(frozen=True)
class SnapshotRequest:
    """
    A request of a page.

    Attributes:
        kind: 'look' at the state, 'read' the droplets again, 'choose' droplets, 'start' what was planned, 'cancel' it,
            go back to the list for 'again', 'resume' a run or 'resume all'.
        droplets: ids of those that are chosen.
        name: the snapshot's; empty for one that is made up.
        live: whether droplets stay on.
        plans: ids of the plans that were confirmed.
        confirmed: whether they were.
        at_once, keep_going: how a queue goes.
        run: the id of a run.
    """

    kind: str
    droplets: tuple[int, ...] = ()
    name: str = ""
    live: bool = False
    plans: tuple[str, ...] = ()
    confirmed: bool = False
    at_once: int = 1
    keep_going: bool = False
    run: str = ""


def read_request(content: object) -> SnapshotRequest:
    """
    Read a request out of a message.

    Raises:
        InvalidArgument: it is none.

    Example:
        >>> read_request({"kind": "choose", "droplets": [7]}).droplets
        (7,)
    """
    asked: dict[str, Any] = content if isinstance(content, dict) else {}
    droplets, plans = asked.get("droplets", []), asked.get("plans", [])
    name, run, at_once = asked.get("name", ""), asked.get("run", ""), asked.get("at_once", 1)
    is_one = (
        asked.get("kind") in _KINDS
        and isinstance(droplets, list)
        and len(droplets) <= _MOST_DROPLETS
        and all(isinstance(each, int) and not isinstance(each, bool) and 0 <= each < 2**63 for each in droplets)
        and isinstance(plans, list)
        and len(plans) <= _MOST_DROPLETS
        and all(isinstance(each, str) for each in plans)
        and all(isinstance(each, str) and len(each) <= _LONGEST_NAME for each in (name, run))
        and isinstance(at_once, int)
        and 1 <= at_once <= _MOST_AT_ONCE
        and all(isinstance(asked.get(flag, False), bool) for flag in ("live", "confirmed", "keep_going"))
    )
    if not is_one:
        raise InvalidArgument("The panel has sent what is no request; nothing was done. Run the cell again.")
    return SnapshotRequest(
        asked["kind"],
        tuple(dict.fromkeys(droplets)),
        name,
        asked.get("live", False),
        tuple(plans),
        asked.get("confirmed", False),
        at_once,
        asked.get("keep_going", False),
        run,
    )
