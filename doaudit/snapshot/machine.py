"""
The snapshot workflow as a pure state machine: frozen values in, frozen values out.

    prepare -> shut down -> (power off) -> confirm off -> take snapshot -> confirm snapshot -> power on -> confirm on

`step` takes a run and the event that came back. It returns the run as it is now, and what to ask next or how long to
wait; None once it has ended. `doaudit.snapshot.transition_table` lists every transition from phase to phase, and
`_PHASES` at the end has the function of each phase. Whatever comes back, the machine promises:

- An event whose response was lost is looked up among the droplet's actions and not sent again. Only a power-on is, if
  no trace of it was found: sent twice it does no harm, and not sent it leaves a droplet off.
- A snapshot is sent once; again only if it was certainly not started (429, 404, another action pending).
- A snapshot is the run's own if it has the run's name and its action's time; otherwise it is not found.
- Once the droplet may have gone off, the run ends only after 'powering on', and says loudly if the power could not be
  restored or confirmed. Only a token that is no longer accepted ends it at once, just as loudly.
- Every wait ends, but for one: while the power has to be restored and DigitalOcean is out of reach, it is tried again
  at least every two minutes, for as long as it takes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from doaudit.operations.action_requests import SKEW
from doaudit.snapshot.messages import (
    DropletRead,
    Elapsed,
    Event,
    ListRead,
    ReadDroplet,
    ReadFailed,
    ReadList,
    ReadSnapshots,
    Snapshot,
    SnapshotsRead,
    Unrecorded,
    Wait,
)
from doaudit.snapshot.power_restore import confirm_on, fail, power_on, restore_power
from doaudit.snapshot.reads import (
    CONFIRM_TIMEOUT_S,
    LONG_TIMEOUT_S,
    POLL_S,
    SETTLE_S,
    SHORT_TIMEOUT_S,
    is_gone,
    is_past_deadline,
    next_read_s,
    record_read,
)
from doaudit.snapshot.run import LogLine, Moment, Phase, Run, Step, Submission, add_log_line, planned_steps
from doaudit.snapshot.submission import Next, pending_action, submit_and_follow, update_submissions
from doaudit.snapshot.transitions import close, enter_phase, start_phase

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "GRACE_S",
    "LogLine",
    "Next",
    "Phase",
    "Run",
    "Step",
    "abort",
    "cancel",
    "planned_steps",
    "resume",
    "step",
]

GRACE_S = 90.0
_AUTH_ERRORS = 3


def step(run: Run, event: Event) -> Next:
    """
    Return the run after something came back, and what to ask next; None once it is over.

    Example:
        >>> from datetime import UTC, datetime
        >>> now = Moment(datetime(2026, 11, 23, 12, tzinfo=UTC), elapsed_s=0.0)
        >>> run = Run("r1", 7, "web-01", "before the upgrade", live=False, was_on=True, created_at=now.at)
        >>> run, command = step(run, Elapsed(now))
        >>> run.phase, command
        ('waiting for another action', ReadList())
    """
    if run.ended:
        return run, None
    if run.phase == "planned":
        return _start(run, event.now)
    if isinstance(event, Unrecorded):
        return _handle_unrecorded(run, event)
    if not isinstance(event, Elapsed | ReadFailed):
        # A list that can be read says nothing of a droplet that cannot.
        run = replace(run, read_errors=run.read_errors if isinstance(event, ListRead) else 0, auth_errors=0)
    if isinstance(event, ListRead):
        run = update_submissions(run, event)
    run, command = _PHASES[run.phase](run, event)
    if run.auth_errors >= _AUTH_ERRORS and not run.ended:
        return _end_without_access(run, event.now)
    return run, command


def cancel(run: Run, now: Moment) -> Run:
    """Cancel: stop waiting and only restore the droplet's power."""
    if run.ended or run.phase in {"powering on", "confirming on"}:
        return run
    run = add_log_line(run, now.at, "Cancel was asked for.")
    if run.power == "untouched":
        return close(run, now, "cancelled")
    return restore_power(replace(run, ending="cancelled"), now, "Cancelled; switching the droplet on again.")


def abort(run: Run, now: Moment, error: str) -> Run:
    """Fail for a reason from outside: stop, and only restore the droplet's power."""
    if run.ended:
        return run
    if run.phase in {"powering on", "confirming on"}:
        run = replace(add_log_line(run, now.at, error), error=f"{run.error} {error}".strip(), ending="failed")
        return restore_power(run, now, "Switching the droplet on again.", went_well=False)
    return fail(run, now, error)[0]


