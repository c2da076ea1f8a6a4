"""A queue of snapshots: several droplets, one after another or a few at once, each with a run of its own."""

from __future__ import annotations

import atexit
import contextlib
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Protocol

from doaudit.clock import SystemClock
from doaudit.errors import DoauditError, FileProblem, NotPossible
from doaudit.files import Locked, file_lock
from doaudit.formatting import count
from doaudit.snapshot.queue_record import delete_record, save_record, with_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from doaudit.snapshot.job import Job
    from doaudit.snapshot.queue_record import QueueRecord
    from doaudit.snapshot.run import Run

__all__ = ["ItemState", "RunSource", "SnapshotQueue", "count_runs", "next_to_begin"]

ItemState = Literal["waiting", "running", "done", "failed"]
_POLL_S = 0.1
_WORDS = ("done", "cancelled", "failed", "running", "waiting", "not begun")


class RunSource(Protocol):
    """Source of plans and jobs: `SnapshotRuns`."""

    def plan(self, droplet_id: int, name: str | None = None, *, live: bool = False) -> Run:
        """Plan a snapshot."""

    def job(self, run: Run) -> Job:
        """Return the job of a plan."""


def next_to_begin(states: Sequence[ItemState], at_once: int, *, keep_going: bool) -> list[int]:
    """
    Return the places of those that are to begin now, in their order.

    Args:
        states: of each, in the order of the queue.
        at_once: how many may be running.
        keep_going: whether others begin after one has failed.

    Example:
        >>> next_to_begin(["done", "running", "waiting", "waiting"], 2, keep_going=False)
        [2]
        >>> next_to_begin(["failed", "waiting"], 1, keep_going=False)
        []
    """
    if "failed" in states and not keep_going:
        return []
    waiting = [at for at, state in enumerate(states) if state == "waiting"]
    return waiting[: max(0, at_once - states.count("running"))]


def count_runs(runs: Sequence[Run], *, over: bool) -> str:
    """
    State in a sentence how many snapshots are done, were cancelled, have failed, run and wait.

    Args:
        runs: each as it is now.
        over: whether no more will be begun.

    Example:
        >>> count_runs([], over=True)
        '0 snapshots.'
    """
    words = Counter(_word(run, over=over) for run in runs)
    told = ", ".join(f"{words[word]} {word}" for word in _WORDS if words[word])
    return f"{count(len(runs), 'snapshot')}{f': {told}' if told else ''}."


def _word(run: Run, *, over: bool) -> str:
    if run.phase == "planned":
        return "not begun" if over else "waiting"
    if not run.ended:
        return "running"
    return "done" if run.ok else "cancelled" if run.phase == "cancelled" else "failed"


