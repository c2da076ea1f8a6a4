"""Values about a read of the list of actions: what was known before, how far it is, what came of it, and its proof."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from datetime import datetime

    from doaudit.api.page_planner import RankRange
    from doaudit.api.proved_part import Part
    from doaudit.api.rank_anchor import Anchor
    from doaudit.api.retry import Pause
    from doaudit.records import Record

__all__ = ["ActionsReread", "Coverage", "IdSet", "Known", "KnownIds", "Listing", "OnRows", "Progress", "Proof"]


@dataclass(frozen=True)
class Proof:
    """
    Proof that a list was read whole, or the reason why it was not.

    The argument is in `doaudit.api.paging`. Times are by the server's clock.

    Attributes:
        total_reported: rows of the list at the latest look at its first page; if the read was not complete, the largest
            total that the API reported.
        distinct_ids: distinct ids in hand at the end, those that have left the list excepted.
        pages_read: responses to requests for a page, all of them.
        pages_read_again: those of them that came after the first pass, because rows were missing.
        arrived: rows that were added to the list during the read.
        is_newest_first: whether no row seen was newer than the one listed before it.
        complete: true only if `distinct_ids == total_reported`, and nothing left the list unseen.
        reason: why the read is not complete; empty if it is.
        started, finished: the dates of the first and the last response.
        complete_since: the start from which on every action is in hand, where not all are; None if that is proved of
            none, and where all are.
        complete_until: when that was seen.
        older: rows of the list that are older than that.
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
    complete_since: datetime | None = None
    complete_until: datetime | None = None
    older: int = 0

    def __str__(self) -> str:
        """Say what is proved, in words."""
        if self.complete:
            return f"complete: {self.distinct_ids:,} distinct ids, and the API reports as many"
        if self.complete_since is None or self.complete_until is None:
            return f"INCOMPLETE: {self.distinct_ids:,} of {self.total_reported:,} actions ({self.reason})"
        return (
            f"complete from {self.complete_since:%Y-%m-%d %H:%M:%S} to {self.complete_until:%Y-%m-%d %H:%M:%S} UTC; "
            f"{self.older:,} of {self.total_reported:,} actions are older, and not all of them are here ({self.reason})"
        )

    __repr__ = __str__  # at the end of a cell

    def covers(self, since: datetime) -> bool:
        """Return whether this read proved that every action is in hand that started at a moment or later."""
        part = self.complete_since is not None and self.complete_since <= since
        return self.complete or (part and self.complete_until is not None and self.complete_until >= self.started)


@dataclass(frozen=True)
class Coverage:
    """
    Ranks of the list that were read, and the anchor by which a later read can tell that they still hold.

    Attributes:
        spans: the ranks, all of them below the anchor.
        anchor: None if what was read so far proves nothing later.
        uncounted: ids in hand that are not below the anchor.
        set_aside: the texts of rows below the anchor without a usable id.
        recent: some of the ids below the anchor, the newest: those that a later read meets first.
        part: the newest part of the list, if it is proved to be in hand and the whole is not.
    """

    spans: tuple[RankRange, ...] = ()
    anchor: Anchor | None = None
    uncounted: frozenset[int] = frozenset()
    set_aside: frozenset[str] = frozenset()
    recent: frozenset[int] = frozenset()
    part: Part | None = None


class KnownIds(Protocol):
    """Ids that earlier reads have in hand: their number, and answers about some, so that nobody need load them all."""

    def __len__(self) -> int:
        """Return how many there are."""

    def among(self, ids: Collection[int]) -> frozenset[int]:
        """Return those of the given ids that are known, whatever was read since."""

    def all(self) -> frozenset[int]:
        """Return all of them."""

    def newer(self, second: str) -> frozenset[int]:
        """Return the ids, known or not counted, of actions that started after a second, as in '2026-03-12T22:27:07'."""


class IdSet(frozenset[int]):
    """
    Known ids that are few enough to be held as a set.

    Example:
        >>> sorted(IdSet([5, 6, 7]).among([6, 7, 8]))
        [6, 7]
    """

    __slots__ = ()

    def among(self, ids: Collection[int]) -> frozenset[int]:
        """Return those of the given ids that are known."""
        return self.intersection(ids)

    def all(self) -> frozenset[int]:
        """Return all of them."""
        return self

    def newer(self, second: str) -> frozenset[int]:  # noqa: ARG002 -- nothing is known of their starts
        """Return all of them, for lack of starts."""
        return self


@dataclass(frozen=True)
class Known:
    """
    Actions that earlier reads have in hand.

    Attributes:
        ids: their ids; if there is an anchor, those below it.
        coverage: what the reads covered. Without an anchor the ids prove nothing.
    """

    ids: KnownIds = field(default_factory=IdSet)
    coverage: Coverage = field(default_factory=Coverage)


@dataclass(frozen=True)
class Listing:
    """
    Actions that a read of the list returned, with the proof.

    Attributes:
        records: with distinct ids.
        observed_at: when each record was read, in Unix seconds by the server's clock.
        proof: whether every action is in hand, those known before included.
        coverage: the ranks read by now, in this read or an earlier one.
        vanished: known ids that a complete read of the list did not have.
        set_aside: the texts of rows without a usable id.
    """

    records: tuple[Record, ...]
    observed_at: tuple[int, ...]
    proof: Proof
    coverage: Coverage = field(default_factory=Coverage)
    vanished: frozenset[int] = frozenset()
    set_aside: tuple[str, ...] = ()


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


class OnRows(Protocol):
    """Takes in the rows of a page as they come."""

    def __call__(self, records: list[Record], date: int, coverage: Callable[[], Coverage], /, *, more: bool) -> None:
        """
        Take in the rows of a page.

        Args:
            records: the rows.
            date: of the response, in Unix seconds by the server's clock.
            coverage: returns what has been covered so far.
            more: whether more pages are to come than are under way, so that work on this thread delays nothing.
        """


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
