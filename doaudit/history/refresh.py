"""
Refresh of the history from the API, at the price of what is new.

The list is newest first and rows never leave their rank, counted from the oldest, so a history that was once complete
lacks only the ranks that were added since: mostly page 1. The proof is the same as for a first read: as many distinct
ids are known as the API reports actions. Open actions are read again by their ids, whatever their age, until they have
finished. Rows are stored as they come, with the ranks they stand for, so that a read that was cut off goes on where it
ended.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from doaudit.api.client import RESERVE
from doaudit.api.listing import Known, Proof
from doaudit.api.page_planner import joined
from doaudit.api.paging import read_actions, reread_actions
from doaudit.api.retry import estimate_read
from doaudit.errors import ReadIncomplete, ReadInterrupted
from doaudit.history.resource_names import update_resource_names
from doaudit.history.side_tables import Anomaly
from doaudit.history.upsert import Upserted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from doaudit.actions import Record
    from doaudit.api.client import Client
    from doaudit.api.listing import Listing, Progress
    from doaudit.api.page_planner import RankRange, Read
    from doaudit.api.retry import ReadEstimate
    from doaudit.history.store import Store

__all__ = ["Refresh", "refresh", "stored_proof"]

# As much of a read can be lost with the process: a second of it by the server's clock, or so many rows.
_WRITE_EACH_S, _WRITE_ROWS = 1, 8_000
_WITHOUT_END = "SELECT id FROM actions WHERE completed_at IS NULL AND status IN ('completed', 'done', 'errored')"
_SHOWN_IDS = 5
# Names of the notes in the store; files of earlier versions have them.
_PROOF, _COVERED, _VANISHED, _NOT_READ_AGAIN = "proof", "covered", "vanished", "given_up"


@dataclass(frozen=True)
class Refresh:
    """
    Result of a refresh.

    Attributes:
        proof: proof that the history has every action of the account, or the reason why not.
        requests: requests sent.
        new, updated, finished: actions seen for the first time, changed, and finished since they were last seen.
        still_open: number of open actions in the history now.
        not_found: ids of open actions that the API no longer knows (404); they stay open in the history.
        vanished: ids of actions in the history that the API's list no longer has; they are kept.
        estimate: requests and minutes of a long read; None for a short one.
        lacking: scopes that the token lacks for the names of resources.
    """

    proof: Proof
    requests: int
    new: int
    updated: int
    finished: int
    still_open: int
    not_found: tuple[int, ...] = ()
    vanished: tuple[int, ...] = ()
    estimate: ReadEstimate | None = None
    lacking: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """True if the history has every action of the account."""
        return self.proof.complete

    def __str__(self) -> str:
        """Summarize it in a few lines."""
        proof = self.proof
        verdict = (
            f"complete: {proof.distinct_ids:,} distinct ids, and the API reports as many"
            if proof.complete
            else f"INCOMPLETE: {proof.distinct_ids:,} of {proof.total_reported:,} actions ({proof.reason})"
        )
        requests = f"{self.requests:,} request{'' if self.requests == 1 else 's'}"
        lines = [f"{self.new:,} new actions, {self.finished:,} newly finished, in {requests}; {verdict}."]
        if self.not_found:
            lines.append(
                f"{len(self.not_found):,} open actions are no longer known to the API: {_first(self.not_found)}."
            )
        if self.vanished:
            lines.append(
                f"{len(self.vanished):,} actions of the history have left the API's list: {_first(self.vanished)}."
            )
        if self.lacking:
            lines.append(f"Some resources have no names, because the token lacks {', '.join(self.lacking)}.")
        return "\n".join(lines)


def _first(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids[:_SHOWN_IDS])) + (" ..." if len(ids) > _SHOWN_IDS else "")


def refresh(
    client: Client,
    store: Store,
    *,
    full: bool = False,
    names: bool = True,
    on_progress: Callable[[str, Progress], None] = lambda *_: None,
) -> Refresh:
    """
    Read new and open actions into the history.

    Args:
        client: the account.
        store: its history.
        full: read everything again, whatever is known; `updated` then counts what differed.
        names: read the names of resources, too, where there may be new ones.
        on_progress: called with what is being read ('actions', 'open actions') and the progress of it.

    Raises:
        ReadIncomplete: a page could not be read. What was read is stored, and the next refresh goes on from there.
        ReadInterrupted: Ctrl-C; likewise.
        ApiProblem: nothing could be read.
    """
    sent_before = client.sent
    writer = _Writer(store)
    listing = _read_list(client, writer, on_progress, full=full)
    vanished = _record_vanished(store, listing, full=full)
    not_found = _reread_open(client, writer, listing, on_progress, full=full)
    now = round(listing.proof.finished.timestamp())
    lacking = update_resource_names(client, store, now=now) if names else ()
    pages = listing.proof.pages_read
    return Refresh(
        proof=listing.proof,
        requests=client.sent - sent_before,
        new=writer.counts.new,
        updated=writer.counts.updated,
        finished=writer.counts.finished,
        still_open=len(store.open_ids()),
        not_found=not_found,
        vanished=vanished,
        estimate=estimate_read(pages, reserve=RESERVE) if pages > 1 else None,
        lacking=lacking,
    )


def stored_proof(store: Store) -> Proof | None:
    """Return the proof of the latest read that is in the history; None before the first."""
    fields: Any = store.recall(_PROOF)
    if fields is None:
        return None
    times = {name: datetime.fromisoformat(fields[name]) for name in ("started", "finished")}
    return Proof(**{**fields, **times})


@dataclass
class _Writer:
    """Writes rows of a read into the store, some pages at a time, and adds up the counts."""

    store: Store
    covered: tuple[RankRange, ...] = ()
    counts: Upserted = field(default_factory=Upserted)
    _records: list[Record] = field(default_factory=list)
    _observed_at: list[int] = field(default_factory=list)
    _written_at: int = 0

    def add_page(self, records: list[Record], date: int, read: Read) -> None:
        """Add the rows of a page, and write if there are many or the last time is long ago."""
        self._records += records
        self._observed_at += [date] * len(records)
        self.covered = tuple(joined([*self.covered, read.span]))
        if date - self._written_at >= _WRITE_EACH_S or len(self._records) >= _WRITE_ROWS:
            self.flush()
            self._written_at = date

    def flush(self, notes: Mapping[str, object] | None = None) -> None:
        """Write the rows that were added, with the ranks read by now and further notes."""
        self.write(self._records, self._observed_at, notes=notes)
        self._records, self._observed_at = [], []

    def write(
        self,
        records: Sequence[Record],
        observed_at: Sequence[int],
        *,
        anomalies: Iterable[Anomaly] = (),
        notes: Mapping[str, object] | None = None,
    ) -> None:
        """Write readings, anomalies and notes in one transaction."""
        all_notes = {_COVERED: self.covered, **(notes or {})}
        self.counts += self.store.upsert(records, observed_at, notes=all_notes, anomalies=anomalies)


def _read_list(client: Client, writer: _Writer, on_progress: Callable[[str, Progress], None], *, full: bool) -> Listing:
    """Read the list of actions, or what is not known of it, into the store, and store the proof."""
    known = Known() if full else _known(writer.store)
    writer.covered = known.covered
    try:
        listing = read_actions(
            client,
            known=known,
            on_progress=lambda progress: on_progress("actions", progress),
            on_rows=writer.add_page,
        )
    except (ReadIncomplete, ReadInterrupted) as stopped:
        writer.flush({_PROOF: _as_json(stopped.listing.proof)})
        raise
    # A list that does not add up is read again from the start.
    writer.covered = listing.covered if listing.proof.complete else ()
    writer.flush({_PROOF: _as_json(listing.proof)})
    return listing


def _record_vanished(store: Store, listing: Listing, *, full: bool) -> tuple[int, ...]:
    """Note which actions have left the API's list, and return their ids, ascending."""
    vanished = set(listing.vanished)
    if full and listing.proof.complete:
        vanished = set(store.ids().tolist()) - {record.id for record in listing.records}
    if vanished:
        # From now on the API's list is compared with what it can have; otherwise each refresh would read all of it.
        earlier = set() if full else _noted_ids(store, _VANISHED)
        store.remember({_VANISHED: sorted(vanished | earlier)})
    return tuple(sorted(vanished))


