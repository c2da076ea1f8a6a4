"""
Every page of the list of actions, read concurrently, with the proof that none is missing.

`doaudit.api.read_attempt` has the proof, and decides which pages are read. Rows may leave the list while it is read:
then it is read again, until the requests that a read may take are used up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING

from doaudit.api.client import Stopped
from doaudit.api.incomplete_reasons import DOES_NOT_ADD_UP, ROWS_LEFT, only_since
from doaudit.api.listing import Coverage, Known, Listing, OnRows, Progress, Proof
from doaudit.api.page_body import Page, parse_page
from doaudit.api.page_planner import Window, is_newest_first
from doaudit.api.proved_part import estimate_rows
from doaudit.api.rank_anchor import second_of
from doaudit.api.read_attempt import Attempt
from doaudit.api.worker_pool import Fetch, WorkerPool
from doaudit.errors import ApiProblem, ReadIncomplete, ReadInterrupted
from doaudit.records import Record, merge

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.api.client import Client
    from doaudit.api.retry import Pause

__all__ = ["IN_FLIGHT", "PER_PAGE", "PageOne", "most_requests", "newest_ids", "read_actions"]

PER_PAGE = 200  # the API's largest; more has never been documented, so more is never asked for
IN_FLIGHT = 12
_PATH = "/v2/actions"
_ATTEMPTS = 3


def most_requests(total: int, per_page: int) -> int:
    """
    Return how many requests a read of a list may take: two for each page, and 20.

    Example:
        >>> most_requests(52_292, 200)
        544
    """
    return 2 * max(-(-total // per_page), 1) + 20


class PageOne:
    """
    Page 1, asked for before it is known what else is needed; for `read_actions`.

    Args:
        client: the account.

    Attributes:
        pool: the threads that ask for it, and can ask for more.
        sent_before: requests that the client had sent before.
    """

    def __init__(self, client: Client) -> None:
        self.sent_before = client.sent
        self.pool: WorkerPool[Window, Page] = WorkerPool(client, parse_page, IN_FLIGHT)
        self.pool.submit([_fetch(Window(1, PER_PAGE))])


def _fetch(window: Window) -> Fetch[Window]:
    return Fetch(window, _PATH, {"page": window.page, "per_page": window.per_page})


@dataclass(frozen=True)
class _Callbacks:
    on_progress: Callable[[Progress], None]
    on_rows: OnRows
    on_look: Callable[[Callable[[], Coverage]], None]


def read_actions(  # noqa: PLR0913 -- the client, what of its list, and how; all but the client have a default
    client: Client,
    *,
    per_page: int = PER_PAGE,
    in_flight: int = IN_FLIGHT,
    known: Known | None = None,
    since: datetime | None = None,
    page_1: PageOne | None = None,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_rows: OnRows = lambda *_, more: None,  # noqa: ARG005 -- the name is part of the call
    on_look: Callable[[Callable[[], Coverage]], None] = lambda _: None,
) -> Listing:
    """
    Read every action of the account, or all that are not *known*, or only those that started *since* a moment.

    At most two requests are sent for each page, and 20 more; retries of a request are not counted.

    Args:
        client: the account.
        per_page: rows a page, at most 200.
        in_flight: requests under way at once.
        known: actions that need not be read again.
        since: older actions need not be read. It has no effect if those *known* are the whole list.
        page_1: page 1, if it was asked for already. It must not be older than what is known.
        on_progress: called on this thread after each response and before each wait.
        on_rows: called on this thread with the rows of each page; see `doaudit.api.listing.OnRows`.
        on_look: called on this thread while a look at page 1 is under way that follows other pages, with a function
            that returns what those cover. What it does costs no time, up to a round trip.

    Raises:
        ReadIncomplete: a page could not be read; the error holds what was read and its cause.
        ReadInterrupted: Ctrl-C, also where it stopped the reads of many accounts; it holds what was read.
        ApiProblem: the first page could not be read, so nothing was.
    """
    pool = page_1.pool if page_1 else WorkerPool(client, parse_page, in_flight)
    second = "" if since is None else f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
    reader = _Reader(pool, known or Known(), per_page, second, _Callbacks(on_progress, on_rows, on_look))
    reader.asked_before = [Window(1, PER_PAGE)] if page_1 else []
    try:
        reader.run()
    except ApiProblem as fault:
        if not reader.pages:
            raise
        reader.drain()
        kept = f"{len(reader.attempt.ids):,} of {reader.total:,} actions were read and are kept"
        raise ReadIncomplete(
            f"The list of actions could not be read to its end: {kept}. {fault}", reader.listing("a page failed")
        ) from fault
    except (KeyboardInterrupt, Stopped):
        raise ReadInterrupted("Stopped; what was read is kept.", reader.listing("stopped by the user")) from None
    finally:
        pool.shutdown()
    return reader.listing()


def newest_ids(client: Client) -> frozenset[int]:
    """
    Read the ids on the first page.

    Raises:
        ApiProblem: it could not be read.
    """
    page = client.get(_PATH, {"page": 1, "per_page": PER_PAGE}, parse=parse_page)
    return frozenset(record.id for record in page.records)


class _Reader:
    """
    Reads the pages of one attempt after the other, and keeps the rows of all; only the calling thread writes in it.

    Attributes:
        attempt: the one under way, or the last.
        pages: responses so far.
        total: the largest total reported so far.
        asked_before: pages of the first round that were asked for before.
    """

    def __init__(
        self, pool: WorkerPool[Window, Page], known: Known, per_page: int, since: str, callbacks: _Callbacks
    ) -> None:
        self._pool, self._known, self._per_page, self._callbacks = pool, known, per_page, callbacks
        self._since = since
        self._records: dict[int, Record] = {}
        self._observed_at: dict[int, int] = {}
        self._set_aside: dict[str, None] = {}
        self._dates: list[int] = []
        self._planned = self._read_again = 0
        self._least_total: int | None = None
        self._reason = ""
        self._is_first = True
        # Taken before the attempt that reads them anew: what another process stores meanwhile has not left the list.
        self._earlier = known.ids.all() if known.coverage.anchor is None else None
        self.attempt = Attempt(known, per_page, since)
        self.pages = self.total = 0
        self.asked_before: list[Window] = []

    def run(self) -> None:
        """Read until a list is proved whole, or for as many requests as a read may take."""
        for number in range(_ATTEMPTS):
            for windows in self.attempt.rounds():
                if not self._read_round(windows):
                    why = DOES_NOT_ADD_UP if self._is_first else ROWS_LEFT
                    self._reason = f"{why}, after {self._planned:,} requests"
                    return
            self._reason = only_since(self._since) if self.attempt.part_proved else self.attempt.reason
            if not self.attempt.moved:
                return
            # What was read stays in hand, and proves nothing: rows have left.
            self._reason = ROWS_LEFT
            if number == _ATTEMPTS - 1:
                return
            self._read_again += self.attempt.read_again
            self._earlier = self._known.ids.all()
            self.attempt = Attempt(Known(), self._per_page, self.attempt.since)
            self._is_first = False

    @property
    def _most_requests(self) -> int:
        return most_requests(self.total, self.attempt.size)

    def _read_round(self, windows: list[Window]) -> bool:
        """Read pages, and those laid over edges on the way; return false if a read may not take so many requests."""
        waiting = self._submit(windows)
        if not waiting:
            return False
        if self.pages and windows == [Window(1, self._per_page)]:
            self._callbacks.on_look(self._coverage)
        while waiting:
            window, page = self._pool.next_result(lambda pause: self._callbacks.on_progress(self._progress(pause)))
            repeated = self._add_page(window, page, more=waiting > self._pool.size)
            waiting += self._submit(self.attempt.overlap_windows(window, repeated)) - 1
            if self.attempt.has_empty_page:
                withdrawn = self._pool.withdraw()
                waiting, self._planned = waiting - withdrawn, self._planned - withdrawn
        return True

    def _submit(self, windows: list[Window]) -> int:
        """Request pages, as many as may be; return how many. The last one that may be is for a look at page 1."""
        kept_back = 0 if windows == [Window(1, self._per_page)] else 1
        windows = windows[: max(self._most_requests - kept_back - self._planned, 0)]
        self._pool.submit([_fetch(window) for window in windows if window not in self.asked_before])
        self.asked_before.clear()
        self._planned += len(windows)
        return len(windows)

    def drain(self) -> None:
        """Add the pages that have come in beside a failure."""
        for window, page in self._pool.drain():
            self._add_page(window, page, more=False)

    def _add_page(self, window: Window, page: Page, *, more: bool) -> list[int]:
        """Take in a page; return the positions on it of rows that had been read at another rank before."""
        for record in page.records:
            earlier = self._records.get(record.id)
            if earlier is None:
                self._records[record.id], self._observed_at[record.id] = record, page.date
            elif page.date >= self._observed_at[record.id]:
                self._records[record.id], self._observed_at[record.id] = merge(earlier, record), page.date
            else:
                self._records[record.id] = merge(record, earlier)
        self._set_aside |= dict.fromkeys(page.set_aside)
        self._dates.append(page.date)
        self.pages += 1
        self.total = max(self.total, page.total)
        self._least_total = page.total if self._least_total is None else min(self._least_total, page.total)
        repeated = self.attempt.add_page(window, page)
        self._callbacks.on_rows(page.records, page.date, self._coverage, more=more)
        self._callbacks.on_progress(self._progress())
        return repeated

    def _coverage(self) -> Coverage:
        attempt = self.attempt
        if self._is_first or attempt.proved:
            return attempt.coverage()
        if not attempt.part_proved:
            # Ids of an attempt that has failed are in hand, too, and nothing says which of them are still listed.
            return Coverage()
        covered = attempt.coverage()
        return replace(covered, uncounted=covered.uncounted | attempt.ids.missing(self._earlier or ()))

    def _progress(self, pause: Pause | None = None) -> Progress:
        rows, size = len(self.attempt.ids), self.attempt.size
        total = min(self._expected_rows(), self.total)
        planned = max(self._planned, self.pages + -(-(total - rows) // size))
        return Progress(rows, max(total, rows if self._since else 0), self.pages, planned, pause)

    def _expected_rows(self) -> int:
        """Return how many rows there will be in hand at the end, as far as can be told by now."""
        reads = self.attempt.reads
        if not self.attempt.since or not reads:
            return self.total
        seconds = [
            second for read in reads for start in (read.starts[:1] + read.starts[-1:]) if (second := second_of(start))
        ]
        if not seconds:
            return self.total
        return estimate_rows(max(seconds), min(seconds), len(self.attempt.ids), self.attempt.since)

    def _vanished(self) -> frozenset[int]:
        """Return the ids in hand that the list does not have, of which it, or a part of it, is proved."""
        attempt = self.attempt
        read = chain(self._known.coverage.uncounted, self._records)
        if attempt.proved:
            if self._earlier is None and attempt.ids.counts_base:
                return attempt.ids.missing(read)
            earlier = self._known.ids.all() if self._earlier is None else self._earlier
            return attempt.ids.missing(chain(earlier, read))
        missing = attempt.ids.missing(chain(self._earlier or (), read))
        if not attempt.part_proved or attempt.part is None or not missing:
            return frozenset()
        second = attempt.part.floor.second
        started_later = {i for i, record in self._records.items() if second_of(record.started_at) > second}
        return missing & (self._known.ids.newer(second) | started_later)

    def listing(self, stopped: str = "") -> Listing:
        """Return what was read, with its proof; *stopped* says why the read ended early, if it did."""
        coverage, vanished = self._coverage(), self._vanished()
        uncounted = coverage.uncounted - vanished
        return Listing(
            records=tuple(self._records.values()),
            observed_at=tuple(self._observed_at[i] for i in self._records),
            proof=self._proof(stopped, uncounted),
            coverage=replace(coverage, uncounted=uncounted),
            vanished=vanished,
            set_aside=tuple(self._set_aside),
        )

    def _proof(self, stopped: str, uncounted: frozenset[int]) -> Proof:
        attempt = self.attempt
        # Where ids were in hand of which nothing tells whether they are still listed, only a read of a part that came
        # to its end has told which have left.
        is_clear = attempt.part_proved or (self._is_first and not self._earlier)
        part = attempt.part if is_clear and not attempt.proved and not attempt.moved else None
        is_counted = self._is_first or attempt.proved or attempt.part_proved
        return Proof(
            total_reported=attempt.total if attempt.proved or attempt.part_proved else self.total,
            # Ids whose ranks are forgotten prove nothing, but they are in hand.
            distinct_ids=len(attempt.ids) + len(attempt.ids.missing(uncounted)) if is_counted else len(self._records),
            pages_read=self.pages,
            pages_read_again=min(self._read_again + attempt.read_again, self.pages),
            arrived=self.total - (self._least_total or 0),
            is_newest_first=is_newest_first(attempt.reads),
            complete=attempt.proved,
            reason="" if attempt.proved else stopped or self._reason,
            started=datetime.fromtimestamp(min(self._dates, default=0), UTC),
            finished=datetime.fromtimestamp(max(self._dates, default=0), UTC),
            complete_since=None if part is None else part.since,
            complete_until=None if part is None else datetime.fromtimestamp(part.until, UTC),
            older=0 if part is None else part.floor.below,
        )
