"""
Measures speed and size, each against a peer or a bound in the same run, and prints one table.

    python benchmarks/run.py                              everything, in about three minutes
    python benchmarks/run.py --quick                      fewer runs, without pydo and ten million rows
    python benchmarks/run.py --only import --only memory  some of it

Ends with status 1 if something that is wanted was missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import version

import first_fetch
import framing
import percentiles
import second_look
import starting
import watching
from measuring import Finding, table

__all__ = ["main"]

_MEASURES = {
    "fetch": first_fetch.measure,
    "framing": framing.measure,
    "durations": percentiles.measure_durations,
    "memory": percentiles.measure_memory,
    "import": starting.measure_import,
    "demo": starting.measure_demo,
    "history": second_look.measure,
    "watching": watching.measure,
}


def main() -> int:
    """Measure what is asked for; give the exit status."""
    summary = (__doc__ or "").strip().partition("\n")[0]
    parser = argparse.ArgumentParser(description=summary)
    parser.add_argument("--only", action="append", choices=_MEASURES, metavar="NAME", help=", ".join(_MEASURES))
    parser.add_argument("--quick", action="store_true", help="fewer runs, without pydo and ten million rows")
    asked = parser.parse_args()
    findings: list[Finding] = []
    for name in asked.only or _MEASURES:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        findings += _MEASURES[name](quick=asked.quick)
    print(f"Python {platform.python_version()}, pandas {version('pandas')}, {os.cpu_count()} processors{_load()}")
    print(table(findings))
    missed = sum(finding.met is False for finding in findings)
    if missed:
        print(f"{missed} of {len(findings)} missed what is wanted.")
    return 1 if missed else 0


def _load() -> str:
    """How busy the machine was; times of more load than processors are those of a queue, and worth repeating."""
    return f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


if __name__ == "__main__":
    sys.exit(main())
