"""
Attempt at reading the whole list: which pages, in which rounds, and whether the ids in hand are all there are.

Proof of completeness. At a look at page 1 an anchor is chosen, a place with a known number of rows below it
(`doaudit.api.rank_anchor`). Then every row below it is read. At a later look at page 1 the anchor still has as many
rows below it, so none of them has left since; and if there are as many ids in hand of rows below it, they are all of
them. The rows above it are all on that same page. Ids of an earlier read count if its anchor is found where it was.
Where an anchor has moved, rows have left, and nothing that was read before counts: the attempt ends.

A list that fits on one page needs none of this: one response shows all of it.

Of a long list the newest part is proved to be in hand at every look on the way, and may be all that is wanted
(`doaudit.api.proved_part`).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from doaudit.api.ids_in_hand import IdsInHand
from doaudit.api.incomplete_reasons import DOES_NOT_ADD_UP, empty_page, rows_missing
from doaudit.api.listing import Coverage, IdSet
from doaudit.api.page_planner import (
    NO_FULL_PASS,
    Read,
    Recovery,
    Window,
    gaps,
    joined,
    window_around,
    windows_of,
)
from doaudit.api.proved_part import Part, floor_before, lowest_floor, missing_above, part_on_page, reaches
from doaudit.api.rank_anchor import Anchor, find_anchor, newest_anchor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from doaudit.api.listing import Known
    from doaudit.api.page_body import Page
    from doaudit.api.page_planner import RankRange

__all__ = ["Attempt"]

_PAGES_BEFORE_MOVE = 3  # the look at page 1, and at most two on which the last anchor is looked for
_PAGES_BETWEEN_LOOKS, _FEW_PAGES = 250, 50  # as many as the API allows in a minute; for a few more there is no look
_PAGES_A_ROUND = 8  # while the end of the part that is wanted is looked for


class Attempt:
    """
    One attempt at the whole list; only the calling thread writes in it.

    Args:
        known: ids of earlier reads, which count if their anchor is found where it was.
        per_page: rows a page to ask for.
        since: the second from which on actions are wanted, as in '2026-03-12T22:27:07'; empty for all, and of no effect
            where earlier reads have the whole list in hand.

    Attributes:
        ids: distinct ids in hand.
        reads: pages read so far.
        since: as above.
        size: rows a page that the server gives.
        proved: true once the ids in hand are proved to be all.
        part: the newest part of the list that is proved to be in hand; None if none is.
        part_proved: true once that is all that is wanted.
        moved: true once rows are known to have left the list.
        reason: why there is no proof; empty as long as none is known.
        read_again: pages planned after the first pass.
    """

    def __init__(self, known: Known, per_page: int, since: str = "") -> None:
        before = known.coverage
        self._anchor = before.anchor
        self.ids = IdsInHand(known.ids if before.anchor else IdSet())
        self._recent = frozenset[int]()
        self._uncounted = before.uncounted if before.anchor else frozenset[int]()
        # Ranks that this attempt has read or that are proved, and those of earlier reads that may lack a row.
        self.part = before.part if before.anchor else None
        self._spans: tuple[RankRange, ...] = (self.part.span,) if self.part else ()
        self._earlier_spans = before.spans if before.anchor else ()
        self.since = "" if before.anchor and before.spans == ((0, before.anchor.below),) else since
        self._floor: Anchor | None = None
        self._set_aside = dict.fromkeys(before.set_aside if before.anchor else (), -1)
        self._per_page = self.size = per_page
        self._look = self._last = Read(Window(1, per_page), 0, ()), tuple[int, ...]()
        self._date = self._looked_at = 0  # of the latest page, and of the latest look
        self._looked_after = self._anchored_after = 0  # reads before the latest look, and before that of the anchor
        self._seen_since_look: set[int] = set()
        self._empty: list[Window] = []
        self._overlapped: set[Window] = set()
        self._first_pass_total: int | None = None
        self.reads: list[Read] = []
        self.proved = self.part_proved = self.moved = False
        self.reason = ""
        self.read_again = 0

    @property
    def total(self) -> int:
        """Rows of the list at the latest look at page 1."""
        return self._look[0].total

    @property
    def has_empty_page(self) -> bool:
        """True if the latest pages include an empty one where the API's own total says that there are rows."""
        return bool(self._empty)

    def coverage(self) -> Coverage:
        """Return what was covered, for a later read."""
        if self._anchor is None or self.moved:
            return Coverage()
        below = self._below
        return Coverage(
            spans=tuple(joined(chain(self._own_spans(), self._earlier_spans), below)),
            anchor=self._anchor,
            uncounted=frozenset(i for i in self._uncounted if self.ids.rank(i) is None) | self.ids.above(below),
            set_aside=frozenset(text for text, rank in self._set_aside.items() if rank < below),
            recent=self._recent,
            part=None if self.proved else self.part,
        )

    def add_page(self, window: Window, page: Page) -> list[int]:
        """Take in a page; return the positions on it of rows that this attempt had read at another rank before."""
        read = Read(window, page.total, tuple(row.started_at if row else None for row in page.rows))
        rows = [(row.id, read.above - 1 - at) for at, row in enumerate(page.rows) if row]
        repeated = [read.above - 1 - rank for i, rank in rows if self.ids.rank(i) not in (None, rank)]
        self.ids.add(rows)
        aside = (read.above - 1 - at for at, row in enumerate(page.rows) if not row)
        self._set_aside |= dict(zip(page.set_aside, aside, strict=False))
        self.reads.append(read)
        self._date = page.date
        if self.since:
            self._floor = floor_before(read, self.since, self._floor)
        self._last = read, tuple(row.id for row in page.rows if row)
        if len(self.reads) - self._looked_after <= _PAGES_BEFORE_MOVE:
            self._seen_since_look.update(self._last[1])
        if not page.rows and read.above > 0:
            self._empty.append(window)
        return repeated

    def overlap_windows(self, window: Window, repeated: list[int]) -> list[Window]:
        """
        Return windows over the *repeated* rows of a page of the first pass, though nothing has arrived.

        Where a tie on an edge shows a row twice it hides another one. Read at once, these cost no further round trip.
        """
        # A window over an edge repeats rows on purpose. It asks for nothing more, and nobody need look there again.
        if window.per_page != self.size or self.reads[-1].total != self._first_pass_total:
            return []
        around = {window_around((window.page - 1) * window.per_page + at, self.size) for at in repeated}
        fresh = around - self._overlapped
        self._overlapped |= around
        self.read_again += len(fresh)
        return sorted(fresh, key=lambda window: window.page)

    def rounds(self) -> Iterator[list[Window]]:
        """Yield the pages of each round, which must have been added when the next one is asked for."""
        yield from self._look_at_first_page()
        while not self._is_decided():
            if self._anchor is not None and find_anchor(*self._look, self._anchor) is None:
                yield from self._check_anchor(self._anchor)
                if self.moved:
                    return
            self._move_anchor()
            yield from self._fill()
            if self.reason:
                return
            yield from self._look_at_first_page()

    def _look_at_first_page(self) -> Iterator[list[Window]]:
        self._looked_after = len(self.reads)
        self._seen_since_look.clear()
        yield [Window(1, self._per_page)]
        read, _ = self._look = self._last
        self._looked_at = self._date
        # A page that is shorter than asked for, though there is more, tells the server's own page size.
        if 0 < len(read.starts) < min(self.size, read.total):
            self.size = len(read.starts)

    def _is_decided(self) -> bool:
        """Judge the latest look at page 1; return whether that ends the attempt."""
        read, ids = self._look
        if len(read.starts) == read.total:
            distinct = len(set(ids))
            self.proved = distinct == read.total
            self.reason = "" if self.proved else rows_missing(read.total - distinct, len(read.starts) - len(ids))
            self.ids.drop_base()
            self._keep_page(read, ids)
            return True
        if self._anchor is None and self.since:
            self.part = part_on_page(read, ids, self.since, self._looked_at)
            self.part_proved = self.part is not None
            if self.part_proved:
                self._keep_part()
            return self.part_proved
        found = None if self._anchor is None else find_anchor(*self._look, self._anchor)
        if found is None:
            return False
        missing = self._below - self.ids.below(self._below)
        self.moved = found != self._below or missing < 0
        if self.moved:
            return True
        above = self.ids.above(self._below).intersection(ids)
        hidden = read.total - self._below - len(above)  # more than none if the page shows an id twice
        if missing <= self._aside_above(0):
            missing += hidden
            self.reason = rows_missing(missing, len(self._set_aside)) if missing or self._set_aside else ""
            self.proved = not self.reason
        if self.proved:
            self.ids.join_base(self._below)
            self._keep_page(read, ids)
            return True
        self._extend_part()
        self.part_proved = bool(self.since) and not hidden and reaches(self.part, self.since)
        if self.part_proved:
            self._keep_part()
        return self.part_proved or bool(self.reason)

    def _extend_part(self) -> None:
        """Let the part reach as far down as what was read proves, at a look that found the anchor where it was."""
        floor = lowest_floor(self.reads, self.part, self._floor, self._below)
        if floor is not None and missing_above(floor.below, self._below, self.part, self.ids.ranks) == 0:
            self.part = Part(floor, self._below, self._looked_at)

    def _keep_part(self) -> None:
        """Let the part reach up to the newest anchor: the page that shows it shows every row above it, too."""
        self._move_anchor()
        if self.part is not None:
            self.part = replace(self.part, top=self._below, until=self._looked_at)
        self._recent = frozenset(self._look[1]) - self.ids.above(self._below)

    def _move_anchor(self) -> None:
        """
        Take the anchor from the latest look at page 1.

        Of what was read before that look only what is below the last anchor still counts: above it rows may have come
        and gone since, and their ranks may be others' by now.
        """
        below = self._below
        self._spans = tuple(joined(self._own_spans(), below))
        self._anchored_after = self._looked_after
        self._uncounted |= self.ids.keep(self._seen_since_look, below)
        self._anchor = newest_anchor(*self._look)

    def _keep_page(self, read: Read, ids: tuple[int, ...]) -> None:
        """Let everything in hand be the ids below the anchor and those on the page; take the anchor from the page."""
        self._uncounted = frozenset()
        self.ids.keep(ids)
        newest = newest_anchor(read, ids)
        if newest.second or self._anchor is None:
            self._anchor = newest
        self._recent = frozenset(ids) - self.ids.above(self._below)

    def _check_anchor(self, anchor: Anchor) -> Iterator[list[Window]]:
        """Look for the anchor where it should be by now, on another page than the first."""
        for _ in range(2):  # so many rows may arrive meanwhile that it is on the next page
            position = self.reads[-1].total - anchor.below
            page, at = divmod(position, self.size)
            shown = at >= max(self.size // 10, 1)
            yield [Window(page + 1, self.size) if shown else window_around(position, self.size)]
            found = find_anchor(*self._last, anchor)
            if found is not None:
                break
        self.moved = found != anchor.below

    def _fill(self) -> Iterator[list[Window]]:
        """Yield pages until what is wanted is in hand, nothing is left to try, or it is time for a look at page 1."""
        total, begun, is_last = self.total, len(self.reads), False
        while not is_last and not self.reason and len(self.reads) - begun < _PAGES_BETWEEN_LOOKS:
            windows, is_last = self._next_windows(total)
            if windows:
                self._first_pass_total = total
                yield from self._without_empty_pages(windows)
                total = self.reads[-1].total
        self._first_pass_total = None
        if not self.reason:
            yield from self._recover(is_last=is_last)

    def _next_windows(self, total: int) -> tuple[list[Window], bool]:
        """Return pages to read next, newest first, and whether they are the last that are wanted."""
        if self.since:
            unwanted = (0, self._floor.below if self._floor else 0)
            missing = gaps([unwanted, *self._own_spans()], self._below)
            windows = windows_of(missing, total, self.size, most=_PAGES_A_ROUND)
            return windows, not windows
        most = _PAGES_BETWEEN_LOOKS + _FEW_PAGES
        windows = windows_of(
            gaps(chain(self._own_spans(), self._earlier_spans), self._below), total, self.size, most=most
        )
        return (windows, True) if len(windows) < most else (windows[:_PAGES_BETWEEN_LOOKS], False)

    def _recover(self, *, is_last: bool) -> Iterator[list[Window]]:
        """Yield pages until as many ids are in hand as there are ranks down to where everything was read."""
        is_whole = is_last and not self.since
        floor = None if is_whole else lowest_floor(self.reads, self.part, self._floor, self._below)
        if floor is None and not is_whole:
            return
        lowest = floor.below if floor else 0
        recovery = Recovery() if is_last else NO_FULL_PASS
        while not self.reason and self._lacking(lowest, is_whole=is_whole) > 0:
            recovery, windows = recovery.next(
                self.reads[self._anchored_after :],
                [*self._spans, *(() if self.since else self._earlier_spans)],
                self.reads[-1].total,
                wanted=(lowest, self._below),
                per_page=self.size,
                earlier=self.reads[: self._anchored_after],
            )
            if not windows:
                self.reason = DOES_NOT_ADD_UP if is_last else ""
                return
            self.read_again += len(windows)
            yield from self._without_empty_pages(windows)
        aside = self._aside_above(lowest)
        if self.since and is_last and aside and not self.reason:
            self.reason = rows_missing(aside, aside)

    def _lacking(self, lowest: int, *, is_whole: bool) -> int:
        """Return how many rows are missing that could still be found."""
        if is_whole:
            return self._below - self.ids.below(self._below) - self._aside_above(0)
        return missing_above(lowest, self._below, self.part, self.ids.ranks) - self._aside_above(lowest)

    def _without_empty_pages(self, windows: list[Window]) -> Iterator[list[Window]]:
        """Yield a round; a page that is empty where rows should be is looked at once more, and ends the attempt."""
        self._empty.clear()
        yield windows
        if not self._empty:
            return
        [empty, *_], self._empty = self._empty, []
        self.read_again += 1
        yield [empty]
        if self._empty:
            self.reason = empty_page(empty.page, self.reads[-1].total)

    @property
    def _below(self) -> int:
        """Rows below the anchor."""
        return self._anchor.below if self._anchor else 0

    def _own_spans(self) -> list[RankRange]:
        """Return the ranks that are proved or that this attempt has read."""
        return [*self._spans, *(read.span for read in self.reads[self._anchored_after :])]

    def _aside_above(self, lowest: int) -> int:
        """Return how many rows without a usable id may be between a rank and the anchor; earlier ones have no rank."""
        return sum(rank < self._below and (rank >= lowest or rank < 0) for rank in self._set_aside.values())
