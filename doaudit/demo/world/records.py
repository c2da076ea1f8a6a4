"""
The records of an account: actions, droplets, images, volumes and reserved IPs.

There is no background processing. A record knows its changes and when they happen, and its state at any second of the
virtual clock is computed from them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Literal

import msgspec

__all__ = ["Action", "Droplet", "Image", "ReservedIp", "Resource", "Volume"]


class Action(msgspec.Struct, frozen=True, gc=False):
    """
    An action in the account's history.

    Args:
        id: Its id.
        type: Its type as recorded, such as "snapshot" or "attach_volume".
        started_at: Unix seconds.
        ends_at: Unix seconds at which it finishes; None for never.
        outcome: Its status from then on.
        resource_type: The kind of its resource, as the API shows it.
        resource_id: The id of its resource, as the API shows it: an id, an IPv4 address as a number, or null.
        resource: Its resource as "kind:key", for the list of a resource's actions; "" where there is no such list.
        region: The region's slug, or null.
        end_hidden: Responses in which the API leaves out when it finished: in lists, or everywhere.
        odd: A deviation in its JSON: no region beside its slug, as for reserved IPv6 addresses, or no `resource_id`.

    Example:
        >>> action = Action(id=1, type="power_off", resource_id=560000001, started_at=100, ends_at=107)
        >>> action.status(106), action.status(107)
        ('in-progress', 'completed')
    """

    id: int
    type: str
    started_at: int
    ends_at: int | None = None
    outcome: str = "completed"
    resource_type: str = "droplet"
    resource_id: int | None = None
    resource: str = ""
    region: str | None = "fra1"
    end_hidden: Literal["", "in_lists", "everywhere"] = ""
    odd: Literal["", "region_is_null", "no_resource_id"] = ""

    def finished(self, now: float) -> bool:
        """Return whether it has ended by *now* (Unix seconds)."""
        return self.ends_at is not None and self.ends_at <= now

    def status(self, now: float) -> str:
        """Return its status at *now* (Unix seconds)."""
        return self.outcome if self.finished(now) else "in-progress"


@dataclass(frozen=True)
class _Change:
    """New values of fields, from second `at` on; the API shows them from `shown_at` on."""

    at: float
    shown_at: float
    values: dict[str, Any]


@dataclass
class Resource:
    """A resource whose fields change over time; the API's responses show a change a little later than it happens."""

    changes: list[_Change] = field(default_factory=list, kw_only=True)

    @property
    def key(self) -> str:
        """The key of the resource, as "kind:id"."""
        raise NotImplementedError

    @property
    def shown_id(self) -> int | None:
        """The `resource_id` of its actions."""
        return None

    @property
    def shown_region(self) -> str | None:
        """The `region_slug` of its actions."""
        return None

    def change(self, at: float, lag_s: float = 0.0, **values: Any) -> None:  # noqa: ANN401 -- fields have types of their own
        """
        Give fields new *values* at second *at*; the API shows them *lag_s* seconds later.

        A later call overrides an earlier one, even if the earlier change was due at a later second: a droplet that is
        powered off and on does not finish the shutdown that was under way.
        """
        self.changes.append(_Change(at, at + lag_s, values))

    def get(self, name: str, now: float) -> Any:  # noqa: ANN401 -- as above
        """Return the field *name* as the API shows it at *now*."""
        return self._latest(name, [change for change in self.changes if change.shown_at <= now])

    def real(self, name: str, now: float) -> Any:  # noqa: ANN401 -- as above
        """Return the field *name* as it really is at *now*, even if the API does not show it yet."""
        return self._latest(name, [change for change in self.changes if change.at <= now])

    def _latest(self, name: str, changes: list[_Change]) -> Any:  # noqa: ANN401 -- as above
        """Return the field's value after *changes*, or its initial one."""
        relevant = [change for change in changes if name in change.values]
        return relevant[-1].values[name] if relevant else getattr(self, name)


