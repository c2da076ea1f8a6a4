"""What a refresh of a history of millions costs, in time and memory, and how little of it is due to the history."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from large_histories import ACCOUNT, make_history
from list_server import served_list
from measuring import Finding, at_most, seconds
from work_alone import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure"]

_MILLION = 1_000_000
_NEW = 2_000
_LIMITS_S, _LIMIT_MB, _GROWTH = {0: 0.5, _NEW: 1.0}, 300, 1.5


def measure(*, quick: bool) -> Iterator[Finding]:
    """A second refresh of a process: with nothing new, and with 2,000 new actions, of one and ten million."""
    taken: dict[tuple[int, int], dict[str, float]] = {}
    for rows in [_MILLION] if quick else [_MILLION, 10 * _MILLION]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "history.duckdb")
            make_history(path, rows)
            with served_list(path) as url:
                for new, limit_s in _LIMITS_S.items():
                    best = _best(1 if quick else 3, path, url, new)
                    taken[rows, new] = best
                    yield from _findings(rows, new, best, limit_s)
    for new in [] if quick else _LIMITS_S:
        growth = taken[10 * _MILLION, new]["seconds"] / taken[_MILLION, new]["seconds"]
        yield Finding(
            f"refresh, {_named(new)}: ten million against one",
            f"{growth:.2f} x",
            "",
            "",
            *at_most(growth, _GROWTH, "x"),
            figures={"ratio": growth},
        )


def _best(times: int, path: Path, url: str, new: int) -> dict[str, float]:
    """The shortest of some refreshes, and the most memory of any."""
    runs = [in_a_fresh_process("refresh", path, ACCOUNT, url, new) for _ in range(times)]
    shortest = min(runs, key=lambda run: run["seconds"])
    return {**shortest, "peak_mb": max(run["peak_mb"] for run in runs)}


def _findings(rows: int, new: int, taken: dict[str, float], limit_s: float) -> Iterator[Finding]:
    name = f"refresh, {rows:,} actions, {_named(new)}"
    requests = f"{taken['requests']:.0f} request{'' if taken['requests'] == 1 else 's'}"
    yield Finding(
        name,
        f"{seconds(taken['seconds'])}, {requests}",
        "",
        "",
        *at_most(taken["seconds"], limit_s, "s"),
        figures=taken,
    )
    yield Finding(
        f"{name}: peak memory",
        f"{taken['peak_mb']:.0f} MB",
        "",
        "",
        *at_most(taken["peak_mb"], _LIMIT_MB, "MB"),
    )


def _named(new: int) -> str:
    return f"{new:,} new" if new else "nothing new"
