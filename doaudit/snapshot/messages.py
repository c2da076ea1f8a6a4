"""Commands that a workflow gives and events that come back: plain values on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.actions import Action
    from doaudit.snapshot.run import Moment

__all__ = [
    "Accepted",
    "ActionRead",
    "AnswerLost",
    "Command",
    "DropletRead",
    "Elapsed",
    "Event",
    "ListRead",
    "Missing",
    "ReadAction",
    "ReadDroplet",
    "ReadFailed",
    "ReadList",
    "ReadSnapshots",
    "Rejected",
    "Snapshot",
    "SnapshotsRead",
    "Submit",
    "Unrecorded",
    "Wait",
]


@dataclass(frozen=True)
class ReadDroplet:
    """Read the droplet."""


@dataclass(frozen=True)
class ReadList:
    """Read the droplet's newest actions."""


@dataclass(frozen=True)
class ReadAction:
    """Read one action, by the address that tells when it ended."""

    action_id: int


@dataclass(frozen=True)
class ReadSnapshots:
    """Read the droplet's snapshots."""


@dataclass(frozen=True)
class Submit:
    """Ask for an event, once."""

    type: str
    name: str | None = None


@dataclass(frozen=True)
class Wait:
    """Let time pass."""

    seconds: float


Command = ReadDroplet | ReadList | ReadAction | ReadSnapshots | Submit | Wait


@dataclass(frozen=True)
class Event:
    """Something came back; `now` is when."""

    now: Moment


@dataclass(frozen=True)
class Elapsed(Event):
    """The time has passed, or the workflow begins or goes on."""


@dataclass(frozen=True)
class DropletRead(Event):
    """The droplet, and the server's time."""

    status: str
    date: datetime
    locked: bool = False


@dataclass(frozen=True)
class ListRead(Event):
    """The droplet's newest actions, and the server's time."""

    actions: tuple[Action, ...]
    date: datetime


@dataclass(frozen=True)
class ActionRead(Event):
    """One action."""

    action: Action


@dataclass(frozen=True)
class Snapshot:
    """One snapshot of a droplet; its id is a number in one list and text in another, hence text here."""

    id: str
    name: str
    created_at: datetime | None


@dataclass(frozen=True)
class SnapshotsRead(Event):
    """The droplet's snapshots."""

    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True)
class Accepted(Event):
    """The event was started, as this action."""

    action: Action


@dataclass(frozen=True)
class Rejected(Event):
    """
    The event was certainly not started.

    `passing` if it may be later; `limit` if the reason is the limit of requests, which says nothing of the droplet.
    """

    text: str
    passing: bool = False
    limit: bool = False


@dataclass(frozen=True)
class Unrecorded(Event):
    """The event was not asked for, because the journal could not be written."""

    text: str


@dataclass(frozen=True)
class AnswerLost(Event):
    """The event was asked for, and nothing says whether it was started."""

    text: str


@dataclass(frozen=True)
class Missing(Event):
    """There is nothing at that address (404)."""

    text: str


@dataclass(frozen=True)
class ReadFailed(Event):
    """It could not be read; `final` if trying again will not help (the token is not accepted)."""

    text: str
    final: bool = False
