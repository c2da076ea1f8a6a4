"""Drives a snapshot workflow: blocking, or in a thread of its own; with cancel, and a clock that tests control."""

from __future__ import annotations

import contextlib
import re
import threading
import traceback
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from doaudit.api.client import Client, Stopped
from doaudit.errors import InvalidArgument, NotPossible
from doaudit.workflow.expected import Expected, snapshot_of_disk, usual
from doaudit.workflow.journal import Journal
from doaudit.workflow.machine import cancelled, resumed, step
from doaudit.workflow.messages import AnswerLost, Command, Elapsed, Event, Rejected, Submit, Wait
from doaudit.workflow.run import Run, logged, planned_steps
from doaudit.workflow.transport import perform

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from doaudit.api.answers import Answer
    from doaudit.api.pacing import Pause
    from doaudit.clock import Clock

__all__ = ["Job", "job_for", "jobs", "preview", "run"]

_TELLS_FROM_S = 2.0
_LONGEST_NAME = 250


def preview(
    client: Client,
    droplet_id: int,
    name: str | None = None,
    *,
    live: bool = False,
    expected: Mapping[str, Expected] | None = None,
    now: datetime,
) -> Run:
    """
    What a snapshot of this droplet would take, step by step; nothing is changed.

    Args:
        client: the account.
        droplet_id: the droplet.
        name: the snapshot's; by default the droplet's and the time in UTC.
        live: leave the droplet on.
        expected: by type of event, how long it takes here; what is missing is guessed, of a snapshot by the disk.
        now: the time.

    Raises:
        NotFound: there is no such droplet.
        NotPossible: the droplet is locked, or neither on nor off.
        InvalidArgument: the name cannot be one.
        ApiProblem: the droplet could not be read.
    """
    droplet = client.get(f"/v2/droplets/{droplet_id}", parse=_droplet)
    status, called = str(droplet.get("status")), str(droplet.get("name") or droplet_id)
    if droplet.get("locked"):
        raise NotPossible(
            f"Droplet {called} ({droplet_id}) is locked by DigitalOcean, so that nothing can be done to it. Ask its "
            "support why."
        )
    if status not in {"active", "off"}:
        raise NotPossible(
            f"Droplet {called} ({droplet_id}) is neither on nor off but '{status}'. Wait until it is, and try again."
        )
    name = _checked_name(f"{called} {now:%Y-%m-%d %H:%M} UTC" if name is None else name)
    taken = client.get(f"/v2/droplets/{droplet_id}/snapshots", {"page": 1, "per_page": 200}, parse=_names)
    clash = f"There is a snapshot named '{name}' already; this would be another one of that name."
    planned = Run(
        id=f"{now:%Y%m%dT%H%M%SZ}-{droplet_id}-{uuid4().hex[:8]}",
        droplet_id=droplet_id,
        droplet_name=called,
        snapshot_name=name,
        live=live,
        was_on=status == "active",
        created_at=now,
        notes=(clash,) if name in taken else (),
        region=str((droplet.get("region") or {}).get("slug") or ""),
        expected={**usual(), "snapshot": snapshot_of_disk(float(droplet.get("disk") or 25)), **(expected or {})},
    )
    return replace(planned, steps=planned_steps(planned), sentence=_plan_in_words(planned))


def run(
    client: Client,
    run: Run,
    *,
    journal: Path,
    clock: Clock,
    stop: threading.Event | None = None,
    on_change: Callable[[Run], None] = lambda _: None,
) -> Run:
    """
    Drive a run to its end, or to as near to it as can be come, and give it as it is then.

    Whatever goes wrong at DigitalOcean or on the way there is in the run that comes back, not raised. Ctrl-C cancels;
    a second one leaves everything as it is, to be gone on with by `doaudit.resume`.

    Args:
        client: the account.
        run: planned by `preview`, or found in a journal.
        journal: the folder of the journals.
        clock: waits and tells the time.
        stop: once set, the run is cancelled: it only restores the droplet's power.
        on_change: given each new state.

    Raises:
        NotPossible: somebody else is driving this run.
        FileProblem: the journal cannot be written. Before the first request, that means that nothing was started.
        KeyboardInterrupt: the second Ctrl-C.
    """
    with Journal(journal, run.id) as book:
        return _Driver(client, run, book, clock, stop or threading.Event(), on_change).drive()


class _Driver:
    """The loop between the machine and the world."""

    def __init__(
        self,
        client: Client,
        run: Run,
        book: Journal,
        clock: Clock,
        stop: threading.Event,
        on_change: Callable[[Run], None],
    ) -> None:
        self._client, self._run, self._book, self._clock = client, run, book, clock
        self._stop, self._on_change = stop, on_change
        self._cancelled = False

    def drive(self) -> Run:
        now = self._now()
        self._become(self._run if self._run.phase == "planned" else resumed(self._run, now), "begun")
        seen: Event = Elapsed(now)
        while True:
            if self._stop.is_set() and not self._cancelled:
                self._cancelled = True
                self._become(cancelled(self._run, self._now()), "cancelled")
                seen = Elapsed(self._now())
            run, request = step(self._run, seen)
            self._become(
                run, "about to ask" if isinstance(request, Submit) else "so far", always=isinstance(request, Submit)
            )
            if request is None:
                return self._run
            seen = self._done(request)

    def _done(self, request: Command) -> Event:
        # After a cancel nothing interrupts the way back to a droplet that is on.
        stop = threading.Event() if self._cancelled else self._stop
        try:
            if isinstance(request, Wait):
                self._clock.wait(request.seconds, stop)
                return Elapsed(self._now())
            return perform(
                self._client, self._run.droplet_id, request, now=self._now, stop=stop, on_pause=self._tell_pause
            )
        except Stopped:
            return self._unsent(request)
        except KeyboardInterrupt:
            if self._cancelled or self._stop.is_set():
                raise
            self._stop.set()
            if isinstance(request, Submit):
                return AnswerLost(self._now(), f"Ctrl-C came while the {request.type} was being asked for.")
            return Elapsed(self._now())

    def _unsent(self, request: Command) -> Event:
        if isinstance(request, Submit):
            return Rejected(self._now(), f"The {request.type} was not asked for.", passing=True)
        return Elapsed(self._now())

    def _become(self, run: Run, why: str, *, always: bool = False) -> None:
        changed, turned = run != self._run, run.phase != self._run.phase or run.submission != self._run.submission
        self._run = run
        if always or turned or why in {"begun", "cancelled"}:
            self._book.write(self._now(), why, run)
        if changed or always:
            self._on_change(run)

    def _tell_pause(self, pause: Pause) -> None:
        if pause.seconds >= _TELLS_FROM_S:
            self._run = logged(self._run, self._now(), f"Waiting {pause.seconds:.0f} s: {pause.reason}.")
            self._on_change(self._run)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


