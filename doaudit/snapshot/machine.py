"""
The snapshot workflow as a pure machine: frozen values in, frozen values out.

    prepare -> shut down -> (power off) -> confirmed off -> snapshot -> confirmed snapshot -> power on -> confirmed on

`step` takes a run and what came back, and returns the run as it is now and what to ask next, or how long to wait; None
once it is over. It promises, whatever comes back:

- An event whose answer was lost is looked up among the droplet's actions and not sent again. Only 'power on' is, after
  the look-up found no trace of it: sent twice it does no harm, and not sent it leaves a droplet off.
- A snapshot is sent once; again only where it was certainly not started (429, 404, an event in the way).
- A snapshot is called ours if it has our name and our action's time; else it is not found.
- Once the droplet may have gone off, there is no way to an end but through 'powering on', and the run says so loudly
  if that cannot be done or confirmed.
- Every wait has an end but one: while the droplet is owed its power and DigitalOcean is out of reach, it is tried
  again every two minutes or sooner, for as long as it takes.
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
from doaudit.snapshot.power_restore import confirming_on, fail, powering_on, restore
from doaudit.snapshot.reads import (
    CONFIRM_S,
    PATIENCE_S,
    PATIENCE_WHILE_ON_S,
    POLL_S,
    SETTLE_S,
    is_gone,
    is_over,
    note_read,
    soon_s,
)
from doaudit.snapshot.run import LogLine, Moment, Phase, Run, Step, logged, planned_steps
from doaudit.snapshot.submission import Next, advance, pending_action, update_submissions
from doaudit.snapshot.transitions import close, enter_phase, go

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "GRACE_S",
    "LogLine",
    "Next",
    "Phase",
    "Run",
    "Step",
    "cancelled",
    "failed",
    "planned_steps",
    "resumed",
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
        sentence = "Seeing that nothing else is being done to the droplet."
        run = replace(run, steps=planned_steps(run))
        return enter_phase(run, "waiting for another action", event.now, sentence, PATIENCE_S), ReadList()
    if isinstance(event, Unrecorded):
        return _unrecorded(run, event)
    if not isinstance(event, Elapsed | ReadFailed):
        # A list that can be read says nothing of a droplet that cannot.
        run = replace(run, read_errors=run.read_errors if isinstance(event, ListRead) else 0, auth_errors=0)
    if isinstance(event, ListRead):
        run = update_submissions(run, event)
    run, command = _PHASES[run.phase](run, event)
    if run.auth_errors >= _AUTH_ERRORS and not run.ended:
        said = (
            run.error or "DigitalOcean no longer accepts the token or its scopes, so nothing more can be done or seen."
        )
        return close(replace(run, error=said), event.now, "failed"), None
    return run, command


def cancelled(run: Run, now: Moment) -> Run:
    """Cancel: stop waiting and only restore the droplet's power."""
    if run.ended or run.phase in {"powering on", "confirming on"}:
        return run
    run = logged(run, now.at, "Cancel was asked for.")
    if run.power == "untouched":
        return close(run, now, "cancelled")
    return restore(replace(run, ending="cancelled"), now, "Cancelled; switching the droplet on again.")


def failed(run: Run, now: Moment, error: str) -> Run:
    """Fail for a reason from outside: stop, and only restore the droplet's power."""
    if run.ended:
        return run
    if run.phase in {"powering on", "confirming on"}:
        run = replace(logged(run, now.at, error), error=f"{run.error} {error}".strip(), ending="failed")
        return restore(run, now, "Switching the droplet on again.", went_well=False)
    return fail(run, now, error)[0]


def resumed(run: Run, now: Moment) -> Run:
    """
    Take up a run that was left: from where it was, or, where it had ended, with the droplet's power.

    A run that owes the droplet nothing comes back as it is.
    """
    if run.ended and not run.needs_power_on:
        return run
    run = replace(run, resumed=True)
    if run.ended:
        ending: Literal["failed", "cancelled"] = "cancelled" if run.phase == "cancelled" else "failed"
        run = replace(run, ending=run.ending or ending, power_on_attempts=0, auth_errors=0, ended_at=None, error="")
        return restore(run, now, "Resumed, to see that the droplet is on.")
    run = logged(run, now.at, f"Resumed in the phase '{run.phase}'.")
    if run.phase_since_s is None or run.phase_deadline_s is None:
        return run
    deadline_s = now.elapsed_s + (run.phase_deadline_s - run.phase_since_s)
    return replace(run, phase_since_s=now.elapsed_s, phase_deadline_s=deadline_s, absent_since_s=None, auth_errors=0)