def _reread_open(
    client: Client,
    writer: _Writer,
    listing: Listing,
    on_progress: Callable[[str, Progress], None],
    *,
    full: bool,
) -> tuple[int, ...]:
    """
    Read by their ids the open actions that were not in the listing, and the finished ones without an end.

    Returns:
        The ids that the API no longer knows, ascending. They are not read again, unless *full*; nor are the actions
        whose end the API does not know either.
    """
    store = writer.store
    skipped = set() if full else _noted_ids(store, _NOT_READ_AGAIN)
    open_ids = set(store.open_ids().tolist()) - {record.id for record in listing.records}
    without_end = set(store.sql(_WITHOUT_END)["id"].tolist())
    ids = sorted((open_ids | without_end) - skipped)
    if not ids:
        return ()
    again = reread_actions(client, ids, on_progress=lambda progress: on_progress("open actions", progress))
    no_end_known = {record.id for record in again.records if record.id in without_end and record.completed_at is None}
    now = max(again.observed_at, default=round(listing.proof.finished.timestamp()))
    text = "The API no longer knows this action by its id (404)."
    anomalies = [Anomaly(action_id, "absent", text, now) for action_id in again.not_found]
    skipped |= no_end_known | again.not_found
    writer.write(again.records, again.observed_at, anomalies=anomalies, notes={_NOT_READ_AGAIN: sorted(skipped)})
    return tuple(sorted(again.not_found))


def _known(store: Store) -> Known:
    covered: Any = store.recall(_COVERED, [])
    ids = frozenset(store.ids().tolist()) - _noted_ids(store, _VANISHED)
    return Known(ids, tuple((lowest, above) for lowest, above in covered))


def _noted_ids(store: Store, note: str) -> set[int]:
    ids: Any = store.recall(note, [])
    return set(ids)


def _as_json(proof: Proof) -> dict[str, object]:
    return {**asdict(proof), "started": proof.started.isoformat(), "finished": proof.finished.isoformat()}
