"""Write sample_actions.csv: the latest actions of the simulated account, on a clock that stands still."""

from __future__ import annotations

import sys
from pathlib import Path

import doaudit as da
from doaudit.csv import csv_bytes
from doaudit.demo import serve

ROWS = 4000


def sample() -> bytes:
    """The bytes of the file."""
    with serve(speed=0) as server, da.connect(token=server.token, base_url=server.url) as account:
        return csv_bytes(account.actions().head(ROWS))


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "sample_actions.csv"
    path.write_bytes(sample())
    print(f"{path}: {path.stat().st_size:,} bytes")