def _unrecorded(run: Run, event: Unrecorded) -> Next:
    """End the run, since what cannot be written down is not asked for."""
    if run.submission is not None:
        run = replace(run, submission=replace(run.submission, state="blocked", said=event.text))
    if run.power == "unknown" and not any(each.state != "blocked" for each in run.every_submission):
        run = replace(run, power="untouched")
    return fail(run, event.now, event.text)


def _prepare(run: Run, event: Event) -> Next:
    match event:
        case Elapsed():
            return run, ReadList()
        case ListRead():
            began = run.began_since or event.date
            return _way_seen(replace(run, absent_since_s=None, began_since=began), event)
        case DropletRead():
            return _checked(run, event)
        case SnapshotsRead():
            return _begun(replace(run, snapshots_before=tuple(each.id for each in event.snapshots)), event.now)
    run = note_read(run, event)
    if is_gone(run, event.now) or is_over(run, event.now):
        return fail(run, event.now, f"Nothing was begun: {run.log[-1].text}")
    return run, Wait(soon_s(run, event))


def _way_seen(run: Run, event: ListRead) -> Next:
    run, wait = pending_action(run, event)
    wait = wait or _unsettled_s(event)
    if wait and is_over(run, event.now):
        return fail(run, event.now, f"Nothing was begun. {run.sentence}")
    return (run, Wait(wait)) if wait else (run, ReadDroplet())


def _checked(run: Run, event: DropletRead) -> Next:
    is_on = event.status == "active"
    if event.locked:
        return fail(run, event.now, "Nothing was begun: the droplet is locked by DigitalOcean; ask its support why.")
    if event.status not in {"active", "off"}:
        said = f"Nothing was begun: the droplet's status is '{event.status}', not active or off."
        return fail(run, event.now, said)
    if is_on and not run.was_on and not run.live:
        return fail(
            run,
            event.now,
            "Nothing was begun: the droplet was off when this was planned and is on now, so that it would have to be "
            "shut down. Plan it anew to agree to that.",
        )
    if run.was_on and not is_on:
        run = logged(run, event.now.at, "The droplet is off already, and will be left off.")
        run = replace(run, was_on=False)
        run = replace(run, steps=(replace(run.steps[0], action_id=None), *planned_steps(run)[1:]))
    return run, ReadSnapshots()


def _begun(run: Run, now: Moment) -> Next:
    if run.live or not run.was_on:
        return go(run, "snapshotting", now, "Taking the snapshot.", PATIENCE_S)
    return go(run, "shutting down", now, "Shutting the droplet down.", PATIENCE_WHILE_ON_S)


def _shutting_down(run: Run, event: Event) -> Next:
    run, command = advance(run, event, "shutdown", timeout=GRACE_S)
    asked = run.submission
    if asked is None or not asked.settled:
        return run, command
    if asked.state == "completed":
        sentence = "The droplet was asked to shut down; waiting until it is off."
        left = max(GRACE_S - (event.now.elapsed_s - asked.sent_s), POLL_S)
        return go(run, "confirming off", event.now, sentence, left)
    if asked.state == "blocked":
        return fail(run, event.now, f"The droplet could not be shut down: {asked.said}.")
    sentence = f"The droplet could not be asked to shut down ({asked.state}: {asked.said}); switching it off."
    return go(run, "powering off", event.now, sentence, PATIENCE_WHILE_ON_S, went_well=False)


def _powering_off(run: Run, event: Event) -> Next:
    run, command = advance(run, event, "power_off")
    asked = run.submission
    if asked is None or not asked.settled:
        return run, command
    if asked.state in {"completed", "refused", "unknown"}:
        return go(run, "confirming off", event.now, "Waiting until the droplet says that it is off.", CONFIRM_S)
    return fail(run, event.now, f"The droplet could not be switched off ({asked.state}: {asked.said}).")


