"""Reading of single actions again by their ids, beside other requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.api.listing import ActionsReread, Progress
from doaudit.api.page_body import parse_single
from doaudit.api.worker_pool import Fetch, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from doaudit.api.client import Client
    from doaudit.api.retry import Pause
    from doaudit.records import Record

__all__ = ["Reread"]

_PATH = "/v2/actions"
_IN_FLIGHT = 8


class Reread:
    """
    Single actions that are read again, by the address that tells when they completed; begun at once.

    Args:
        client: the account.
        ids: of the actions.
    """

    def __init__(self, client: Client, ids: Iterable[int]) -> None:
        self._fetches = [Fetch(action_id, f"{_PATH}/{action_id}") for action_id in ids]
        self._pool: WorkerPool[int, tuple[Record, int] | None] = WorkerPool(
            client, parse_single, _IN_FLIGHT, when_absent=lambda: None
        )
        self._pool.submit(self._fetches)

    def results(self, on_progress: Callable[[Progress], None] = lambda _: None) -> ActionsReread:
        """
        Wait for all of them, and return them.

        Args:
            on_progress: called on this thread after each response and before each wait to retry.

        Raises:
            ApiProblem: one of them could not be read, for another reason than that it is not there.
        """
        results: dict[int, tuple[Record, int] | None] = {}

        def report(pause: Pause | None = None) -> None:
            on_progress(Progress(len(results), len(self._fetches), len(results), len(self._fetches), pause))

        try:
            for _ in self._fetches:
                action_id, result = self._pool.next_result(report)
                results[action_id] = result
                report()
        finally:
            self.stop()
        found = [result for result in results.values() if result is not None]
        not_found = frozenset(action_id for action_id, result in results.items() if result is None)
        return ActionsReread(tuple(record for record, _ in found), tuple(date for _, date in found), not_found)

    def stop(self) -> None:
        """Stop: nothing more is asked for, and requests that are under way are not waited for."""
        self._pool.shutdown()
