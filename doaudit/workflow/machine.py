"""
The snapshot workflow as a pure machine: frozen values in, frozen values out.

    prepare -> shut down -> (power off) -> confirmed off -> snapshot -> confirmed snapshot -> power on -> confirmed on

`step` takes a run and what came back, and gives the run as it is now and what to ask next, or how long to wait; None
once it is over. It promises, whatever comes back:

- An event whose answer was lost is looked up among the droplet's actions and not sent again. Only 'power on' is, after
  the look-up found no trace of it: sent twice it does no harm, and not sent it leaves a droplet off.
- A snapshot is sent once; again only where it was certainly not started (429, 404, an event in the way).
- Once the droplet may have gone off, there is no way to an end but through 'powering on', and the run says so loudly
  if that cannot be done or confirmed.
- Every wait has an end.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from doaudit.workflow.expected import timeout_s
from doaudit.workflow.messages import (
    DropletRead,
    Elapsed,
    Event,
    ListRead,
    Missing,
    ReadDroplet,
    ReadFailed,
    ReadList,
    ReadSnapshots,
    Snapshot,
    SnapshotsRead,
    Wait,
)
from doaudit.workflow.run import LogLine, Phase, Run, Step, logged, planned_steps
from doaudit.workflow.submission import (
    ABSENT_S,
    Next,
    advance,
    brought_up_to_date,
    pending_action,
    record_error,
    record_not_found,
    retry_s,
    seconds,
)
from doaudit.workflow.transitions import close, enter_phase

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["GRACE_S", "LogLine", "Next", "Phase", "Run", "Step", "cancelled", "planned_steps", "resumed", "step"]

GRACE_S = 90.0
_SETTLE_S = 15.0  # a droplet's status lags its actions by seconds
_CONFIRM_S = 300.0
_PATIENCE_S = 3600.0
_PATIENCE_WHILE_ON_S = 900.0
_SHUTDOWN_MAY_COME_S = 120.0
_SHUTDOWN_FORGOTTEN_S = 900.0
_GLANCE_S = 3.0
_RETRY_S = 10.0
_POWER_ON_ATTEMPTS = 3
_REJECTIONS = 3


def step(run: Run, seen: Event) -> Next:
    """
    The run after something came back, and what to ask next; None once it is over.

    Example:
        >>> from datetime import UTC, datetime
        >>> now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        >>> run = Run("r1", 7, "web-01", "before the upgrade", live=False, was_on=True, created_at=now)
        >>> run, request = step(run, Elapsed(now))
        >>> run.phase, request
        ('waiting for another action', ReadList())
    """
    if run.ended:
        return run, None
    if run.phase == "planned":
        sentence = "Seeing that nothing else is being done to the droplet."
        run = replace(run, steps=planned_steps(run))
        return enter_phase(run, "waiting for another action", seen.at, sentence, _PATIENCE_S), ReadList()
    if not isinstance(seen, Elapsed | ReadFailed):
        run = replace(run, read_errors=0, auth_errors=0)
    if isinstance(seen, ListRead):
        run = brought_up_to_date(run, seen)
    run, request = _PHASES[run.phase](run, seen)
    if run.auth_errors >= _REJECTIONS and not run.ended:
        said = (
            run.error or "DigitalOcean no longer accepts the token or its scopes, so nothing more can be done or seen."
        )
        return close(replace(run, error=said), seen.at, "failed"), None
    return run, request


def cancelled(run: Run, at: datetime) -> Run:
    """The run once nobody wants it any more: it waits no longer, and goes on only to restore the droplet's power."""
    if run.ended or run.phase in {"powering on", "confirming on"}:
        return run
    run = logged(run, at, "Cancel was asked for.")
    if run.power == "untouched":
        return close(run, at, "cancelled")
    return _restoring(replace(run, ending="cancelled"), at, "Cancelled; switching the droplet on again.")


def resumed(run: Run, at: datetime) -> Run:
    """
    The run that was left, to be gone on with: from where it was, or, where it had ended, with the droplet's power.

    A run that owes the droplet nothing comes back as it is.
    """
    if run.ended and not run.needs_power_on:
        return run
    if run.ended:
        ending: Literal["failed", "cancelled"] = "cancelled" if run.phase == "cancelled" else "failed"
        run = replace(run, ending=run.ending or ending, power_on_attempts=0, auth_errors=0, ended_at=None)
        return _restoring(run, at, "Resumed, to see that the droplet is on.")
    run = logged(run, at, f"Resumed in the phase '{run.phase}'.")
    if run.phase_since is None or run.phase_deadline is None:
        return run
    return replace(run, phase_deadline=at + (run.phase_deadline - run.phase_since), absent_since=None, auth_errors=0)


