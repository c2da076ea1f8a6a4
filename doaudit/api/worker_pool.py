"""A thread pool that sends GETs, and whose results are consumed by the calling thread."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from doaudit.api.client import Stopped
from doaudit.api.retry import Pause
from doaudit.errors import ApiProblem, NotFound

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
        parse: reads the response, in place of the pool's own function.
    """

    key: K
    path: str
    query: Mapping[str, int | str] = field(default_factory=dict)
    parse: Callable[[Response], Any] | None = None


class WorkerPool(Generic[K, T]):
    """
    A thread pool that sends GETs concurrently and hands over the results in the order in which they come.

    Its threads are daemons, unlike those of concurrent.futures: after Ctrl-C nobody waits for a response under way.

    Args:
        client: the account.
        parse: reads a response.
        size: requests under way at once.
        when_absent: returns the result of a 404; without it, a 404 is an error.
        when_failed: returns the result of a request that failed for good; without it, that is an error of all.
        stop: ends the pool when another thread sets it, and is the caller's to set; by default one of its own.

    Attributes:
        size: as above.
    """

    def __init__(
        self,
        client: Client,
        parse: Callable[[Response], T],
        size: int,
        *,
        when_absent: Callable[[], T] | None = None,
        when_failed: Callable[[ApiProblem], T] | None = None,
        stop: threading.Event | None = None,
    ) -> None:
        self._client, self._parse, self.size = client, parse, size
        self._when_absent, self._when_failed = when_absent, when_failed
        self._stop, self._is_own_stop = stop or threading.Event(), stop is None
        self._fetches: queue.SimpleQueue[Fetch[K] | None] = queue.SimpleQueue()
        self._events: queue.SimpleQueue[tuple[K, T] | Pause | Exception] = queue.SimpleQueue()
        self._threads = 0

    def submit(self, fetches: Sequence[Fetch[K]]) -> None:
        """Queue requests; each will have one result."""
        for fetch in fetches:
            self._fetches.put(fetch)
        for _ in range(self._threads, min(self.size, len(fetches))):
            threading.Thread(target=self._work, name="doaudit-fetch", daemon=True).start()
            self._threads += 1

    def next_result(self, on_pause: Callable[[Pause], None]) -> tuple[K, T]:
        """
        Wait for a result, and return it with its key; *on_pause* is called, on this thread, before each wait to retry.

        Raises:
            ApiProblem: a request failed for good.
            Stopped: another thread stopped the pool, or all reads that the client shares bounds with.
        """
        while True:
            try:
                event = self._events.get(timeout=_POLL_S)
            except queue.Empty:
                if self._stop.is_set() or self._client.is_stopped:
                    raise Stopped from None
                continue
            if isinstance(event, Exception):
                raise event
            if isinstance(event, Pause):
                on_pause(event)
            else:
                return event

    def withdraw(self, unwanted: Callable[[K], bool] = lambda _: True) -> int:
        """Take back the requests that no thread has begun yet, all or those with an unwanted key; return how many."""
        waiting = []
        with suppress(queue.Empty):
            while True:
                waiting.append(self._fetches.get_nowait())
        kept = [fetch for fetch in waiting if fetch is not None and not unwanted(fetch.key)]
        for fetch in kept:
            self._fetches.put(fetch)
        return len(waiting) - len(kept)

    def drain(self) -> Iterator[tuple[K, T]]:
        """Yield the results that have come in beside the failure and were not consumed."""
        while not self._events.empty():
            event = self._events.get()
            if isinstance(event, tuple):
                yield event

    def shutdown(self) -> None:
        """Stop: requests that wait are not sent, and those under way are not waited for."""
        if self._is_own_stop:
            self._stop.set()
        self.withdraw()
        for _ in range(self._threads):
            self._fetches.put(None)

    def _work(self) -> None:
        while (fetch := self._fetches.get()) is not None and not self._stop.is_set():
            try:
                parse = fetch.parse or self._parse
                result = self._client.get(
                    fetch.path, fetch.query, parse=parse, stop=self._stop, on_pause=self._events.put
                )
            except Stopped:
                return
            except Exception as fault:  # noqa: BLE001 -- whatever it is, it is raised again on the calling thread
                if self._when_absent is not None and isinstance(fault, NotFound):
                    result = self._when_absent()
                elif self._when_failed is not None and isinstance(fault, ApiProblem):
                    result = self._when_failed(fault)
                else:
                    self._events.put(fault)
                    return
            self._events.put((fetch.key, result))
