"""One event of a workflow, from before it is asked for until nothing more is to be learnt about it: pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from doaudit.workflow.expected import next_look_s, timeout_s
from doaudit.workflow.messages import (
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
    matching_action,
)
from doaudit.workflow.run import Run, Submission, SubmissionState, logged

if TYPE_CHECKING:
    from doaudit.actions import Action

__all__ = [
    "ABSENT_S",
    "Next",
    "advance",
    "brought_up_to_date",
    "pending_action",
    "record_error",
    "record_not_found",
    "retry_s",
    "seconds",
]

Next = tuple[Run, Command | None]

ABSENT_S = 120.0  # a fresh thing may be 404 for a while, and what was deleted is so for ever
_LOOKUP_S = 60.0
_LOOKUP_PATIENCE_S = 900.0
_FIRST_LOOK_S = 2.0
_LOOKUP_EVERY_S = 5.0
_TROUBLE_WAIT_S = 10.0
_LONGEST_RETRY_S = 60.0
_SWITCHES_OFF = {"shutdown", "power_off"}
_SAYS = {"power_off": "switch off", "power_on": "switch on", "shutdown": "shut down", "snapshot": "take a snapshot of"}


def seconds(number: float) -> timedelta:
    """So many seconds."""
    return timedelta(seconds=number)


def advance(run: Run, seen: Event, kind: str, name: str | None = None, *, timeout: float | None = None) -> Next:
    """
    Go on with asking for an event and seeing it end.

    Args:
        run: its `submission` is the event; None before it is asked for. Its `phase_deadline` is when to stop waiting.
        seen: what came back.
        kind: the event's type.
        name: of a snapshot.
        timeout: seconds after which the event is overdue; by default as `doaudit.workflow.expected` says.

    Returns:
        The run and what to ask next; None once `run.submission.settled`.
    """
    submission = run.submission
    if isinstance(seen, ReadFailed | Missing):
        run = record_error(run, seen) if isinstance(seen, ReadFailed) else record_not_found(run, seen)
        return _patiently(run, seen.at, retry_s(run), kind)
    run = replace(run, absent_since=None) if isinstance(seen, ListRead | ActionRead) else run
    if submission is None:
        return _before_sending(run, seen, kind, name)
    if submission.settled:
        return run, None
    if submission.state == "sending":
        return _answered(run, seen, submission, timeout)
    return (
        _looked_up(run, seen, submission, timeout) if submission.state == "lost" else _followed(run, seen, submission)
    )


def pending_action(run: Run, seen: ListRead) -> tuple[Run, float]:
    """The run, which says what is in the way, and in how many seconds to look again; 0 if nothing is in the way."""
    pending = [action for action in seen.actions if not action.finished]
    if not pending:
        return replace(run, blocking_action_id=None), 0.0
    first = min(pending, key=lambda action: action.id)
    own = " that this run has started" if first.id in run.action_ids else ""
    which = f"the {first.type} (action {first.id}){own}"
    sentence = f"Waiting for {which} to end: DigitalOcean does one thing at a time to a droplet."
    if run.blocking_action_id != first.id:
        run = logged(run, seen.at, sentence, first.id)
    age = first.age_s or 0.0
    return replace(run, blocking_action_id=first.id, sentence=sentence), next_look_s(
        age, run.expected.get(first.type or "")
    )


def record_error(run: Run, trouble: ReadFailed) -> Run:
    """The run after something could not be read: it says so, once, and counts what will not pass by itself."""
    if not any(line.text == trouble.text for line in run.log[-3:]):
        run = logged(run, trouble.at, trouble.text)
    return replace(run, read_errors=run.read_errors + 1, auth_errors=run.auth_errors + trouble.final)


def retry_s(run: Run) -> float:
    """How long to wait after something could not be read: the longer, the more often it could not."""
    return min(_TROUBLE_WAIT_S * 2.0 ** max(run.read_errors - 1, 0), _LONGEST_RETRY_S)


def record_not_found(run: Run, absent: Missing) -> Run:
    """The run after a 404; after two minutes of them the thing is believed to be gone."""
    if run.absent_since is None:
        return replace(logged(run, absent.at, absent.text), absent_since=absent.at)
    return run


def brought_up_to_date(run: Run, seen: ListRead) -> Run:
    """The run with what the list tells of earlier events: how they ended, and that one without an answer did start."""
    by_id = {action.id: action for action in seen.actions}
    submissions = []
    for submission in run.submissions:
        late = submission
        if submission.action_id is None and submission.state in {"sending", "lost", "unknown"}:
            found = matching_action(
                seen.actions, submission.type, (*submission.known, *run.action_ids), submission.since
            )
            if found is not None:
                text = f"The {submission.type} that had no answer did start: it is action {found.id}."
                run = logged(run, seen.at, text, found.id)
                late = _accepted(submission, found)
        action = by_id.get(late.action_id or 0)
        if action is not None and action.finished and late.state in {"accepted", "overdue"}:
            run = logged(run, seen.at, f"The {late.type} has ended: {action.status}.", action.id)
            late = _ended(late, action, seen.at)
        submissions.append(late)
    return replace(run, submissions=tuple(submissions))


def _before_sending(run: Run, seen: Event, kind: str, name: str | None) -> Next:
    if not isinstance(seen, ListRead):
        return run, ReadList()
    run, wait = pending_action(run, seen)
    if wait:
        return _patiently(run, seen.at, wait, kind)
    known = tuple(action.id for action in seen.actions)
    submission = Submission(kind, sent_at=seen.at, since=seen.date, known=known)
    power = "unknown" if kind in _SWITCHES_OFF and run.power == "untouched" else run.power
    run = logged(run, seen.at, f"Asking DigitalOcean to {_SAYS.get(kind, kind)} the droplet.")
    return replace(run, submission=submission, power=power), Submit(kind, name)


def _answered(run: Run, seen: Event, submission: Submission, timeout: float | None) -> Next:
    if isinstance(seen, Accepted):
        return _follow(
            run, submission, seen.action, seen.at, timeout, f"DigitalOcean has started the {submission.type}."
        )
    if isinstance(seen, Rejected):
        run = logged(run, seen.at, seen.text)
        if run.power == "unknown" and not any(o.type in _SWITCHES_OFF for o in run.submissions if o.state != "refused"):
            run = replace(run, power="untouched")
        if not seen.passing:
            return _settled(run, submission, "refused", said=seen.text)
        wait = min(_LOOKUP_EVERY_S * 2**run.refusals, _LONGEST_RETRY_S)
        return _patiently(replace(run, submission=None, refusals=run.refusals + 1), seen.at, wait, submission.type)
    said = seen.text if isinstance(seen, AnswerLost) else "The run was interrupted while this was being asked for."
    text = f"{said} Looking among the droplet's actions for a {submission.type} that has started since."
    lost = replace(submission, state="lost", said=said)
    deadline = seen.at + seconds(_LOOKUP_PATIENCE_S)
    return replace(logged(run, seen.at, text), submission=lost, phase_deadline=deadline), Wait(_FIRST_LOOK_S)


def _looked_up(run: Run, seen: Event, submission: Submission, timeout: float | None) -> Next:
    if not isinstance(seen, ListRead):
        return run, ReadList()
    found = matching_action(seen.actions, submission.type, (*submission.known, *run.action_ids), submission.since)
    if found is not None:
        return _follow(
            run, submission, found, seen.at, timeout, f"The {submission.type} did start, as action {found.id}."
        )
    if seen.at >= submission.sent_at + seconds(_LOOKUP_S):
        return _settled(run, submission, "unknown", said=submission.said)
    return run, Wait(_LOOKUP_EVERY_S)


def _followed(run: Run, seen: Event, submission: Submission) -> Next:
    if not isinstance(seen, ActionRead):
        return run, ReadAction(submission.action_id or 0)
    if seen.action.finished:
        ended = _ended(submission, seen.action, seen.at)
        run = logged(run, seen.at, f"The {submission.type} has ended: {seen.action.status}.", seen.action.id)
        return replace(run, submission=ended), None
    age = (seen.at - submission.sent_at).total_seconds()
    return _patiently(run, seen.at, next_look_s(age, run.expected.get(submission.type)), submission.type)


def _follow(run: Run, submission: Submission, action: Action, at: datetime, timeout: float | None, text: str) -> Next:
    limit = timeout_s(submission.type, run.expected.get(submission.type)) if timeout is None else timeout
    steps = tuple(
        replace(one, action_id=action.id) if one.status == "running" and one.action_id is None else one
        for one in run.steps
    )
    run = replace(logged(run, at, text, action.id), steps=steps, submission=_accepted(submission, action), refusals=0)
    return replace(run, phase_deadline=at + seconds(limit)), Wait(_FIRST_LOOK_S)


def _accepted(submission: Submission, action: Action) -> Submission:
    return replace(submission, state="accepted", action_id=action.id, started_at=action.started_at)


def _ended(submission: Submission, action: Action, at: datetime) -> Submission:
    state: SubmissionState = "completed" if action.outcome == "completed" else "errored"
    return replace(submission, state=state, ended_at=action.completed_at or at, said=f"it ended '{action.status}'")


def _settled(run: Run, submission: Submission, state: SubmissionState, *, said: str) -> Next:
    return replace(run, submission=replace(submission, state=state, said=said)), None


def _patiently(run: Run, at: datetime, wait: float, kind: str) -> Next:
    """Wait, if there is time left; else settle the event with what is known."""
    deadline = run.phase_deadline or at
    gone = run.absent_since is not None and at >= run.absent_since + seconds(ABSENT_S)
    if at < deadline and not gone:
        return run, Wait(max(min(wait, (deadline - at).total_seconds()), 1.0))
    submission = run.submission
    if submission is None:
        blocked = Submission(kind, sent_at=at, since=at)
        return _settled(
            run, blocked, "blocked", said=run.sentence if run.blocking_action_id else "it could not be asked for"
        )
    if submission.state == "lost":
        return _settled(run, submission, "unknown", said=submission.said)
    return _settled(run, submission, "overdue", said="it is still open")
