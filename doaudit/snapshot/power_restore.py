"""The way back to a droplet that is on: whatever ends a run that may have left it off leads through here. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from doaudit.operations.poll_schedule import timeout_s
from doaudit.snapshot.messages import DropletRead, Elapsed, Event, ListRead, ReadDroplet, ReadFailed, ReadList, Wait
from doaudit.snapshot.reads import (
    CONFIRM_S,
    PATIENCE_S,
    PATIENCE_WHILE_ON_S,
    POLL_S,
    SETTLE_S,
    is_gone,
    is_over,
    never_gives_up,
    note_read,
    retry_s,
    soon_s,
)
from doaudit.snapshot.run import Moment, Run, logged
from doaudit.snapshot.submission import Next, advance
from doaudit.snapshot.transitions import close, enter_phase, go

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["confirming_on", "fail", "powering_on", "restore"]

_SHUTDOWN_MAY_COME_S = 120.0
_SHUTDOWN_FORGOTTEN = timedelta(hours=1)
_RETRY_S = 10.0
_POWER_ON_ATTEMPTS = 3


def fail(run: Run, now: Moment, error: str) -> Next:
    """Fail, by way of a droplet that is on again if it may be off."""
    run = logged(replace(run, ending="failed", error=error), now.at, error)
    if run.power == "untouched":
        return close(run, now, "failed"), None
    return restore(run, now, "It failed; switching the droplet on again.", went_well=False), ReadList()


def restore(run: Run, now: Moment, sentence: str, *, went_well: bool | None = None) -> Run:
    """Enter the way back to a droplet that is on."""
    blocked_by_the_snapshot = max(PATIENCE_S, timeout_s("snapshot", run.expected.get("snapshot")))
    patience = blocked_by_the_snapshot if run.switched_off else PATIENCE_WHILE_ON_S
    well = run.ending == "done" if went_well is None else went_well
    return enter_phase(run, "powering on", now, sentence, patience, went_well=well)


def powering_on(run: Run, event: Event) -> Next:
    """Ask for the power, or, where only a shutdown was asked for, see whether the droplet goes off."""
    if run.submission is None and not run.switched_off:
        return _seeing_whether_it_goes_off(run, event)
    run, command = advance(run, event, "power_on")
    asked = run.submission
    if asked is None or not asked.settled:
        return run, command
    if asked.state in {"completed", "refused"}:
        return go(run, "confirming on", event.now, "Waiting until the droplet says that it is on.", CONFIRM_S)
    if asked.state == "blocked" and is_gone(run, event.now):
        return close(replace(run, droplet_gone=True), event.now, run.ending or "failed"), None
    if asked.state in {"errored", "unknown"}:
        return _once_more(run, event.now, f"Switching it on did not work ({asked.state}: {asked.said}).")
    return _left(run, event.now, f"it could not be switched on ({asked.state}: {asked.said})")


def _seeing_whether_it_goes_off(run: Run, event: Event) -> Next:
    """Watch a droplet that was only asked to shut down and may still do so: nothing can be sent against it."""
    if not run.shutdown_may_come:
        return close(replace(run, power="untouched"), event.now, run.ending or "failed"), None
    match event:
        case Elapsed():
            return run, ReadList()
        case ListRead():
            return run, ReadDroplet()
        case DropletRead(status="off"):
            run = replace(run, seen_off=True, power="off")
            return restore(run, event.now, "The droplet has shut down; switching it on again."), ReadList()
        case DropletRead():
            return _found_on(run, event)
    return _retry_or(note_read(run, event), event, lambda now: _left(now, event.now, "it could not be looked at"))


def confirming_on(run: Run, event: Event) -> Next:
    """See that the droplet says that it is on."""
    if isinstance(event, Elapsed):
        return run, ReadDroplet()
    if isinstance(event, DropletRead):
        run = replace(run, absent_since_s=None)
        if event.status == "active" and (run.seen_off or _since_s(run, event.now) >= SETTLE_S):
            return _found_on(run, event)
        if event.status == "off":
            run = replace(run, seen_off=True, power="off")
    said = "The droplet was switched on, but does not say that it is on."
    return _retry_or(note_read(run, event), event, lambda now: _once_more(now, event.now, said))


def _found_on(run: Run, event: DropletRead) -> Next:
    """The droplet says that it is on. That settles it, unless it was asked to shut down and may still do so."""
    ending = run.ending or "failed"
    asked = max(
        (each for each in run.submissions if each.type == "shutdown"), key=lambda each: each.sent_s, default=None
    )
    if asked is None or not run.shutdown_may_come or event.date >= asked.since + _SHUTDOWN_FORGOTTEN:
        return close(replace(run, power="on"), event.now, ending), None
    if event.now.elapsed_s >= asked.sent_s + _SHUTDOWN_MAY_COME_S:
        return close(replace(run, power="may go off"), event.now, ending), None
    return run, Wait(POLL_S)


def _retry_or(run: Run, event: Event, at_last: Callable[[Run], Next]) -> Next:
    """Look again, unless the droplet is gone, or the time for this is over."""
    if is_gone(run, event.now):
        return close(replace(run, droplet_gone=True), event.now, run.ending or "failed"), None
    if isinstance(event, ReadFailed) and never_gives_up(run):
        deadline_s = max(run.phase_deadline_s or 0.0, event.now.elapsed_s + retry_s(run) + CONFIRM_S)
        return replace(run, phase_deadline_s=deadline_s), Wait(retry_s(run))
    return at_last(run) if is_over(run, event.now) else (run, Wait(soon_s(run, event)))


def _once_more(run: Run, now: Moment, why: str) -> Next:
    if run.power_on_attempts + 1 >= _POWER_ON_ATTEMPTS:
        return _left(run, now, f"{_POWER_ON_ATTEMPTS} attempts to switch it on did not work")
    run = logged(replace(run, power_on_attempts=run.power_on_attempts + 1), now.at, why)
    return restore(run, now, "Trying once more to switch the droplet on."), Wait(_RETRY_S)


def _left(run: Run, now: Moment, why: str) -> Next:
    """Give the droplet up, and say so."""
    text = f"After the run began, the droplet was not brought back: {why}."
    return close(replace(run, error=f"{run.error} {text}".strip()), now, run.ending or "failed"), None


def _since_s(run: Run, now: Moment) -> float:
    return 0.0 if run.phase_since_s is None else now.elapsed_s - run.phase_since_s
