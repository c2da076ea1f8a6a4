"""The machine's own clock."""

from __future__ import annotations

import threading
import time

from doaudit.clock import SystemClock


def test_a_wait_ends_when_it_is_stopped():
    """Whoever sets the event ends a wait of an hour at once."""
    stop = threading.Event()
    threading.Timer(0.1, stop.set).start()
    began = time.monotonic()

    assert SystemClock().wait(3600, stop)
    assert time.monotonic() - began < 30


def test_a_wait_lasts_by_elapsed_time_whatever_the_wall_clock_shows(monkeypatch):
    """A clock that is set back by six hours in the middle of a wait makes it no longer."""
    shown = iter([1_795_435_200.0] + [1_795_413_600.0] * 1000)
    monkeypatch.setattr(time, "time", lambda: next(shown))
    clock = SystemClock()
    began = clock.elapsed()

    clock.now()
    stopped = clock.wait(0.3)

    assert not stopped
    assert 0.3 <= clock.elapsed() - began < 30
