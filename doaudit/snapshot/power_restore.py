"""Power restore: whatever ends a run that may have left its droplet off leads through here. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from doaudit.operations.poll_schedule import timeout_s
from doaudit.snapshot.messages import DropletRead, Elapsed, Event, ListRead, ReadDroplet, ReadFailed, ReadList, Wait
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
    retries_forever,
    retry_s,
)
from doaudit.snapshot.run import Moment, Run, Submission, add_log_line
from doaudit.snapshot.submission import Next, submit_and_follow
from doaudit.snapshot.transitions import close, enter_phase, start_phase

__all__ = ["confirm_on", "fail", "power_on", "restore_power"]

_SHUTDOWN_MAY_COME_S = 120.0
_SHUTDOWN_FORGOTTEN = timedelta(hours=1)
_RETRY_S = 10.0
_POWER_ON_ATTEMPTS = 3


def fail(run: Run, now: Moment, error: str) -> Next:
    """Fail at once if the droplet was not touched, else after its power is restored."""
    run = add_log_line(replace(run, ending="failed", error=error), now.at, error)
    if run.power == "untouched":
        return close(run, now, "failed"), None
    return restore_power(run, now, "It failed; switching the droplet on again.", went_well=False), ReadList()


def restore_power(run: Run, now: Moment, sentence: str, *, went_well: bool | None = None) -> Run:
    """
    Enter the phase in which the droplet is switched on.

    Args:
        run: the run; `ending` is how it ends after that.
        now: the time.
        sentence: what is going on, for people.
        went_well: false if the step that ends here has failed; by default true if the run will be done.
    """
    blocked_by_the_snapshot = max(LONG_TIMEOUT_S, timeout_s("snapshot", run.expected.get("snapshot")))
    timeout = blocked_by_the_snapshot if run.switched_off else SHORT_TIMEOUT_S
    well = run.ending == "done" if went_well is None else went_well
    return enter_phase(run, "powering on", now, sentence, timeout, went_well=well)


def power_on(run: Run, event: Event) -> Next:
    """Switch the droplet on, or, where only a shutdown was asked for, watch whether it goes off."""
    if run.submission is None and not run.switched_off:
        return _watch_for_shutdown(run, event)
    return submit_and_follow(run, event, "power_on", _after_power_on)


def _after_power_on(run: Run, submission: Submission, now: Moment) -> Next:
    match submission.state:
        case "completed" | "refused":
            sentence = "Waiting until the droplet says that it is on."
            return start_phase(run, "confirming on", now, sentence, CONFIRM_TIMEOUT_S)
        case "errored" | "unknown":
            why = f"Switching it on did not work ({submission.state}: {submission.said})."
            return _retry_power_on(run, now, why)
        case "blocked" if is_gone(run, now):
            return _end_without_droplet(run, now)
    return _give_up(run, now, f"it could not be switched on ({submission.state}: {submission.said})")


def _watch_for_shutdown(run: Run, event: Event) -> Next:
    """Watch a droplet that was only asked to shut down and may still do so: the request cannot be taken back."""
    if not run.shutdown_may_come:
        return _end(replace(run, power="untouched"), event.now)
    match event:
        case Elapsed():
            return run, ReadList()
        case ListRead():
            return run, ReadDroplet()
        case DropletRead(status="off"):
            run = replace(run, seen_off=True, power="off")
            return restore_power(run, event.now, "The droplet has shut down; switching it on again."), ReadList()
        case DropletRead():
            return _end_with_droplet_on(run, event)
    run = record_read(run, event)
    return _read_again(run, event) or _give_up(run, event.now, "it could not be looked at")


def confirm_on(run: Run, event: Event) -> Next:
    """Read the droplet until it says that it is on."""
    if isinstance(event, Elapsed):
        return run, ReadDroplet()
    if isinstance(event, DropletRead):
        run = replace(run, absent_since_s=None)
        if event.status == "active" and (run.seen_off or _in_phase_s(run, event.now) >= SETTLE_S):
            return _end_with_droplet_on(run, event)
        if event.status == "off":
            run = replace(run, seen_off=True, power="off")
    run = record_read(run, event)
    why = "The droplet was switched on, but does not say that it is on."
    return _read_again(run, event) or _retry_power_on(run, event.now, why)


def _end_with_droplet_on(run: Run, event: DropletRead) -> Next:
    """End, since the droplet is on; but wait if it was asked to shut down a moment ago and may still do so."""
    shutdowns = [submission for submission in run.submissions if submission.type == "shutdown"]
    last = max(shutdowns, key=lambda shutdown: shutdown.sent_s, default=None)
    if last is None or not run.shutdown_may_come or event.date >= last.since + _SHUTDOWN_FORGOTTEN:
        return _end(replace(run, power="on"), event.now)
    if event.now.elapsed_s >= last.sent_s + _SHUTDOWN_MAY_COME_S:
        return _end(replace(run, power="may go off"), event.now)
    return run, Wait(POLL_S)


def _read_again(run: Run, event: Event) -> Next | None:
    """Read again, or end if the droplet is gone; None if the time for the phase is over."""
    if is_gone(run, event.now):
        return _end_without_droplet(run, event.now)
    if isinstance(event, ReadFailed) and retries_forever(run):
        deadline_s = max(run.phase_deadline_s or 0.0, event.now.elapsed_s + retry_s(run) + CONFIRM_TIMEOUT_S)
        return replace(run, phase_deadline_s=deadline_s), Wait(retry_s(run))
    return None if is_past_deadline(run, event.now) else (run, Wait(next_read_s(run, event)))


def _retry_power_on(run: Run, now: Moment, why: str) -> Next:
    """Enter the phase once more, or give up after three attempts."""
    if run.power_on_attempts + 1 >= _POWER_ON_ATTEMPTS:
        return _give_up(run, now, f"{_POWER_ON_ATTEMPTS} attempts to switch it on did not work")
    run = add_log_line(replace(run, power_on_attempts=run.power_on_attempts + 1), now.at, why)
    return restore_power(run, now, "Trying once more to switch the droplet on."), Wait(_RETRY_S)


def _give_up(run: Run, now: Moment, why: str) -> Next:
    """End without knowing that the droplet is on, and say so."""
    text = f"The droplet's power was not restored: {why}."
    return _end(replace(run, error=f"{run.error} {text}".strip()), now)


def _end_without_droplet(run: Run, now: Moment) -> Next:
    return _end(replace(run, droplet_gone=True), now)


def _end(run: Run, now: Moment) -> Next:
    """End the run in the way that was decided before its power was restored."""
    return close(run, now, run.ending or "failed"), None


def _in_phase_s(run: Run, now: Moment) -> float:
    return 0.0 if run.phase_since_s is None else now.elapsed_s - run.phase_since_s