def _prepare(run: Run, seen: Event) -> Next:
    match seen:
        case Elapsed():
            return run, ReadList()
        case ListRead():
            return _way_seen(replace(run, absent_since=None), seen)
        case DropletRead():
            return _checked(run, seen)
        case SnapshotsRead():
            return _begun(replace(run, snapshots_before=tuple(each.id for each in seen.snapshots)), seen.at)
    run = _noted(run, seen)
    if _gone(run, seen.at) or _over(run, seen.at):
        return _failed(run, seen.at, f"Nothing was begun: {run.log[-1].text}")
    return run, Wait(_soon_s(run, seen))


def _way_seen(run: Run, seen: ListRead) -> Next:
    run, wait = pending_action(run, seen)
    wait = wait or _unsettled_s(seen)
    if wait and _over(run, seen.at):
        return _failed(run, seen.at, f"Nothing was begun. {run.sentence}")
    return (run, Wait(wait)) if wait else (run, ReadDroplet())


def _checked(run: Run, seen: DropletRead) -> Next:
    is_on = seen.status == "active"
    if seen.locked:
        return _failed(run, seen.at, "Nothing was begun: the droplet is locked by DigitalOcean; ask its support why.")
    if seen.status not in {"active", "off"}:
        return _failed(run, seen.at, f"Nothing was begun: the droplet's status is '{seen.status}', not active or off.")
    if is_on and not run.was_on and not run.live:
        return _failed(
            run,
            seen.at,
            "Nothing was begun: the droplet was off when this was planned and is on now, so that it would have to be "
            "shut down. Plan it anew to agree to that.",
        )
    if run.was_on and not is_on:
        run = logged(run, seen.at, "The droplet is off already, and will be left off.")
        run = replace(run, was_on=False)
        run = replace(run, steps=(replace(run.steps[0], action_id=None), *planned_steps(run)[1:]))
    return run, ReadSnapshots()


def _begun(run: Run, at: datetime) -> Next:
    if run.live or not run.was_on:
        return _go(run, "snapshotting", at, "Taking the snapshot.", _PATIENCE_S)
    return _go(run, "shutting down", at, "Shutting the droplet down.", _PATIENCE_WHILE_ON_S)


def _shutting_down(run: Run, seen: Event) -> Next:
    run, request = advance(run, seen, "shutdown", timeout=GRACE_S)
    submission = run.submission
    if submission is None or not submission.settled:
        return run, request
    if submission.state == "completed":
        sentence = "The droplet was asked to shut down; waiting until it is off."
        left = max(GRACE_S - (seen.at - submission.sent_at).total_seconds(), _GLANCE_S)
        return _go(run, "confirming off", seen.at, sentence, left)
    if submission.state == "blocked":
        return _failed(run, seen.at, f"The droplet could not be shut down: {submission.said}.")
    sentence = f"The droplet could not be asked to shut down ({submission.state}: {submission.said}); switching it off."
    return _go(run, "powering off", seen.at, sentence, _PATIENCE_WHILE_ON_S, went_well=False)


def _powering_off(run: Run, seen: Event) -> Next:
    run, request = advance(run, seen, "power_off")
    submission = run.submission
    if submission is None or not submission.settled:
        return run, request
    if submission.state in {"completed", "refused", "unknown"}:
        return _go(run, "confirming off", seen.at, "Waiting until the droplet says that it is off.", _CONFIRM_S)
    return _failed(run, seen.at, f"The droplet could not be switched off ({submission.state}: {submission.said}).")


def _confirming_off(run: Run, seen: Event) -> Next:
    if isinstance(seen, DropletRead) and seen.status == "off":
        run = replace(run, seen_off=True, power="off")
        return _go(run, "snapshotting", seen.at, "The droplet is off. Taking the snapshot.", _PATIENCE_WHILE_ON_S)
    if isinstance(seen, Elapsed):
        return run, ReadDroplet()
    run = _noted(run, seen)
    if not _over(run, seen.at):
        return run, Wait(_soon_s(run, seen))
    if run.submissions[-1].type == "shutdown":
        sentence = f"The droplet did not shut down within {GRACE_S:.0f} s; switching it off."
        return _go(run, "powering off", seen.at, sentence, _PATIENCE_WHILE_ON_S, went_well=False)
    return _failed(run, seen.at, "The droplet was switched off, but does not say that it is off.")


