"""
Ranks of a growing list that have been seen, and the pages to read next: pure arithmetic, no requests.

The list is newest first and rows are added in front. So as long as none leaves, a row's distance from the *oldest* row,
its rank, never changes, while its page does (`doaudit.api.rank_anchor` tells whether one has left). Each response tells
the list's total at that moment, which turns page and position into ranks. A row is missing in one of three cases:

    a gap                   pages read at the same time, while rows arrived, left ranks out: those ranks are read again
    a tie across pages      rows of the same second come in any order, so one on the edge between two pages can be
                            missing in both responses: a page is laid over the edge, so that one response holds the
                            whole tie
    neither                 the list is not what it should be: all is read again, with other edges

None of this is the proof of completeness, it only finds the missing rows (see `doaudit.api.paging`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "MOST_WINDOWS",
    "NO_FULL_PASS",
    "RankRange",
    "Read",
    "Recovery",
    "Window",
    "gaps",
    "is_newest_first",
    "joined",
    "ties_across_pages",
    "window_around",
    "windows_of",
]

RankRange = tuple[int, int]  # ranks: the first, and the one after the last

MOST_WINDOWS = 10_000
"""The most pages that are planned at once: two million rows."""

_GAP_ROUNDS = 2
_TIE_ROUNDS = 4  # ties are reordered at random, so a second look may still miss what a third finds
_FULL_PASSES = 3


@dataclass(frozen=True)
class Window:
    """A page of a list at a page size: the rows from `(page - 1) * per_page` on, newest first."""

    page: int
    per_page: int


@dataclass(frozen=True)
class Read:
    """
    A page as it was read.

    Attributes:
        window: the page that was requested.
        total: rows in the list at that moment.
        starts: the start of each row on the page, newest first.
    """

    window: Window
    total: int
    starts: tuple[str | int | None, ...]

    @property
    def span(self) -> RankRange:
        """The ranks on the page."""
        return self.lowest, self.above

    @property
    def above(self) -> int:
        """The rank after that of the newest row on the page."""
        return max(self.total - (self.window.page - 1) * self.window.per_page, 0)

    @property
    def lowest(self) -> int:
        """The rank of the oldest row on the page."""
        return max(self.above - len(self.starts), 0)

    def start_at(self, rank: int) -> str | int | None:
        """Return the start of the action of that rank."""
        return self.starts[self.above - 1 - rank]


def gaps(spans: Iterable[RankRange], total: int) -> list[RankRange]:
    """
    Return the ranks below *total* that no span covers, oldest first.

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


def joined(spans: Iterable[RankRange], below: int | None = None) -> list[RankRange]:
    """
    Return the same ranks, or those *below* a rank, in as few spans as possible, oldest first.

    Example:
        >>> joined([(5, 9), (0, 3), (2, 5)])
        [(0, 9)]
    """
    if below is not None:
        spans = [(lowest, min(above, below)) for lowest, above in spans]
    merged: list[RankRange] = []
    for lowest, above in sorted(span for span in spans if span[0] < span[1]):
        if merged and lowest <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], above))
        else:
            merged.append((lowest, above))
    return merged


