"""A list of actions that changes while it is read: rows arrive, rows leave, and answers are odd; over real HTTP."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from served import Hourglass

from doaudit.api.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["START", "ChangingList", "reading_list", "row"]

START = 1_795_000_000


def row(number: int, second: int | None = None, **fields: object) -> dict[str, object]:
    """Return an action that has ended; by default the one of the n-th minute."""
    at = START + (60 * number if second is None else second)
    moment = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": 1000 + number, "status": "completed", "type": "reboot", "started_at": moment} | {
        "completed_at": moment,
        "resource_id": 1,
        "resource_type": "droplet",
        "region_slug": "fra1",
        **fields,
    }


class ChangingList:
    """
    A list of actions, and what happens to it just before the k-th request for it.

    Args:
        rows: oldest first; a text is sent as it is, an escaped surrogate in it as its byte.
        changes: what happens, by k; the first request is number 1.

    Attributes:
        rows, changes: as above.
        requests: the pages that were asked for, as (page, per_page).
        ignores_page: whether each page is answered with the first one.
        total_of: makes the total that is told out of the true one.
        as_text: makes the body out of the rows of a page (as JSON texts) and the total.
        encoding: of the body.
        fails_at: the number of the request from which on there is no page.
        looked_at: the ids that were listed when page 1 was last asked for.
        sent: the ids on the pages that were answered.
        most: the largest total that was told.
    """

    def __init__(self, rows: list[Any], changes: dict[int, Callable[[ChangingList], object]] | None = None) -> None:
        self.rows, self.changes = list(rows), changes or {}
        self.requests: list[tuple[int, int]] = []
        self.ignores_page = False
        self.total_of: Callable[[int], int] = lambda total: total
        self.as_text: Callable[[list[str], int], str] = _plain
        self.encoding = "utf-8"
        self.fails_at: int | None = None
        self.looked_at: set[int] = set()
        self.sent: set[int] = set()
        self.most = 0
        self._next = len(rows)
        self._lock = threading.Lock()

    @property
    def ids(self) -> set[int]:
        """The ids that are listed now."""
        return _ids(self.rows)

    def arrive(self, count: int) -> None:
        """Add rows in front."""
        for _ in range(count):
            self.rows.append(row(self._next))
            self._next += 1

    def leave(self, *positions: int) -> None:
        """Remove rows, by their place from the oldest on; places beyond the end are taken round and round."""
        for position in positions:
            if self.rows:
                del self.rows[position % len(self.rows)]

    def answer(self, page: int, per_page: int) -> bytes:
        """Return the body of a page."""
        with self._lock:
            self.requests.append((page, per_page))
            if self.fails_at is not None and len(self.requests) >= self.fails_at:
                return b"no page"
            self.changes.get(len(self.requests), lambda _: None)(self)
            begin = 0 if self.ignores_page else (page - 1) * per_page
            shown = self.rows[::-1][begin : begin + per_page]
            self.sent |= _ids(shown)
            texts = [each if isinstance(each, str) else json.dumps(each) for each in shown]
            total = self.total_of(len(self.rows))
            self.most = max(self.most, total)
            if page == 1:
                self.looked_at = self.ids
            return self.as_text(texts, total).encode(self.encoding, "surrogateescape")


def _ids(rows: list[Any]) -> set[int]:
    return {each["id"] for each in rows if isinstance(each, dict) and isinstance(each["id"], int)}


def _plain(texts: list[str], total: int) -> str:
    return f'{{"actions": [{", ".join(texts)}], "links": {{}}, "meta": {{"total": {total}}}}}'


@contextmanager
def reading_list(changing: ChangingList, **options: object) -> Iterator[Client]:
    """Serve a list, and yield a client of it whose waits take no time."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # otherwise each response waits 40 ms for an acknowledgement
        wbufsize = -1

        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            body = changing.answer(int(query["page"][0]), int(query["per_page"][0]))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    client = Client("a" * 64, f"http://127.0.0.1:{server.server_port}", clock=Hourglass(), **options)
    try:
        yield client
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        thread.join()
