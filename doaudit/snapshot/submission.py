"""Submissions: one event of a run, from before it is asked for until its end is known. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doaudit.operations.action_requests import SKEW, matching_action
from doaudit.operations.poll_schedule import next_poll_s, timeout_s
from doaudit.snapshot.messages import (
    Accepted,
    ActionRead,
    Command,
    Event,
    ListRead,
    Missing,
    ReadAction,
    ReadFailed,
    ReadList,
    Rejected,
    ResponseLost,
    Submit,
    Wait,
)
from doaudit.snapshot.reads import is_gone, record_read, retries_forever, retry_s
from doaudit.snapshot.run import Run, Submission, SubmissionState, add_log_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from doaudit.actions import Action
    from doaudit.snapshot.run import Moment

__all__ = ["Next", "pending_action", "submit_and_follow", "update_submissions"]

Next = tuple[Run, Command | None]

_LOOK_UP_FOR_S = 60.0
_LOOK_UP_TIMEOUT_S = 900.0
_FIRST_POLL_S = 2.0
_LOOK_UP_EVERY_S = 5.0
_LONGEST_RETRY_S = 60.0
_AFTER_AN_OUTAGE_S = 60.0
_SWITCHES_OFF = {"shutdown", "power_off"}
_VERBS = {"power_off": "switch off", "power_on": "switch on", "shutdown": "shut down", "snapshot": "take a snapshot of"}


def submit_and_follow(
    run: Run,
    event: Event,
    event_type: str,
    then: Callable[[Run, Submission, Moment], Next],
    *,
    name: str | None = None,
    timeout: float | None = None,
) -> Next:
    """
    Submit an event, follow it to its end, and then decide.

    Args:
        run: its `submission` is the event; None before it is submitted. Its `phase_deadline_s` is when to stop waiting.
        event: what came back.
        event_type: the type of the event to submit, such as 'snapshot'.
        then: decides what follows, given the run, the settled submission and the time.
        name: of a snapshot.
        timeout: seconds after which the event is overdue; by default as `doaudit.operations.poll_schedule` says.

    Returns:
        The run and what to ask next.
    """
    run, command = _advance(run, event, event_type, name, timeout)
    if run.submission is None or not run.submission.settled:
        return run, command
    return then(run, run.submission, event.now)


def _advance(run: Run, event: Event, event_type: str, name: str | None, timeout: float | None) -> Next:
    """Take the submission one step further; the command is None once it is settled."""
    if isinstance(event, ReadFailed | Missing):
        run = record_read(run, event)
        return _wait_or_settle(run, event.now, retry_s(run), event_type, unreachable=isinstance(event, ReadFailed))
    if isinstance(event, ListRead | ActionRead):
        run = replace(run, absent_since_s=None)
    match run.submission:
        case None:
            return _submit(run, event, event_type, name)
        case Submission(state="sending") as submission:
            return _handle_response(run, event, submission, timeout)
        case Submission(state="lost") as submission:
            return _look_up(run, event, submission, timeout)
        case Submission(state="accepted") as submission:
            return _poll(run, event, submission)
    return run, None


def pending_action(run: Run, event: ListRead) -> tuple[Run, float]:
    """Return the run, which names the action that is in the way, and the seconds until the next read; 0 if none is."""
    pending = [action for action in event.actions if not action.finished]
    if not pending:
        return replace(run, blocking_action_id=None), 0.0
    first = min(pending, key=lambda action: action.id)
    own = " that this run has started" if first.id in run.action_ids else ""
    which = f"the {first.type} (action {first.id}){own}"
    sentence = f"Waiting for {which} to end: DigitalOcean does one thing at a time to a droplet."
    if run.blocking_action_id != first.id:
        run = add_log_line(run, event.now.at, sentence, first.id)
    # The age of an action without a start is at least as long as this run has waited.
    waited_s = event.now.elapsed_s - (event.now.elapsed_s if run.phase_since_s is None else run.phase_since_s)
    wait = next_poll_s(waited_s if first.age_s is None else first.age_s, run.expected.get(first.type or ""))
    return replace(run, blocking_action_id=first.id, sentence=sentence), wait


def update_submissions(run: Run, event: ListRead) -> Run:
    """Return the run with what a list tells of earlier events: which began without a response, and how they ended."""
    by_id = {action.id: action for action in event.actions}
    updated = []
    for earlier in run.submissions:
        submission = earlier
        if submission.action_id is None and submission.state in {"sending", "lost", "unknown"}:
            found = _matching_action(run, submission, event)
            if found is not None:
                text = f"The {submission.type} that had no answer did start: it is action {found.id}."
                run = add_log_line(run, event.now.at, text, found.id)
                submission = _with_action(submission, found)
        action = by_id.get(submission.action_id or 0)
        if action is not None and action.finished and submission.state in {"accepted", "overdue"}:
            text = f"The {submission.type} has ended: {action.status}."
            run = add_log_line(run, event.now.at, text, action.id)
            submission = _with_end(submission, action, event.now.at)
        updated.append(submission)
    return replace(run, submissions=tuple(updated))


def _submit(run: Run, event: Event, event_type: str, name: str | None) -> Next:
    """Submit the event once no other action is in the way."""
    if not isinstance(event, ListRead):
        return run, ReadList()
    run, wait = pending_action(run, event)
    if wait:
        return _wait_or_settle(run, event.now, wait, event_type)
    known = tuple(action.id for action in event.actions)
    submission = Submission(event_type, sent_at=event.now.at, since=event.date, known=known, sent_s=event.now.elapsed_s)
    found = _unrecorded_snapshot(run, event) if event_type == "snapshot" else None
    if found is not None:
        text = (
            f"A snapshot has been started since this run began (action {found.id}), and the journal does not tell by "
            "whom. It is not asked for again."
        )
        return _accept(run, submission, found, event.now, None, text)
    power = "unknown" if event_type in _SWITCHES_OFF and run.power == "untouched" else run.power
    run = add_log_line(run, event.now.at, f"Asking DigitalOcean to {_VERBS.get(event_type, event_type)} the droplet.")
    return replace(run, submission=submission, power=power), Submit(event_type, name)


def _unrecorded_snapshot(run: Run, event: ListRead) -> Action | None:
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


def _handle_response(run: Run, event: Event, submission: Submission, timeout: float | None) -> Next:
    """Go on after the event was sent; without a response, look for its action."""
    if isinstance(event, Accepted):
        text = f"DigitalOcean has started the {submission.type}."
        return _accept(run, submission, event.action, event.now, timeout, text)
    if isinstance(event, Rejected):
        return _handle_rejection(run, event, submission)
    why = event.text if isinstance(event, ResponseLost) else "The run was interrupted while this was being asked for."
    text = f"{why} Looking among the droplet's actions for a {submission.type} that has started since."
    lost = replace(submission, state="lost", said=why)
    deadline_s = event.now.elapsed_s + _LOOK_UP_TIMEOUT_S
    run = replace(add_log_line(run, event.now.at, text), submission=lost, phase_deadline_s=deadline_s)
    return run, Wait(_FIRST_POLL_S)


def _handle_rejection(run: Run, event: Rejected, submission: Submission) -> Next:
    """Submit it again later if the reason is temporary; the droplet's power is as it was before."""
    run = add_log_line(run, event.now.at, event.text)
    sent = [earlier for earlier in run.submissions if earlier.state not in {"refused", "blocked"}]
    if run.power == "unknown" and not any(earlier.type in _SWITCHES_OFF for earlier in sent):
        run = replace(run, power="untouched")
    if not event.temporary:
        return _settle(run, submission, "refused", why=event.text)
    wait = min(_LOOK_UP_EVERY_S * 2.0 ** min(run.refusals, 10), _LONGEST_RETRY_S)
    run = replace(run, submission=None, refusals=run.refusals + 1)
    return _wait_or_settle(run, event.now, wait, submission.type, unreachable=event.rate_limited)


