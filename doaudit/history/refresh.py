"""
Bring the history up to date from the API, at the price of what is new.

The list is newest first and rows never leave their rank, counted from the oldest, so a history that was once complete
lacks only the ranks that were added since: mostly page 1. The proof is the same as for a first read: as many distinct
ids in hand as the API reports actions. What was open is read again by its id, whatever its age, until it has finished.
Rows are stored as they come, with the ranks they stand for, so that a read that was cut off goes on where it ended.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from doaudit.api.client import RESERVE
from doaudit.api.page_planner import RankRange, Read, joined
from doaudit.api.paging import Known, Proof, read_actions, read_each
from doaudit.api.retry import ReadEstimate, estimate_read
from doaudit.errors import ReadIncomplete, ReadInterrupted
from doaudit.history.resource_names import update_resource_names
from doaudit.history.store import Anomaly

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.actions import Record
    from doaudit.api.client import Client
    from doaudit.api.paging import Progress
    from doaudit.history.store import Store

__all__ = ["Refresh", "refresh", "stored_proof"]

# How much of a read can be lost with the process: a second of it by the server's clock, or so many rows.
_KEPT_EACH_S, _KEPT_AT_ONCE = 1, 8_000
_NO_END = "SELECT id FROM actions WHERE completed_at IS NULL AND status IN ('completed', 'done', 'errored')"


@dataclass(frozen=True)
class Refresh:
    """
    What a refresh did.

    Attributes:
        proof: whether every action is in hand, and how one can tell.
        requests: requests sent.
        new, updated, finished: actions seen for the first time, changed, and ended since they were last seen.
        still_open: open actions by now.
        absent: open actions that the API no longer knows by their id (404); they stay open in the history.
        vanished: actions in the history that the API's list no longer has; they are kept.
        plan: requests and minutes that were expected of a long read; None for a short one.
        lacking: scopes that the token lacks for the names of resources.
    """

    proof: Proof
    requests: int
    new: int
    updated: int
    finished: int
    still_open: int
    absent: tuple[int, ...] = ()
    vanished: tuple[int, ...] = ()
    estimate_read: ReadEstimate | None = None
    lacking: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every action of the account is in hand."""
        return self.proof.complete

    def __str__(self) -> str:
        """Say it in a few lines."""
        proof = self.proof
        verdict = (
            f"complete: {proof.distinct_ids:,} distinct ids, and the API reports as many"
            if proof.complete
            else f"INCOMPLETE: {proof.distinct_ids:,} of {proof.total_reported:,} actions ({proof.reason})"
        )
        requests = f"{self.requests:,} request{'' if self.requests == 1 else 's'}"
        lines = [f"{self.new:,} new actions, {self.finished:,} newly finished, in {requests}; {verdict}."]
        if self.absent:
            lines.append(f"{len(self.absent):,} open actions are no longer known to the API: {_few(self.absent)}.")
        if self.vanished:
            lines.append(
                f"{len(self.vanished):,} actions of the history have left the API's list: {_few(self.vanished)}."
            )
        if self.lacking:
            lines.append(f"Some resources have no names, because the token lacks {', '.join(self.lacking)}.")
        return "\n".join(lines)


def _few(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids[:5])) + (" ..." if len(ids) > 5 else "")  # noqa: PLR2004 -- enough to look at


@dataclass
class _Writer:
    """Rows on their way into the store; what they did there is counted."""

    store: Store
    covered: list[RankRange]
    rows: list[Record] = field(default_factory=list)
    dates: list[int] = field(default_factory=list)
    kept_at: int = 0
    new: int = 0
    updated: int = 0
    finished: int = 0

    def take(self, records: list[Record], date: int, read: Read) -> None:
        self.rows += records
        self.dates += [date] * len(records)
        self.covered = joined([*self.covered, read.span])
        if date - self.kept_at >= _KEPT_EACH_S or len(self.rows) >= _KEPT_AT_ONCE:
            self.keep()
            self.kept_at = date

    def keep(self, **notes: object) -> None:
        counts = self.store.upsert(self.rows, self.dates, notes={"covered": self.covered, **notes})
        self.rows, self.dates = [], []
        self.new += counts.new
        self.updated += counts.updated
        self.finished += counts.finished