def _snapshotting(run: Run, seen: Event) -> Next:
    run, request = advance(run, seen, "snapshot", run.snapshot_name)
    submission = run.submission
    if submission is None or not submission.settled:
        return run, request
    if submission.state == "completed":
        return _go(run, "confirming snapshot", seen.at, "Looking for it among the droplet's snapshots.", _CONFIRM_S)
    which = f" (action {submission.action_id})" if submission.action_id else ""
    reason = {
        "errored": f"The snapshot{which} failed at DigitalOcean, which gives no reason. Try again later.",
        "overdue": f"The snapshot{which} has not ended in time. It has not failed: it may still be completed.",
        "unknown": f"It is not known whether the snapshot was started. {submission.said}",
    }.get(submission.state, f"The snapshot could not be started: {submission.said}")
    return _failed(run, seen.at, reason)


def _confirming_snapshot(run: Run, seen: Event) -> Next:
    if isinstance(seen, SnapshotsRead):
        found = _own(run, seen.snapshots)
        if found is not None:
            run = replace(run, snapshot_id=found.id, ending="done")
            run = logged(run, seen.at, f"The snapshot '{found.name}' exists; its id is {found.id}.")
            return _after_the_snapshot(run, seen.at)
    elif isinstance(seen, Elapsed):
        return run, ReadSnapshots()
    run = _noted(run, seen)
    if not _over(run, seen.at):
        return run, Wait(_soon_s(run, seen))
    which = run.submissions[-1].action_id
    return _failed(
        run, seen.at, f"The snapshot's action {which} was completed, but no snapshot of it can be found in the list."
    )


def _own(run: Run, snapshots: tuple[Snapshot, ...]) -> Snapshot | None:
    """The snapshot that the run took: it is as old as its action, else it is new and has the name."""
    fresh = [each for each in snapshots if each.id not in run.snapshots_before]
    started = run.submissions[-1].started_at
    exact = [each for each in fresh if started is not None and each.created_at == started]
    named = [each for each in fresh if each.name == run.snapshot_name]
    return next(iter([*exact, *named]), None)


def _after_the_snapshot(run: Run, at: datetime) -> Next:
    if run.power == "untouched":
        return close(run, at, "done"), None
    return _restoring(run, at, "Switching the droplet on again."), ReadList()


def _powering_on(run: Run, seen: Event) -> Next:
    if run.submission is None and not _switched_off(run):
        return _seeing_whether_it_goes_off(run, seen)
    run, request = advance(run, seen, "power_on")
    submission = run.submission
    if submission is None or not submission.settled:
        return run, request
    if submission.state in {"completed", "refused"}:
        return _go(run, "confirming on", seen.at, "Waiting until the droplet says that it is on.", _CONFIRM_S)
    if submission.state == "blocked" and _gone(run, seen.at):
        return close(replace(run, droplet_gone=True), seen.at, run.ending or "failed"), None
    if submission.state in {"errored", "unknown"}:
        return _once_more(run, seen.at, f"Switching it on did not work ({submission.state}: {submission.said}).")
    return _left(run, seen.at, f"it could not be switched on ({submission.state}: {submission.said})")


def _seeing_whether_it_goes_off(run: Run, seen: Event) -> Next:
    """A droplet that was only asked to shut down may still do so, or never: nothing can be sent against it."""
    if not _shutdown_may_come(run):
        return close(replace(run, power="untouched"), seen.at, run.ending or "failed"), None
    match seen:
        case Elapsed():
            return run, ReadList()
        case ListRead():
            return run, ReadDroplet()
        case DropletRead(status="off"):
            run = replace(run, seen_off=True, power="off")
            return _restoring(run, seen.at, "The droplet has shut down; switching it on again."), ReadList()
        case DropletRead():
            return _found_on(run, seen.at)
    return _retry_or(_noted(run, seen), seen, lambda now: _left(now, seen.at, "it could not be looked at"))


def _confirming_on(run: Run, seen: Event) -> Next:
    if isinstance(seen, Elapsed):
        return run, ReadDroplet()
    if isinstance(seen, DropletRead):
        run = replace(run, absent_since=None)
        if seen.status == "active" and (run.seen_off or _since(run, seen.at) >= _SETTLE_S):
            return _found_on(run, seen.at)
        if seen.status == "off":
            run = replace(run, seen_off=True, power="off")
    said = "The droplet was switched on, but does not say that it is on."
    return _retry_or(_noted(run, seen), seen, lambda now: _once_more(now, seen.at, said))


def _found_on(run: Run, at: datetime) -> Next:
    """The droplet says that it is on. That settles it, unless it was asked to shut down and may still do so."""
    asked = max((submission.sent_at for submission in run.submissions if submission.type == "shutdown"), default=at)
    if not _shutdown_may_come(run) or at >= asked + seconds(_SHUTDOWN_FORGOTTEN_S):
        return close(replace(run, power="on"), at, run.ending or "failed"), None
    if at >= asked + seconds(_SHUTDOWN_MAY_COME_S):
        return _left(run, at, "it was asked to shut down, has not done so yet, and may still do so")
    return run, Wait(_GLANCE_S)