def resume(run: Run, now: Moment) -> Run:
    """
    Resume a run that was left: where it was, or, if it had ended, to restore the droplet's power.

    A run that has ended and left nothing to restore is returned as it is.
    """
    if run.ended and not run.needs_power_on:
        return run
    run = replace(run, resumed=True)
    if run.ended:
        ending: Literal["failed", "cancelled"] = "cancelled" if run.phase == "cancelled" else "failed"
        run = replace(run, ending=run.ending or ending, power_on_attempts=0, auth_errors=0, ended_at=None, error="")
        return restore_power(run, now, "Resumed, to make sure that the droplet is on.")
    run = add_log_line(run, now.at, f"Resumed in the phase '{run.phase}'.")
    if run.phase_since_s is None or run.phase_deadline_s is None:
        return run
    deadline_s = now.elapsed_s + (run.phase_deadline_s - run.phase_since_s)
    return replace(run, phase_since_s=now.elapsed_s, phase_deadline_s=deadline_s, absent_since_s=None, auth_errors=0)


def _start(run: Run, now: Moment) -> Next:
    run = replace(run, steps=planned_steps(run))
    sentence = "Checking that nothing else is being done to the droplet."
    return enter_phase(run, "waiting for another action", now, sentence, LONG_TIMEOUT_S), ReadList()


def _handle_unrecorded(run: Run, event: Unrecorded) -> Next:
    """End the run, since what cannot be written down is not asked for."""
    if run.submission is not None:
        run = replace(run, submission=replace(run.submission, state="blocked", said=event.text))
    if run.power == "unknown" and not run.asked_for_anything:
        run = replace(run, power="untouched")
    return fail(run, event.now, event.text)


def _end_without_access(run: Run, now: Moment) -> Next:
    """End at once, whatever the droplet's power is: nothing can be done about it with this token."""
    error = "DigitalOcean no longer accepts the token or its scopes, so nothing more can be done or seen."
    return close(replace(run, error=run.error or error), now, "failed"), None


def _prepare(run: Run, event: Event) -> Next:
    match event:
        case Elapsed():
            return run, ReadList()
        case ListRead():
            began = run.began_since or event.date
            return _check_pending_action(replace(run, absent_since_s=None, began_since=began), event)
        case DropletRead():
            return _check_droplet(run, event)
        case SnapshotsRead():
            ids = tuple(snapshot.id for snapshot in event.snapshots)
            return _begin(replace(run, snapshots_before=ids), event.now)
    run = record_read(run, event)
    if is_gone(run, event.now) or is_past_deadline(run, event.now):
        return fail(run, event.now, f"Nothing was begun: {run.log[-1].text}")
    return run, Wait(next_read_s(run, event))


def _check_pending_action(run: Run, event: ListRead) -> Next:
    """Wait while another action is in the way, and then until the droplet's status can be believed."""
    run, wait = pending_action(run, event)
    wait = wait or _settle_s(event)
    if wait and is_past_deadline(run, event.now):
        return fail(run, event.now, f"Nothing was begun. {run.sentence}")
    return (run, Wait(wait)) if wait else (run, ReadDroplet())


def _settle_s(event: ListRead) -> float:
    """Return the seconds until what the droplet says of itself can be believed: it lags the end of an action."""
    ends = [action.completed_at for action in event.actions if action.completed_at is not None]
    since_s = (event.date - max(ends)).total_seconds() if ends else SETTLE_S
    return min(max(0.0, SETTLE_S - since_s), SETTLE_S)


def _check_droplet(run: Run, event: DropletRead) -> Next:
    """Fail if the droplet is not as it was planned; go on without power steps if it is off already."""
    is_on = event.status == "active"
    error = ""
    if event.locked:
        error = "Nothing was begun: the droplet is locked by DigitalOcean; ask its support why."
    elif event.status not in {"active", "off"}:
        error = f"Nothing was begun: the droplet's status is '{event.status}', not active or off."
    elif is_on and not run.was_on and not run.live:
        error = (
            "Nothing was begun: the droplet was off when this was planned and is on now, so that it would have to be "
            "shut down. Plan it again to agree to that."
        )
    if error:
        return fail(run, event.now, error)
    if run.was_on and not is_on:
        run = add_log_line(run, event.now.at, "The droplet is off already, and will be left off.")
        run = replace(run, was_on=False)
        run = replace(run, steps=(replace(run.steps[0], action_id=None), *planned_steps(run)[1:]))
    return run, ReadSnapshots()


def _begin(run: Run, now: Moment) -> Next:
    if run.live or not run.was_on:
        return start_phase(run, "snapshotting", now, "Taking the snapshot.", LONG_TIMEOUT_S)
    return start_phase(run, "shutting down", now, "Shutting the droplet down.", SHORT_TIMEOUT_S)


def _shut_down(run: Run, event: Event) -> Next:
    return submit_and_follow(run, event, "shutdown", _after_shutdown, timeout=GRACE_S)


