"""Signals that would end the process: they are only noted, so that a droplet's power is restored first."""

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

    The handler only notes the signal. A signal that is ignored, as by nohup, or that has another handler is left alone;
    outside the main thread every signal is.
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