def _look_up(run: Run, event: Event, submission: Submission, timeout: float | None) -> Next:
    """Look for the action of an event that had no response, for a minute."""
    if not isinstance(event, ListRead):
        return run, ReadList()
    found = _matching_action(run, submission, event)
    if found is not None:
        text = f"The {submission.type} did start, as action {found.id}."
        return _accept(run, submission, found, event.now, timeout, text)
    if event.now.elapsed_s >= submission.sent_s + _LOOK_UP_FOR_S:
        return _settle(run, submission, "unknown", why=submission.said)
    return run, Wait(_LOOK_UP_EVERY_S)


def _matching_action(run: Run, submission: Submission, event: ListRead) -> Action | None:
    known = (*submission.known, *run.action_ids)
    return matching_action(event.actions, {submission.type}, known, submission.since)


def _poll(run: Run, event: Event, submission: Submission) -> Next:
    """Read the action of an accepted event until it has ended."""
    if not isinstance(event, ActionRead):
        return run, ReadAction(submission.action_id or 0)
    if event.action.finished:
        text = f"The {submission.type} has ended: {event.action.status}."
        run = add_log_line(run, event.now.at, text, event.action.id)
        return replace(run, submission=_with_end(submission, event.action, event.now.at)), None
    age_s = event.now.elapsed_s - submission.sent_s
    wait = next_poll_s(age_s, run.expected.get(submission.type))
    return _wait_or_settle(run, event.now, wait, submission.type)


