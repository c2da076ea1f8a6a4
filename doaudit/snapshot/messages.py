"""Commands of a snapshot workflow and the events that come back: plain values on both sides."""

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
    "ResponseLost",
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
    """Read one action by its own address, which tells when it ended."""

    action_id: int


@dataclass(frozen=True)
class ReadSnapshots:
    """Read the droplet's snapshots."""


@dataclass(frozen=True)
class Submit:
    """Ask DigitalOcean for an event, once."""

    type: str
    name: str | None = None


@dataclass(frozen=True)
class Wait:
    """Wait."""

    seconds: float


Command = ReadDroplet | ReadList | ReadAction | ReadSnapshots | Submit | Wait


@dataclass(frozen=True)
class Event:
    """An event that came back from the outside at the moment `now`."""

    now: Moment


@dataclass(frozen=True)
class Elapsed(Event):
    """A wait is over, or the workflow begins or goes on."""


@dataclass(frozen=True)
class DropletRead(Event):
    """The droplet was read; `date` is the server's time."""

    status: str
    date: datetime
    locked: bool = False


@dataclass(frozen=True)
class ListRead(Event):
    """The droplet's newest actions were read; `date` is the server's time."""

    actions: tuple[Action, ...]
    date: datetime


@dataclass(frozen=True)
class ActionRead(Event):
    """One action was read."""

    action: Action


@dataclass(frozen=True)
class Snapshot:
    """A snapshot of a droplet. Its id is text, since one list has a number there and another has text."""

    id: str
    name: str
    created_at: datetime | None


@dataclass(frozen=True)
class SnapshotsRead(Event):
    """The droplet's snapshots were read."""

    snapshots: tuple[Snapshot, ...]


@dataclass(frozen=True)
class Accepted(Event):
    """The submitted event was started, as this action."""

    action: Action


@dataclass(frozen=True)
class Rejected(Event):
    """
    The submitted event was certainly not started.

    `temporary` if it may be started later. `rate_limited` if the reason is the limit of requests, which says nothing
    about the droplet.
    """

    text: str
    temporary: bool = False
    rate_limited: bool = False


@dataclass(frozen=True)
class Unrecorded(Event):
    """The event was not submitted, because the journal could not be written."""

    text: str


@dataclass(frozen=True)
class ResponseLost(Event):
    """The event was submitted, and no response says whether it was started."""

    text: str


@dataclass(frozen=True)
class Missing(Event):
    """A read found nothing at that address (404)."""

    text: str


@dataclass(frozen=True)
class ReadFailed(Event):
    """A read failed; `unauthorized` if the token or its scopes are not accepted, so that repeating it does not help."""

    text: str
    unauthorized: bool = False
