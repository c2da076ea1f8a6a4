"""A client of the simulated account whose waits take no time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from pathlib import Path

from doaudit.api.client import Client
from doaudit.demo import serve
from doaudit.demo.world.records import Action

START = 1_795_435_200  # when the simulated account's clock starts
ROOT = Path(__file__).parents[2]


class Hourglass:
    """A clock on which a wait is over at once; it adds up the seconds that were waited."""

    def __init__(self, start: float = START) -> None:
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


def finished_actions(count: int, **facts) -> list[Action]:
    """Return reboots that have ended, a minute apart."""
    first = START - 60 * count - 600
    return [
        Action(
            **{"id": 100 + n, "type": "reboot", "started_at": first + 60 * n, "ends_at": first + 60 * n + 5, **facts}
        )
        for n in range(count)
    ]


@contextmanager
def reading(world, **options):
    """Serve a simulated account, and yield a client of it."""
    with serve(world, speed=0) as server:
        client = Client(server.token, server.url, clock=options.pop("clock", Hourglass()), **options)
        try:
            yield client
        finally:
            client.close()
