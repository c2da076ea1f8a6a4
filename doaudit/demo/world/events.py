"""The events of droplets: their requirements, their durations and their effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doaudit.demo.world import catalogue
from doaudit.demo.world.api_errors import unprocessable

if TYPE_CHECKING:
    from doaudit.demo.world.records import Droplet

__all__ = ["BY_TAG", "EVENTS", "Event", "apply", "validate"]


@dataclass(frozen=True)
class Event:
    """
    A type of droplet event. Its durations are lognormal.

    Args:
        median_s: The median of its durations, in seconds.
        spread: The standard deviation of the logarithm of its durations.
        argument: A field that the request must have besides its type.
        only_when_off: True if the droplet must be powered off first.
        scopes: The scopes that the token needs besides `droplet:update`.
    """

    median_s: float
    spread: float = 0.3
    argument: str | None = None
    only_when_off: bool = False
    scopes: tuple[str, ...] = ()


_ADMIN = ("droplet:admin",)

BY_TAG = frozenset(
    "power_cycle power_on power_off shutdown enable_ipv6 enable_backups disable_backups snapshot".split()
)
"""The types that can be requested for all droplets with a tag at once."""

EVENTS = {
    "power_on": Event(3),
    "power_off": Event(8),
    "power_cycle": Event(9),
    "reboot": Event(12),
    "shutdown": Event(1.5),
    "snapshot": Event(1, 0.15, scopes=("image:create",)),
    "restore": Event(70, argument="image", scopes=_ADMIN),
    "rebuild": Event(45, argument="image", scopes=_ADMIN),
    "resize": Event(60, argument="size", only_when_off=True, scopes=("droplet:create",)),
    "rename": Event(1.5, argument="name"),
    "password_reset": Event(30, scopes=_ADMIN),
    "change_kernel": Event(5, argument="kernel", only_when_off=True),
    "enable_ipv6": Event(5, only_when_off=True),
    "enable_private_networking": Event(5, only_when_off=True),
    "enable_backups": Event(3),
    "disable_backups": Event(3),
    "change_backup_policy": Event(3, argument="backup_policy"),
}
"""Every documented type. The median of "snapshot" is a multiple of the droplet's own `snapshot_s`."""


def validate(body: dict[str, Any], droplet: Droplet, now: float, *, power_on_twice: bool = True) -> Event:
    """
    Return the event that a request asks for, after the checks of the API.

    A shutdown of a droplet that is off is accepted; a second power-off is not. About a second power-on the reports of
    clients differ. Rejecting an unknown type is our guess: the API's response to one is not published.

    Args:
        body: The body of the request: `type` and its arguments.
        droplet: The droplet it is about.
        now: Unix seconds.
        power_on_twice: True to accept a power-on of a droplet that is on.

    Raises:
        ErrorResponse: 422, the API would reject the event.
    """
    type_ = body.get("type")
    event = EVENTS.get(type_) if isinstance(type_, str) else None
    if event is None:
        raise unprocessable("You specified an invalid action type.")
    off = droplet.real("status", now) == "off"
    if type_ == "power_off" and off:
        raise unprocessable("Droplet is already powered off")
    if type_ == "power_on" and not off and not power_on_twice:
        raise unprocessable("Droplet is already powered on")
    if event.only_when_off and not off:
        raise unprocessable("Droplet is currently on. Please power it off to run this event.")
    if event.argument and not body.get(event.argument):
        raise unprocessable(f"You must specify a value for {event.argument}.")
    if type_ == "resize":
        _check_size(body["size"], droplet, now)
    return event


def _check_size(slug: object, droplet: Droplet, now: float) -> None:
    """Raise the 422 if a droplet cannot be resized to the size *slug*."""
    if slug not in catalogue.SIZES:
        raise unprocessable("You specified an invalid size for Droplet creation.")
    if catalogue.size(slug)["disk"] < catalogue.size(droplet.get("size", now))["disk"]:
        raise unprocessable("This size is not available because it has a smaller disk.")


def apply(type_: str, body: dict[str, Any], droplet: Droplet, at: float, lag_s: float) -> None:
    """Change *droplet* at second *at* as an event of *type_* does; the API shows the change *lag_s* seconds later."""
    features = droplet.get("features", at)
    match type_:
        case "power_on":
            droplet.change(at, lag_s, status="active")
        case "power_off" | "shutdown":
            droplet.change(at, lag_s, status="off")
        case "rename":
            droplet.change(at, lag_s, name=str(body["name"]))
        case "resize":
            droplet.change(at, lag_s, size=body["size"])
        case "enable_backups":
            droplet.change(at, lag_s, features=sorted({*features, "backups"}))
        case "disable_backups":
            droplet.change(at, lag_s, features=sorted({*features} - {"backups"}))
        case "enable_ipv6":
            droplet.change(at, lag_s, features=sorted({*features, "ipv6"}))
        case "enable_private_networking":
            droplet.change(at, lag_s, features=sorted({*features, "private_networking"}))
        case _:
            pass  # a reboot, a snapshot, a new password: a droplet's record does not show these