class Job:
    """
    A run in a thread of its own. Nothing happens before `start`.

    Args:
        drive: drives a run until the event is set; given the run, the event, and what to tell of each new state.
        run: as planned, or as found in a journal.
        key: which droplet of which account; there is one job of a key at a time, see `job_for`.

    Attributes:
        state: the run as it is now.
        fault: the traceback of what the thread died of, a defect of doaudit or a full disk; empty otherwise.
        listeners: called with each new state, on the job's thread. What they raise is dropped.
    """

    def __init__(
        self, drive: Callable[[Run, threading.Event, Callable[[Run], None]], Run], run: Run, *, key: str
    ) -> None:
        self.key = key
        self.fault = ""
        self.listeners: list[Callable[[Run], None]] = []
        self._drive = drive
        self._state = run
        self._stop = threading.Event()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    @property
    def state(self) -> Run:
        """The run as it is now."""
        with self._lock:
            return self._state

    @property
    def started(self) -> bool:
        """Whether `start` was called."""
        return self._thread is not None

    @property
    def running(self) -> bool:
        """Whether its thread is at work."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def start(self) -> None:
        """
        Begin; a second call does nothing.

        Raises:
            NotPossible: another job of this droplet is running.
        """
        with _jobs_lock, self._lock:
            if self._thread is not None:
                return
            other = _jobs.get(self.key)
            if other is not None and other is not self and other.running:
                raise NotPossible(
                    f"A snapshot of droplet {self._state.droplet_name} is being taken in this process already; watch "
                    "that one."
                )
            _jobs[self.key] = self
            if self._state.phase == "planned":
                self._state = replace(
                    self._state, phase="waiting for another action", sentence="Beginning.", steps=self._state.steps
                )
            self._thread = threading.Thread(target=self._main, name=f"doaudit {self.key}", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """Stop waiting and restore the droplet's power; what DigitalOcean has begun goes on there."""
        self._stop.set()

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until it is over, or for *timeout* seconds, and give the run as it is then."""
        if self._thread is not None:
            self._thread.join(timeout)
        return self.state

    def _main(self) -> None:
        try:
            self._tell(self._drive(self._planned(), self._stop, self._tell))
        except BaseException as fault:  # noqa: BLE001 -- nobody would see what a thread dies of
            self.fault = traceback.format_exc()
            self._tell(self._died(fault))

    def _planned(self) -> Run:
        return replace(self._state, phase="planned") if self._state.phase_since is None else self._state

    def _died(self, fault: BaseException) -> Run:
        last = self.state
        text = (
            f"The workflow stopped with {type(fault).__name__}: {fault} Look at "
            f"https://cloud.digitalocean.com/droplets/{last.droplet_id}, and continue with doaudit.resume(account)."
        )
        left = "unknown" if last.power != "untouched" else last.power
        return replace(last, phase="failed", error=text, sentence=f"Failed: {text}", power=left)

    def _tell(self, run: Run) -> None:
        with self._lock:
            self._state = run
        for listener in list(self.listeners):
            with contextlib.suppress(Exception):
                listener(run)


_jobs: dict[str, Job] = {}
_jobs_lock = threading.RLock()


def job_for(key: str) -> Job | None:
    """The job of this droplet that was started last in this process, running or over; None if there was none."""
    with _jobs_lock:
        return _jobs.get(key)


def jobs() -> list[Job]:
    """The last job of each droplet, in the order in which they were started first."""
    with _jobs_lock:
        return list(_jobs.values())


def _droplet(answer: Answer) -> dict[str, Any]:
    return msgspec.json.decode(answer.body, type=dict[str, dict[str, Any]])["droplet"]


def _names(answer: Answer) -> frozenset[str]:
    body = msgspec.json.decode(answer.body, type=dict[str, Any])
    return frozenset(str(each.get("name")) for each in body["snapshots"])


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not re.sub(r"\s", " ", name).isprintable():
        raise InvalidArgument(
            f"A snapshot's name has 1 to {_LONGEST_NAME} characters that can be printed; this one has {len(name)}."
        )
    return name


def _plan_in_words(planned: Run) -> str:
    if not planned.was_on:
        return "The droplet is off, and will stay so."
    if planned.live:
        return "The droplet stays on; what it writes while the snapshot is taken may be in it half-way."
    about, most = planned.off_s or (0.0, 0.0)
    return f"The droplet will be off for about {_span(about)}, 9 of 10 within {_span(most)}."


def _span(number: float) -> str:
    minute = 60
    return f"{number:.0f} seconds" if number < 2 * minute else f"{number / minute:.0f} minutes"
