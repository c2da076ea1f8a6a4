"""A server on this machine that sends scripted bytes, however wrong they are as HTTP."""

from __future__ import annotations

import json
import socket
import threading
import zlib
from contextlib import contextmanager, suppress
from itertools import chain, repeat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

    Step = bytes | float | Callable[[], object] | None  # what to send, how long to wait, what to do, HANG_UP
    Script = Callable[[], Iterable[Step]]

__all__ = ["HANG_UP", "HostileServer", "chunk", "compressed", "good", "head", "hostile_server", "trickled"]

HANG_UP = None
BODY = json.dumps({"actions": [], "links": {}, "meta": {"total": 0}}).encode()


def head(*lines: str, status: str = "200 OK") -> bytes:
    """Return the status line and headers of a JSON response."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: application/json", *lines, "", ""]).encode("latin-1")


def good(body: bytes = BODY, *lines: str, status: str = "200 OK") -> bytes:
    """Return a valid response."""
    return head(f"Content-Length: {len(body)}", *lines, status=status) + body


def chunk(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def trickled(start: bytes, rest: Iterable[bytes] = repeat(b" "), pause_s: float = 0.02) -> Script:
    """Return a script that sends a start at once and then one piece after the other, as long as anybody listens."""
    return lambda: chain([start], chain.from_iterable((pause_s, piece) for piece in rest))


def compressed(data: bytes, pieces: int, *, wbits: int = 31) -> Iterator[bytes]:
    """Return the gzip (31) or deflate (15) stream of so many times the same data, without its end."""
    stream = zlib.compressobj(9, wbits=wbits)
    begin = stream.compress(data) + stream.flush(zlib.Z_FULL_FLUSH)
    again = stream.compress(data) + stream.flush(zlib.Z_FULL_FLUSH)
    return chain([begin], repeat(again, pieces - 1))


class HostileServer:
    """
    A server that sends the first script in response to the first request, and so on, and then the last one for ever.

    Args:
        scripts: the responses, step by step.
        tls: the context to encrypt with, if it does.
        tunnel: as a proxy, the response to the CONNECT before the requests.

    Attributes:
        port: its port on 127.0.0.1.
        connections: connections accepted.
        requests: the heads of the requests, in the order in which they came.
        tunnelled: as a proxy, the first line of each request for a tunnel; all of it if the token came in it.
    """

    def __init__(
        self, scripts: Iterable[Script], *, tls: ssl.SSLContext | None = None, tunnel: Script | None = None
    ) -> None:
        self._scripts = list(scripts)
        self._tls, self._tunnel = tls, tunnel
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.connections, self.requests, self.tunnelled = 0, [], []
        self._start(self._accept)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        """Cut every connection and end every thread."""
        self._stop.set()
        socket.create_connection(("127.0.0.1", self.port)).close()  # wakes the accepting thread, on every system
        self._threads[0].join()
        self._listening.close()
        for connection in self._open:
            with suppress(OSError):
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            if self._stop.is_set():
                connection.close()
                return
            self.connections += 1
            self._open.append(connection)
            self._start(self._converse, connection)

    def _converse(self, connection: socket.socket) -> None:
        try:
            if self._tunnel is not None:
                self._play(connection, self._tunnel)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
            while self._play(connection, None):
                pass
        except OSError:
            pass  # the client has hung up, or the test is over
        finally:
            connection.close()

    def _play(self, connection: socket.socket, script: Script | None) -> bool:
        request = _request_head(connection)
        if request is None:
            return False
        if script is not None:
            self.tunnelled.append(request.split(b"\r\n")[0] if b"uthorization" not in request else request)
        if script is None:
            with self._lock:
                script = self._scripts[min(len(self.requests), len(self._scripts) - 1)]
                self.requests.append(request)
        for step in script():
            if step is HANG_UP or self._stop.is_set():
                return False
            if callable(step):
                step()
            elif isinstance(step, float):
                self._stop.wait(step)
            else:
                connection.sendall(step)
        return True


@contextmanager
def hostile_server(*scripts: Script | bytes, **options: object) -> Iterator[HostileServer]:
    """Run a server of scripts or responses; by default it accepts a request and sends nothing."""
    responses = [script if callable(script) else (lambda response=script: [response]) for script in scripts]
    server = HostileServer(responses or [list], **options)
    try:
        yield server
    finally:
        server.close()


def _request_head(connection: socket.socket) -> bytes | None:
    received = b""
    while b"\r\n\r\n" not in received:
        more = connection.recv(65536)
        if not more:
            return None
        received += more
    start, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in start.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return start