def refresh(
    client: Client,
    store: Store,
    *,
    full: bool = False,
    names: bool = True,
    on_progress: Callable[[str, Progress], None] = lambda *_: None,
) -> Refresh:
    """
    Read what is new, and what was open, into the history.

    Args:
        client: the account.
        store: its history.
        full: read everything again, whatever is in hand; `updated` then counts what differed.
        names: read the names of resources, too, where there may be new ones.
        on_progress: told what is being read ('actions', 'open actions') and how far it has come.

    Raises:
        ReadIncomplete: a page could not be had. What was read is stored, and the next refresh goes on from there.
        ReadInterrupted: Ctrl-C; likewise.
        ApiProblem: nothing could be had.
    """
    sent_before, known = client.sent, Known() if full else _known(store)
    writer = _Writer(store, list(known.covered))
    planned = 0

    def note(progress: Progress) -> None:
        nonlocal planned
        planned = progress.planned
        on_progress("actions", progress)

    try:
        listing = read_actions(client, known=known, on_progress=note, on_rows=writer.take)
    except (ReadIncomplete, ReadInterrupted) as stopped:
        writer.keep(proof=_plain(stopped.listing.proof))
        raise
    whole = listing.proof.complete
    writer.covered = list(listing.covered) if whole else []  # what does not add up is read again from the start
    writer.keep(proof=_plain(listing.proof))
    read = {record.id for record in listing.records}
    vanished = set(store.ids().tolist()) - read if full and whole else listing.vanished
    if vanished:
        # From now on the API's list is compared with what it can have; otherwise each refresh would read all of it.
        store.remember({"vanished": sorted(vanished | (set() if full else _vanished(store)))})
    absent = _read_open_again(client, writer, read, on_progress, all_of_them=full)
    now = round(listing.proof.finished.timestamp())
    lacking = update_resource_names(client, store, now=now) if names else ()
    return Refresh(
        proof=listing.proof,
        requests=client.sent - sent_before,
        new=writer.new,
        updated=writer.updated,
        finished=writer.finished,
        still_open=len(store.open_ids()),
        absent=absent,
        vanished=tuple(sorted(vanished)),
        estimate_read=estimate_read(planned, reserve=RESERVE) if planned > 1 else None,
        lacking=lacking,
    )


def stored_proof(store: Store) -> Proof | None:
    """The proof of the latest read that is in the history; None before the first."""
    fields: Any = store.recall("proof")
    if fields is None:
        return None
    times = {name: datetime.fromisoformat(fields[name]) for name in ("started", "finished")}
    return Proof(**{**fields, **times})


def _plain(proof: Proof) -> dict[str, object]:
    return {**asdict(proof), "started": proof.started.isoformat(), "finished": proof.finished.isoformat()}


def _known(store: Store) -> Known:
    covered: Any = store.recall("covered", [])
    ids = frozenset(store.ids().tolist()) - _vanished(store)
    return Known(ids, tuple((lowest, above) for lowest, above in covered))


def _vanished(store: Store) -> set[int]:
    ids: Any = store.recall("vanished", [])
    return set(ids)


def _read_open_again(
    client: Client,
    writer: _Writer,
    seen: set[int],
    on_progress: Callable[[str, Progress], None],
    *,
    all_of_them: bool,
) -> tuple[int, ...]:
    """Read by id what is open, or ended without an end, and was not just read; say which ids are gone."""
    store = writer.store
    given_up: Any = [] if all_of_them else store.recall("given_up", [])
    wanting = store.sql(_NO_END)["id"].tolist()
    still_open = set(store.open_ids().tolist())
    ids = sorted((still_open - seen | set(wanting)) - set(given_up))
    again = read_each(client, ids, on_progress=lambda progress: on_progress("open actions", progress))
    writer.rows, writer.dates = list(again.records), list(again.observed_at)
    hopeless = [record.id for record in again.records if record.id in set(wanting) and record.completed_at is None]
    if ids:
        now = max(again.observed_at, default=0)
        gone = [Anomaly(i, "absent", "The API no longer knows this action by its id (404).", now) for i in again.absent]
        writer.keep(given_up=sorted({*given_up, *hopeless, *map(int, again.absent)}))
        store.add_anomalies(gone)
    return tuple(sorted(again.absent))
