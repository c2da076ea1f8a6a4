"""
The first reading of a large account, from nothing to a finished frame, against the usual ways and the wire.

Each answer takes 100 ms, about what a client in another region sees. The whole path is measured: from `connect`, with a
history in a new file, to the frame with the names of resources. The wire is eight threads that download the same pages
and do nothing with them, and the round trips that the names take; beside it stand twelve threads, since doaudit has up
to twelve requests for pages under way. Everything takes turns on the same served account, in a process that has made
its imports.
"""

from __future__ import annotations

import gc
import math
import queue
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pydo
import requests
from account_process import served_elsewhere
from measuring import Finding, at_least, at_most, best_of, seconds

import doaudit.history.account_identity
import doaudit.history.refresh  # noqa: F401 -- otherwise loaded by the first call, within the measured time
from doaudit.connect import connect
from doaudit.demo import DEMO_TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from doaudit.api.listing import Proof

__all__ = ["measure"]

_ACTIONS = 20_003
_PER_PAGE = 200
_THREADS = (8, 12)  # the bound, and as many as doaudit has
_LATENCY_S = 0.1
_NAMES_ROUND_TRIPS = 2  # the lists of resources, and then the actions of the volumes that they name


def measure(*, quick: bool) -> Iterator[Finding]:
    """The time of the whole path against the wire, a requests loop and, unless *quick*, pydo."""
    with served_elsewhere(_LATENCY_S, actions=_ACTIONS, ready_made=True) as url:
        _download(url, _THREADS[0])  # the account makes its responses when they are asked for the first time
        _with_doaudit(url)
        ours = []
        wires: dict[int, list[float]] = {threads: [] for threads in _THREADS}
        for _ in range(3 if quick else 5):
            for threads, taken in wires.items():
                taken.append(best_of(1, lambda: _download(url, threads))[0])  # noqa: B023 -- called at once
            ours.append(_with_doaudit(url))
        # The one in the middle, with its own count of requests.
        ours_s, proof = sorted(ours, key=lambda run: run[0])[len(ours) // 2]
        what = f"connect to frame with names, {_ACTIONS:,} actions ({proof.pages_read} pages)"
        for threads, taken in wires.items():
            wire_s = statistics.median(taken) + _NAMES_ROUND_TRIPS * _LATENCY_S
            ratio, wire = ours_s / wire_s, f"{threads} threads that only download, names' round trips {seconds(wire_s)}"
            wanted, met = at_most(ratio, 1.3, "x") if threads == _THREADS[0] else ("", None)
            yield Finding(what, seconds(ours_s), wire, f"{ratio:.2f} x", wanted, met)
        loop_s, normalized = best_of(1, lambda: _with_requests(url))
        faster = loop_s / ours_s
        peer = f"requests + json_normalize {seconds(loop_s)} ({_lost(normalized)})"
        yield Finding(what, seconds(ours_s), peer, f"{faster:.1f} x faster", *at_least(faster, 5, "x faster"))
        if not quick:
            pydo_s, normalized = best_of(1, lambda: _with_pydo(url))
            peer = f"pydo + json_normalize {seconds(pydo_s)} ({_lost(normalized)})"
            yield Finding(what, seconds(ours_s), peer, f"{pydo_s / ours_s:.1f} x faster")


def _with_doaudit(url: str) -> tuple[float, Proof]:
    """The whole path in seconds: open actions are read again and resources named, into a new file and out of it."""
    with tempfile.TemporaryDirectory() as folder:
        gc.collect()
        began = time.perf_counter()
        with connect(token=DEMO_TOKEN, base_url=url, history=Path(folder, "one.duckdb")) as account:
            actions = account.actions()
            duration, proof = time.perf_counter() - began, account.proof
    if proof is None or len(actions) != _ACTIONS or not proof.complete:
        raise RuntimeError(f"doaudit read {len(actions):,} of {_ACTIONS:,} actions: {proof}")
    if actions["resource_name"].isna().all():
        raise RuntimeError("doaudit read no names of resources.")
    return duration, proof


def _download(url: str, threads: int) -> None:
    """Download every page with so many threads, each with a connection of its own, and do nothing with them."""
    pages: queue.SimpleQueue[int] = queue.SimpleQueue()
    for page in range(1, math.ceil(_ACTIONS / _PER_PAGE) + 1):
        pages.put(page)

    def work() -> None:
        with _session() as session, suppress(queue.Empty):
            while True:
                query = {"page": pages.get_nowait(), "per_page": _PER_PAGE}
                session.get(f"{url}/v2/actions", params=query, timeout=30).raise_for_status()

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def _session() -> requests.Session:
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {DEMO_TOKEN}"
    return session


def _with_requests(url: str) -> pd.DataFrame:
    frames = []
    with _session() as session:
        page, more = 1, True
        while more:
            query = {"page": page, "per_page": _PER_PAGE}
            response = session.get(f"{url}/v2/actions", params=query, timeout=30)
            response.raise_for_status()
            body = response.json()
            frames.append(pd.json_normalize(body["actions"]))
            page, more = page + 1, _has_next(body)
    return pd.concat(frames, ignore_index=True)


def _with_pydo(url: str) -> pd.DataFrame:
    frames = []
    client = pydo.Client(token=DEMO_TOKEN, endpoint=url)
    page, more = 1, True
    while more:
        body = client.actions.list(per_page=_PER_PAGE, page=page, enforce_https=False)
        frames.append(pd.json_normalize(body["actions"]))
        page, more = page + 1, _has_next(body)
    client.close()
    return pd.concat(frames, ignore_index=True)


def _has_next(body: Mapping[str, Any]) -> bool:
    return "next" in body["links"].get("pages", {})


def _lost(normalized: pd.DataFrame) -> str:
    """How many actions a plain loop did not get."""
    lost = _ACTIONS - normalized["id"].nunique()
    return f"{lost:,} lost"
