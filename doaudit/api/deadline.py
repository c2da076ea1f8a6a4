"""
A time limit for a whole request: connecting, the TLS handshake, a proxy's tunnel, the headers and the body together.

The time-outs of `requests` limit each wait for the next bytes, so a response that trickles never ends. Here a watchdog
thread shuts down the sockets of a request whose time is up, and every wait for them ends at once. What `requests` makes
of that depends on the moment, and may be a 200 with an empty body, so the caller asks `Watch.was_cut` in the end.
"""

from __future__ import annotations

import http.client
import os
import socket
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from urllib3._base_connection import BaseHTTPConnection
    from urllib3.poolmanager import PoolManager

__all__ = ["THREAD_NAME", "DeadlineAdapter", "Watch", "Watchdog"]

THREAD_NAME = "doaudit-deadline"
Manager = TypeVar("Manager", bound="PoolManager")
_this_thread = threading.local()


class Watch:
    """
    One request under way: the sockets it uses, and whether they were cut because its time was up.

    Attributes:
        expires: when its time is up, in seconds of the monotonic clock.
        was_cut: whether its sockets were shut down; final once the request has ended.
    """

    def __init__(self, expires: float) -> None:
        self.expires = expires
        self.was_cut = False
        self._ended = False
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()

    def hold(self, used: socket.socket) -> None:
        """Cut this socket, too, when the time is up; at once, if it is."""
        # A duplicate: during a TLS handshake the given socket is already emptied, and the one that takes its place not
        # yet there. Shutting down either ends the connection itself. For that, family and type do not matter.
        copy = socket.fromfd(used.fileno(), socket.AF_INET, socket.SOCK_STREAM)
        with self._lock:
            self._sockets.append(copy)
            if self.was_cut:
                _shut_down(copy)

    def cut(self) -> None:
        """Shut the sockets down, unless the request has ended."""
        with self._lock:
            if not self._ended:
                self.was_cut = True
                for held in self._sockets:
                    _shut_down(held)

    def end(self) -> bool:
        """Release the sockets: from now on they are not cut. Return whether none was cut before."""
        with self._lock:
            self._ended = True
            while self._sockets:
                self._sockets.pop().close()
            return not self.was_cut


class Watchdog:
    """
    A thread that cuts each request that takes longer than *seconds*; it starts with the first request.

    It measures real time, whatever clock the rest goes by: sockets live in real time.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._forget()

    def __len__(self) -> int:
        """Return how many requests are under way."""
        return len(self._watches)

    @contextmanager
    def watching(self) -> Iterator[Watch]:
        """Watch one request: connections that this thread uses within the `with` block are cut when its time is up."""
        watch, outer = Watch(float("inf")), getattr(_this_thread, "watch", None)
        try:
            self._add(watch)
            _this_thread.watch = watch
            yield watch
        finally:
            _this_thread.watch = outer
            watch.end()
            with self._changed, suppress(ValueError):  # the watchdog has removed it if it was cut
                self._watches.remove(watch)

    def close(self) -> None:
        """End the thread once nothing is under way; a later request starts another."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._watches: deque[Watch] = deque()  # in the order in which they expire, since all have the same time
        self._thread: threading.Thread | None = None
        self._closed = False

    def _add(self, watch: Watch) -> None:
        if self._process != os.getpid():
            # After a fork the parent's thread and requests are not here, and its lock may be held for ever.
            for watch_of_parent in self._watches:
                watch_of_parent.end()
            self._forget()
        with self._changed:
            watch.expires = time.monotonic() + self.seconds
            self._watches.append(watch)
            self._closed = False
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=THREAD_NAME, daemon=True)
                # While Python shuts down no thread can be started. A request then (power for a droplet left off)
                # matters more than its time limit; the time-outs of each wait remain.
                with suppress(RuntimeError):
                    self._thread.start()

    def _run(self) -> None:
        with self._changed:
            while self._watches or not self._closed:
                # Nobody has to wake this thread for a new request: it expires later than any wait that has begun.
                left = self._watches[0].expires - time.monotonic() if self._watches else self.seconds
                if left > 0:
                    self._changed.wait(left)
                else:
                    self._watches.popleft().cut()
            self._thread = None


class DeadlineAdapter(HTTPAdapter):
    """An adapter whose connections, direct or through a proxy, are cut by the watchdog of the request."""

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:  # noqa: FBT001, FBT002, ANN401 -- the parent's
        """Create the pools of direct connections."""
        super().init_poolmanager(connections, maxsize, block, **options)
        self.poolmanager = _with_watched_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401 -- the parent's
        """Create or find the pools of connections through a proxy."""
        return _with_watched_pools(super().proxy_manager_for(proxy, **options))


class _Response(http.client.HTTPResponse):
    def begin(self) -> None:
        super().begin()
        self.msg.set_payload("")  # what is no header; urllib3 would log it, and it may be the token, sent back

    def _safe_read(self, amt: int) -> bytes:
        if amt < 0:  # urllib3 takes -1 for the size of a chunk, and would read all that comes, however much
            raise http.client.IncompleteRead(b"")
        return super()._safe_read(amt)  # type: ignore[misc, no-any-return]


class _WatchedConnection(HTTPConnection):
    response_class = _Response
    debuglevel = 0  # http.client would print each request, with the token

    def _new_conn(self) -> socket.socket:
        # Called before the tunnel and the handshake, which are to be cut as well.
        made = super()._new_conn()
        try:
            _hold(made)
        except BaseException:
            made.close()
            raise
        return made

    def request(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 -- the parent's
        if self.sock is not None:
            _hold(self.sock)
        super().request(*arguments, **options)


class _WatchedPool(HTTPConnectionPool):
    def _put_conn(self, conn: BaseHTTPConnection | None) -> None:
        # From here on another request may use the connection, so this one's deadline must not be able to cut it.
        watch = getattr(_this_thread, "watch", None)
        if conn is not None and watch is not None and not watch.end():
            conn.close()
        super()._put_conn(conn)


def _with_watched_pools(manager: Manager) -> Manager:
    manager.pool_classes_by_scheme = {scheme: _watched(kind) for scheme, kind in manager.pool_classes_by_scheme.items()}
    return manager


@cache
def _watched(kind: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    # A subclass of the given kind: it differs for https, http and SOCKS.
    if issubclass(kind, _WatchedPool):
        return kind
    connection = type("WatchedConnection", (_WatchedConnection, kind.ConnectionCls), {})
    return cast("type[HTTPConnectionPool]", type("WatchedPool", (_WatchedPool, kind), {"ConnectionCls": connection}))


def _hold(used: socket.socket) -> None:
    watch = getattr(_this_thread, "watch", None)
    if watch is not None:
        watch.hold(used)


def _shut_down(held: socket.socket) -> None:
    with suppress(OSError):  # the other side may have been faster
        held.shutdown(socket.SHUT_RDWR)
