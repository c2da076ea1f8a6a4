"""One event of a workflow, from before it is asked for until its end is known. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doaudit.operations.action_requests import SKEW, matching_action
from doaudit.operations.poll_schedule import next_poll_s, timeout_s
from doaudit.snapshot.messages import (
    Accepted,
    ActionRead,
    AnswerLost,
    Command,
    Event,
    ListRead,
    Missing,
    ReadAction,
    ReadFailed,
    ReadList,
    Rejected,
    Submit,
    Wait,
)
from doaudit.snapshot.reads import is_gone, never_gives_up, record_error, record_not_found, retry_s
from doaudit.snapshot.run import Run, Submission, SubmissionState, logged

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.actions import Action
    from doaudit.snapshot.run import Moment

__all__ = ["Next", "advance", "pending_action", "update_submissions"]

Next = tuple[Run, Command | None]

_LOOKUP_S = 60.0
_LOOKUP_PATIENCE_S = 900.0
_FIRST_LOOK_S = 2.0
_LOOKUP_EVERY_S = 5.0
_LONGEST_RETRY_S = 60.0
_AFTER_AN_OUTAGE_S = 60.0
_SWITCHES_OFF = {"shutdown", "power_off"}
_SAYS = {"power_off": "switch off", "power_on": "switch on", "shutdown": "shut down", "snapshot": "take a snapshot of"}


def advance(  # noqa: PLR0911 -- one for each kind of event and state
    run: Run, event: Event, kind: str, name: str | None = None, *, timeout: float | None = None
) -> Next:
    """
    Ask for an event, or go on with seeing it end.

    Args:
        run: its `submission` is the event; None before it is asked for. Its `phase_deadline_s` is when to stop waiting.
        event: what came back.
        kind: the event's type.
        name: of a snapshot.
        timeout: seconds after which the event is overdue; by default as `doaudit.operations.poll_schedule` says.

    Returns:
        The run and what to ask next; None once `run.submission.settled`.
    """
    match event:
        case ReadFailed():
            run = record_error(run, event)
            return _wait_or_settle(run, event.now, retry_s(run), kind, unreachable=True)
        case Missing():
            run = record_not_found(run, event)
            return _wait_or_settle(run, event.now, retry_s(run), kind)
        case ListRead() | ActionRead():
            run = replace(run, absent_since_s=None)
    submission = run.submission
    if submission is None:
        return _before_sending(run, event, kind, name)
    if submission.settled:
        return run, None
    match submission.state:
        case "sending":
            return _replied(run, event, submission, timeout)
        case "lost":
            return _looked_up(run, event, submission, timeout)
    return _followed(run, event, submission)


def pending_action(run: Run, event: ListRead) -> tuple[Run, float]:
    """Return the run, which says which action is in the way, and in how many seconds to look again; 0 if none is."""
    pending = [action for action in event.actions if not action.finished]
    if not pending:
        return replace(run, blocking_action_id=None), 0.0
    first = min(pending, key=lambda action: action.id)
    own = " that this run has started" if first.id in run.action_ids else ""
    which = f"the {first.type} (action {first.id}){own}"
    sentence = f"Waiting for {which} to end: DigitalOcean does one thing at a time to a droplet."
    if run.blocking_action_id != first.id:
        run = logged(run, event.now.at, sentence, first.id)
    # Of one that does not tell when it began, it is known for how long this run has waited.
    waited_s = event.now.elapsed_s - (event.now.elapsed_s if run.phase_since_s is None else run.phase_since_s)
    wait = next_poll_s(waited_s if first.age_s is None else first.age_s, run.expected.get(first.type or ""))
    return replace(run, blocking_action_id=first.id, sentence=sentence), wait


def update_submissions(run: Run, event: ListRead) -> Run:
    """Return the run with what a list tells of earlier events: how they ended, and that one without an answer began."""
    by_id = {action.id: action for action in event.actions}
    updated = []
    for earlier in run.submissions:
        late = earlier
        if earlier.action_id is None and earlier.state in {"sending", "lost", "unknown"}:
            known = (*earlier.known, *run.action_ids)
            found = matching_action(event.actions, {earlier.type}, known, earlier.since)
            if found is not None:
                text = f"The {earlier.type} that had no answer did start: it is action {found.id}."
                run = logged(run, event.now.at, text, found.id)
                late = _accepted(earlier, found)
        action = by_id.get(late.action_id or 0)
        if action is not None and action.finished and late.state in {"accepted", "overdue"}:
            run = logged(run, event.now.at, f"The {late.type} has ended: {action.status}.", action.id)
            late = _ended(late, action, event.now.at)
        updated.append(late)
    return replace(run, submissions=tuple(updated))


def _before_sending(run: Run, event: Event, kind: str, name: str | None) -> Next:
    if not isinstance(event, ListRead):
        return run, ReadList()
    run, wait = pending_action(run, event)
    if wait:
        return _wait_or_settle(run, event.now, wait, kind)
    known = tuple(action.id for action in event.actions)
    submission = Submission(kind, sent_at=event.now.at, since=event.date, known=known, sent_s=event.now.elapsed_s)
    found = _since_it_began(run, event) if kind == "snapshot" else None
    if found is not None:
        text = (
            f"A snapshot has been started since this run began (action {found.id}), and the journal does not tell by "
            "whom. It is not asked for again."
        )
        return _follow(run, submission, found, event.now, None, text)
    power = "unknown" if kind in _SWITCHES_OFF and run.power == "untouched" else run.power
    run = logged(run, event.now.at, f"Asking DigitalOcean to {_SAYS.get(kind, kind)} the droplet.")
    return replace(run, submission=submission, power=power), Submit(kind, name)


def _since_it_began(run: Run, event: ListRead) -> Action | None:
    """Find a snapshot that may be this run's own, where the run was resumed: its journal may lack its last lines."""
    if not run.resumed or run.began_since is None:
        return None
    since = run.began_since - SKEW
    fresh = [
        action
        for action in event.actions
        if action.type == "snapshot"
        and action.id not in run.action_ids
        and (action.started_at is None or action.started_at >= since)
    ]
    return min(fresh, key=lambda action: action.id, default=None)