def _accept(run: Run, submission: Submission, action: Action, now: Moment, timeout: float | None, text: str) -> Next:
    """Record the action that the event has become; the running step names it."""
    limit = timeout_s(submission.type, run.expected.get(submission.type)) if timeout is None else timeout
    steps = tuple(
        replace(step, action_id=action.id) if step.status == "running" and step.action_id is None else step
        for step in run.steps
    )
    run = replace(
        add_log_line(run, now.at, text, action.id),
        steps=steps,
        submission=_with_action(submission, action),
        refusals=0,
        phase_deadline_s=now.elapsed_s + limit,
    )
    return run, Wait(_FIRST_POLL_S)


def _with_action(submission: Submission, action: Action) -> Submission:
    return replace(submission, state="accepted", action_id=action.id, started_at=action.started_at)


def _with_end(submission: Submission, action: Action, at: datetime) -> Submission:
    state: SubmissionState = "completed" if action.outcome == "completed" else "errored"
    ended_at = action.completed_at or at
    return replace(submission, state=state, ended_at=ended_at, said=f"it ended '{action.status}'")


def _settle(run: Run, submission: Submission, state: SubmissionState, *, why: str) -> Next:
    return replace(run, submission=replace(submission, state=state, said=why)), None


def _wait_or_settle(run: Run, now: Moment, wait: float, event_type: str, *, unreachable: bool = False) -> Next:
    """Wait if there is time left, or if this is retried for ever; else settle the event with what is known."""
    deadline_s = now.elapsed_s if run.phase_deadline_s is None else run.phase_deadline_s
    if unreachable and retries_forever(run):
        # What could not be looked at meanwhile gets a minute to be looked at afterwards.
        later_s = max(deadline_s, now.elapsed_s + wait + _AFTER_AN_OUTAGE_S)
        return replace(run, phase_deadline_s=later_s), Wait(wait)
    if now.elapsed_s < deadline_s and not is_gone(run, now):
        return run, Wait(max(min(wait, deadline_s - now.elapsed_s), 1.0))
    submission = run.submission
    if submission is None:
        blocked = Submission(event_type, sent_at=now.at, since=now.at, sent_s=now.elapsed_s)
        why = run.sentence if run.blocking_action_id else "it could not be asked for"
        return _settle(run, blocked, "blocked", why=why)
    if submission.state == "lost":
        return _settle(run, submission, "unknown", why=submission.said)
    return _settle(run, submission, "overdue", why="it is still open")
