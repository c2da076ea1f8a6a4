"""
The table of transitions of the snapshot machine: which phase may follow which, on which trigger, and why. Values only.

Nothing looks it up while a run is driven, so that no mistake in it can keep a droplet off. Tests hold it against the
machine in both directions: the machine takes each of these transitions, and no other. The documentation shows it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from doaudit.snapshot.messages import (
    ActionRead,
    DropletRead,
    Elapsed,
    Event,
    ListRead,
    Missing,
    ReadFailed,
    Rejected,
    SnapshotsRead,
    Unrecorded,
)

if TYPE_CHECKING:
    from doaudit.snapshot.run import Phase

__all__ = ["TRANSITIONS", "Transition", "Trigger", "transitions_markdown"]

Trigger = type[Event] | Literal["cancel", "defect", "resume"]


_NOTE = """\
A trigger in code is an event that came back, see `doaudit/snapshot/messages.py`. An event that has no row leaves the
run in its phase: it reads again, waits, or submits. *no access* means that the token was not accepted three times in a
row. After the fourth defect in one run, the driver asks for the power once, without the machine, and the run has
failed.
"""


@dataclass(frozen=True)
class Transition:
    """
    A transition out of a phase.

    Attributes:
        next_phase: the phase that is entered; the same phase, where it is entered anew.
        reason: why, for people.
        triggers: what can lead to it: an event that came back, or 'cancel' (`machine.cancel`), 'defect'
            (`machine.abort`) or 'resume' (`machine.resume`).
    """

    next_phase: Phase
    reason: str
    triggers: tuple[Trigger, ...]


_UNREAD: tuple[Trigger, ...] = (Missing, ReadFailed)
_UNSENT: tuple[Trigger, ...] = (ListRead, Rejected, Missing, ReadFailed)
_SETTLED: tuple[Trigger, ...] = (ActionRead, *_UNSENT)

TRANSITIONS: dict[Phase, tuple[Transition, ...]] = {
    "planned": (
        Transition("waiting for another action", "the run is started", (Elapsed,)),
        Transition("failed", "doaudit itself failed", ("defect",)),
        Transition("cancelled", "it is cancelled before anything was asked for", ("cancel",)),
    ),
    "waiting for another action": (
        Transition("shutting down", "the droplet is on, and is to be switched off", (SnapshotsRead,)),
        Transition("snapshotting", "the droplet is off, or stays on (live)", (SnapshotsRead,)),
        Transition("failed", "the droplet is locked, neither on nor off, or on although it was off", (DropletRead,)),
        Transition("failed", "another action is in the way for an hour", (ListRead,)),
        Transition("failed", "the droplet is gone or cannot be read, or the token is not accepted", _UNREAD),
        Transition("failed", "doaudit itself failed", ("defect",)),
        Transition("cancelled", "it is cancelled before anything was asked for", ("cancel",)),
    ),
    "shutting down": (
        Transition("confirming off", "the shutdown is completed", (ActionRead,)),
        Transition("powering off", "the shutdown failed, is refused or overdue, or left no trace", _SETTLED),
        Transition("failed", "the shutdown could not be asked for, or the token is not accepted", _UNSENT),
        Transition("failed", "the journal cannot be written", (Unrecorded,)),
        Transition("failed", "doaudit itself failed, before the shutdown was asked for", ("defect",)),
        Transition("powering on", "doaudit itself failed, and the droplet may go off", ("defect",)),
        Transition("powering on", "it is cancelled, and the droplet may go off", ("cancel",)),
        Transition("cancelled", "it is cancelled before the shutdown was asked for", ("cancel",)),
    ),
    "powering off": (
        Transition("confirming off", "the power-off is completed or refused, or left no trace", _SETTLED),
        Transition("powering on", "the power-off failed, is overdue, or could not be asked for", _SETTLED),
        Transition("powering on", "the journal cannot be written", (Unrecorded,)),
        Transition("powering on", "doaudit itself failed, and the droplet may go off", ("defect",)),
        Transition("powering on", "it is cancelled, and the droplet may go off", ("cancel",)),
        Transition("failed", "neither event could be asked for, or the token is not accepted", _UNSENT),
        Transition("failed", "doaudit itself failed, and the shutdown was refused", ("defect",)),
        Transition("cancelled", "it is cancelled, and the shutdown was refused", ("cancel",)),
    ),
    "confirming off": (
        Transition("snapshotting", "the droplet says that it is off", (DropletRead,)),
        Transition("powering off", "the droplet did not shut down within 90 s", (DropletRead, *_UNREAD)),
        Transition("powering on", "the droplet was switched off, but does not say so", (DropletRead, *_UNREAD)),
        Transition("powering on", "doaudit itself failed, and the droplet may be off", ("defect",)),
        Transition("powering on", "it is cancelled, and the droplet may be off", ("cancel",)),
        Transition("failed", "both events were refused, or the token is not accepted", (DropletRead, *_UNREAD)),
        Transition("failed", "doaudit itself failed, and both events were refused", ("defect",)),
        Transition("cancelled", "it is cancelled, and both events were refused", ("cancel",)),
    ),
    "snapshotting": (
        Transition("confirming snapshot", "the snapshot is completed", (ActionRead,)),
        Transition("powering on", "the snapshot failed, is overdue, not started or left no trace", _SETTLED),
        Transition("powering on", "the journal cannot be written", (Unrecorded,)),
        Transition("powering on", "doaudit itself failed, and the droplet is off", ("defect",)),
        Transition("powering on", "it is cancelled, and the droplet is off", ("cancel",)),
        Transition("failed", "the same, and the power was not touched; or the token is not accepted", _SETTLED),
        Transition("failed", "the journal cannot be written, and the power was not touched", (Unrecorded,)),
        Transition("failed", "doaudit itself failed, and the power was not touched", ("defect",)),
        Transition("cancelled", "it is cancelled, and the power was not touched", ("cancel",)),
    ),
    "confirming snapshot": (
        Transition("done", "the snapshot is found, and the power was not touched", (SnapshotsRead,)),
        Transition("powering on", "the snapshot is found, or not found in time; the droplet is off", (SnapshotsRead,)),
        Transition("powering on", "the snapshots cannot be read in time, and the droplet is off", _UNREAD),
        Transition("powering on", "doaudit itself failed, and the droplet is off", ("defect",)),
        Transition("powering on", "it is cancelled, and the droplet is off", ("cancel",)),
        Transition("failed", "the snapshot is not found in time, and the power was not touched", (SnapshotsRead,)),
        Transition("failed", "the same, as it cannot be read; or the token is not accepted", _UNREAD),
        Transition("failed", "doaudit itself failed, and the power was not touched", ("defect",)),
        Transition("cancelled", "it is cancelled, and the power was not touched", ("cancel",)),
    ),
    "powering on": (
        Transition(
            "confirming on", "the power-on is completed, or refused: it may be on already", (ActionRead, Rejected)
        ),
        Transition("powering on", "the droplet has shut down, as it had been asked to", (DropletRead,)),
        Transition(
            "powering on", "the power-on failed or left no trace: it is tried again", (ActionRead, ListRead, Missing)
        ),
        Transition("powering on", "doaudit itself failed", ("defect",)),
        Transition("failed", "the shutdown had no effect: there is nothing to restore", (Elapsed,)),
        Transition("failed", "the droplet is on, two minutes after it was asked to shut down", (DropletRead,)),
        Transition("failed", "it is gone, blocked or out of attempts; nothing to restore; no access", _SETTLED),
        Transition("cancelled", "the shutdown had no effect: there is nothing to restore", (Elapsed,)),
        Transition("cancelled", "the droplet is on, two minutes after it was asked to shut down", (DropletRead,)),
        Transition("cancelled", "it is gone, blocked or out of attempts; nothing to restore", _SETTLED),
    ),
    "confirming on": (
        Transition("done", "the droplet says that it is on, and the snapshot is found", (DropletRead,)),
        Transition("failed", "the droplet says that it is on; or it does not, after three attempts", (DropletRead,)),
        Transition("failed", "it is gone or out of attempts, or the token is not accepted", _UNREAD),
        Transition("cancelled", "the droplet says that it is on; or it does not, after three attempts", (DropletRead,)),
        Transition("cancelled", "the droplet is gone or out of attempts", _UNREAD),
        Transition("powering on", "the droplet does not say that it is on: it is tried again", (DropletRead, Missing)),
        Transition("powering on", "doaudit itself failed", ("defect",)),
    ),
    "done": (),
    "failed": (Transition("powering on", "the droplet was left off, or may be off", ("resume",)),),
    "cancelled": (Transition("powering on", "the droplet was left off, or may be off", ("resume",)),),
    "unreadable": (),
}


def transitions_markdown() -> str:
    """
    Return the table as Markdown: the phases that may follow each phase, and then why and on which trigger.

    Example:
        >>> transitions_markdown().splitlines()[1]
        'planned                    -> waiting for another action, failed, cancelled'
    """
    width = max(map(len, TRANSITIONS))
    picture = [
        f"{phase:{width}} -> {', '.join(dict.fromkeys(transition.next_phase for transition in transitions))}"
        for phase, transitions in TRANSITIONS.items()
        if transitions
    ]
    rows = [
        f"| {phase} | {transition.next_phase} | {transition.reason} | {_names(transition.triggers)} |"
        for phase, transitions in TRANSITIONS.items()
        for transition in transitions
    ]
    heading = ["| phase | next phase | why | trigger |", "|---|---|---|---|"]
    return "\n".join(["```text", *picture, "```", "", *heading, *rows, "", _NOTE])


def _names(triggers: tuple[Trigger, ...]) -> str:
    return ", ".join(trigger if isinstance(trigger, str) else f"`{trigger.__name__}`" for trigger in triggers)