@dataclass
class Droplet(Resource):
    """
    A droplet: a virtual machine.

    Args:
        id: Its id.
        name: Its name.
        region: Its region's slug.
        size: Its size's slug.
        status: Its initial status: "new", "active" or "off".
        created_at: Unix seconds.
        destroyed_at: Unix seconds from which the API no longer knows it; None while it exists.
        tags: Its tags.
        features: The features that are enabled, such as "backups".
        locked: An administrative lock. It says nothing about running actions.
        snapshot_s: The median duration of its snapshots, in seconds; it grows with the disk in use.

    Example:
        >>> droplet = Droplet(1, "web-01")
        >>> droplet.change(100, lag_s=3, status="off")
        >>> droplet.get("status", 102), droplet.real("status", 102), droplet.get("status", 103)
        ('active', 'off', 'off')
    """

    id: int
    name: str
    region: str = "fra1"
    size: str = "s-2vcpu-4gb"
    status: str = "active"
    created_at: int = 0
    destroyed_at: float | None = None
    tags: list[str] = field(default_factory=list)
    features: list[str] = field(default_factory=lambda: ["monitoring", "private_networking"])
    locked: bool = False
    snapshot_s: float = 35.0

    @property
    def key(self) -> str:
        """The key of the resource."""
        return f"droplet:{self.id}"

    @property
    def shown_id(self) -> int:
        """Its id."""
        return self.id

    @property
    def shown_region(self) -> str:
        """Its region's slug."""
        return self.region

    def exists(self, now: float) -> bool:
        """Return whether the API still knows it at *now* (Unix seconds)."""
        return self.destroyed_at is None or now < self.destroyed_at


@dataclass
class Image(Resource):
    """
    An image: a snapshot or a backup.

    Args:
        id: Its id.
        name: Its name.
        created_at: Unix seconds: exactly the start of the action that made it.
        listed_at: Unix seconds from which lists show it: a little after that action completed.
        droplet_id: The id of the droplet it was taken of.
        type: "snapshot" or "backup".
        regions: The slugs of the regions in which it can be used.
        size_gb: Its size.
        disk_gb: The smallest disk it fits on.
    """

    id: int
    name: str
    created_at: int
    listed_at: float = 0
    droplet_id: int = 0
    type: str = "snapshot"
    regions: list[str] = field(default_factory=lambda: ["fra1"])
    size_gb: float = 2.36
    disk_gb: int = 25

    @property
    def key(self) -> str:
        """The key of the resource."""
        return f"image:{self.id}"

    @property
    def shown_region(self) -> str | None:
        """The slug of the region in which it was made."""
        return self.regions[0] if self.regions else None

    @property
    def shown_id(self) -> int:
        """Its id."""
        return self.id


@dataclass
class Volume(Resource):
    """
    A block storage volume.

    Args:
        id: Its UUID.
        name: Its name.
        region: Its region's slug.
        size_gb: Its size.
        droplet_id: The id of the droplet it is attached to, if any.
        created_at: Unix seconds.
    """

    id: str
    name: str
    region: str = "fra1"
    size_gb: int = 100
    droplet_id: int | None = None
    created_at: int = 0

    @property
    def key(self) -> str:
        """The key of the resource."""
        return f"volume:{self.id}"

    @property
    def shown_region(self) -> str:
        """Its region's slug."""
        return self.region


@dataclass
class ReservedIp(Resource):
    """
    A reserved IP: a public address that can be moved between droplets.

    Args:
        ip: The IPv4 address.
        region: Its region's slug.
        droplet_id: The id of the droplet it is assigned to, if any.
    """

    ip: str
    region: str = "fra1"
    droplet_id: int | None = None

    @property
    def key(self) -> str:
        """The key of the resource."""
        return f"reserved_ip:{self.ip}"

    @property
    def shown_region(self) -> str:
        """Its region's slug."""
        return self.region

    @property
    def shown_id(self) -> int:
        """
        The address as an unsigned 32-bit number.

        Example:
            >>> ReservedIp("178.128.133.144").shown_id
            2994767248
        """
        return int(IPv4Address(self.ip))