class SnapshotQueue:
    """
    Several snapshot runs, begun in their order in a thread of its own. Nothing happens before `start`.

    The first that fails ends it, unless it is to keep going; those that run then are taken to their end. Those that
    begin at once are taken as they were confirmed; each other droplet is looked at anew when its turn comes.

    Args:
        runs: plans runs and carries them out.
        record: which snapshots, in which order, and how; see `doaudit.snapshot.queue_record`.
        plans: a plan of each, as it was confirmed; one without an id is made when its turn comes.
        folder: where its record is kept.

    Attributes:
        listeners: called with each new state of each run, on the run's thread. What they raise is dropped.
        refusal: why the queue as a whole could not go on, if it could not.
    """

    def __init__(self, runs: RunSource, record: QueueRecord, plans: Sequence[Run], folder: Path) -> None:
        self.listeners: list[Callable[[Run], None]] = []
        self.refusal: DoauditError | None = None
        self._runs, self._record, self._folder = runs, record, folder
        self._states: list[ItemState] = ["waiting"] * len(plans)
        self._last = list(plans)
        self._jobs: dict[int, Job] = {}
        self._no_more = threading.Event()
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    @property
    def states(self) -> tuple[Run, ...]:
        """Each run as it is now, in their order; those that were not begun as planned."""
        with self._lock:
            return tuple(self._jobs[at].state if at in self._jobs else run for at, run in enumerate(self._last))

    @property
    def waiting(self) -> tuple[Run, ...]:
        """The plans that were not begun."""
        with self._lock:
            return tuple(run for run, state in zip(self._last, self._states, strict=True) if state == "waiting")

    @property
    def started(self) -> bool:
        """True if `start` was called."""
        return self._thread is not None

    @property
    def running(self) -> bool:
        """True if it was started and is not over."""
        return self.started and not self._over.is_set()

    @property
    def ok(self) -> bool:
        """True if every snapshot was taken."""
        return all(run.ok for run in self.states)

    @property
    def sentence(self) -> str:
        """State in a sentence: how many are done, have failed, run and wait."""
        return count_runs(self.states, over=self.started and not self.running)

    def start(self) -> None:
        """
        Begin; a second call does nothing.

        Raises:
            FileProblem: its record cannot be written; nothing was begun.
        """
        with self._lock:
            if self.started:
                return
            save_record(self._folder, self._record)
            self._thread = threading.Thread(target=self._main, name=f"doaudit queue {self._record.id}", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Begin no more, and cancel those that run: their power is restored."""
        self._no_more.set()
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.cancel()

    def begin_no_more(self) -> None:
        """Take those that run to their end, and begin no other."""
        self._no_more.set()

    def abandon(self) -> None:
        """Let the process end before the power of those that run is restored; see `Job.abandoned`."""
        self._no_more.set()
        with self._lock:
            for job in self._jobs.values():
                job.abandoned = True

    def wait(self, timeout: float | None = None) -> tuple[Run, ...]:
        """Wait until it is over, or for *timeout* seconds, and return the runs as they are then."""
        if self.started:
            self._over.wait(timeout)
        return self.states

    def _main(self) -> None:
        try:
            with self._locked():
                while self._begin_next() or "running" in self._states:
                    SystemClock().wait(_POLL_S)
                    self._note_ended()
                with contextlib.suppress(DoauditError):
                    delete_record(self._folder, self._record)
        except DoauditError as refusal:
            self.refusal = refusal
        finally:
            atexit.unregister(self.begin_no_more)
            self._over.set()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the queue, by which others see that somebody drives it."""
        path = self._folder / f"{self._record.id}.lock"
        try:
            with file_lock(path, wait_s=0, clock=SystemClock()):
                yield
        except Locked as locked:
            raise NotPossible(f"This queue is being driven already, by {locked.holder}. Watch it there.") from None
        except OSError as fault:
            raise FileProblem(f"The lock {path} cannot be used ({fault.strerror or fault}).") from None
        with contextlib.suppress(OSError):
            path.unlink()

    def _begin_next(self) -> bool:
        """Begin those whose turn it is; return whether there were any."""
        if self._no_more.is_set():
            return False
        turn = next_to_begin(self._states, self._record.at_once, keep_going=self._record.keep_going)
        for at in turn:
            try:
                self._begin(at)
            except DoauditError as refusal:
                self._refuse(at, str(refusal))
            except Exception as fault:  # noqa: BLE001 -- nobody would see what a thread dies of
                self._refuse(at, f"{type(fault).__name__}: {fault}")
        return bool(turn)

    def _begin(self, at: int) -> None:
        item, plan = self._record.items[at], self._last[at]
        if not plan.id or {"done", "failed"} & set(self._states):
            # Planned anew: while others were taken, the droplet may have been switched off or on.
            plan = self._runs.plan(item.droplet_id, item.name, live=item.live)
        self._save(with_state(self._record, at, "begun", plan.id))
        with self._lock:
            if self._no_more.is_set():
                return
            job = self._runs.job(plan)
            if job.running:
                raise NotPossible(f"A snapshot of {plan.droplet_name} is being taken in this process already.")
            job.listeners.append(self._tell)
            job.start()
            self._jobs[at], self._states[at] = job, "running"
        # After the jobs' own, which waits for droplets that are off: Python calls the last one first.
        atexit.unregister(self.begin_no_more)
        atexit.register(self.begin_no_more)

    def _note_ended(self) -> None:
        for at, job in list(self._jobs.items()):
            if self._states[at] == "running" and not job.running:
                self._last[at] = job.state
                self._states[at] = "done" if job.state.ok and job.refusal is None else "failed"
                with contextlib.suppress(DoauditError):  # its own journal says the same
                    self._save(with_state(self._record, at, "ended"))

    def _refuse(self, at: int, reason: str) -> None:
        with self._lock:
            self._jobs.pop(at, None)
            self._states[at] = "failed"
            sentence = f"Not begun: {reason}"
            self._last[at] = replace(self._last[at], phase="failed", error=reason, sentence=sentence)
        with contextlib.suppress(DoauditError):
            self._save(with_state(self._record, at, "ended"))
        self._tell(self._last[at])

    def _save(self, record: QueueRecord) -> None:
        self._record = record
        save_record(self._folder, record)

    def _tell(self, run: Run) -> None:
        for listener in list(self.listeners):
            with contextlib.suppress(Exception):
                listener(run)
