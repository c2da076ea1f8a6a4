"""
A small HTTP/1.1 server for a WSGI app, on this machine only.

Werkzeug's own server closes the connection after each response. Clients of the real API keep theirs open, so this
server does too.
"""

from __future__ import annotations

import io
import os
import selectors
import socket
import threading
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, get_sockaddr, make_server, select_address_family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import WSGIApplication

__all__ = ["WAIT_FOR_DISCONNECT", "LoopbackServer", "listen"]

WAIT_FOR_DISCONNECT = "doaudit.wait_for_disconnect"
"""The key in the WSGI environment of a function that waits some seconds and returns whether the client hung up."""


def listen(host: str, port: int) -> socket.socket:
    """
    Return a socket that listens on a port of this machine.

    Args:
        host: A loopback address or name.
        port: A port, or 0 for any free one.

    Raises:
        ValueError: *host* can be reached from other machines.
        OSError: The port is taken, or may not be used.
    """
    family = select_address_family(host, port)
    address = get_sockaddr(host, port, family)
    name = str(address[0])
    if name != "::1" and not name.startswith("127."):
        raise ValueError(
            f"The simulated account is served on this machine only, and {host} can be reached from others. "
            "Use host='127.0.0.1'; to reach it from elsewhere, forward the port, for example with ssh -L."
        )
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(128)
    except (OSError, OverflowError) as problem:
        listening.close()
        raise OSError(
            f"The simulated account could not be served on port {port} of {host}: {problem}. Perhaps another program "
            "(or another simulated account) is using it; stop that one, or choose another port, 0 for any free one."
        ) from problem
    return listening


class LoopbackServer:
    """
    A server that runs a WSGI app on a listening socket, in threads of its own, until it is stopped.

    Args:
        app: The app.
        listening: The socket. It is closed when the server stops.

    Attributes:
        port: The port it listens on.
    """

    def __init__(self, app: WSGIApplication, listening: socket.socket) -> None:
        host, self.port = listening.getsockname()[:2]
        self._listening = listening
        self._server = make_server(host, self.port, app, threaded=True, request_handler=_Handler, fd=listening.fileno())
        self._connections: set[socket.socket] = set()
        self._server.connections = self._connections  # type: ignore[attr-defined]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="doaudit-demo", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop serving, and cut all open connections."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._listening.close()
        for connection in list(self._connections):
            _cut(connection)


class _Handler(WSGIRequestHandler):
    """The handler of one connection: serves request after request until either side closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else every second response waits 40 ms for an acknowledgement
    server: BaseWSGIServer

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)  # type: ignore[attr-defined]

    def finish(self) -> None:
        self.server.connections.discard(self.connection)  # type: ignore[attr-defined]
        super().finish()

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        # A part of the body that the app leaves unread would be taken for the next request, so all of it is read first.
        environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0)))
        environ[WAIT_FOR_DISCONNECT] = self._wait_for_disconnect
        started: list[tuple[str, list[tuple[str, str]]]] = []
        written: list[bytes] = []
        parts: Iterable[bytes] = ()

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: object = None
        ) -> Callable[[bytes], object]:
            del exc_info
            started.append((status, headers))
            return written.append

        try:
            parts = self.server.app(environ, start_response)
            rest = iter(parts)
            first = next(rest, b"")  # an app may call start_response only here
            self._send(*started[-1], chain([b"".join(written) + first], rest))
        except ConnectionError:
            self.close_connection = True
            _cut(self.connection)
        finally:
            if hasattr(parts, "close"):
                parts.close()

    def _send(self, status: str, headers: list[tuple[str, str]], parts: Iterable[bytes]) -> None:
        """Send a response part by part, each as soon as it is available, the first together with the headers."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head, sent = f"HTTP/1.1 {status}\r\n{lines}\r\n".encode("latin-1"), 0
        for part in parts:
            self.wfile.write(head + part)
            head, sent = b"", sent + len(part)
        promised = next((int(value) for name, value in headers if name.lower() == "content-length"), sent)
        if promised > sent and self.command != "HEAD":
            raise ConnectionAbortedError("The response was cut short.")

    def _wait_for_disconnect(self, seconds: float) -> bool:
        """Wait *seconds*, or until either side closes the connection; return whether it was closed."""
        # The end of a connection makes it readable. So would a next request, but no client of ours sends one before it
        # has the response to the last.
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 -- the name is the parent's
        """Log nothing: an access log would fill the output of a notebook."""


def _cut(connection: socket.socket) -> None:
    """Close a connection in both directions."""
    with suppress(OSError):  # the other side may have closed it first
        connection.shutdown(socket.SHUT_RDWR)