def _replied(run: Run, event: Event, submission: Submission, timeout: float | None) -> Next:
    if isinstance(event, Accepted):
        text = f"DigitalOcean has started the {submission.type}."
        return _follow(run, submission, event.action, event.now, timeout, text)
    if isinstance(event, Rejected):
        return _rejected(run, event, submission)
    said = event.text if isinstance(event, AnswerLost) else "The run was interrupted while this was being asked for."
    text = f"{said} Looking among the droplet's actions for a {submission.type} that has started since."
    lost = replace(submission, state="lost", said=said)
    deadline_s = event.now.elapsed_s + _LOOKUP_PATIENCE_S
    run = replace(logged(run, event.now.at, text), submission=lost, phase_deadline_s=deadline_s)
    return run, Wait(_FIRST_LOOK_S)


def _rejected(run: Run, event: Rejected, submission: Submission) -> Next:
    run = logged(run, event.now.at, event.text)
    if run.power == "unknown" and not any(
        each.type in _SWITCHES_OFF for each in run.submissions if each.state not in {"refused", "blocked"}
    ):
        run = replace(run, power="untouched")
    if not event.passing:
        return _settled(run, submission, "refused", said=event.text)
    wait = min(_LOOKUP_EVERY_S * 2.0 ** min(run.refusals, 10), _LONGEST_RETRY_S)
    run = replace(run, submission=None, refusals=run.refusals + 1)
    return _wait_or_settle(run, event.now, wait, submission.type, unreachable=event.limit)


def _looked_up(run: Run, event: Event, submission: Submission, timeout: float | None) -> Next:
    if not isinstance(event, ListRead):
        return run, ReadList()
    known = (*submission.known, *run.action_ids)
    found = matching_action(event.actions, {submission.type}, known, submission.since)
    if found is not None:
        text = f"The {submission.type} did start, as action {found.id}."
        return _follow(run, submission, found, event.now, timeout, text)
    if event.now.elapsed_s >= submission.sent_s + _LOOKUP_S:
        return _settled(run, submission, "unknown", said=submission.said)
    return run, Wait(_LOOKUP_EVERY_S)


def _followed(run: Run, event: Event, submission: Submission) -> Next:
    if not isinstance(event, ActionRead):
        return run, ReadAction(submission.action_id or 0)
    if event.action.finished:
        ended = _ended(submission, event.action, event.now.at)
        text = f"The {submission.type} has ended: {event.action.status}."
        return replace(logged(run, event.now.at, text, event.action.id), submission=ended), None
    age = event.now.elapsed_s - submission.sent_s
    wait = next_poll_s(age, run.expected.get(submission.type))
    return _wait_or_settle(run, event.now, wait, submission.type)


def _follow(run: Run, submission: Submission, action: Action, now: Moment, timeout: float | None, text: str) -> Next:
    limit = timeout_s(submission.type, run.expected.get(submission.type)) if timeout is None else timeout
    steps = tuple(
        replace(one, action_id=action.id) if one.status == "running" and one.action_id is None else one
        for one in run.steps
    )
    run = replace(
        logged(run, now.at, text, action.id),
        steps=steps,
        submission=_accepted(submission, action),
        refusals=0,
        phase_deadline_s=now.elapsed_s + limit,
    )
    return run, Wait(_FIRST_LOOK_S)


def _accepted(submission: Submission, action: Action) -> Submission:
    return replace(submission, state="accepted", action_id=action.id, started_at=action.started_at)


def _ended(submission: Submission, action: Action, at: datetime) -> Submission:
    state: SubmissionState = "completed" if action.outcome == "completed" else "errored"
    ended_at = action.completed_at or at
    return replace(submission, state=state, ended_at=ended_at, said=f"it ended '{action.status}'")


def _settled(run: Run, submission: Submission, state: SubmissionState, *, said: str) -> Next:
    return replace(run, submission=replace(submission, state=state, said=said)), None


def _wait_or_settle(run: Run, now: Moment, wait: float, kind: str, *, unreachable: bool = False) -> Next:
    """Wait if there is time left, or none is needed; else settle the event with what is known."""
    deadline_s = now.elapsed_s if run.phase_deadline_s is None else run.phase_deadline_s
    if unreachable and never_gives_up(run):
        # What could not be looked at meanwhile gets a minute to be looked at afterwards.
        later_s = max(deadline_s, now.elapsed_s + wait + _AFTER_AN_OUTAGE_S)
        return replace(run, phase_deadline_s=later_s), Wait(wait)
    if now.elapsed_s < deadline_s and not is_gone(run, now):
        return run, Wait(max(min(wait, deadline_s - now.elapsed_s), 1.0))
    submission = run.submission
    if submission is None:
        blocked = Submission(kind, sent_at=now.at, since=now.at, sent_s=now.elapsed_s)
        said = run.sentence if run.blocking_action_id else "it could not be asked for"
        return _settled(run, blocked, "blocked", said=said)
    if submission.state == "lost":
        return _settled(run, submission, "unknown", said=submission.said)
    return _settled(run, submission, "overdue", said="it is still open")
