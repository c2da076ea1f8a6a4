"""
A server of the newest actions of a history file, however long the history is.

Run as a script, it prints its address and serves until its input ends. `/v2/actions` is answered out of the newest few
thousand rows, with the total of all; `/v2/actions/ID` out of the same; the lists of resources are empty.
`/new/2000` puts its clock on by an hour, and adds 2,000 finished actions of that hour in front.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import duckdb
from large_histories import ACCOUNT, NEWEST_FIRST, READ_AT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["served_list"]

_KEPT, _HOUR_S = 6_000, 3600
_FIELDS = (
    "id", "status", "type", "started_at", "completed_at", "resource_id", "resource_type", "region_slug",
)  # fmt: skip


@contextmanager
def served_list(path: Path) -> Iterator[str]:
    """Serve the list of a history from another process; gives its base URL."""
    command = [sys.executable, __file__, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("The process that should serve the list of actions ended before it served anything.")
        try:
            yield url
        finally:
            process.stdin.close()


class _List:
    """The newest rows of the list, newest first, and how many there are in all."""

    def __init__(self, path: str) -> None:
        with duckdb.connect(path, read_only=True) as connection:
            rows = connection.execute(NEWEST_FIRST, [_KEPT]).fetchall()
            [(self.total,)] = connection.execute("SELECT count(*) FROM stored.actions").fetchall()
        self.rows = [dict(zip(_FIELDS, row, strict=True)) for row in rows]
        for row in self.rows:
            row |= {name: _moment(row[name]) for name in ("started_at", "completed_at")}
        self._began, self._put_on = time.monotonic(), 0
        self._lock = threading.Lock()

    def now(self) -> float:
        return READ_AT + 60 + self._put_on + time.monotonic() - self._began

    def add(self, count: int) -> None:
        """Add actions that have started and ended within an hour that has just passed, evenly."""
        with self._lock:
            newest, begin = self.rows[0]["id"], int(self.now())
            self._put_on += _HOUR_S
            moments = [_moment(begin + number * _HOUR_S // count) for number in range(count)]
            like = self.rows[50:150]
            new = [
                {**like[number % len(like)], "id": newest + 1 + number, "status": "completed"}
                | {"started_at": moment, "completed_at": moment}
                for number, moment in enumerate(moments)
            ]
            self.rows = new[::-1] + self.rows
            self.total += count

    def answer(self, address: str) -> tuple[int, object]:
        """The status and the body of an answer."""
        path, query = urlsplit(address).path, parse_qs(urlsplit(address).query)
        if path.startswith("/new/"):
            self.add(int(path.removeprefix("/new/")))
            return 200, {"total": self.total}
        if path == "/v2/account":
            return 200, {"account": {"uuid": ACCOUNT, "email": "somebody@example.com", "status": "active"}}
        if path == "/v2/actions":
            return self._page(int(query.get("page", ["1"])[0]), int(query.get("per_page", ["20"])[0]))
        if path.startswith("/v2/actions/"):
            found = [row for row in self.rows if str(row["id"]) == path.removeprefix("/v2/actions/")]
            return (200, {"action": found[0]}) if found else (404, {"id": "not_found", "message": "no such action"})
        return 200, {path.removeprefix("/v2/").split("/")[0]: [], "links": {}, "meta": {"total": 0}}

    def _page(self, number: int, per_page: int) -> tuple[int, object]:
        with self._lock:
            rows, total = self.rows[(number - 1) * per_page : number * per_page], self.total
        if number * per_page > len(self.rows):
            return 400, {"id": "bad_request", "message": f"Only the newest {len(self.rows)} rows are here."}
        return 200, {"actions": rows, "links": {}, "meta": {"total": total}}


def _moment(second: int | None) -> str | None:
    return None if second is None else datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one packet
    listed: _List

    def do_GET(self) -> None:
        status, body = self.listed.answer(self.path)
        content = json.dumps(body).encode()
        self.send_response_only(status)
        self.send_header("Date", formatdate(self.listed.now(), usegmt=True))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _main() -> None:
    _Handler.listed = _List(sys.argv[1])
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    _main()
