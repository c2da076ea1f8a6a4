"""
Every page of the list of actions, read concurrently, exactly, with its proof.

Proof of completeness. Nothing is ever removed from the list, so every id in hand is in the list as it was at the
latest answer, the one with the largest total. If there are as many distinct ids in hand as that total, then they are
all the ids there were. How they came in hand does not matter, nor does their order: ids of an earlier read count. Only
if there are more of them than the API reports has something been removed after all; then this read alone counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from doaudit.actions import Record, decode, merge
from doaudit.api.page_planner import (
    RankRange,
    Read,
    Window,
    gaps,
    is_newest_first,
    joined,
    next_windows,
    window_around,
    windows_of,
)
from doaudit.api.worker_pool import Fetch, WorkerPool
from doaudit.errors import ApiProblem, ReadIncomplete, ReadInterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from doaudit.api.client import Client
    from doaudit.api.responses import Response
    from doaudit.api.retry import Pause

__all__ = ["PER_PAGE", "Known", "Listing", "Progress", "Proof", "Reread", "newest_ids", "read_actions", "read_each"]

PER_PAGE = 200  # the API's largest; more has never been documented, so more is never asked for
IN_FLIGHT = 8
_PATH = "/v2/actions"


@dataclass(frozen=True)
class Proof:
    """
    Whether a list was read whole, and how one can tell.

    `complete` holds exactly if `distinct_ids == total_reported`, the largest total the API reported during the read;
    otherwise `reason` says why not. `arrived` counts the rows that were added meanwhile, `pages_read_again` the answers
    it took to get whole after the first pass. Times are by the server's clock.
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
    """What earlier reads have in hand: ids, and the ranks they came from (see `doaudit.api.page_planner`)."""

    ids: frozenset[int] = frozenset()
    covered: tuple[RankRange, ...] = ()


@dataclass(frozen=True)
class Listing:
    """
    What a read has read: records with distinct ids, when each was read (Unix seconds by the server's clock), the proof.

    `covered` are the ranks seen by now, `vanished` the known ids that the whole list no longer has.
    """

    records: tuple[Record, ...]
    observed_at: tuple[int, ...]
    proof: Proof
    covered: tuple[RankRange, ...] = ()
    vanished: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Progress:
    """How far a read has come: rows in hand, rows there are, answers so far and planned; `pause` while it waits."""

    rows: int
    total: int
    pages: int
    planned: int
    pause: Pause | None = None


class _Meta(msgspec.Struct, frozen=True):
    total: int


class _Envelope(msgspec.Struct, frozen=True):
    actions: list[Record]
    meta: _Meta


class _LooseEnvelope(msgspec.Struct, frozen=True):
    actions: list[msgspec.Raw]
    meta: _Meta


@dataclass(frozen=True)
class _Page:
    records: list[Record]
    total: int
    date: int


_decode_strictly = msgspec.json.Decoder(_Envelope).decode
_decode_loosely = msgspec.json.Decoder(_LooseEnvelope).decode


def _parse(answer: Response) -> _Page:
    try:
        envelope = _decode_strictly(answer.body)
    except msgspec.ValidationError:
        loose = _decode_loosely(answer.body)
        return _Page([decode(raw) for raw in loose.actions], loose.meta.total, answer.date)
    return _Page(envelope.actions, envelope.meta.total, answer.date)


def read_actions(
    client: Client,
    *,
    per_page: int = PER_PAGE,
    in_flight: int = IN_FLIGHT,
    known: Known | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_rows: Callable[[list[Record], int, Read], None] = lambda *_: None,
) -> Listing:
    """
    Read every action of the account, or all that are not *known*.

    Args:
        client: the account.
        per_page: rows a page, at most 200.
        in_flight: requests under way at once.
        known: what need not be read again.
        on_progress: told of each answer and each wait, on the calling thread.
        on_rows: given the rows of each answer, when it was given, and where they stand, on the calling thread.

    Raises:
        ReadIncomplete: a page could not be had; the error holds what was read and its cause.
        ReadInterrupted: Ctrl-C; it holds what was read.
        ApiProblem: the first page could not be had, so nothing was read.
    """
    pool: WorkerPool[Window, _Page] = WorkerPool(client, _parse, in_flight)
    state = _ReadState(known or Known())
    rounds: list[str] = []
    windows = [Window(1, per_page)]
    try:
        while windows:
            waiting = state.submit(pool, windows)
            while waiting:
                window, page = pool.next_result(lambda pause: on_progress(state.progress(pause)))
                on_rows(page.records, page.date, state.add_page(window, page))
                on_progress(state.progress())
                waiting += state.submit(pool, state.overlap_windows(window)) - 1
            word, windows = state.still_to_read(per_page, rounds)
            rounds.append(word)
    except ApiProblem as fault:
        if not state.reads:
            raise
        for window, page in pool.drain():
            on_rows(page.records, page.date, state.add_page(window, page))
        left = f"{state.in_hand:,} of {state.total:,} actions were read and are kept"
        raise ReadIncomplete(
            f"The list of actions could not be read to its end: {left}. {fault}", state.listing("a page failed")
        ) from fault
    except KeyboardInterrupt:
        raise ReadInterrupted("Stopped; what was read is kept.", state.listing("stopped by the user")) from None
    finally:
        pool.shutdown()
    return state.listing("the list does not add up to the total that the API reports")


@dataclass(frozen=True)
class Reread:
    """Actions read one by one: the records with their times, and the ids that the API no longer knows (404)."""

    records: tuple[Record, ...]
    observed_at: tuple[int, ...]
    absent: frozenset[int]


class _Single(msgspec.Struct, frozen=True):
    action: msgspec.Raw


_decode_single = msgspec.json.Decoder(_Single).decode


