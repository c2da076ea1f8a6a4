"""
One refresh, export, copy or frame of a history in a process of its own, which weighs nothing else.

Run as a script, it prints what it took, and the most memory that its process has used, as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import duckdb

import doaudit as da
from doaudit.api.client import Client
from doaudit.history.refresh import refresh
from doaudit.history.store import open_store

__all__ = ["in_a_fresh_process"]

_PROC = Path("/proc/self/status")


def in_a_fresh_process(work: str, *arguments: object) -> dict[str, float]:
    """What one piece of work took: `seconds`, `peak_mb`, and more of its own."""
    command = [sys.executable, __file__, work, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def _refresh(path: str, account: str, url: str, new: str) -> dict[str, float]:
    """A second refresh of a process, with so many new actions on the server since the first."""
    client, store = Client("a-token", url), open_store(path, account, wait_s=60)
    refresh(client, store)
    if int(new):
        with urllib.request.urlopen(f"{url}/new/{new}") as answer:
            answer.read()
    began = time.perf_counter()
    result = refresh(client, store)
    taken = time.perf_counter() - began
    client.close()
    if not result.complete or result.new != int(new):
        raise RuntimeError(f"{new} new actions were to be read, and this came of it: {result}")
    return {"seconds": taken, "requests": result.requests}


def _export(path: str, account: str, folder: str) -> dict[str, float]:
    store = open_store(path, account, wait_s=60)
    began = time.perf_counter()
    files = list(store.export_parquet(folder).rglob("*.parquet"))
    taken = time.perf_counter() - began
    return {"seconds": taken, "files": len(files), "mb": sum(file.stat().st_size for file in files) / 1e6}


def _copy(path: str, file: str) -> dict[str, float]:
    """DuckDB's own COPY of the table of actions to one file, as it comes."""
    with duckdb.connect(path, read_only=True) as connection:
        began = time.perf_counter()
        connection.execute(f"COPY stored.actions TO '{file}' (FORMAT parquet)")
        taken = time.perf_counter() - began
    return {"seconds": taken, "files": 1, "mb": Path(file).stat().st_size / 1e6}


def _frame(path: str, account: str) -> dict[str, float]:
    """The history as a frame of pandas, and its durations by type."""
    store = open_store(path, account, wait_s=60)
    began = time.perf_counter()
    actions = store.read()
    read_s = time.perf_counter() - began
    frame_mb = actions.memory_usage(deep=True).sum() / 1e6
    began, cpu_began = time.perf_counter(), time.process_time()
    da.durations(actions, by="type")
    taken = {"seconds": time.perf_counter() - began, "cpu_s": time.process_time() - cpu_began}
    return {**taken, "read_s": read_s, "frame_mb": frame_mb}


def _peak_mb() -> float:
    """The most memory that this process has used, in millions of bytes."""
    if _PROC.exists():  # elsewhere the figure below; on Linux that one may be of the process that began this one
        [line] = [line for line in _PROC.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024 / 1e6
    import resource  # noqa: PLC0415 -- Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    taken = {"refresh": _refresh, "export": _export, "copy": _copy, "frame": _frame}[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({**taken, "peak_mb": _peak_mb()}))
