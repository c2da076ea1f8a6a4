"""
Refresh of the history from the API, at the price of what is new.

The list is newest first and rows keep their rank, counted from the oldest, so a history that was once complete lacks
only the ranks that were added since: mostly page 1. That none has left is seen by an anchor, a place in the list that
is found where it was (`doaudit.api.read_attempt`). Open actions are read again by their ids, whatever their age, until
they have finished. Rows are stored as they come, with the ranks they stand for, so that a read that was cut off goes on
where it ended.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from doaudit.api.client import RESERVE
from doaudit.api.paging import PageOne, read_actions
from doaudit.api.retry import estimate_read
from doaudit.clock import SystemClock
from doaudit.errors import InvalidArgument, ReadIncomplete, ReadInterrupted
from doaudit.formatting import count, one_line
from doaudit.history.account_identity import known_file
from doaudit.history.known_ids import read_known
from doaudit.history.proof import VANISHED
from doaudit.history.read_log import log_fault
from doaudit.history.read_writer import ReadWriter
from doaudit.history.rereading import rereading
from doaudit.history.resource_names import reading_names

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from duckdb import DuckDBPyConnection

    from doaudit.api.client import Client
    from doaudit.api.listing import Coverage, Known, Listing, Progress, Proof
    from doaudit.api.retry import ReadEstimate
    from doaudit.clock import Clock
    from doaudit.history.facts import Facts
    from doaudit.history.rereading import Rereading
    from doaudit.history.store import Store

__all__ = ["Refresh", "page_1_ahead", "refresh"]

_SHOWN_IDS = 5


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
        names_problem: why names of resources could not be read; empty if they could. No action is lost by it.
        set_aside: the texts of rows that have no id by which an action can be told from others.
        since: the moment from which on actions were asked for; None for all.
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
    names_problem: str = ""
    set_aside: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def complete(self) -> bool:
        """True if the history has every action of the account."""
        return self.proof.complete

    @property
    def as_asked(self) -> bool:
        """True if the history has every action that was asked for."""
        return self.complete if self.since is None else self.proof.covers(self.since)

    @property
    def read_at(self) -> datetime:
        """The date of the last response, by the server's clock."""
        return self.proof.finished

    def __str__(self) -> str:
        """Summarize it in a few lines."""
        new, requests = count(self.new, "new action"), count(self.requests, "request")
        lines = [f"{new}, {self.finished:,} newly finished, in {requests}; {self.proof}."]
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
        if self.names_problem:
            lines.append(f"Some names of resources could not be read: {self.names_problem}")
        lines += [f"Set aside, because it has no usable id: {one_line(text)}" for text in self.set_aside[:_SHOWN_IDS]]
        return "\n".join(lines)

    __repr__ = __str__  # at the end of a cell


def _first(ids: tuple[int, ...]) -> str:
    return ", ".join(map(str, ids[:_SHOWN_IDS])) + (" ..." if len(ids) > _SHOWN_IDS else "")


@contextmanager
def page_1_ahead(client: Client, path: str | os.PathLike[str] | None) -> Iterator[PageOne | None]:
    """Ask for page 1 while the block opens a history that is new here; give None for another, or one in memory."""
    file = known_file(client, path)
    if (file is None and path is not None) or (file is not None and file.exists()):
        yield None
        return
    page_1 = PageOne(client)
    try:
        yield page_1
    finally:
        page_1.pool.shutdown()


def refresh(  # noqa: PLR0913 -- the account, its history, what of it, and how; all but two have a default
    client: Client,
    store: Store,
    *,
    full: bool = False,
    since: datetime | None = None,
    names: bool = True,
    page_1: PageOne | None = None,
    on_progress: Callable[[str, Progress], None] = lambda *_: None,
    clock: Clock | None = None,
) -> Refresh:
    """
    Read new and open actions into the history, and log the read, however it ends.

    Args:
        client: the account.
        store: its history.
        full: read everything again, whatever is known; `updated` then counts what differed.
        since: on a first read, or where an earlier one was such a one, read no further back than to this moment. It has
            no effect on a history that is whole.
        names: read the names of resources, too, where there may be new ones.
        page_1: page 1, if it was asked for before the history was opened; taken if the history is empty.
        on_progress: called with what is being read ('actions', 'open actions') and the progress of it.
        clock: tells when it was begun, for the log; by default the machine's own.

    Raises:
        ReadIncomplete: a page could not be read. What was read is stored, and the next refresh goes on from there.
        ReadInterrupted: Ctrl-C; likewise.
        ApiProblem: nothing could be read.
        InvalidArgument: *full* and *since* together.
    """
    if full and since is not None:
        raise InvalidArgument("full=True reads everything again, and since= only the newest: leave one of them out.")
    sent_before = page_1.sent_before if page_1 else client.sent
    writer = ReadWriter(store, client, (clock or SystemClock()).now(), sent_before)
    known = read_known(store, writer.facts, full=full)
    if writer.facts.actions:  # then page 1 may be older than what is known, and look as if rows had left
        page_1 = None
    reading_of_names = reading_names(client, writer.facts, wanted=names)
    with log_fault(writer.log_fault), reading_of_names as writer.names, rereading(client, full=full) as reread:
        listing = _read_list(writer, known, page_1, reread, on_progress, since)
        result = _finish(writer, listing, reread, on_progress, full=full)
    return replace(result, since=since)


