"""
Actions that a refresh reads again by their ids: open ones that the list did not show, and finished ones without an end.

Those that the API no longer knows are left out from then on, and those whose end it does not know either. One that has
been open for a day is read again once an hour.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from doaudit.api.reread import Reread
from doaudit.history.side_tables import Anomaly

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from doaudit.api.client import Client
    from doaudit.api.listing import Progress
    from doaudit.history.facts import Facts, Unsettled
    from doaudit.history.read_writer import ReadWriter

__all__ = ["Rereading", "rereading"]

# What has been open for so long will hardly end within the hour, and costs a request each time.
_LONG_OPEN_S, _LONG_OPEN_EACH_S = 86_400, 3_600
_NOT_READ_AGAIN = "given_up"


@contextmanager
def rereading(client: Client, *, full: bool) -> Iterator[Rereading]:
    """Read actions again while the block runs; when it ends, nothing goes on but what was sent."""
    reading = Rereading(client, full=full)
    try:
        yield reading
    finally:
        reading.stop()


class Rereading:
    """
    Reading of actions again by their ids, each once in a refresh, beside other requests.

    Args:
        client: the account.
        full: read again also those that are left out.

    Attributes:
        not_found: ids that the API no longer knows, of those that were read.
    """

    def __init__(self, client: Client, *, full: bool) -> None:
        self._client, self._full = client, full
        self._asked, self._left_out = set[int](), set[int]()
        self._under_way: list[Reread] = []
        self.not_found: frozenset[int] = frozenset()

    def due(self, facts: Facts, listed: Collection[int], now: int) -> list[int]:
        """
        Return the ids of actions that are still to be read again.

        Args:
            facts: of the history.
            listed: ids of the actions that the list has shown.
            now: the time by the server's clock, in Unix seconds.
        """
        left_out = set() if self._full else set(facts.notes.get(_NOT_READ_AGAIN, ()))
        return [
            action.id
            for action in facts.unsettled
            if action.id not in self._asked
            and action.id not in left_out
            and not (action.is_open and action.id in listed)
            and (self._full or not action.is_open or _is_due(action, now))
        ]

    def begin(self, ids: Collection[int]) -> None:
        """Begin to read actions again, if there are any."""
        if ids:
            self._asked.update(ids)
            self._under_way.append(Reread(self._client, ids))

    def finish(self, writer: ReadWriter, on_progress: Callable[[Progress], None], now: int) -> None:
        """
        Wait for those that are being read, and add them to what is written next.

        Raises:
            ApiProblem: one of them could not be read, for another reason than that it is not there.
        """
        if not self._under_way:
            return
        without_end = {action.id for action in writer.facts.unsettled if not action.is_open}
        while self._under_way:
            again = self._under_way[0].results(on_progress)
            del self._under_way[0]
            no_end = {each.id for each in again.records if each.id in without_end and each.completed_at is None}
            self._left_out |= no_end | again.not_found
            self.not_found |= again.not_found
            text, seen_at = "The API no longer knows this action by its id (404).", max(again.observed_at, default=now)
            anomalies = [Anomaly(action_id, "absent", text, seen_at) for action_id in again.not_found]
            writer.add(again.records, again.observed_at, anomalies=anomalies)
        left_out_before = set() if self._full else set(writer.facts.notes.get(_NOT_READ_AGAIN, ()))
        writer.note(**{_NOT_READ_AGAIN: sorted(left_out_before | self._left_out)})

    def stop(self) -> None:
        """Stop: nothing more is asked for, and requests that are under way are not waited for."""
        for reread in self._under_way:
            reread.stop()


def _is_due(action: Unsettled, now: int) -> bool:
    is_old = action.started_at is None or now - action.started_at >= _LONG_OPEN_S
    return not is_old or now - action.observed_at >= _LONG_OPEN_EACH_S
