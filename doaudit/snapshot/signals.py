"""Signals that would end the process, noted instead, so that a droplet gets its power back first."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["signals_received"]


@contextmanager
def signals_received() -> Iterator[list[int]]:
    """
    Collect SIGTERM and SIGHUP while the block runs, where they would end the process.

    Nothing is done in the handler but to note the signal. One that is ignored, as by nohup, or that somebody else
    handles, stays as it is; so does everything outside the main thread.
    """
    received: list[int] = []
    ours = []
    if threading.current_thread() is threading.main_thread():
        names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
        ours = [number for name in names if signal.getsignal(number := getattr(signal, name)) == signal.SIG_DFL]
    for number in ours:
        signal.signal(number, lambda number, _: received.append(number))
    try:
        yield received
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
