"""
Measures speed and size, each against a peer or a bound in the same run, and prints one table.

    python benchmarks/run.py                              everything, in about eight minutes
    python benchmarks/run.py --quick                      fewer runs, without pydo and ten million rows
    python benchmarks/run.py --only import --only memory  some of it

With .venv-engines/bin/python, `--only engines` and `--only engines-100m` measure tables of ten and of a hundred million
actions on every engine, in half an hour. Neither is measured unless it is asked for.

Each run leaves a file in benchmarks/results: when, on what kind of machine, and all findings. Git ignores them; that of
a release is kept as release-0.2.0.json. Ends with status 1 if something that is wanted was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import engines
import exploring
import exporting
import first_fetch
import framing
import percentiles
import refreshing
import second_look
import starting
import tables
import watching
from measuring import Finding, table

__all__ = ["main"]

_RESULTS = Path(__file__).parent / "results"
_MEASURES = {
    "fetch": first_fetch.measure,
    "framing": framing.measure,
    "durations": percentiles.measure_durations,
    "tables": tables.measure,
    "memory": percentiles.measure_memory,
    "import": starting.measure_import,
    "demo": starting.measure_demo,
    "history": second_look.measure,
    "refresh": refreshing.measure,
    "export": exporting.measure,
    "watching": watching.measure,
    "explorer": exploring.measure,
}
_ON_REQUEST = {  # every engine is there in .venv-engines alone
    "engines": engines.measure,
    "engines-100m": engines.measure_hundred_million,
}


def main() -> int:
    """Measure what is asked for; give the exit status."""
    summary = (__doc__ or "").strip().partition("\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    every = {**_MEASURES, **_ON_REQUEST}
    parser.add_argument("--only", action="append", choices=every, metavar="NAME", help=", ".join(every))
    parser.add_argument("--quick", action="store_true", help="fewer runs, without pydo and ten million rows")
    asked = parser.parse_args()
    findings: list[Finding] = []
    for name in asked.only or _MEASURES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        findings += every[name](quick=asked.quick)
    print(f"Python {platform.python_version()}, pandas {version('pandas')}, {os.cpu_count()} processors{_load()}")
    print(table(findings))
    kept = _keep(findings, quick=asked.quick, measures=asked.only or list(_MEASURES))
    print(f"All of it is in benchmarks/results/{kept.name}.")
    missed = sum(finding.met is False for finding in findings)
    if missed:
        print(f"{missed} of {len(findings)} missed what is wanted.")
    return 1 if missed else 0


def _keep(findings: list[Finding], *, quick: bool, measures: list[str]) -> Path:
    """Write the file of a run; it names no folder and no host."""
    now = datetime.now(UTC)
    run = {
        "at": now.isoformat(timespec="seconds"),
        "quick": quick,
        "measures": measures,
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processors": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("doaudit", "duckdb", "msgspec", "narwhals", "pandas", "requests")},
        },
        "findings": [asdict(finding) for finding in findings],
    }
    _RESULTS.mkdir(exist_ok=True)
    file = _RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    file.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
    return file


def _load() -> str:
    """How busy the machine was; times of more load than processors are those of a queue, and worth repeating."""
    return f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


if __name__ == "__main__":
    sys.exit(main())
