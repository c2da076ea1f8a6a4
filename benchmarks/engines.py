"""Tables of ten million actions in Parquet files, or a hundred million, on every engine that is installed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from engine_alone import ENGINES, TABLES, is_here, work_on_engine
from large_histories import ACCOUNT, make_history, make_parquet
from measuring import Finding, at_most, seconds
from work_alone import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure", "measure_hundred_million"]

_MILLION = 1_000_000
_COUNT = "a plain count by type"
_BY_TYPE, _BY_RESOURCE = "durations by type", "durations by resource"
_ONE_MACHINE = ("DuckDB", "Polars")
_LIMIT_S, _LIMIT_MB = 15.0, 500


def measure(*, quick: bool) -> Iterator[Finding]:
    """Every table of ten million actions, the shortest of three runs each; if *quick*, of one million, once."""
    rows, times = (_MILLION, 1) if quick else (10 * _MILLION, 3)
    yield from _in_pandas(rows, times)
    yield from _measure(rows, times=times)


def measure_hundred_million(*, quick: bool) -> Iterator[Finding]:
    """Every table of a hundred million actions, in 2.5 GB of files; if *quick*, none by resource."""
    yield from _measure(100 * _MILLION, times=1, without=(_BY_RESOURCE,) if quick else ())


def _in_pandas(rows: int, times: int) -> Iterator[Finding]:
    """A history read into a frame, and one table of it."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "history.duckdb")
        make_history(path, rows)
        runs = pd.DataFrame([in_a_fresh_process("frame", path, ACCOUNT) for _ in range(times)])
    read_s, frame_mb = runs["read_s"].min(), runs["frame_mb"].max()
    taken = {**runs.min(), "peak_mb": runs["peak_mb"].max()}
    compared_with = f"read in {seconds(read_s)}, {frame_mb:.0f} MB"
    yield _found(f"pandas, {rows:,} rows: {_BY_TYPE}", taken, compared_with, "")


def _measure(rows: int, *, times: int, without: tuple[str, ...] = ()) -> Iterator[Finding]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "actions")
        make_parquet(folder, rows)
        for engine in filter(is_here, ENGINES):
            count = _best(times, engine, _COUNT, folder)
            yield _found(f"{engine}, {rows:,} rows: {_COUNT}", count, "", "")
            for table in TABLES:
                if table in without:
                    continue
                taken = _best(times, engine, table, folder)
                ratio = f"{taken['cpu_s'] / count['cpu_s']:.1f} x"
                name = f"{engine}, {rows:,} rows: {table}"
                yield _found(name, taken, f"the count {count['cpu_s']:.1f} s of a processor", ratio)
                if table == _BY_TYPE and engine in _ONE_MACHINE:
                    yield from _wanted(name, taken)


def _best(times: int, engine: str, work: str, folder: Path) -> dict[str, float]:
    """The shortest of some runs, and the most memory of any."""
    runs = pd.DataFrame([work_on_engine(engine, work, folder) for _ in range(times)])
    lowest, highest = runs.min(), runs.max()
    return {name: float((highest if name.endswith("_mb") else lowest)[name]) for name in runs}


def _found(name: str, taken: dict[str, float], compared_with: str, ratio: str) -> Finding:
    measured = f"{seconds(taken['seconds'])}, {taken['cpu_s']:.1f} s of a processor, {taken['peak_mb']:.0f} MB"
    return Finding(name, measured, compared_with, ratio, figures=taken)


def _wanted(name: str, taken: dict[str, float]) -> Iterator[Finding]:
    taken_s, peak_mb = taken["seconds"], taken["peak_mb"]
    yield Finding(f"{name}: time", seconds(taken_s), "", "", *at_most(taken_s, _LIMIT_S, "s"))
    yield Finding(f"{name}: peak memory", f"{peak_mb:.0f} MB", "", "", *at_most(peak_mb, _LIMIT_MB, "MB"))