def _retry_or(run: Run, seen: Event, at_last: Callable[[Run], Next]) -> Next:
    """Look again, unless the droplet is gone, or the time for this is over."""
    if _gone(run, seen.at):
        return close(replace(run, droplet_gone=True), seen.at, run.ending or "failed"), None
    return at_last(run) if _over(run, seen.at) else (run, Wait(_soon_s(run, seen)))


def _once_more(run: Run, at: datetime, why: str) -> Next:
    if run.power_on_attempts + 1 >= _POWER_ON_ATTEMPTS:
        return _left(run, at, f"{_POWER_ON_ATTEMPTS} attempts to switch it on did not work")
    run = logged(replace(run, power_on_attempts=run.power_on_attempts + 1), at, why)
    return _restoring(run, at, "Trying once more to switch the droplet on."), Wait(_RETRY_S)


def _left(run: Run, at: datetime, why: str) -> Next:
    """Give the droplet up, and say so."""
    text = f"After the run began, the droplet was not brought back: {why}."
    ending = run.ending or "failed"
    error = f"{run.error} {text}".strip()
    return close(replace(run, error=error), at, ending), None


def _failed(run: Run, at: datetime, error: str) -> Next:
    run = logged(replace(run, ending="failed", error=error), at, error)
    if run.power == "untouched":
        return close(run, at, "failed"), None
    return _restoring(run, at, "It failed; switching the droplet on again.", went_well=False), ReadList()


def _restoring(run: Run, at: datetime, sentence: str, *, went_well: bool | None = None) -> Run:
    blocked_by_the_snapshot = max(_PATIENCE_S, timeout_s("snapshot", run.expected.get("snapshot")))
    patience = blocked_by_the_snapshot if _switched_off(run) else _PATIENCE_WHILE_ON_S
    well = run.ending == "done" if went_well is None else went_well
    return enter_phase(run, "powering on", at, sentence, patience, went_well=well)


def _go(run: Run, phase: Phase, at: datetime, sentence: str, patience_s: float, *, went_well: bool = True) -> Next:
    return step(enter_phase(run, phase, at, sentence, patience_s, went_well=went_well), Elapsed(at))


def _noted(run: Run, seen: Event) -> Run:
    if isinstance(seen, ReadFailed):
        return record_error(run, seen)
    if isinstance(seen, Missing):
        return record_not_found(run, seen)
    return replace(run, absent_since=None)


def _soon_s(run: Run, seen: Event) -> float:
    return retry_s(run) if isinstance(seen, ReadFailed) else _GLANCE_S


def _since(run: Run, at: datetime) -> float:
    return (at - (run.phase_since or at)).total_seconds()


def _over(run: Run, at: datetime) -> bool:
    return run.phase_deadline is not None and at >= run.phase_deadline


def _gone(run: Run, at: datetime) -> bool:
    return run.absent_since is not None and at >= run.absent_since + seconds(ABSENT_S)


def _switched_off(run: Run) -> bool:
    """Whether there is something that only a power-on undoes."""
    return run.seen_off or any(
        submission.type == "power_off" and submission.state != "blocked" for submission in run.every_submission
    )


def _shutdown_may_come(run: Run) -> bool:
    """Whether the guest was asked to shut down and may still do so."""
    done = any(submission.type == "power_off" and submission.state == "completed" for submission in run.submissions)
    dead = {"errored", "refused", "blocked"}
    asked = any(submission.type == "shutdown" and submission.state not in dead for submission in run.submissions)
    return asked and not done and not run.seen_off


def _unsettled_s(seen: ListRead) -> float:
    """Seconds until what the droplet says of itself can be believed: it lags the end of an action."""
    ends = [_end(action.completed_at, seen) for action in seen.actions]
    return max(0.0, _SETTLE_S - min(ends, default=_SETTLE_S))


def _end(completed_at: datetime | None, seen: ListRead) -> float:
    return _SETTLE_S if completed_at is None else (seen.date - completed_at).total_seconds()


_PHASES: dict[str, Callable[[Run, Event], Next]] = {
    "waiting for another action": _prepare,
    "shutting down": _shutting_down,
    "powering off": _powering_off,
    "confirming off": _confirming_off,
    "snapshotting": _snapshotting,
    "confirming snapshot": _confirming_snapshot,
    "powering on": _powering_on,
    "confirming on": _confirming_on,
}
