"""
Drive a snapshot run: the loop that sends what the pure machine asks for, and returns to it what comes back.

After the first request was sent, whatever goes wrong ends in an attempt to restore the droplet's power: a cancel, a
response that cannot be read, a full disk, a defect of doaudit itself. A request that changes something is sent only
after it was written to the journal, except for a power-on, which is also sent if the journal cannot be written.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from doaudit.api.client import Client, Stopped
from doaudit.errors import NotPossible
from doaudit.snapshot.journal import Journal, load
from doaudit.snapshot.machine import abort, cancel, resume, step
from doaudit.snapshot.messages import (
    Accepted,
    Command,
    Elapsed,
    Event,
    ListRead,
    ReadFailed,
    Rejected,
    Submit,
    Unrecorded,
    Wait,
)
from doaudit.snapshot.run import Moment, Run, add_log_line
from doaudit.snapshot.transitions import out_of_reach_statement, power_statement
from doaudit.snapshot.transport import perform

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.api.retry import Pause
    from doaudit.clock import Clock
    from doaudit.snapshot.state_folders import StateFolders

__all__ = ["drive"]

_ANNOUNCE_FROM_S = 2.0
_WARN_AFTER_S = 600.0
_MAX_DEFECTS = 3
_log = logging.getLogger(__name__)


def drive(
    client: Client,
    run: Run,
    *,
    folders: StateFolders,
    clock: Clock,
    stop: threading.Event | None = None,
    on_change: Callable[[Run], None] = lambda _: None,
) -> Run:
    """
    Run to completion, or as far as possible, and return the final state.

    What goes wrong at DigitalOcean or on the way there is in the run that is returned, not raised. Ctrl-C cancels; a
    second one leaves everything as it is, to be resumed later.

    Args:
        client: the account.
        run: a plan, or an unfinished run; of the latter, the state in its journal counts.
        folders: the folders of the journal and of the droplet's lock.
        clock: tells the time, and waits.
        stop: once set, the run is cancelled: it only restores the droplet's power.
        on_change: called with each new state; what it raises is dropped.

    Raises:
        NotPossible: a run of this droplet is being driven elsewhere, this run has ended, or its journal is damaged.
        FileProblem: the journal or the lock cannot be written; nothing was asked for.
        KeyboardInterrupt: the second Ctrl-C.
    """
    with folders.droplet_locked(run.droplet_id):
        # Read only now: until the lock was held, another program may have driven this very run.
        current = _load_current(run, folders)
        with Journal(folders.journals, run.id) as journal:
            return _Driver(client, current, journal, clock, stop or threading.Event(), on_change).drive()


def _load_current(run: Run, folders: StateFolders) -> Run:
    """Return the run as its journal has it; refuse one that cannot go on."""
    known = load(folders.readable, run.id)
    if known is None:
        if run.phase == "planned":
            return run
        raise NotPossible(
            f"The journal of the run {run.id} no longer exists, so it cannot be resumed. Look at the droplet "
            f"at https://cloud.digitalocean.com/droplets/{run.droplet_id}."
        )
    if not known.readable:
        raise NotPossible(known.sentence)
    if known.ended and not known.needs_power_on:
        raise NotPossible(f"This run is over, and is not done twice. {known.sentence}")
    return known


class _Driver:
    """The loop; its state is the run, and what the run does not hold: the journal, and what was announced."""

    def __init__(
        self,
        client: Client,
        run: Run,
        journal: Journal,
        clock: Clock,
        stop: threading.Event,
        on_change: Callable[[Run], None],
    ) -> None:
        self._client, self._run, self._journal, self._clock = client, run, journal, clock
        self._stop, self._on_change = stop, on_change
        self._began_s = clock.elapsed() - run.elapsed_s
        self._cancelled = False
        self._journal_problem = ""
        self._unreachable_since_s: float | None = None
        self._warned_at_s = float("-inf")
        self._defects = 0

    def drive(self) -> Run:
        """Run to completion; the first Ctrl-C and a defect only turn the run towards its end."""
        self._begin()
        event: Event = Elapsed(self._now())
        while True:
            try:
                command = self._decide(event)
                if command is None:
                    return self._run
                event = self._perform(command)
            except KeyboardInterrupt:
                if self._stop.is_set():
                    raise
                self._stop.set()
                event = Elapsed(self._now())
            except Exception as fault:  # noqa: BLE001 -- whatever it is, the droplet must get its power back
                _log.exception("A snapshot run met a defect")
                if not self._recover(fault):
                    return self._run
                event = Elapsed(self._now())

    def _begin(self) -> None:
        """Write the first line of the journal; where nothing was asked for yet, a failure to do so ends it."""
        now, asked_for_nothing = self._now(), not self._run.asked_for_anything
        run = self._run if self._run.phase == "planned" else resume(self._run, now)
        self._run = replace(run, elapsed_s=now.elapsed_s)
        if asked_for_nothing:
            self._journal.write(now.at, "begun", self._run)
        else:
            self._write_journal("resumed")
            self._notify()

    def _decide(self, event: Event) -> Command | None:
        """Ask the machine what to do, and write that to the journal before it is done."""
        if self._stop.is_set() and not self._cancelled:
            self._cancelled = True
            self._set_run(cancel(self._run, event.now), "cancelled")
            event = Elapsed(event.now)
        run, command = step(self._run, event)
        recorded = self._set_run(run, "about to ask" if isinstance(command, Submit) else "so far")
        if isinstance(command, Submit) and not recorded and command.type != "power_on":
            return self._decide(Unrecorded(self._now(), self._journal_problem))
        return command

    def _perform(self, command: Command) -> Event:
        """Wait, or send a command, and return what comes back."""
        # After a cancel nothing interrupts restoring the power.
        stop = threading.Event() if self._cancelled else self._stop
        if isinstance(command, Wait):
            if self._unreachable_since_s is not None and command.seconds >= _ANNOUNCE_FROM_S:
                self._announce(f"Trying again in {command.seconds:.0f} s.")
            self._clock.wait(command.seconds, stop)
            return Elapsed(self._now())
        try:
            event = perform(
                self._client, self._run.droplet_id, command, now=self._now, stop=stop, on_pause=self._notify_pause
            )
        except Stopped:
            if isinstance(command, Submit):
                return Rejected(self._now(), f"The {command.type} was not asked for.", temporary=True)
            return Elapsed(self._now())
        if isinstance(event, ListRead) and all(action.finished for action in event.actions):
            return event  # no action is in the way, and a list does not show that the droplet can be reached
        reached = not (isinstance(event, ReadFailed) or (isinstance(event, Rejected) and event.rate_limited))
        self._record_reached(reached=reached)
        return event

    def _set_run(self, run: Run, why: str) -> bool:
        """Set the run, and return whether the journal has what it must have of it."""
        changed = run != self._run
        to_record = run.phase != self._run.phase or run.submission != self._run.submission
        self._run = replace(run, elapsed_s=self._now().elapsed_s)
        recorded = self._write_journal(why) if to_record or why != "so far" else True
        if changed:
            self._notify()
        return recorded

    def _write_journal(self, why: str) -> bool:
        """Write a line, and return whether that worked; a failure is logged once."""
        now = self._now()
        try:
            self._journal.write(now.at, why, self._run)
        except Exception as fault:  # noqa: BLE001 -- whatever it is, it must not leave a droplet off
            if str(fault) != self._journal_problem:
                self._journal_problem = str(fault)
                self._run = add_log_line(self._run, now.at, self._journal_problem)
            return False
        self._journal_problem = ""
        return True

    def _notify(self) -> None:
        # A listener that fails must change nothing.
        with contextlib.suppress(Exception):
            self._on_change(self._run)

    def _notify_pause(self, pause: Pause) -> None:
        if pause.seconds >= _ANNOUNCE_FROM_S:
            self._record_reached(reached=False)
            self._announce(f"Waiting {pause.seconds:.0f} s: {pause.reason}.")

    def _record_reached(self, *, reached: bool) -> None:
        if reached:
            self._unreachable_since_s, self._warned_at_s = None, float("-inf")
        elif self._unreachable_since_s is None:
            self._unreachable_since_s = self._now().elapsed_s

    def _announce(self, text: str) -> None:
        """Log that a wait begins; warn once in ten minutes if it keeps the droplet's power from being restored."""
        now = self._now()
        self._run = add_log_line(self._run, now.at, text)
        unreached_s = now.elapsed_s - (self._unreachable_since_s or now.elapsed_s)
        due = now.elapsed_s - self._warned_at_s >= _WARN_AFTER_S
        if self._run.needs_power_on and unreached_s >= _WARN_AFTER_S and due:
            statement = out_of_reach_statement(self._run, unreached_s)
            self._run = replace(add_log_line(self._run, now.at, statement), sentence=statement)
            self._warned_at_s = now.elapsed_s
        self._notify()

    def _recover(self, fault: Exception) -> bool:
        """After a defect, let the machine restore the power; if that fails again and again, try it once without it."""
        self._defects += 1
        text = f"doaudit itself failed with {type(fault).__name__}: {fault}. Please report this."
        if self._defects <= _MAX_DEFECTS:
            with contextlib.suppress(Exception):
                self._set_run(abort(self._run, self._now(), text), "defect")
                return True
        asked = ""
        if self._run.needs_power_on:
            stop, silent = threading.Event(), lambda _: None
            command = Submit("power_on")
            event = perform(self._client, self._run.droplet_id, command, now=self._now, stop=stop, on_pause=silent)
            done = isinstance(event, Accepted)
            asked = " It was asked to switch on." if done else " It could not be asked to switch on."
        power = "unknown" if self._run.needs_power_on else self._run.power
        run = replace(self._run, phase="failed", power=power, ended_at=self._now().at, error=f"{text}{asked}")
        self._run = replace(run, sentence=f"Failed: {run.error} {power_statement(run)}")
        self._write_journal("defect")
        self._notify()
        return False

    def _now(self) -> Moment:
        return Moment(datetime.fromtimestamp(self._clock.now(), UTC), self._clock.elapsed() - self._began_s)
