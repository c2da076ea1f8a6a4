"""Moving a run from phase to phase, and saying so: its steps, its sentences, how it ended. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from doaudit.workflow.run import Phase, Run, Step, Submission, logged

__all__ = ["STEP_OF", "close", "enter_phase", "power_statement", "still_running"]

STEP_OF: dict[str, str] = {
    "waiting for another action": "prepare",
    "shutting down": "shut down",
    "powering off": "power off",
    "snapshotting": "snapshot",
    "confirming snapshot": "find snapshot",
    "powering on": "power on",
    "confirming on": "power on",
}


def enter_phase(
    run: Run, phase: Phase, at: datetime, sentence: str, patience_s: float, *, went_well: bool = True
) -> Run:
    """The run in another phase, which it is to leave within *patience_s*; the event under way becomes a former one."""
    steps = _steps_in(run.steps, STEP_OF.get(phase), at, went_well=went_well)
    submissions, submission = (
        ((*run.submissions, run.submission), None) if run.submission is not None else (run.submissions, None)
    )
    moved = replace(
        run,
        phase=phase,
        sentence=sentence,
        steps=steps,
        phase_since=at,
        phase_deadline=at + timedelta(seconds=patience_s),
        submissions=submissions,
        submission=submission,
        blocking_action_id=None,
        absent_since=None,
        refusals=0,
    )
    return logged(moved, at, sentence)


def close(run: Run, at: datetime, phase: Literal["done", "failed", "cancelled"]) -> Run:
    """The run at its end, which says how it ended and how the droplet was left."""
    submissions = run.every_submission
    run = replace(run, submissions=submissions, submission=None)
    power, running = power_statement(run), still_running(run)
    if phase == "done" and run.power_is_as_before is not True:
        phase = "failed"
        run = replace(run, error=f"The snapshot '{run.snapshot_name}' exists (id {run.snapshot_id}), but {power}")
    elif run.power_is_as_before is not True:
        run = replace(run, error=f"{run.error} {_capital(power)}".strip())
    parts = {
        "done": f"Done: the snapshot '{run.snapshot_name}' exists (id {run.snapshot_id}), and {power}",
        "failed": f"Failed: {run.error}" + (f" {_capital(power)}" if run.power_is_as_before else ""),
        "cancelled": f"Cancelled: {run.error or power}",
    }
    sentence = f"{parts[phase]} {running}".strip()
    well = phase == "done"
    steps = tuple(
        replace(one, status="done" if well or one.name in _achieved(run) else "failed", ended_at=at)
        if one.status == "running"
        else replace(one, status="skipped")
        if one.status == "waiting"
        else one
        for one in run.steps
    )
    return logged(replace(run, phase=phase, sentence=sentence, steps=steps, ended_at=at), at, sentence)


def power_statement(run: Run) -> str:
    """How the droplet was left, in words that begin a sentence or follow a comma."""
    name = f"droplet {run.droplet_name} ({run.droplet_id})"
    if run.droplet_gone:
        return f"{name} no longer exists."
    match run.power:
        case "untouched":
            return f"{name} was neither switched off nor on."
        case "on":
            return f"{name} is on, as it was before."
        case "off":
            return (
                f"{name} IS SWITCHED OFF, and was on before. Switch it on at "
                f"https://cloud.digitalocean.com/droplets/{run.droplet_id}, or continue with doaudit.resume(account)."
            )
    return (
        f"IT IS NOT KNOWN whether {name} is on, and it was on before. Look at "
        f"https://cloud.digitalocean.com/droplets/{run.droplet_id} and switch it on if need be, or let "
        "doaudit.resume(account) do it."
    )


def still_running(run: Run) -> str:
    """What goes on at DigitalOcean after the run, or was asked for without an answer."""
    told = []
    for submission in run.every_submission:
        if submission.state in {"accepted", "overdue"}:
            told.append(f"The {submission.type}, action {submission.action_id}, still runs at DigitalOcean.")
        elif submission.state in {"sending", "lost", "unknown"}:
            told.append(_unknown(run, submission))
        elif submission.type == "snapshot" and submission.state == "completed" and run.snapshot_id is None:
            told.append(f"The snapshot that was started (action {submission.action_id}) was completed and is kept.")
    return " ".join(told)


def _unknown(run: Run, submission: Submission) -> str:
    return (
        f"Whether the {submission.type} asked for at {submission.sent_at:%H:%M:%S} UTC was started is unknown: look at the "
        f"droplet's history, https://cloud.digitalocean.com/droplets/{run.droplet_id}/history, before you ask again."
    )


def _achieved(run: Run) -> set[str]:
    return {"power on"} if run.power == "on" else set()


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _steps_in(steps: tuple[Step, ...], name: str | None, at: datetime, *, went_well: bool) -> tuple[Step, ...]:
    """The steps once *name* is the one under way: the one before it has ended, those passed over are skipped."""
    names = [one.name for one in steps]
    if name is None or name not in names or steps[names.index(name)].status == "running":
        return steps
    place = names.index(name)
    moved = []
    for number, one in enumerate(steps):
        if number == place:
            moved.append(replace(one, status="running", started_at=one.started_at or at))
        elif one.status == "running":
            moved.append(replace(one, status="done" if went_well else "failed", ended_at=at))
        elif one.status == "waiting" and number < place:
            moved.append(replace(one, status="skipped"))
        else:
            moved.append(one)
    return tuple(moved)
