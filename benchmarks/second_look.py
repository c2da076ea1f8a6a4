"""The local history: what a second look costs, and how fast the store is."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from account_process import served_elsewhere
from large_accounts import enlarged, simulated_actions
from measuring import Finding, at_most, best_of, seconds

from doaudit.actions import Record
from doaudit.api.client import Client
from doaudit.demo import DEMO_TOKEN
from doaudit.history.refresh import refresh
from doaudit.history.store import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure"]

_ROWS = 1_000_000
_READ_AT = 1_795_435_200


def measure(*, quick: bool) -> Iterator[Finding]:
    """A refresh of an up-to-date history against the first; reading and writing a million actions."""
    with tempfile.TemporaryDirectory() as folder:
        with served_elsewhere(0.1) as url:
            client, store = Client(DEMO_TOKEN, url), open_store(Path(folder, "one.duckdb"), "one")
            first_s, first = best_of(1, lambda: refresh(client, store))
            again_s, again = best_of(1 if quick else 3, lambda: refresh(client, store))
            client.close()
        yield Finding(
            "second refresh, 52,292 actions, 100 ms a request",
            f"{seconds(again_s)}, {again.requests} requests",
            f"the first: {seconds(first_s)}, {first.requests} requests",
            f"{first_s / again_s:.1f} x faster",
        )
        if not quick:
            yield from _a_million(Path(folder, "large.duckdb"))


def _a_million(path: Path) -> Iterator[Finding]:
    store, actions = open_store(path, "large"), enlarged(simulated_actions(), _ROWS)
    store.upsert(_records(actions), [_READ_AT] * len(actions))
    read_s, frame = best_of(3, store.read)
    yield Finding(f"read {len(frame):,} stored actions", seconds(read_s), "", "", *at_most(read_s, 1, "s"))
    bytes_a_row = frame.memory_usage(deep=True).sum() / len(frame)
    yield Finding("their memory", f"{bytes_a_row:.1f} bytes a row", "", "", *at_most(bytes_a_row, 64, "bytes"))
    page = _records(actions.head(2000))
    upsert_s, _ = best_of(3, lambda: store.upsert(page, [_READ_AT + 1] * len(page)))
    yield Finding("upsert 2,000 of them", seconds(upsert_s), "", "")


def _records(actions) -> list[Record]:  # noqa: ANN001 -- an actions frame
    told = actions[["id", "status", "type", "started_at", "completed_at", "resource_id", "resource_type", "region"]]
    columns = [told[name].astype(object).where(told[name].notna(), None) for name in told.columns]
    for at in (3, 4):
        columns[at] = [None if value is None else value.isoformat() for value in columns[at]]
    return [Record(*values[:7], None, values[7]) for values in zip(*columns, strict=True)]
