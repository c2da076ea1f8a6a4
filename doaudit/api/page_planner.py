"""
Which rows of a growing list have been seen, and which pages to read next: pure arithmetic, no requests.

The list is newest first and rows are only added in front. So a row's distance from the *oldest* row, its rank, never
changes, while its page does. Each answer tells the list's total at that moment, which turns page and position into
ranks. A row is missing in one of three ways:

    a gap         pages read at the same time, while rows arrived, left ranks out: those ranks are read again
    a torn tie    rows of the same second come in any order, so one on the edge between two pages can hide in both
                  answers: a page is laid over the edge, so that one answer holds the whole tie
    neither       the list is not what it should be: all is read again, with other edges

None of this is the proof of completeness, it only finds the way there (see `doaudit.api.paging`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "RankRange",
    "Read",
    "Window",
    "every_window",
    "gaps",
    "is_newest_first",
    "joined",
    "next_windows",
    "ties_across_pages",
    "window_around",
    "windows_of",
]

RankRange = tuple[int, int]  # ranks: the first, and the one after the last

_TIE_ROUNDS = 4  # ties are reordered at random, so a second look may still miss what a third finds
_FULL_ROUNDS = 3


@dataclass(frozen=True)
class Window:
    """A page of a list at a page size: the rows from `(page - 1) * per_page` on, newest first."""

    page: int
    per_page: int


@dataclass(frozen=True)
class Read:
    """What an answer told of the list: the window asked for, the total then, and the start of each row in it."""

    window: Window
    total: int
    starts: tuple[str | int | None, ...]

    @property
    def span(self) -> RankRange:
        """The ranks it shows."""
        return self.lowest, self.above

    @property
    def above(self) -> int:
        """The rank after that of the newest row in it."""
        return max(self.total - (self.window.page - 1) * self.window.per_page, 0)

    @property
    def lowest(self) -> int:
        """The rank of the oldest row in it."""
        return max(self.above - len(self.starts), 0)

    def start_at(self, rank: int) -> str | int | None:
        """When the action of that rank started."""
        return self.starts[self.above - 1 - rank]


def every_window(total: int, per_page: int) -> list[Window]:
    """
    The pages of a whole list.

    Example:
        >>> len(every_window(52_292, 200))
        262
    """
    return [Window(page, per_page) for page in range(1, max(-(-total // per_page), 1) + 1)]


def gaps(spans: Iterable[RankRange], total: int) -> list[RankRange]:
    """
    The ranks that no span covers, as (first, after last), oldest first.

    Example:
        >>> gaps([(0, 1), (3, 5)], total=6)
        [(1, 3), (5, 6)]
    """
    covered_to, found = 0, []
    for lowest, above in sorted(span for span in spans if span[0] < span[1]):
        if lowest > covered_to:
            found.append((covered_to, lowest))
        covered_to = max(covered_to, above)
    return [*found, (covered_to, total)] if covered_to < total else found


def joined(spans: Iterable[RankRange]) -> list[RankRange]:
    """
    The same ranks in as few spans as it takes.

    Example:
        >>> joined([(5, 9), (0, 3), (2, 5)])
        [(0, 9)]
    """
    merged: list[RankRange] = []
    for lowest, above in sorted(span for span in spans if span[0] < span[1]):
        if merged and lowest <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], above))
        else:
            merged.append((lowest, above))
    return merged


def windows_of(missing: Iterable[RankRange], total: int, per_page: int) -> list[Window]:
    """
    The pages on which ranks are found now that the list is *total* long.

    Example:
        >>> windows_of([(0, 1), (5, 6)], total=6, per_page=2)
        [Window(page=1, per_page=2), Window(page=3, per_page=2)]
    """
    pages = {
        (total - 1 - rank) // per_page + 1
        for first, after in missing
        for rank in (*range(first, after, per_page), after - 1)
    }
    return [Window(page, per_page) for page in sorted(pages)]


def is_newest_first(reads: Iterable[Read]) -> bool:
    """Whether no row seen is newer than the one listed before it, within each page and from page to page."""
    ordered = sorted((read for read in reads if read.starts), key=lambda read: read.above, reverse=True)
    within = (pair for read in ordered for pair in pairwise(read.starts))
    between = ((upper.starts[-1], lower.starts[0]) for upper, lower in pairwise(ordered) if upper.lowest >= lower.above)
    return all(_not_older(earlier, later) for pairs in (within, between) for earlier, later in pairs)


def _not_older(listed_before: str | int | None, listed_after: str | int | None) -> bool:
    # RFC 3339 in UTC sorts as text; what is missing or of two kinds cannot be compared and proves nothing.
    if isinstance(listed_before, str) and isinstance(listed_after, str):
        return listed_before >= listed_after
    return True


def ties_across_pages(reads: Sequence[Read]) -> list[int]:
    """
    The ranks of rows at the end of a page whose start equals that of the next older row, on another page.

    Example:
        >>> ties_across_pages([Read(Window(1, 2), 4, ("c", "b")), Read(Window(2, 2), 4, ("b", "a"))])
        [2]
    """
    torn = {
        upper.lowest
        for upper in reads
        for lower in reads
        if upper.starts
        and lower.lowest < upper.lowest <= lower.above
        and lower.start_at(upper.lowest - 1) == upper.starts[-1]
    }
    return sorted(torn)


def window_around(position: int, per_page: int) -> Window:
    """
    A page that has the row at *position* (0 is the newest) as near to its middle as a page can.

    Example:
        >>> window_around(200, 200)
        Window(page=2, per_page=134)
    """
    sizes = range(per_page, max(per_page * 2 // 3, 1), -1)
    size = min(sizes or [per_page], key=lambda size: abs(position % size - size // 2))
    return Window(position // size + 1, size)


def next_windows(
    reads: Sequence[Read], covered: Sequence[RankRange], total: int, *, per_page: int, rounds: Sequence[str]
) -> tuple[str, list[Window]]:
    """
    What to read now that every planned page has been read and rows are still missing.

    Args:
        reads: all answers so far.
        covered: the ranks seen before this read began.
        total: the newest total.
        per_page: the page size of the first pass.
        rounds: the words this function has returned so far.

    Returns:
        A word for the round ('gaps', 'ties', 'all', or 'enough' if nothing is left to try) and its windows. The first
        page is always among them: it shows what has arrived meanwhile.
    """
    head = Window(1, per_page)
    fulls = rounds.count("all")
    ties = len(rounds) - max((at for at, word in enumerate(rounds, 1) if word == "all"), default=0)
    if is_newest_first(reads):
        missing = gaps([*covered, *(read.span for read in reads)], total)
        if missing and rounds[-2:] != ["gaps", "gaps"]:
            return "gaps", list(dict.fromkeys([head, *windows_of(missing, total, per_page)]))
        torn = ties_across_pages(reads)
        if torn and ties < _TIE_ROUNDS:
            return "ties", list(dict.fromkeys([head, *(window_around(total - 1 - rank, per_page) for rank in torn)]))
    if fulls < _FULL_ROUNDS:
        size = max(per_page - 1 - 2 * fulls, 1)
        return "all", [head, *every_window(total, size)]
    return "enough", []
