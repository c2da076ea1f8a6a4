"""How long it takes until one can begin: importing, opening the simulated account, and writing a report."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from compileall import compile_dir
from pathlib import Path
from typing import TYPE_CHECKING

from large_accounts import simulated_actions
from measuring import Finding, at_most, best_of, seconds

import doaudit as da

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["measure_demo", "measure_import"]

_TIMED = "import time; began = time.perf_counter(); {}; print(time.perf_counter() - began)"


def measure_import(*, quick: bool) -> Iterator[Finding]:
    """`import doaudit` and its first use, less `import pandas`, each in fresh interpreters that take turns."""
    compile_dir(Path(da.__file__).parent, quiet=1)
    statements = ("import pandas", "import doaudit; doaudit.Account")
    taken = [[_fresh(_TIMED.format(statement)) for statement in statements] for _ in range(3 if quick else 6)]
    pandas_s, ours_s = (min(runs) for runs in zip(*taken[1:], strict=True))  # the first run reads from a cold disk
    yield Finding(
        "import doaudit and its first use, beyond pandas",
        seconds(ours_s - pandas_s),
        f"import pandas {seconds(pandas_s)}",
        f"{ours_s / pandas_s:.2f} x in all",
        *at_most(ours_s - pandas_s, 0.3, "s"),
    )


def measure_demo(*, quick: bool) -> Iterator[Finding]:
    """Opening the simulated account, with all that is imported for it, and a whole report of it."""
    opening = f"import doaudit; {_TIMED.format('account = doaudit.demo()')}; account.close()"
    opened_s = min(_fresh(opening) for _ in range(1 if quick else 3))
    yield Finding("doaudit.demo(): company, server", seconds(opened_s), "", "", *at_most(opened_s, 2, "s"))
    actions = simulated_actions()
    with tempfile.TemporaryDirectory() as folder:
        report_s, written = best_of(1 if quick else 2, lambda: da.report(actions, Path(folder, "report")))
        files = list(written.folder.iterdir())
        megabytes = sum(file.stat().st_size for file in files) / 1e6
    yield Finding(
        f"report(), {len(actions):,} actions",
        seconds(report_s),
        f"{len(files)} files, {megabytes:.1f} MB",
        "",
        *at_most(report_s, 4, "s"),
    )


def _fresh(program: str) -> float:
    """The figure that a program prints in an interpreter of its own."""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return float(done.stdout)
