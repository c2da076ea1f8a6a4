"""A walk through every state of the pure snapshot machine that the driver can bring about: no HTTP, no waiting."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from doaudit.actions import Action
from doaudit.snapshot.machine import abort, cancel, resume, step
from doaudit.snapshot.messages import (
    Accepted,
    ActionRead,
    Command,
    DropletRead,
    Elapsed,
    Event,
    ListRead,
    Missing,
    ReadAction,
    ReadDroplet,
    ReadFailed,
    ReadList,
    ReadSnapshots,
    Rejected,
    ResponseLost,
    Snapshot,
    SnapshotsRead,
    Submit,
    Unrecorded,
    Wait,
)
from doaudit.snapshot.run import Moment, Run, Submission

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Move", "walk"]

START = datetime(2026, 11, 23, 12, tzinfo=UTC)
LEAPS_S = (1.0, 150.0, 4000.0)
"""Seconds between two events: next to none, more than it takes to believe in a 404, more than any time-out."""


@dataclass(frozen=True)
class Move:
    """A move of the machine from one run to the next; `trigger` is the event, or 'cancel', 'defect' or 'resume'."""

    before: Run
    trigger: Event | str
    after: Run
    command: Command | None = None


def walk() -> Iterator[Move]:
    """Yield every move from every state; states that differ only in times, texts and numbers count as one."""
    seen, states = set(), deque((run, Wait(0.0)) for run in _planned())
    while states:
        for move in _moves(*states.popleft()):
            yield move
            kind = _kind_of(move.after, move.command)
            if kind not in seen:
                seen.add(kind)
                states.append((move.after, move.command))


def _planned() -> Iterator[Run]:
    for live in (False, True):
        for was_on in (False, True):
            yield Run("r", 7, "web-01", "before", live=live, was_on=was_on, created_at=START)


def _kind_of(run: Run, command: Command | None) -> tuple[object, ...]:
    """Return everything in a state that decides what may come of it."""
    last, under_way, now_s = (run.submissions or [None])[-1], run.submission, run.elapsed_s
    return (
        command.type if isinstance(command, Submit) else type(command),
        run.phase,
        run.live,
        run.was_on,
        run.power,
        run.ending,
        run.seen_off,
        run.switched_off,
        run.shutdown_may_come,
        run.power_on_attempts,
        run.absent_since_s is not None,
        now_s >= (run.phase_deadline_s or 0.0),
        last and last.type,
        under_way and (under_way.type, under_way.state),
    )


def _moves(run: Run, command: Command | None) -> Iterator[Move]:
    for leap_s in LEAPS_S:
        elapsed_s = run.elapsed_s + leap_s
        now = Moment(START + timedelta(seconds=elapsed_s), elapsed_s)
        if command is not None:
            for event in _events(run, command, now):
                before = replace(run, auth_errors=2) if isinstance(event, ReadFailed) and event.unauthorized else run
                after, following = step(before, event)
                yield Move(before, event, _at(after, now), following)
            yield Move(run, "cancel", _at(cancel(run, now), now), Wait(0.0))
            yield Move(run, "defect", _at(abort(run, now, "A defect."), now), Wait(0.0))
        if run.phase != "planned" and (not run.ended or run.needs_power_on):
            yield Move(run, "resume", _at(resume(run, now), now), Wait(0.0))


def _at(run: Run, now: Moment) -> Run:
    """Return a run as the driver keeps it; of its log only the last line, since nothing depends on the others."""
    return replace(run, elapsed_s=now.elapsed_s, log=run.log[-1:])


def _events(run: Run, command: Command, now: Moment) -> Iterable[Event]:
    """Yield what can come back to a command."""
    failures = (
        ReadFailed(now, "It failed."),
        ReadFailed(now, "Not accepted.", unauthorized=True),
        Missing(now, "Nothing is there."),
        Elapsed(now),  # it was told to stop before it was sent
    )
    match command:
        case Wait():
            return (Elapsed(now),)
        case ReadDroplet():
            statuses = [DropletRead(now, status, now.at) for status in ("active", "off", "new")]
            return (*statuses, DropletRead(now, "active", now.at, locked=True), *failures)
        case ReadList():
            return (*(ListRead(now, actions, now.at) for actions in _lists(run, now)), *failures)
        case ReadAction():
            kind = run.submission.type if run.submission else "snapshot"
            ends = [_action(command.action_id, kind, now, status) for status in ("in-progress", "completed", "errored")]
            return (*(ActionRead(now, action) for action in ends), *failures)
        case ReadSnapshots():
            started = run.submissions[-1].started_at if run.submissions else None
            own = Snapshot("77", run.snapshot_name, started or now.at)
            return (SnapshotsRead(now, ()), SnapshotsRead(now, (own,)), *failures)
        case Submit():
            responses = (
                Accepted(now, _action(_new_id(run), command.type, now, "in-progress")),
                Rejected(now, "Refused."),
                Rejected(now, "Later.", temporary=True),
                Rejected(now, "Too many requests.", temporary=True, rate_limited=True),
                ResponseLost(now, "No response."),
            )
            return responses if command.type == "power_on" else (*responses, Unrecorded(now, "The disk is full."))


def _lists(run: Run, now: Moment) -> Iterator[tuple[Action, ...]]:
    """Yield lists of the droplet's actions: none, another's, and those of the run, open and ended."""
    yield ()
    yield (_action(900, "reboot", now, "in-progress"),)
    yield (_action(901, "reboot", now, "completed"),)
    if run.resumed:
        yield (_action(902, "snapshot", now, "completed"),)
    for status in ("in-progress", "completed", "errored"):
        own = tuple(_of_submission(run, submission, now, status) for submission in run.every_submission)
        if own:
            yield own


def _of_submission(run: Run, submission: Submission, now: Moment, status: str) -> Action:
    action = _action(submission.action_id or _new_id(run), submission.type, now, status)
    return replace(action, started_at=submission.started_at or submission.since)


def _new_id(run: Run) -> int:
    return 1000 + len(run.every_submission)


def _action(action_id: int, kind: str, now: Moment, status: str) -> Action:
    ended_at = None if status == "in-progress" else now.at
    return Action(action_id, kind, status, "droplet", 7, "droplet:7", "nyc3", now.at, ended_at, now.at)
