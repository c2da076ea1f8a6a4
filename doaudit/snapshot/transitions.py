"""Move a run from phase to phase: its steps, its sentences, its end. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from doaudit.snapshot.messages import Command, ReadDroplet, ReadList, ReadSnapshots
from doaudit.snapshot.run import logged

if TYPE_CHECKING:
    from doaudit.snapshot.run import Moment, Phase, Run, Step, Submission

__all__ = ["STEP_OF", "close", "enter_phase", "go", "out_of_reach_statement", "power_statement", "still_running"]

STEP_OF: dict[str, str] = {
    "waiting for another action": "prepare",
    "shutting down": "shut down",
    "powering off": "power off",
    "snapshotting": "snapshot",
    "confirming snapshot": "find snapshot",
    "powering on": "power on",
    "confirming on": "power on",
}
_FIRST: dict[str, Command] = {
    "shutting down": ReadList(),
    "powering off": ReadList(),
    "confirming off": ReadDroplet(),
    "snapshotting": ReadList(),
    "confirming snapshot": ReadSnapshots(),
    "confirming on": ReadDroplet(),
}
_PAGE = "https://cloud.digitalocean.com/droplets"
_RESUME = "`doaudit resume` (in Python, account.resume())"


def enter_phase(
    run: Run, phase: Phase, now: Moment, sentence: str, patience_s: float, *, went_well: bool = True
) -> Run:
    """Enter a phase, which is to be left within *patience_s*; the submission joins the former ones."""
    moved = replace(
        run,
        phase=phase,
        sentence=sentence,
        steps=_steps_in(run.steps, STEP_OF.get(phase), now, went_well=went_well),
        phase_since_s=now.elapsed_s,
        phase_deadline_s=now.elapsed_s + patience_s,
        submissions=run.every_submission,
        submission=None,
        blocking_action_id=None,
        absent_since_s=None,
        refusals=0,
        read_errors=0,
    )
    return logged(moved, now.at, sentence)


def go(
    run: Run, phase: Phase, now: Moment, sentence: str, patience_s: float, *, went_well: bool = True
) -> tuple[Run, Command]:
    """Enter a phase, and return what to ask first in it."""
    return enter_phase(run, phase, now, sentence, patience_s, went_well=went_well), _FIRST[phase]


def close(run: Run, now: Moment, phase: Literal["done", "failed", "cancelled"]) -> Run:
    """Return the run at its end, which says how it ended and how the droplet was left."""
    run = replace(run, submissions=run.every_submission, submission=None)
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
    steps = tuple(_step_at_the_end(run, one, now, went_well=phase == "done") for one in run.steps)
    return logged(replace(run, phase=phase, sentence=sentence, steps=steps, ended_at=now.at), now.at, sentence)


def power_statement(run: Run) -> str:  # noqa: PLR0911 -- a table of sentences
    """Say how the droplet was left, in words that begin a sentence or follow a comma."""
    name = f"droplet {run.droplet_name} ({run.droplet_id})"
    if run.droplet_gone:
        return f"{name} no longer exists."
    match run.power:
        case "untouched":
            return f"{name} was neither switched off nor on."
        case "on" if run.shutdown_may_come:
            return f"{name} is on; {_asked_to_shut_down(run)}, and has not done so in an hour."
        case "on":
            return f"{name} is on, as it was before."
        case "may go off":
            return (
                f"{name} is on, but {_asked_to_shut_down(run)} and MAY STILL GO OFF. Look at {_PAGE}/{run.droplet_id} "
                f"again in some minutes, or let {_RESUME} see to it."
            )
        case "off":
            return (
                f"{name} IS SWITCHED OFF, and was on before. Switch it on at {_PAGE}/{run.droplet_id}, or continue "
                f"with {_RESUME}."
            )
    return (
        f"IT IS NOT KNOWN whether {name} is on, and it was on before. Look at {_PAGE}/{run.droplet_id} and switch it "
        f"on if need be, or let {_RESUME} do it."
    )


def out_of_reach_statement(run: Run, seconds: float) -> str:
    """Say, loudly, that the droplet cannot be switched on because DigitalOcean has not answered for so long."""
    how = "IS SWITCHED OFF" if run.power == "off" else "MAY BE SWITCHED OFF"
    return (
        f"Droplet {run.droplet_name} ({run.droplet_id}) {how}, and DigitalOcean has let nothing be done about it for "
        f"{seconds / 60:.0f} minutes. It is tried again at least every two minutes, for as long as this goes on. If "
        f"you cannot wait, switch it on at {_PAGE}/{run.droplet_id}."
    )


def still_running(run: Run) -> str:
    """Say what goes on at DigitalOcean after the run, or was asked for without an answer."""
    told = []
    for each in run.every_submission:
        if each.state in {"accepted", "overdue"}:
            told.append(f"The {each.type}, action {each.action_id}, still runs at DigitalOcean.")
        elif each.state in {"sending", "lost", "unknown"}:
            told.append(_unknown(run, each))
        elif each.type == "snapshot" and each.state == "completed" and run.snapshot_id is None:
            told.append(f"The snapshot action {each.action_id} was completed; what it made is kept.")
    return " ".join(told)


def _unknown(run: Run, submission: Submission) -> str:
    return (
        f"Whether the {submission.type} asked for at {submission.sent_at:%H:%M:%S} UTC was started is unknown: look at "
        f"the droplet's history, {_PAGE}/{run.droplet_id}/history, before you ask again."
    )


def _asked_to_shut_down(run: Run) -> str:
    asked = max((each.sent_at for each in run.every_submission if each.type == "shutdown"), default=run.created_at)
    return f"it was asked to shut down at {asked:%H:%M:%S} UTC"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _step_at_the_end(run: Run, step: Step, now: Moment, *, went_well: bool) -> Step:
    if step.status == "running":
        well = went_well or (step.name == "power on" and run.power == "on")
        return replace(step, status="done" if well else "failed", ended_at=now.at, ended_s=now.elapsed_s)
    return replace(step, status="skipped") if step.status == "waiting" else step


def _steps_in(steps: tuple[Step, ...], name: str | None, now: Moment, *, went_well: bool) -> tuple[Step, ...]:
    """Return the steps once *name* is under way: the one before it has ended, those passed over are skipped."""
    names = [one.name for one in steps]
    if name is None or name not in names or steps[names.index(name)].status == "running":
        return steps
    place = names.index(name)
    moved = []
    for number, one in enumerate(steps):
        if number == place:
            started_s = now.elapsed_s if one.started_s is None else one.started_s
            moved.append(replace(one, status="running", started_at=one.started_at or now.at, started_s=started_s))
        elif one.status == "running":
            ended: Literal["done", "failed"] = "done" if went_well else "failed"
            moved.append(replace(one, status=ended, ended_at=now.at, ended_s=now.elapsed_s))
        elif one.status == "waiting" and number < place:
            moved.append(replace(one, status="skipped"))
        else:
            moved.append(one)
    return tuple(moved)
