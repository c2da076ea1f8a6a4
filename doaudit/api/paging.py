"""
Every page of the list of actions, read concurrently, exactly, with its proof.

Proof of completeness. Nothing is ever removed from the list, so every id in hand is in the list as it was at the
latest response, the one with the largest total. If there are as many distinct ids in hand as that total, then they are
all the ids there were. How they came in hand does not matter, nor does their order: ids of an earlier read count. Only
if there are more of them than the API reports has something been removed after all; then this read alone counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from doaudit.actions import Record, decode, merge
from doaudit.api.listing import ActionsReread, Known, Listing, Progress, Proof
from doaudit.api.page_planner import (
    RankRange,
    Read,
    Recovery,
    Window,
    gaps,
    is_newest_first,
    joined,
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

__all__ = ["IN_FLIGHT", "PER_PAGE", "newest_ids", "read_actions", "reread_actions"]

PER_PAGE = 200  # the API's largest; more has never been documented, so more is never asked for
IN_FLIGHT = 8
_PATH = "/v2/actions"


class _Meta(msgspec.Struct, frozen=True):
    total: int


class _Envelope(msgspec.Struct, frozen=True):
    actions: list[Record]
    meta: _Meta


class _LooseEnvelope(msgspec.Struct, frozen=True):
    actions: list[msgspec.Raw]
    meta: _Meta


class _SingleEnvelope(msgspec.Struct, frozen=True):
    action: msgspec.Raw


@dataclass(frozen=True)
class _Page:
    records: list[Record]
    total: int
    date: int


_decode_strictly = msgspec.json.Decoder(_Envelope).decode
_decode_loosely = msgspec.json.Decoder(_LooseEnvelope).decode
_decode_single = msgspec.json.Decoder(_SingleEnvelope).decode


def _parse_page(response: Response) -> _Page:
    try:
        envelope = _decode_strictly(response.body)
    except msgspec.ValidationError:
        loose = _decode_loosely(response.body)
        return _Page([decode(raw) for raw in loose.actions], loose.meta.total, response.date)
    return _Page(envelope.actions, envelope.meta.total, response.date)


def _parse_single(response: Response) -> tuple[Record, int] | None:
    return decode(_decode_single(response.body).action), response.date


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
        known: actions that need not be read again.
        on_progress: called on this thread after each response and before each wait.
        on_rows: called on this thread with the rows of each page, the date of its response (Unix seconds by the
            server's clock), and the page's place in the list.

    Raises:
        ReadIncomplete: a page could not be read; the error holds what was read and its cause.
        ReadInterrupted: Ctrl-C; it holds what was read.
        ApiProblem: the first page could not be read, so nothing was.
    """
    pool: WorkerPool[Window, _Page] = WorkerPool(client, _parse_page, in_flight)
    state = _ReadState(known or Known())
    windows = [Window(1, per_page)]
    try:
        while windows:
            waiting = state.submit(pool, windows)
            while waiting:
                window, page = pool.next_result(lambda pause: on_progress(state.progress(pause)))
                read, repeated = state.add_page(window, page)
                on_rows(page.records, page.date, read)
                on_progress(state.progress())
                waiting += state.submit(pool, state.overlap_windows(window, repeated)) - 1
            windows = state.next_windows(per_page)
    except ApiProblem as fault:
        if not state.reads:
            raise
        for window, page in pool.drain():
            read, _ = state.add_page(window, page)
            on_rows(page.records, page.date, read)
        kept = f"{state.in_hand:,} of {state.total:,} actions were read and are kept"
        raise ReadIncomplete(
            f"The list of actions could not be read to its end: {kept}. {fault}", state.listing("a page failed")
        ) from fault
    except KeyboardInterrupt:
        raise ReadInterrupted("Stopped; what was read is kept.", state.listing("stopped by the user")) from None
    finally:
        pool.shutdown()
    return state.listing("the list does not add up to the total that the API reports")


def newest_ids(client: Client) -> frozenset[int]:
    """
    Read the ids on the first page.

    Raises:
        ApiProblem: it could not be read.
    """
    page = client.get(_PATH, {"page": 1, "per_page": PER_PAGE}, parse=_parse_page)
    return frozenset(record.id for record in page.records)


