"""
The newest part of the list, proved to be whole though what is older was not read.

The seconds in which rows started fall with the rank and never change, however the rows of one second are ordered. So a
rank at which a new second begins divides the list cleanly: every row of the part above it is of a later second. As many
distinct ids read at ranks of the part as it has ranks are all of its rows, by the same argument as for the whole list
(`doaudit.api.read_attempt`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from doaudit.api.page_planner import is_newest_first, joined
from doaudit.api.rank_anchor import Anchor, newest_anchor, second_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from doaudit.api.page_planner import RankRange, Read

__all__ = ["Part", "estimate_rows", "floor_before", "lowest_floor", "missing_above", "part_on_page", "reaches"]

_NOWHERE = Anchor("", 0)


@dataclass(frozen=True)
class Part:
    """
    The newest part of the list, of which every row is in hand.

    Attributes:
        floor: the second of the newest row that is older, and how many rows are of that second or older.
        top: the rank after that of its newest row.
        until: when that was seen, in Unix seconds by the server's clock.
    """

    floor: Anchor
    top: int
    until: int

    @property
    def span(self) -> RankRange:
        """The ranks of its rows."""
        return self.floor.below, self.top

    @property
    def since(self) -> datetime | None:
        """The start from which on every row is in it; None if it has no end."""
        second = self.floor.second
        return datetime.fromisoformat(second).replace(tzinfo=UTC) + timedelta(seconds=1) if second else None


def floor_before(page: Read, since: str, found: Anchor | None = None) -> Anchor | None:
    """
    Return where the rows begin that are older than a moment; None as long as no page shows one.

    Args:
        page: a page as it was read.
        since: the second, as in '2026-03-12T22:27:07'.
        found: where other pages showed that they begin.

    Example:
        >>> from doaudit.api.page_planner import Read, Window
        >>> starts = ("2026-03-12T22:27:09Z", "2026-03-12T22:27:07Z", "2026-03-12T22:27:06Z")
        >>> floor_before(Read(Window(1, 3), 50, starts), "2026-03-12T22:27:07")
        Anchor(second='2026-03-12T22:27:06', below=48, ids=())
    """
    for at, start in enumerate(page.starts):
        second = second_of(start)
        if second and second < since:
            return max(found or _NOWHERE, Anchor(second, page.above - at), key=lambda floor: floor.below)
    return found


def reaches(part: Part | None, since: str) -> bool:
    """
    Return whether a part has every row that is not older than a second, as in '2026-03-12T22:27:07'.

    Example:
        >>> reaches(Part(Anchor("2026-03-12T22:27:06", 40), 50, 0), "2026-03-12T22:27:07")
        True
    """
    return part is not None and (part.floor.below == 0 or part.floor.second < since)


def lowest_floor(reads: Sequence[Read], part: Part | None, found: Anchor | None, below: int) -> Anchor | None:
    """
    Return the lowest rank at which a new second begins, down to which every rank was read; None if there is none.

    Args:
        reads: pages as they were read.
        part: ranks that need not be read.
        found: a rank at which a new second is known to begin.
        below: the rank down from which everything must have been read.

    Example:
        >>> from doaudit.api.page_planner import Read, Window
        >>> starts = ("2026-03-12T22:27:09Z", "2026-03-12T22:27:07Z", "2026-03-12T22:27:07Z")
        >>> lowest_floor([Read(Window(1, 3), 50, starts)], None, None, below=50)
        Anchor(second='2026-03-12T22:27:07', below=49, ids=())
    """
    if not is_newest_first(reads):
        return None
    spans = joined([*(read.span for read in reads), *([part.span] if part else [])])
    lowest = next((low for low, high in reversed(spans) if low < below <= high), below)
    if lowest == 0:
        return Anchor("", 0)
    pages = sorted((read for read in reads if lowest <= read.lowest < below), key=lambda read: read.lowest)
    on_page = next(filter(None, map(_lowest_on_page, pages)), None)
    floors = [floor for floor in (on_page, found, part.floor if part else None) if floor]
    return min(
        (floor for floor in floors if lowest <= floor.below <= below), key=lambda floor: floor.below, default=None
    )


def missing_above(lowest: int, below: int, part: Part | None, ranks: Iterable[int]) -> int:
    """
    Return how many rows between two ranks are not in hand.

    Args:
        lowest: the first of the ranks.
        below: the one after the last.
        part: rows that are in hand, whatever was read.
        ranks: those of the rows that were read, one for each distinct id.

    Example:
        >>> missing_above(40, 50, Part(Anchor("2026-03-12T22:27:06", 42), 48, 0), [40, 41, 43, 48])
        1
    """
    first, top = part.span if part else (0, 0)
    first, top = max(first, lowest), max(top, lowest)
    read = sum(lowest <= rank < first or top <= rank < below for rank in ranks)
    return below - lowest - (top - first) - read


def part_on_page(page: Read, ids: tuple[int, ...], since: str, date: int) -> Part | None:
    """
    Return the part that page 1 alone proves, since one response shows it; None if it does not reach far enough.

    Args:
        page: page 1 as it was read.
        ids: the ids on it.
        since: the second down to which the part must reach.
        date: of the response, in Unix seconds.

    Example:
        >>> from doaudit.api.page_planner import Read, Window
        >>> starts = ("2026-03-12T22:27:09Z", "2026-03-12T22:27:07Z", "2026-03-12T22:27:06Z")
        >>> part_on_page(Read(Window(1, 3), 50, starts), (9, 8, 7), "2026-03-12T22:27:07", 0).span
        (48, 49)
    """
    if len(set(ids)) < len(page.starts) or not is_newest_first([page]):
        return None
    floor, anchor = _lowest_on_page(page), newest_anchor(page, ids)
    if floor is None or floor.second >= since or floor.below > anchor.below:
        return None
    return Part(floor, anchor.below, date)


def _lowest_on_page(read: Read) -> Anchor | None:
    seconds = [second_of(start) for start in read.starts]
    for at in range(len(seconds) - 1, 0, -1):
        if seconds[at] and seconds[at - 1] > seconds[at]:
            return Anchor(seconds[at], read.above - at)
    return None


def estimate_rows(newest: str, oldest: str, rows: int, since: str) -> int:
    """
    Estimate how many rows are not older than a moment, from the newest of them.

    Args:
        newest: the second of the first row that was read.
        oldest: that of the last one.
        rows: rows between them.
        since: the moment.

    Example:
        >>> estimate_rows("2026-03-12T22:00:00", "2026-03-12T21:00:00", 200, "2026-03-12T12:00:00")
        2000
    """
    read_s, all_s = (
        (datetime.fromisoformat(newest) - datetime.fromisoformat(second)).total_seconds() for second in (oldest, since)
    )
    return round(rows * all_s / read_s) if read_s > 0 else rows
