"""A client of the simulated account whose waits take no time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

from doaudit.api.client import Client
from doaudit.demo import serve

ROOT = Path(__file__).parents[2]


class Hourglass:
    """A clock on which a wait is over at once; it adds up the seconds that were waited."""

    def __init__(self, start: float = 1_795_435_200) -> None:
        self.time, self.waited = start, 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        """Return the time in Unix seconds."""
        return self.time

    def elapsed(self) -> float:
        """Return seconds since some moment."""
        return self.time

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Let the time pass at once, unless *stop* is set; return whether it is."""
        if stop is not None and stop.is_set():
            return True
        with self._lock:
            self.time += seconds
            self.waited += seconds
        return False


@contextmanager
def reading(world, **options):
    """Serve a simulated account, and yield a client of it."""
    with serve(world, speed=0) as server:
        client = Client(server.token, server.url, clock=options.pop("clock", Hourglass()), **options)
        try:
            yield client
        finally:
            client.close()