def _after_shutdown(run: Run, submission: Submission, now: Moment) -> Next:
    match submission.state:
        case "completed":
            sentence = "The droplet was asked to shut down; waiting until it is off."
            timeout_s = max(GRACE_S - (now.elapsed_s - submission.sent_s), POLL_S)
            return start_phase(run, "confirming off", now, sentence, timeout_s)
        case "blocked":
            return fail(run, now, f"The droplet could not be shut down: {submission.said}.")
    why = f"The droplet could not be asked to shut down ({submission.state}: {submission.said}); switching it off."
    return start_phase(run, "powering off", now, why, SHORT_TIMEOUT_S, went_well=False)


def _power_off(run: Run, event: Event) -> Next:
    return submit_and_follow(run, event, "power_off", _after_power_off)


def _after_power_off(run: Run, submission: Submission, now: Moment) -> Next:
    match submission.state:
        case "completed" | "refused" | "unknown":
            sentence = "Waiting until the droplet says that it is off."
            return start_phase(run, "confirming off", now, sentence, CONFIRM_TIMEOUT_S)
    return fail(run, now, f"The droplet could not be switched off ({submission.state}: {submission.said}).")


def _confirm_off(run: Run, event: Event) -> Next:
    if isinstance(event, DropletRead) and event.status == "off":
        run = replace(run, seen_off=True, power="off")
        sentence = "The droplet is off. Taking the snapshot."
        return start_phase(run, "snapshotting", event.now, sentence, SHORT_TIMEOUT_S)
    if isinstance(event, Elapsed):
        return run, ReadDroplet()
    run = record_read(run, event)
    if not is_past_deadline(run, event.now):
        return run, Wait(next_read_s(run, event))
    if run.submissions[-1].type == "shutdown":
        sentence = f"The droplet did not shut down within {GRACE_S:.0f} s; switching it off."
        return start_phase(run, "powering off", event.now, sentence, SHORT_TIMEOUT_S, went_well=False)
    return fail(run, event.now, "The droplet was switched off, but does not say that it is off.")


def _take_snapshot(run: Run, event: Event) -> Next:
    return submit_and_follow(run, event, "snapshot", _after_snapshot, name=run.snapshot_name)


def _after_snapshot(run: Run, submission: Submission, now: Moment) -> Next:
    which = f" (action {submission.action_id})" if submission.action_id else ""
    match submission.state:
        case "completed":
            sentence = "Looking for it among the droplet's snapshots."
            return start_phase(run, "confirming snapshot", now, sentence, CONFIRM_TIMEOUT_S)
        case "errored":
            error = f"The snapshot{which} failed at DigitalOcean, which gives no reason. Try again later."
        case "overdue":
            error = f"The snapshot{which} has not ended in time. It has not failed: it may still be completed."
        case "unknown":
            error = f"It is not known whether the snapshot was started. {submission.said}"
        case _:
            error = f"The snapshot could not be started: {submission.said}"
    return fail(run, now, error)


def _confirm_snapshot(run: Run, event: Event) -> Next:
    if isinstance(event, Elapsed):
        return run, ReadSnapshots()
    found = _find_own_snapshot(run, event.snapshots) if isinstance(event, SnapshotsRead) else None
    if found is not None:
        return _finish(run, found, event.now)
    run = record_read(run, event)
    if not is_past_deadline(run, event.now):
        return run, Wait(next_read_s(run, event))
    return fail(
        run,
        event.now,
        f"The snapshot's action {run.submissions[-1].action_id} was completed, but among the droplet's snapshots there "
        f"is none named '{run.snapshot_name}' that was begun with it. It may have been somebody else's: look at "
        "https://cloud.digitalocean.com/images/snapshots/droplets.",
    )


def _find_own_snapshot(run: Run, snapshots: tuple[Snapshot, ...]) -> Snapshot | None:
    """Find the snapshot that this run took: it is new, has the run's name, and was begun with the run's action."""
    started = run.submissions[-1].started_at or run.submissions[-1].since
    own = [
        snapshot
        for snapshot in snapshots
        if snapshot.name == run.snapshot_name
        and snapshot.id not in run.snapshots_before
        and snapshot.created_at is not None
        and abs(snapshot.created_at - started) <= SKEW
    ]
    return min(own, key=lambda snapshot: abs((snapshot.created_at or started) - started), default=None)


def _finish(run: Run, snapshot: Snapshot, now: Moment) -> Next:
    """Record the snapshot, and end at once if the droplet was not touched, else after its power is restored."""
    run = replace(run, snapshot_id=snapshot.id, ending="done")
    run = add_log_line(run, now.at, f"The snapshot '{snapshot.name}' exists; its id is {snapshot.id}.")
    if run.power == "untouched":
        return close(run, now, "done"), None
    return restore_power(run, now, "Switching the droplet on again."), ReadList()


_PHASES: dict[str, Callable[[Run, Event], Next]] = {
    "waiting for another action": _prepare,
    "shutting down": _shut_down,
    "powering off": _power_off,
    "confirming off": _confirm_off,
    "snapshotting": _take_snapshot,
    "confirming snapshot": _confirm_snapshot,
    "powering on": power_on,
    "confirming on": confirm_on,
}