def reread_actions(
    client: Client,
    ids: Iterable[int],
    *,
    in_flight: int = IN_FLIGHT,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> ActionsReread:
    """
    Read single actions again, by the address that tells when they completed.

    Args:
        client: the account.
        ids: of the actions.
        in_flight: requests under way at once.
        on_progress: called on this thread after each response and before each wait.

    Raises:
        ApiProblem: one of them could not be read, for another reason than that it is not there.
    """
    fetches = [Fetch(action_id, f"{_PATH}/{action_id}") for action_id in ids]
    pool: WorkerPool[int, tuple[Record, int] | None] = WorkerPool(
        client, _parse_single, in_flight, when_absent=lambda: None
    )
    results: dict[int, tuple[Record, int] | None] = {}

    def report(pause: Pause | None = None) -> None:
        on_progress(Progress(len(results), len(fetches), len(results), len(fetches), pause))

    try:
        pool.submit(fetches)
        for _ in fetches:
            action_id, result = pool.next_result(report)
            results[action_id] = result
            report()
    finally:
        pool.shutdown()
    found = [result for result in results.values() if result is not None]
    not_found = frozenset(action_id for action_id, result in results.items() if result is None)
    return ActionsReread(tuple(record for record, _ in found), tuple(date for _, date in found), not_found)


class _ReadState:
    """
    Rows and pages read so far; only the calling thread writes in it.

    Attributes:
        size: rows a page that the server gives; 0 until the first page was read.
        first_pass: pages of the first pass; 0 until they are planned.
        planned: requests planned so far.
        new: ids that were not known before.
        overlapped: windows over repeated rows that were planned, or are covered by one that was.
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        self.records: dict[int, Record] = {}
        self.observed_at: dict[int, int] = {}
        self.reads: list[Read] = []
        self.dates: list[int] = []
        self.total = self.new = 0
        self.size = self.first_pass = self.planned = 0
        self.overlapped: set[Window] = set()
        self.recovery = Recovery()

    @property
    def in_hand(self) -> int:
        """Distinct ids in hand."""
        return len(self.known.ids) + self.new

    @property
    def whole(self) -> bool:
        """True if the proof holds."""
        return self.total in {self.in_hand, len(self.records)} and bool(self.reads)

    def submit(self, pool: WorkerPool[Window, _Page], windows: list[Window]) -> int:
        """Request pages; return how many."""
        pool.submit([Fetch(window, _PATH, {"page": window.page, "per_page": window.per_page}) for window in windows])
        self.planned += len(windows)
        return len(windows)

    def add_page(self, window: Window, page: _Page) -> tuple[Read, list[int]]:
        """Take in a page; return its place in the list, and the positions on it of rows that had been read before."""
        repeated = [at for at, record in enumerate(page.records) if record.id in self.records]
        for record in page.records:
            earlier = self.records.get(record.id)
            if earlier is None:
                self.records[record.id], self.observed_at[record.id] = record, page.date
                self.new += record.id not in self.known.ids
            elif page.date >= self.observed_at[record.id]:
                self.records[record.id], self.observed_at[record.id] = merge(earlier, record), page.date
            else:
                self.records[record.id] = merge(record, earlier)
        read = Read(window, page.total, tuple(record.started_at for record in page.records))
        self.reads.append(read)
        self.dates.append(page.date)
        self.total = max(self.total, page.total)
        return read, repeated

    def overlap_windows(self, window: Window, repeated: list[int]) -> list[Window]:
        """
        Return windows over the *repeated* rows of a page, though nothing has arrived.

        Where a tie on an edge shows a row twice it hides another one. Read at once, these cost no further round trip.
        """
        if not self.first_pass or self.total != self.reads[0].total:
            return []
        around = {window_around((window.page - 1) * window.per_page + at, self.size) for at in repeated}
        fresh = around - self.overlapped
        self.overlapped |= around
        # A window over an edge repeats rows on purpose. It asks for nothing more, and nobody need look there again.
        return sorted(fresh, key=lambda window: window.page) if window.per_page == self.size else []

    def next_windows(self, per_page: int) -> list[Window]:
        """Return the pages of the next round: the first pass, then what `Recovery` says; none if it is all."""
        if self.whole:
            return []
        if not self.first_pass:
            # A page that is shorter than asked for, though there is more, tells the server's own page size.
            rows = len(self.reads[0].starts)
            self.size = rows if 0 < rows < min(per_page, self.total) else per_page
            rest = windows_of(gaps(self._spans(), self.total), self.total, self.size)
            self.first_pass = 1 + len(rest)
            if rest:
                return rest
        # More ids than the API has: what vanished shows only once the whole list is read.
        covered = self.known.covered if self.in_hand <= self.total else ()
        self.recovery, windows = self.recovery.next(self.reads, covered, self.total, per_page=self.size)
        return windows

    def _spans(self) -> list[RankRange]:
        return [*self.known.covered, *(read.span for read in self.reads)]

    def progress(self, pause: Pause | None = None) -> Progress:
        """Return how far the read is."""
        return Progress(self.in_hand, self.total, len(self.reads), self.planned, pause)

    def listing(self, reason: str) -> Listing:
        """Return what was read, with its proof; *reason* says why it is not whole, should it not be."""
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
