"""
The simulated account in a process of its own, so that serving it takes no time from the client that is measured.

Run as a script, it serves until its input ends: nothing stays behind if the benchmark is killed.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from doaudit.demo import company_world, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["served_elsewhere"]

_NO_LIMIT = 1_000_000


@contextmanager
def served_elsewhere(latency_s: float) -> Iterator[str]:
    """Serve the simulated account from another process, each answer *latency_s* seconds late; gives its base URL."""
    command = [sys.executable, __file__, str(latency_s)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        if not url:
            raise RuntimeError("The process that should serve the simulated account ended before it served anything.")
        try:
            yield url
        finally:
            process.stdin.close()


def _main() -> None:
    world = company_world()
    world.limits.hourly = _NO_LIMIT  # the contenders share a token and together pass its 5,000 requests an hour
    with serve(world, latency_s=float(sys.argv[1])) as server:
        print(server.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    _main()