def windows_of(missing: Sequence[RankRange], total: int, per_page: int, *, most: int = MOST_WINDOWS) -> list[Window]:
    """
    Return the pages that hold the *missing* ranks now that the list is *total* long, newest first, at most so many.

    Example:
        >>> windows_of([(0, 1), (5, 6)], total=6, per_page=2)
        [Window(page=1, per_page=2), Window(page=3, per_page=2)]
    """
    pages: dict[int, None] = {}  # not a range for each gap: a total may be of any size
    for first, after in reversed(missing):
        for page in range((total - after) // per_page + 1, (total - 1 - first) // per_page + 2):
            if len(pages) >= most:
                return [Window(page, per_page) for page in pages]
            pages[page] = None
    return [Window(page, per_page) for page in pages]


def is_newest_first(reads: Iterable[Read]) -> bool:
    """
    Return whether no row seen is newer than the one listed before it, within each page and from page to page.

    Example:
        >>> is_newest_first([Read(Window(1, 2), 4, ("d", "c")), Read(Window(2, 2), 4, ("a", "b"))])
        False
    """
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
    Return the ranks of rows at the end of a page whose start equals that of the next older row, on another page.

    It takes n log n steps for n rows: each page is asked only for the ranks at which some page ends.

    Example:
        >>> ties_across_pages([Read(Window(1, 2), 4, ("c", "b")), Read(Window(2, 2), 4, ("b", "a"))])
        [2]
    """
    ends = {(read.lowest, read.starts[-1]) for read in reads if read.starts}
    below_ends = sorted({end - 1 for end, _ in ends})
    starts_at: defaultdict[int, set[str | int | None]] = defaultdict(set)
    for read in reads:
        for rank in below_ends[bisect_left(below_ends, read.lowest) : bisect_left(below_ends, read.above)]:
            starts_at[rank].add(read.start_at(rank))
    return sorted({end for end, start in ends if start in starts_at[end - 1]})


def window_around(position: int, per_page: int) -> Window:
    """
    Return the page, of at most *per_page* rows, that has the row at *position* nearest to its middle.

    Args:
        position: of the row in the list; 0 is the newest.
        per_page: the largest page size; sizes down to two thirds of it are tried.

    Example:
        >>> window_around(200, 200)
        Window(page=2, per_page=134)
    """
    sizes = range(per_page, max(per_page * 2 // 3, 1), -1)
    size = min(sizes or [per_page], key=lambda size: abs(position % size - size // 2))
    return Window(position // size + 1, size)


@dataclass(frozen=True)
class Recovery:
    """
    Rounds of requests spent on rows that are missing after every planned page was read.

    The limits end the search: a list that never adds up is read whole again, and then reported as incomplete.

    Attributes:
        gap_rounds: rounds in a row that read gaps; at most 2.
        tie_rounds: rounds spent on ties since the last full pass, a round on gaps counted as one; at most 4.
        full_passes: times the whole list was read again, each time with another page size; at most 3.
    """

    gap_rounds: int = 0
    tie_rounds: int = 0
    full_passes: int = 0

    def next(
        self,
        reads: Sequence[Read],
        covered: Sequence[RankRange],
        total: int,
        *,
        wanted: RankRange,
        per_page: int,
        earlier: Sequence[Read] = (),
    ) -> tuple[Recovery, list[Window]]:
        """
        Plan the next round: gaps first, then ties across pages, then all that is wanted.

        Args:
            reads: the pages read so far.
            covered: the ranks seen before them.
            total: the latest total reported.
            wanted: the ranks that are searched for.
            per_page: the page size of the first pass.
            earlier: pages read before them that may share a tie with them.

        Returns:
            The rounds spent then, and the pages to read; no pages if nothing is left to try. The first page is always
            among them: it shows what has arrived meanwhile.

        Example:
            >>> spent, windows = Recovery().next([Read(Window(1, 2), 4, ("d", "c"))], [], 4, wanted=(0, 4), per_page=2)
            >>> spent.gap_rounds, windows
            (1, [Window(page=1, per_page=2), Window(page=2, per_page=2)])
        """
        head = Window(1, per_page)
        if is_newest_first(reads):  # otherwise ranks mean nothing
            missing = gaps([(0, wanted[0]), *covered, *(read.span for read in reads)], wanted[1])
            if missing and self.gap_rounds < _GAP_ROUNDS:
                spent = Recovery(self.gap_rounds + 1, self.tie_rounds + 1, self.full_passes)
                return spent, _distinct([head, *windows_of(missing, total, per_page)])
            ties = ties_across_pages([*earlier, *reads]) if self.tie_rounds < _TIE_ROUNDS else []
            if ties:
                spent = Recovery(0, self.tie_rounds + 1, self.full_passes)
                return spent, _distinct([head, *(window_around(total - 1 - rank, per_page) for rank in ties)])
        if self.full_passes < _FULL_PASSES:
            size = max(per_page - 1 - 2 * self.full_passes, 1)
            passes = windows_of([(wanted[0], total)], total, size) if total > wanted[0] else []
            return Recovery(full_passes=self.full_passes + 1), _distinct([head, *passes])
        return self, []


NO_FULL_PASS = Recovery(full_passes=_FULL_PASSES)
"""A search for missing rows that ends before it would read everything again."""


def _distinct(windows: Iterable[Window]) -> list[Window]:
    return list(dict.fromkeys(windows))
