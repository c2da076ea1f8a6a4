"""A thread pool that sends GETs, and whose results are consumed by the calling thread."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from doaudit.api.client import Stopped
from doaudit.api.retry import Pause
from doaudit.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from doaudit.api.client import Client
    from doaudit.api.responses import Response

__all__ = ["Fetch", "WorkerPool"]

K = TypeVar("K")
T = TypeVar("T")
_POLL_S = 0.2  # a wait for a result is broken so often, since on some systems Ctrl-C is noticed only between two waits


@dataclass(frozen=True)
class Fetch(Generic[K]):
    """
    A GET to be sent.

    Attributes:
        key: what its result is known by.
        path, query: the address.
    """

    key: K
    path: str
    query: Mapping[str, int | str] = field(default_factory=dict)


class WorkerPool(Generic[K, T]):
    """
    A thread pool that sends GETs concurrently and hands over the results in the order in which they come.

    Its threads are daemons, unlike those of concurrent.futures: after Ctrl-C nobody waits for a response under way.

    Args:
        client: the account.
        parse: reads a response.
        size: requests under way at once.
        when_absent: returns the result of a 404; without it, a 404 is an error.
    """

    def __init__(
        self, client: Client, parse: Callable[[Response], T], size: int, *, when_absent: Callable[[], T] | None = None
    ) -> None:
        self._client, self._parse, self._size, self._when_absent = client, parse, size, when_absent
        self._stop = threading.Event()
        self._fetches: queue.SimpleQueue[Fetch[K] | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[tuple[K, T] | Pause | Exception] = queue.SimpleQueue()
        self._threads = 0

    def submit(self, fetches: Sequence[Fetch[K]]) -> None:
        """Queue requests; each will have one result."""
        for fetch in fetches:
            self._fetches.put(fetch)
        for _ in range(self._threads, min(self._size, len(fetches))):
            threading.Thread(target=self._work, name="doaudit-fetch", daemon=True).start()
            self._threads += 1

    def next_result(self, on_pause: Callable[[Pause], None]) -> tuple[K, T]:
        """
        Wait for a result, and return it with its key; *on_pause* is called, on this thread, before each wait to retry.

        Raises:
            ApiProblem: a request failed for good.
        """
        while True:
            try:
                event = self._events.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Pause):
                on_pause(event)
            else:
                return event

    def drain(self) -> Iterator[tuple[K, T]]:
        """Yield the results that have come in beside the failure and were not consumed."""
        while not self._events.empty():
            event = self._events.get()
            if isinstance(event, tuple):
                yield event

    def shutdown(self) -> None:
        """Stop: requests that wait are not sent, and those under way are not waited for."""
        self._stop.set()
        for _ in range(self._threads):
            self._fetches.put(None)

    def _work(self) -> None:
        while (fetch := self._fetches.get()) is not None and not self._stop.is_set():
            try:
                result = self._client.get(
                    fetch.path, fetch.query, parse=self._parse, stop=self._stop, on_pause=self._events.put
                )
            except Stopped:
                return
            except Exception as fault:  # noqa: BLE001 -- whatever it is, it is raised again on the calling thread
                if self._when_absent is None or not isinstance(fault, NotFound):
                    self._events.put(fault)
                    return
                result = self._when_absent()
            self._events.put((fetch.key, result))
