"""An account that sees which requests are under way at the same time."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from served import Hourglass

from doaudit.api.client import Client
from doaudit.demo import DEMO_TOKEN, app
from doaudit.demo.http.loopback import LoopbackServer, listen


class Concurrency:
    """
    An account that counts the requests under way.

    Attributes:
        most: requests under way at once, at most.
        meets: called with the path and the query of each request before it is answered.
    """

    def __init__(self, world, meets=lambda _: None) -> None:
        self._app, self.meets = app(world), meets
        self._lock, self._now, self.most = threading.Lock(), 0, 0

    def __call__(self, environ, start_response):
        """Answer a request, as WSGI has it."""
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            self.meets(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
            return self._app(environ, start_response)
        finally:
            with self._lock:
                self._now -= 1


@contextmanager
def reading_at_once(account):
    """Serve an account, and yield a client of it."""
    server = LoopbackServer(account, listen("127.0.0.1", 0))
    client = Client(DEMO_TOKEN, f"http://127.0.0.1:{server.port}", clock=Hourglass())
    try:
        yield client
    finally:
        client.close()
        server.stop()
