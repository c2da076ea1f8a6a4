"""Writing of what a refresh reads: some pages at a time, with what they cover, and at the end the proof and the log."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from doaudit.api.listing import Coverage
from doaudit.history.facts import read_facts
from doaudit.history.known_ids import coverage_note
from doaudit.history.proof import PROOF, proof_as_json
from doaudit.history.read_log import LoggedRead, write_read
from doaudit.history.side_tables import write_anomalies, write_notes
from doaudit.history.upsert import Upserted, upsert_actions
from doaudit.records import COMPLETED, ERRORED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from duckdb import DuckDBPyConnection

    from doaudit.api.client import Client
    from doaudit.api.listing import Listing, Proof
    from doaudit.history.facts import Facts
    from doaudit.history.resource_names import NamesReading
    from doaudit.history.side_tables import Anomaly
    from doaudit.history.store import Store
    from doaudit.records import Record

__all__ = ["ReadWriter"]

# As much of a read can be lost with the process: two seconds of it by the server's clock, or so many rows.
_WRITE_EACH_S, _WRITE_ROWS = 2, 8_000
_FINISHED = COMPLETED | ERRORED
_FEW_ROWS = 1_000  # as quickly written at the end, with all that is left


class ReadWriter:
    """
    Writes what a refresh reads into the store, some pages at a time, and adds up the counts.

    Args:
        store: the history.
        client: the account, whose requests are counted.
        asked_at: when the refresh was begun, for the log.
        sent_before: requests that the client had sent then.

    Attributes:
        store, client: as above.
        facts: of the history, as they were when last written or read.
        counts: of all rows written so far.
        notes_coverage: whether what was covered by now is noted with the rows, so that a later read can go on from it.
            False if the store has ids of which nothing is known but that they were once listed.
        names: reading of the names of resources, which begins after the first page; None if they are not wanted.
        listed: ids that the list has shown of actions that are open, or were.
        latest_at: date of the latest page, in Unix seconds by the server's clock.
    """

    def __init__(self, store: Store, client: Client, asked_at: float, sent_before: int) -> None:
        self.store, self.facts, self.counts = store, store.facts(), Upserted()
        self.notes_coverage = True
        self.names: NamesReading | None = None
        self.listed: set[int] = set()
        self._open_before = {action.id for action in self.facts.unsettled if action.is_open}
        self.client, self._sent_before, self._asked_at = client, sent_before, asked_at
        self._held_before = self.facts.actions
        self._proof: Proof | None = None
        self._coverage: Coverage | None = None
        self._notes: dict[str, object] = {}
        self._anomalies: list[Anomaly] = []
        self._records: list[Record] = []
        self._observed_at: list[int] = []
        self.latest_at = 0
        self._written_at: int | None = None

    @property
    def requests(self) -> int:
        """Requests sent so far."""
        return self.client.sent - self._sent_before

    def add_page(self, records: list[Record], date: int, coverage: Callable[[], Coverage], *, more: bool) -> None:
        """Add the rows of a page, and write while *more* come in, if there are many or the last time is long ago."""
        if self.names is not None:
            self.names.begin(date)
        self.listed |= {
            record.id for record in records if record.status not in _FINISHED or record.id in self._open_before
        }
        self.add(records, [date] * len(records))
        self.latest_at = date
        if self._written_at is None:
            self._written_at = date
        if more and (date - self._written_at >= _WRITE_EACH_S or len(self._records) >= _WRITE_ROWS):
            self._write_pages(coverage)

    def write_beside(self, coverage: Callable[[], Coverage]) -> None:
        """Write what was added while a request is under way, if that is much."""
        if len(self._records) > _FEW_ROWS:
            self._write_pages(coverage)

    def _write_pages(self, coverage: Callable[[], Coverage]) -> None:
        self._coverage = coverage()
        counts, self.facts = self.store.run(lambda connection: (self._write(connection), read_facts(connection)))
        self._forget(counts)
        self._written_at = self.latest_at

    def add(self, records: Iterable[Record], observed_at: Iterable[int], *, anomalies: Iterable[Anomaly] = ()) -> None:
        """Add rows, and anomalies, to what is written next."""
        self._records += records
        self._observed_at += observed_at
        self._anomalies += anomalies

    def note(self, **notes: object) -> None:
        """Add notes to what is written next."""
        self._notes |= notes

    def prove(self, listing: Listing) -> None:
        """Add the proof of the list, and what it covers, to what is written next."""
        self._proof, self._coverage = listing.proof, listing.coverage
        self.note(**{PROOF: proof_as_json(listing.proof)})

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Write what was added if the block fails, or is stopped by Ctrl-C."""
        try:
            yield
        except BaseException:
            self.commit(is_end=lambda _: False)
            raise

    def commit(
        self, *, is_end: Callable[[Facts], bool], also: Callable[[DuckDBPyConnection], None] = lambda _: None
    ) -> Facts:
        """
        Write what was added, and *also* something else, in one transaction; return the facts of the history then.

        Args:
            is_end: tells from the facts whether the refresh has come to its end; then it is entered in the log.
            also: writes more with the same connection.
        """

        def work(connection: DuckDBPyConnection) -> tuple[Upserted, Facts]:
            counts = self._write(connection)
            also(connection)
            facts = read_facts(connection)
            if is_end(facts):
                write_read(connection, self._entry(self.counts + counts))
            return counts, facts

        counts, self.facts = self.store.run(work)
        self._forget(counts)
        return self.facts

    def log_fault(self, fault: str) -> None:
        """Write the entry in the log of a read that an error ended; what was added and not written is left out."""
        self.store.log_read(self._entry(self.counts, fault))

    def _entry(self, counts: Upserted, fault: str = "") -> LoggedRead:
        return LoggedRead(self._asked_at, self.requests, counts.new, self._proof, fault)

    def _write(self, connection: DuckDBPyConnection) -> Upserted:
        counts = upsert_actions(connection, self._records, self._observed_at)
        notes = dict(self._notes)
        if self._coverage is not None:
            covered = self._coverage if self.notes_coverage else Coverage()
            notes |= coverage_note(covered, self._held_before + self.counts.new + counts.new)
        write_notes(connection, notes)
        write_anomalies(connection, self._anomalies)
        return counts

    def _forget(self, written: Upserted) -> None:
        """Forget what was added, since it is in the history now."""
        self.counts += written
        self._records, self._observed_at, self._anomalies = [], [], []
        self._notes, self._coverage = {}, None
