"""What it costs to export a history of ten million actions, in time and memory, beside DuckDB's plain COPY."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from large_histories import ACCOUNT, make_history
from measuring import Finding, at_most, seconds
from work_alone import in_a_fresh_process

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure"]

_LIMIT_MB = 600


def measure(*, quick: bool) -> Iterator[Finding]:
    """An export to a folder of months, and a copy of the same table to one file, without joins, order or months."""
    rows = 1_000_000 if quick else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "history.duckdb")
        make_history(path, rows)
        ours, theirs = [], []
        for _ in range(1 if quick else 2):
            ours.append(in_a_fresh_process("export", path, ACCOUNT, Path(folder, "months")))
            theirs.append(in_a_fresh_process("copy", path, Path(folder, "one.parquet")))
    export, copy = (min(runs, key=lambda run: run["seconds"]) for runs in (ours, theirs))
    peak_mb = max(run["peak_mb"] for run in ours)
    ratio = export["seconds"] / copy["seconds"]
    yield Finding(
        f"export {rows:,} actions, {export['files']:.0f} files, {export['mb']:.0f} MB",
        f"{seconds(export['seconds'])}, {export['mb'] / export['seconds']:.0f} MB/s",
        f"plain COPY to one file {seconds(copy['seconds'])}, {copy['mb'] / copy['seconds']:.0f} MB/s",
        f"{ratio:.1f} x",
        figures={**export, "copy_seconds": copy["seconds"], "copy_mb": copy["mb"], "ratio": ratio},
    )
    yield Finding(
        "its peak memory",
        f"{peak_mb:.0f} MB",
        f"plain COPY {copy['peak_mb']:.0f} MB",
        f"{peak_mb / copy['peak_mb']:.2f} x",
        *at_most(peak_mb, _LIMIT_MB, "MB"),
        figures={"peak_mb": peak_mb, "copy_peak_mb": copy["peak_mb"]},
    )