def _confirming_off(run: Run, event: Event) -> Next:
    if isinstance(event, DropletRead) and event.status == "off":
        run = replace(run, seen_off=True, power="off")
        return go(run, "snapshotting", event.now, "The droplet is off. Taking the snapshot.", PATIENCE_WHILE_ON_S)
    if isinstance(event, Elapsed):
        return run, ReadDroplet()
    run = note_read(run, event)
    if not is_over(run, event.now):
        return run, Wait(soon_s(run, event))
    if run.submissions[-1].type == "shutdown":
        sentence = f"The droplet did not shut down within {GRACE_S:.0f} s; switching it off."
        return go(run, "powering off", event.now, sentence, PATIENCE_WHILE_ON_S, went_well=False)
    return fail(run, event.now, "The droplet was switched off, but does not say that it is off.")


def _snapshotting(run: Run, event: Event) -> Next:
    run, command = advance(run, event, "snapshot", run.snapshot_name)
    asked = run.submission
    if asked is None or not asked.settled:
        return run, command
    if asked.state == "completed":
        return go(run, "confirming snapshot", event.now, "Looking for it among the droplet's snapshots.", CONFIRM_S)
    which = f" (action {asked.action_id})" if asked.action_id else ""
    reason = {
        "errored": f"The snapshot{which} failed at DigitalOcean, which gives no reason. Try again later.",
        "overdue": f"The snapshot{which} has not ended in time. It has not failed: it may still be completed.",
        "unknown": f"It is not known whether the snapshot was started. {asked.said}",
    }.get(asked.state, f"The snapshot could not be started: {asked.said}")
    return fail(run, event.now, reason)


def _confirming_snapshot(run: Run, event: Event) -> Next:
    if isinstance(event, SnapshotsRead):
        found = _own_snapshot(run, event.snapshots)
        if found is not None:
            run = replace(run, snapshot_id=found.id, ending="done")
            run = logged(run, event.now.at, f"The snapshot '{found.name}' exists; its id is {found.id}.")
            return _after_the_snapshot(run, event.now)
    elif isinstance(event, Elapsed):
        return run, ReadSnapshots()
    run = note_read(run, event)
    if not is_over(run, event.now):
        return run, Wait(soon_s(run, event))
    return fail(
        run,
        event.now,
        f"The snapshot's action {run.submissions[-1].action_id} was completed, but among the droplet's snapshots there "
        f"is none named '{run.snapshot_name}' that was begun with it. It may have been somebody else's: look at "
        "https://cloud.digitalocean.com/images/snapshots/droplets.",
    )


def _own_snapshot(run: Run, snapshots: tuple[Snapshot, ...]) -> Snapshot | None:
    """Find the snapshot that this run took: it is new, has the run's name, and was begun with the run's action."""
    started = run.submissions[-1].started_at or run.submissions[-1].since
    own = [
        each
        for each in snapshots
        if each.name == run.snapshot_name
        and each.id not in run.snapshots_before
        and each.created_at is not None
        and abs(each.created_at - started) <= SKEW
    ]
    return min(own, key=lambda each: abs((each.created_at or started) - started), default=None)


def _after_the_snapshot(run: Run, now: Moment) -> Next:
    if run.power == "untouched":
        return close(run, now, "done"), None
    return restore(run, now, "Switching the droplet on again."), ReadList()


def _unsettled_s(event: ListRead) -> float:
    """Return the seconds until what the droplet says of itself can be believed: it lags the end of an action."""
    ends = [each.completed_at for each in event.actions if each.completed_at is not None]
    since_s = (event.date - max(ends)).total_seconds() if ends else SETTLE_S
    return min(max(0.0, SETTLE_S - since_s), SETTLE_S)


_PHASES: dict[str, Callable[[Run, Event], Next]] = {
    "waiting for another action": _prepare,
    "shutting down": _shutting_down,
    "powering off": _powering_off,
    "confirming off": _confirming_off,
    "snapshotting": _snapshotting,
    "confirming snapshot": _confirming_snapshot,
    "powering on": powering_on,
    "confirming on": confirming_on,
}
