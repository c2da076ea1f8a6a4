"""Transitions of a run from phase to phase: its steps, its sentences, its end. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from doaudit.snapshot.messages import Command, ReadDroplet, ReadList, ReadSnapshots
from doaudit.snapshot.run import add_log_line

if TYPE_CHECKING:
    from doaudit.snapshot.run import Moment, Phase, Run, Step

__all__ = ["close", "enter_phase", "out_of_reach_statement", "power_statement", "start_phase"]

_STEPS: dict[str, str] = {
    "waiting for another action": "prepare",
    "shutting down": "shut down",
    "powering off": "power off",
    "snapshotting": "snapshot",
    "confirming snapshot": "find snapshot",
    "powering on": "power on",
    "confirming on": "power on",
}
_FIRST_READS: dict[str, Command] = {
    "shutting down": ReadList(),
    "powering off": ReadList(),
    "confirming off": ReadDroplet(),
    "snapshotting": ReadList(),
    "confirming snapshot": ReadSnapshots(),
    "confirming on": ReadDroplet(),
}
Ending = Literal["done", "failed", "cancelled"]

_PAGE = "https://cloud.digitalocean.com/droplets"
_RESUME = "`doaudit resume` (in Python, account.resume())"


def enter_phase(run: Run, phase: Phase, now: Moment, sentence: str, timeout_s: float, *, went_well: bool = True) -> Run:
    """
    Enter a phase; the submission of the former one joins the earlier submissions.

    Args:
        run: the run in its former phase.
        phase: the phase to enter; `doaudit.snapshot.transition_table` lists which may follow which.
        now: the time.
        sentence: what is going on, for people.
        timeout_s: seconds within which the phase is to be left.
        went_well: false if the step that ends here has failed.
    """
    entered = replace(
        run,
        phase=phase,
        sentence=sentence,
        steps=_steps_in(run.steps, _STEPS.get(phase), now, went_well=went_well),
        phase_since_s=now.elapsed_s,
        phase_deadline_s=now.elapsed_s + timeout_s,
        submissions=run.every_submission,
        submission=None,
        blocking_action_id=None,
        absent_since_s=None,
        refusals=0,
        read_errors=0,
    )
    return add_log_line(entered, now.at, sentence)


def start_phase(
    run: Run, phase: Phase, now: Moment, sentence: str, timeout_s: float, *, went_well: bool = True
) -> tuple[Run, Command]:
    """Enter a phase, and return the run and what to read first in it."""
    return enter_phase(run, phase, now, sentence, timeout_s, went_well=went_well), _FIRST_READS[phase]


def close(run: Run, now: Moment, ending: Ending) -> Run:
    """
    End the run: it says how it ended and how the droplet was left.

    A run that is done has failed all the same if the droplet's power is not as before.
    """
    run = replace(run, submissions=run.every_submission, submission=None)
    phase: Ending = "failed" if ending == "done" and run.power_is_as_before is not True else ending
    run = replace(run, error=_final_error(run, ending))
    sentence = _final_sentence(run, phase)
    steps = tuple(_closed_step(run, step, now, went_well=phase == "done") for step in run.steps)
    return add_log_line(replace(run, phase=phase, sentence=sentence, steps=steps, ended_at=now.at), now.at, sentence)


def _final_error(run: Run, ending: Ending) -> str:
    """Return the error of a run that ends so, with how the droplet was left if its power is not as before."""
    if run.power_is_as_before is True:
        return run.error
    power = power_statement(run)
    if ending == "done":
        return f"The snapshot '{run.snapshot_name}' exists (id {run.snapshot_id}), but {power}"
    return f"{run.error} {_capitalized(power)}".strip()


def _final_sentence(run: Run, phase: Ending) -> str:
    """Say how the run ended, how the droplet was left, and what still runs at DigitalOcean."""
    power = power_statement(run)
    match phase:
        case "done":
            sentence = f"Done: the snapshot '{run.snapshot_name}' exists (id {run.snapshot_id}), and {power}"
        case "failed":
            sentence = f"Failed: {run.error}" + (f" {_capitalized(power)}" if run.power_is_as_before else "")
        case "cancelled":
            sentence = f"Cancelled: {run.error or power}"
    return f"{sentence} {_still_running(run)}".strip()


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
                f"again in some minutes, or let {_RESUME} do it."
            )
        case "off":
            return (
                f"{name} IS SWITCHED OFF, and was on before. Switch it on at {_PAGE}/{run.droplet_id}, or continue "
                f"with {_RESUME}."
            )
    return (
        f"IT IS NOT KNOWN whether {name} is on, and it was on before. Look at {_PAGE}/{run.droplet_id} and switch it "
        f"on if necessary, or let {_RESUME} do it."
    )


def out_of_reach_statement(run: Run, seconds: float) -> str:
    """Say, loudly, that the droplet cannot be switched on because DigitalOcean has not answered for so long."""
    how = "IS SWITCHED OFF" if run.power == "off" else "MAY BE SWITCHED OFF"
    return (
        f"Droplet {run.droplet_name} ({run.droplet_id}) {how}, and DigitalOcean has let nothing be done about it for "
        f"{seconds / 60:.0f} minutes. It is tried again at least every two minutes, for as long as this goes on. If "
        f"you cannot wait, switch it on at {_PAGE}/{run.droplet_id}."
    )


def _still_running(run: Run) -> str:
    """Say what goes on at DigitalOcean after the run, or was asked for without a response."""
    sentences = []
    for submission in run.every_submission:
        if submission.state in {"accepted", "overdue"}:
            sentences.append(f"The {submission.type}, action {submission.action_id}, still runs at DigitalOcean.")
        elif submission.state in {"sending", "lost", "unknown"}:
            sentences.append(
                f"Whether the {submission.type} asked for at {submission.sent_at:%H:%M:%S} UTC was started is unknown: "
                f"look at the droplet's history, {_PAGE}/{run.droplet_id}/history, before you ask again."
            )
        elif submission.type == "snapshot" and submission.state == "completed" and run.snapshot_id is None:
            sentences.append(f"The snapshot action {submission.action_id} was completed; what it made is kept.")
    return " ".join(sentences)


def _asked_to_shut_down(run: Run) -> str:
    shutdowns = [submission for submission in run.every_submission if submission.type == "shutdown"]
    asked_at = max((shutdown.sent_at for shutdown in shutdowns), default=run.created_at)
    return f"it was asked to shut down at {asked_at:%H:%M:%S} UTC"


def _capitalized(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _closed_step(run: Run, step: Step, now: Moment, *, went_well: bool) -> Step:
    if step.status == "running":
        well = went_well or (step.name == "power on" and run.power == "on")
        return replace(step, status="done" if well else "failed", ended_at=now.at, ended_s=now.elapsed_s)
    return replace(step, status="skipped") if step.status == "waiting" else step


def _steps_in(steps: tuple[Step, ...], name: str | None, now: Moment, *, went_well: bool) -> tuple[Step, ...]:
    """Return the steps once *name* is under way: the one before it has ended, those passed over are skipped."""
    names = [step.name for step in steps]
    if name is None or name not in names or steps[names.index(name)].status == "running":
        return steps
    place = names.index(name)
    moved = []
    for number, step in enumerate(steps):
        if number == place:
            started_s = now.elapsed_s if step.started_s is None else step.started_s
            moved.append(replace(step, status="running", started_at=step.started_at or now.at, started_s=started_s))
        elif step.status == "running":
            ended: Literal["done", "failed"] = "done" if went_well else "failed"
            moved.append(replace(step, status=ended, ended_at=now.at, ended_s=now.elapsed_s))
        elif step.status == "waiting" and number < place:
            moved.append(replace(step, status="skipped"))
        else:
            moved.append(step)
    return tuple(moved)
