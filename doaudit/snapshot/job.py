"""Jobs: snapshot runs in a thread of their own, and the list of those of this process."""

from __future__ import annotations

import atexit
import contextlib
import sys
import threading
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from doaudit.errors import DoauditError, NotPossible
from doaudit.formatting import visible
from doaudit.snapshot.signals import signals_received
from doaudit.snapshot.transitions import power_statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.snapshot.run import Run

__all__ = ["Job", "job_for", "jobs"]

_POLL_S = 0.2
_AT_EXIT_S = 600.0


class Job:
    """
    A run in a thread of its own. Nothing happens before `start`.

    Args:
        drive: drives a run until the event is set; given the run, the event, and what to tell of each new state.
        run: as planned, or as found in a journal.
        key: which droplet of which account; there is one job of a key at a time, see `job_for`.

    Attributes:
        state: the run as it is now.
        refusal: why the run was not begun or not taken up, if it was not.
        fault: the traceback of a defect that ended the thread; empty otherwise.
        abandoned: once true, the process may end before the droplet's power is restored.
        listeners: called with each new state, on the job's thread. What they raise is dropped.
    """

    def __init__(
        self, drive: Callable[[Run, threading.Event, Callable[[Run], None]], Run], run: Run, *, key: str
    ) -> None:
        self.key = key
        self.fault = ""
        self.refusal: DoauditError | None = None
        self.abandoned = False
        self.listeners: list[Callable[[Run], None]] = []
        self._drive = drive
        self._planned = run
        self._state = run
        self._stop = threading.Event()
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None
        self._at_work = False

    @property
    def state(self) -> Run:
        """The run as it is now."""
        with self._lock:
            return self._state

    @property
    def started(self) -> bool:
        """True if `start` was called."""
        return self._thread is not None or self._at_work

    @property
    def running(self) -> bool:
        """True if it was started and has not ended."""
        # Not Thread.is_alive: on Python 3.11 and 3.12 an interrupted join makes a living thread look dead.
        return self.started and not self._over.is_set()

    def start(self) -> None:
        """
        Begin; a second call does nothing.

        Raises:
            NotPossible: another job of this droplet is running.
        """
        with _jobs_lock, self._lock:
            if self.started:
                return
            other = _jobs.get(self.key)
            if other is not None and other is not self and other.running:
                raise NotPossible(
                    f"A snapshot of droplet {self._state.droplet_name} is being taken in this process already; watch "
                    "that one."
                )
            if not _jobs:
                atexit.register(_restore_power_at_exit)
            _jobs[self.key] = self
            if self._state.phase == "planned":
                self._state = replace(self._state, phase="waiting for another action", sentence="Beginning.")
            thread = threading.Thread(target=self._main, name=f"doaudit {self.key}", daemon=True)
            self._thread = thread
            try:
                thread.start()
            except BaseException:
                if thread.ident is None:  # Ctrl-C came before there was a thread
                    self._thread = None
                raise

    @property
    def sentence(self) -> str:
        """State of the run in a sentence."""
        return self.state.sentence

    def abandon(self) -> None:
        """Let the process end before the droplet's power is restored."""
        self.abandoned = True

    def cancel(self) -> None:
        """Cancel: stop waiting and only restore the droplet's power; what DigitalOcean has begun goes on there."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until it is over, or for *timeout* seconds, and return the run as it is then."""
        if self.started:
            self._over.wait(timeout)
        return self.state

    def _main(self) -> None:
        with self._lock:
            if self._at_work:
                return
            self._at_work = True
        try:
            self._tell(self._drive(self._planned, self._stop, self._tell))
        except DoauditError as refusal:
            self.refusal = refusal
            self._tell(replace(self.state, phase="failed", error=str(refusal), sentence=str(refusal)))
        except BaseException as fault:  # noqa: BLE001 -- nobody would see what a thread dies of
            self.fault = traceback.format_exc()
            self._tell(self._died(fault))
        finally:
            self._over.set()

    def _died(self, fault: BaseException) -> Run:
        last = self.state
        run = replace(last, power="unknown" if last.power != "untouched" else "untouched")
        text = f"The workflow stopped with {type(fault).__name__}: {fault}. "
        text += power_statement(run)[:1].upper() + power_statement(run)[1:]
        return replace(run, phase="failed", error=text, sentence=f"Failed: {text}")

    def _tell(self, run: Run) -> None:
        with self._lock:
            self._state = run
        for listener in list(self.listeners):
            with contextlib.suppress(Exception):
                listener(run)


_jobs: dict[str, Job] = {}
_jobs_lock = threading.RLock()


def job_for(key: str) -> Job | None:
    """Return the job of this droplet that was started last in this process, running or over; None if there was none."""
    with _jobs_lock:
        return _jobs.get(key)


def jobs() -> list[Job]:
    """Return the last job of each droplet, in the order in which they were started first."""
    with _jobs_lock:
        return list(_jobs.values())


def _restore_power_at_exit() -> None:
    """Wait, when Python ends while a droplet is off, until it is on; ten minutes at most."""
    left = [job for job in jobs() if job.running and not job.abandoned]
    for job in left:
        # Until a snapshot has ended nothing can be done to its droplet, so there is nothing to win by a cancel.
        if not job.state.snapshot_under_way:
            job.cancel()
    for job in left:
        if job.state.needs_power_on:
            name = job.state.droplet_name
            _print(f"doaudit: waiting until droplet {name} is on again before Python ends; Ctrl-C leaves it as it is.")
            with contextlib.suppress(KeyboardInterrupt):
                _wait_at_exit(job)
            _print(f"doaudit: {job.state.sentence}")


def _wait_at_exit(job: Job) -> None:
    # Jupyter sends a kernel SIGTERM half-way through the five seconds that it leaves it.
    with signals_received() as received:
        for _ in range(round(_AT_EXIT_S / _POLL_S)):
            if not job.running or len(received) > 1:
                return
            job.wait(_POLL_S)


def _print(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"{visible(text)}\n")
