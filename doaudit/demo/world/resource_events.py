"""The events of images, volumes and reserved IPs: their checks, their durations and their effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doaudit.demo.world.api_errors import unprocessable
from doaudit.demo.world.catalogue import REGIONS

if TYPE_CHECKING:
    from doaudit.demo.world.records import Image, Volume

__all__ = ["ResourceEvent", "image_event", "reserved_ip_event", "volume_event"]

_INVALID_TYPE = "You specified an invalid action type."


@dataclass(frozen=True)
class ResourceEvent:
    """
    An event that has passed the checks of the API.

    Args:
        type: The type of its action, as recorded: "attach_volume" for a request of "attach".
        median_s: The median of its durations, in seconds.
        changes: The fields of the resource that it changes, with their new values.
    """

    type: str
    median_s: float
    changes: dict[str, Any]


def image_event(body: dict[str, Any], image: Image, now: float) -> ResourceEvent:
    """Return the transfer or conversion of an image that a request asks for; raise the 422 if it is not valid."""
    match body.get("type"):
        case "transfer":
            if body.get("region") not in REGIONS:
                raise unprocessable("You specified an invalid region.")
            return ResourceEvent("transfer", 170, {"regions": [*image.get("regions", now), body["region"]]})
        case "convert":
            return ResourceEvent("convert", 4, {"type": "snapshot"})
        case _:
            raise unprocessable(_INVALID_TYPE)


def volume_event(body: dict[str, Any], volume: Volume, target_id: int | None, now: float) -> ResourceEvent:
    """
    Return the event of a volume that a request asks for.

    Args:
        body: The body of the request.
        volume: The volume it is about.
        target_id: The id of the droplet that "attach" names.
        now: Unix seconds.

    Raises:
        ErrorResponse: 422, the API would reject the event.
    """
    attached_to = volume.real("droplet_id", now)
    match body.get("type"):
        case "attach":
            if attached_to is not None:
                raise unprocessable("This volume is already attached")
            return ResourceEvent("attach_volume", 9, {"droplet_id": target_id})
        case "detach":
            if attached_to is None or attached_to != body.get("droplet_id", attached_to):
                raise unprocessable("Attachment not found")
            return ResourceEvent("detach_volume", 9, {"droplet_id": None})
        case "resize":
            size_gb = body.get("size_gigabytes")
            if not isinstance(size_gb, int) or size_gb <= volume.get("size_gb", now):
                raise unprocessable("The size must be larger than the volume's.")
            return ResourceEvent("resize_volume", 9, {"size_gb": size_gb})
        case _:
            raise unprocessable(_INVALID_TYPE)


def reserved_ip_event(body: dict[str, Any], target_id: int | None) -> ResourceEvent:
    """Return the assignment to *target_id*, or the unassignment, that a request asks for; raise the 422 for others."""
    match body.get("type"):
        case "assign":
            return ResourceEvent("assign_ip", 4, {"droplet_id": target_id})
        case "unassign":
            return ResourceEvent("unassign_ip", 4, {"droplet_id": None})
        case _:
            raise unprocessable(_INVALID_TYPE)
