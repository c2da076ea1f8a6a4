"""
The simulated account in a process of its own, so that serving it takes no time from the client that is measured.

Served *ready made*, each response is made once, and from then on sent as the same bytes: the account's own work, which
is several times that of a client, is out of the figures. Run as a script, it serves until its input ends: nothing stays
behind if the benchmark is killed.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import contextmanager
from email.utils import formatdate
from typing import TYPE_CHECKING

from doaudit.demo import DEMO_TOKEN, app, company_world, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from doaudit.demo import World

__all__ = ["served_elsewhere"]

_NO_LIMIT = 1_000_000
_ACTIONS = 52_292
_END = b"\r\n\r\n"


@contextmanager
def served_elsewhere(latency_s: float, *, actions: int = _ACTIONS, ready_made: bool = False) -> Iterator[str]:
    """
    Serve the simulated account from another process, each answer *latency_s* seconds late; gives its base URL.

    Served ready made, nothing changes in it, and equal seconds do not change places.
    """
    command = [sys.executable, __file__, str(latency_s), str(actions), *(["ready-made"] if ready_made else [])]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("The process that should serve the simulated account ended before it served anything.")
        try:
            yield url
        finally:
            process.stdin.close()


class _ReadyMade(asyncio.Protocol):
    """One connection, which is kept: a GET on it is answered with bytes that were made when it was first asked."""

    made: dict[str, bytes] = {}  # noqa: RUF012 -- shared by all connections

    def __init__(self, account: FlaskClient, world: World, latency_s: float) -> None:
        self._account, self._world, self._latency_s = account, world, latency_s
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where to answer."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request that has come whole; a GET has no body."""
        *requests, self._received = (self._received + data).split(_END)
        for request in requests:
            path = request.split(b" ", 2)[1].decode()
            asyncio.get_running_loop().call_later(self._latency_s, self._answer, path)

    def _answer(self, path: str) -> None:
        if path not in self.made:
            response = self._account.get(path, headers={"Authorization": f"Bearer {DEMO_TOKEN}"})
            kept = [f"{name}: {value}" for name, value in response.headers if name.lower() != "date"]
            self.made[path] = "\r\n".join([f"HTTP/1.1 {response.status}", *kept]).encode() + _END + response.data
        # The client tells the time by the header, so this one is as of now.
        status, _, rest = self.made[path].partition(b"\r\n")
        date = formatdate(self._world.now, usegmt=True)
        self._transport.write(status + f"\r\ndate: {date}\r\n".encode() + rest)


async def _serve_ready_made(world: World, latency_s: float) -> None:
    account, loop = app(world).test_client(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: _ReadyMade(account, world, latency_s), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def _main() -> None:
    latency_s, world = float(sys.argv[1]), company_world(actions=int(sys.argv[2]))
    world.limits.hourly = _NO_LIMIT  # the contenders share a token and together pass its 5,000 requests an hour
    if sys.argv[3:]:
        world.log.tie_shuffle = 0.0
        world.clock.follow(time.monotonic, 1.0)
        asyncio.run(_serve_ready_made(world, latency_s))
        return
    with serve(world, latency_s=latency_s) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main()