def _finish(
    writer: ReadWriter,
    listing: Listing,
    reread: Rereading,
    on_progress: Callable[[str, Progress], None],
    *,
    full: bool,
) -> Refresh:
    """Read what a list of actions does not tell, where there may be something, and sum up the refresh."""
    vanished = _note_vanished(writer, listing, full=full)
    _read_the_rest(writer, listing, reread, on_progress)
    pages = listing.proof.pages_read
    return Refresh(
        proof=listing.proof,
        requests=writer.requests,
        new=writer.counts.new,
        updated=writer.counts.updated,
        finished=writer.counts.finished,
        still_open=writer.facts.open_actions,
        not_found=tuple(sorted(reread.not_found)),
        vanished=vanished,
        estimate=estimate_read(pages, reserve=RESERVE) if pages > 1 else None,
        lacking=writer.names.lacking if writer.names else (),
        names_problem=writer.names.problem if writer.names else "",
        set_aside=listing.set_aside,
    )


def _read_the_rest(
    writer: ReadWriter, listing: Listing, reread: Rereading, on_progress: Callable[[str, Progress], None]
) -> None:
    """Write the list with what was read beside it; what is due then is read and written next."""
    now, names = round(listing.proof.finished.timestamp()), writer.names

    def is_end(facts: Facts) -> bool:
        return not reread.due(facts, writer.listed, now) and not (names and names.is_awaited(facts, now))

    for is_last in (False, True):
        also: Callable[[DuckDBPyConnection], None] = lambda _: None  # noqa: E731 -- as names.take gives one
        with writer.kept():
            if is_last:
                reread.begin(reread.due(writer.facts, writer.listed, now))
            reread.finish(writer, lambda progress: on_progress("open actions", progress), now)
            if names and (names.is_awaited(writer.facts, now) if is_last else names.is_ready):
                also = names.take(writer.facts, now)
        if is_end(writer.commit(is_end=(lambda _: True) if is_last else is_end, also=also)):
            return


def _read_list(
    writer: ReadWriter,
    known: Known,
    page_1: PageOne | None,
    reread: Rereading,
    on_progress: Callable[[str, Progress], None],
    since: datetime | None,
) -> Listing:
    """Read the list of actions, or what is not known of it, into the store; its proof is written next."""

    def beside_look(coverage: Callable[[], Coverage]) -> None:
        reread.begin(reread.due(writer.facts, writer.listed, writer.latest_at))
        writer.write_beside(coverage)
        reread.begin(reread.due(writer.facts, writer.listed, writer.latest_at))

    writer.notes_coverage = known.coverage.anchor is not None or not len(known.ids)
    try:
        listing = read_actions(
            writer.client,
            known=known,
            since=since,
            page_1=page_1,
            on_progress=lambda progress: on_progress("actions", progress),
            on_rows=writer.add_page,
            on_look=beside_look,
        )
    except (ReadIncomplete, ReadInterrupted) as stopped:
        if stopped.listing.proof.pages_read:  # before the first page there is nothing to prove, and no date
            writer.prove(stopped.listing)
            writer.commit(is_end=lambda _: False)
        raise
    # A list that does not add up is read again from the start, but not for rows that will never have an id.
    is_proved = listing.proof.complete or listing.proof.complete_since is not None
    writer.notes_coverage = is_proved or (writer.notes_coverage and bool(listing.set_aside))
    writer.prove(listing)
    return listing


def _note_vanished(writer: ReadWriter, listing: Listing, *, full: bool) -> tuple[int, ...]:
    """Note which actions have left the API's list, and return their ids, ascending."""
    if not listing.proof.complete and not listing.vanished:
        return ()
    # From now on the API's list is compared with what it can have; otherwise each refresh would read all of it.
    noted = set(writer.facts.notes.get(VANISHED, ()))
    left = (
        (set() if full and listing.proof.complete else noted) - {record.id for record in listing.records}
    ) | listing.vanished
    if left != noted:
        writer.note(**{VANISHED: sorted(left)})
    return tuple(sorted(listing.vanished))
