"""Values about a read of the list of actions: what was known before, how far it is, what came of it, and its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.actions import Record
    from doaudit.api.page_planner import RankRange
    from doaudit.api.retry import Pause

__all__ = ["ActionsReread", "Known", "Listing", "Progress", "Proof"]


@dataclass(frozen=True)
class Proof:
    """
    Proof that a list was read whole, or the reason why it was not.

    The argument is in `doaudit.api.paging`. Times are by the server's clock.

    Attributes:
        total_reported: the largest total that the API reported during the read.
        distinct_ids: distinct ids in hand at the end.
        pages_read: responses to requests for a page, all of them.
        pages_read_again: those of them that came after the first pass, because rows were missing.
        arrived: rows that were added to the list during the read.
        is_newest_first: whether no row seen was newer than the one listed before it.
        complete: true exactly if `distinct_ids == total_reported`.
        reason: why the read is not complete; empty if it is.
        started, finished: the dates of the first and the last response.
    """

    total_reported: int
    distinct_ids: int
    pages_read: int
    pages_read_again: int
    arrived: int
    is_newest_first: bool
    complete: bool
    reason: str
    started: datetime
    finished: datetime


@dataclass(frozen=True)
class Known:
    """
    Actions that earlier reads have in hand.

    Attributes:
        ids: their ids.
        covered: the ranks they were read from (see `doaudit.api.page_planner`).
    """

    ids: frozenset[int] = frozenset()
    covered: tuple[RankRange, ...] = ()


@dataclass(frozen=True)
class Listing:
    """
    Actions that a read of the list returned, with the proof.

    Attributes:
        records: with distinct ids.
        observed_at: when each record was read, in Unix seconds by the server's clock.
        proof: whether every action is in hand, those known before included.
        covered: the ranks read by now, in this read or an earlier one.
        vanished: known ids that are no longer in the list; only a complete read can tell.
    """

    records: tuple[Record, ...]
    observed_at: tuple[int, ...]
    proof: Proof
    covered: tuple[RankRange, ...] = ()
    vanished: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Progress:
    """
    Progress of a read.

    Attributes:
        rows: distinct rows in hand.
        total: rows there are, as far as is known.
        pages: responses received.
        planned: requests planned so far, those already answered included.
        pause: the wait that has just begun; None otherwise.
    """

    rows: int
    total: int
    pages: int
    planned: int
    pause: Pause | None = None


@dataclass(frozen=True)
class ActionsReread:
    """
    Actions that were read again one by one.

    Attributes:
        records: those that exist.
        observed_at: when each record was read, in Unix seconds by the server's clock.
        not_found: ids that the API no longer knows (404).
    """

    records: tuple[Record, ...]
    observed_at: tuple[int, ...]
    not_found: frozenset[int]
