"""A few threads that fetch one thing after the other, and one thread that hears of it."""

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
_GLANCE_S = 0.2  # how long a wait for an answer goes on before Ctrl-C gets a chance, on any system


@dataclass(frozen=True)
class Fetch(Generic[K]):
    """A GET to be sent; `key` is what the answer is known by."""

    key: K
    path: str
    query: Mapping[str, int | str] = field(default_factory=dict)


class WorkerPool(Generic[K, T]):
    """
    Fetches orders concurrently and hands over the answers in the order in which they come.

    Its threads are daemons, unlike those of concurrent.futures: after Ctrl-C nobody waits for an answer under way.

    Args:
        client: whom to ask.
        parse: what to make of an answer.
        size: requests under way at once.
        when_absent: what to make of a 404; without it, a 404 is an error.
    """

    def __init__(
        self, client: Client, parse: Callable[[Response], T], size: int, *, when_absent: Callable[[], T] | None = None
    ) -> None:
        self._client, self._parse, self._size, self._when_absent = client, parse, size, when_absent
        self._stop = threading.Event()
        self._orders: queue.SimpleQueue[Fetch[K] | None] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[tuple[K, T] | Pause | Exception] = queue.SimpleQueue()
        self._threads = 0

    def submit(self, fetches: Sequence[Fetch[K]]) -> None:
        """Let these be fetched; each will be one answer."""
        for submit in fetches:
            self._orders.put(submit)
        for _ in range(self._threads, min(self._size, len(fetches))):
            threading.Thread(target=self._work, name="doaudit-fetch", daemon=True).start()
            self._threads += 1

    def next_result(self, on_pause: Callable[[Pause], None]) -> tuple[K, T]:
        """
        Wait for an answer; *on_pause* is told, on this thread, of each wait of a request.

        Raises:
            ApiProblem: a request failed for good.
        """
        while True:
            try:
                news = self._news.get(timeout=_GLANCE_S)
            except queue.Empty:
                continue
            if isinstance(news, Exception):
                raise news
            if isinstance(news, Pause):
                on_pause(news)
            else:
                return news

    def drain(self) -> Iterator[tuple[K, T]]:
        """Answers that came in beside the one that failed."""
        while not self._news.empty():
            news = self._news.get()
            if isinstance(news, tuple):
                yield news

    def shutdown(self) -> None:
        """Stop: what waits gives up, what is under way is not waited for."""
        self._stop.set()
        for _ in range(self._threads):
            self._orders.put(None)

    def _work(self) -> None:
        while (submit := self._orders.get()) is not None and not self._stop.is_set():
            try:
                answer = self._client.get(
                    submit.path, submit.query, parse=self._parse, stop=self._stop, on_pause=self._news.put
                )
            except Stopped:
                return
            except Exception as fault:  # noqa: BLE001 -- whatever it is, the caller's thread must hear of it
                if self._when_absent is None or not isinstance(fault, NotFound):
                    self._news.put(fault)
                    return
                answer = self._when_absent()
            self._news.put((submit.key, answer))