def newest_ids(client: Client) -> frozenset[int]:
    """
    The ids on the first page.

    Raises:
        ApiProblem: it could not be had.
    """
    page = client.get(_PATH, {"page": 1, "per_page": PER_PAGE}, parse=_parse)
    return frozenset(record.id for record in page.records)


def read_each(
    client: Client,
    ids: Iterable[int],
    *,
    in_flight: int = IN_FLIGHT,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Reread:
    """
    Read single actions again, by the address that tells when they completed.

    Raises:
        ApiProblem: one of them could not be had, for another reason than that it is not there.
    """
    fetches = [Fetch(action_id, f"{_PATH}/{action_id}") for action_id in ids]
    pool: WorkerPool[int, tuple[Record, int] | None] = WorkerPool(
        client, _parse_single, in_flight, when_absent=lambda: None
    )
    found: dict[int, tuple[Record, int] | None] = {}
    try:
        pool.submit(fetches)
        for _ in fetches:
            action_id, one = pool.next_result(
                lambda pause: on_progress(Progress(len(found), len(fetches), len(found), len(fetches), pause))
            )
            found[action_id] = one
            on_progress(Progress(len(found), len(fetches), len(found), len(fetches)))
    finally:
        pool.shutdown()
    read = [one for one in found.values() if one is not None]
    absent = frozenset(action_id for action_id, one in found.items() if one is None)
    return Reread(tuple(record for record, _ in read), tuple(date for _, date in read), absent)


def _parse_single(answer: Response) -> tuple[Record, int] | None:
    return decode(_decode_single(answer.body).action), answer.date


class _ReadState:
    """What has been read; only the calling thread writes in it."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.records: dict[int, Record] = {}
        self.observed_at: dict[int, int] = {}
        self.reads: list[Read] = []
        self.dates: list[int] = []
        self.total = self.new = 0
        self.size = self.first_pass = self.planned = 0
        self.repeated: list[int] = []
        self.looked_again: set[Window] = set()

    @property
    def in_hand(self) -> int:
        """How many distinct ids are in hand."""
        return len(self.known.ids) + self.new

    @property
    def whole(self) -> bool:
        """Whether the proof holds."""
        return self.total in {self.in_hand, len(self.records)} and bool(self.reads)

    def submit(self, pool: WorkerPool[Window, _Page], windows: list[Window]) -> int:
        pool.submit([Fetch(window, _PATH, {"page": window.page, "per_page": window.per_page}) for window in windows])
        self.planned += len(windows)
        return len(windows)

    def overlap_windows(self, window: Window) -> list[Window]:
        """
        Windows over the rows of a page that had come before, though nothing has arrived.

        Where a tie on an edge shows a row twice it hides another one. Looked at at once, it costs no round trip more.
        """
        if not self.first_pass or self.total != self.reads[0].total:
            return []
        around = {window_around((window.page - 1) * window.per_page + at, self.size) for at in self.repeated}
        fresh = [each for each in sorted(around, key=lambda each: each.page) if each not in self.looked_again]
        self.looked_again.update(fresh)
        return fresh if window.per_page == self.size else []

    def add_page(self, window: Window, page: _Page) -> Read:
        self.repeated = [at for at, record in enumerate(page.records) if record.id in self.records]
        for record in page.records:
            known = self.records.get(record.id)
            if known is None:
                self.records[record.id], self.observed_at[record.id] = record, page.date
                self.new += record.id not in self.known.ids
            elif page.date >= self.observed_at[record.id]:
                self.records[record.id], self.observed_at[record.id] = merge(known, record), page.date
            else:
                self.records[record.id] = merge(record, known)
        self.reads.append(Read(window, page.total, tuple(record.started_at for record in page.records)))
        self.dates.append(page.date)
        self.total = max(self.total, page.total)
        return self.reads[-1]

    def still_to_read(self, per_page: int, rounds: list[str]) -> tuple[str, list[Window]]:
        if self.whole:
            return "whole", []
        if not rounds:
            # A page that is shorter than asked for, though there is more, tells the server's own page size.
            rows = len(self.reads[0].starts)
            self.size = rows if 0 < rows < min(per_page, self.total) else per_page
            rest = windows_of(gaps(self._spans(), self.total), self.total, self.size)
            self.first_pass = 1 + len(rest)
            if rest:
                return "first", rest
        # More ids than the API has: what vanished shows only once the whole list is read.
        covered = self.known.covered if self.in_hand <= self.total else ()
        return next_windows(self.reads, covered, self.total, per_page=self.size, rounds=rounds[1:])

    def _spans(self) -> list[RankRange]:
        return [*self.known.covered, *(read.span for read in self.reads)]

    def progress(self, pause: Pause | None = None) -> Progress:
        return Progress(self.in_hand, self.total, len(self.reads), self.planned, pause)

    def listing(self, reason: str) -> Listing:
        alone = len(self.records) == self.total and self.in_hand != self.total
        proof = Proof(
            total_reported=self.total,
            distinct_ids=len(self.records) if alone else self.in_hand,
            pages_read=len(self.reads),
            pages_read_again=max(len(self.reads) - max(self.first_pass, 1), 0),
            arrived=self.total - min((read.total for read in self.reads), default=0),
            is_newest_first=is_newest_first(self.reads),
            complete=self.whole,
            reason="" if self.whole else reason,
            started=datetime.fromtimestamp(min(self.dates, default=0), UTC),
            finished=datetime.fromtimestamp(max(self.dates, default=0), UTC),
        )
        return Listing(
            records=tuple(self.records.values()),
            observed_at=tuple(self.observed_at[i] for i in self.records),
            proof=proof,
            covered=((0, self.total),) if self.whole else tuple(joined(self._spans())),
            vanished=self.known.ids - self.records.keys() if alone else frozenset(),
        )
