"""
What an account holds: actions, droplets, images, volumes, reserved IPs.

Nothing in here is ever "processed". A record knows what happens to it and when, and says what it looks like at a
given second of the virtual clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Literal

import msgspec

__all__ = ["Action", "Droplet", "Image", "ReservedIp", "Resource", "Volume"]


class Action(msgspec.Struct, frozen=True, gc=False):
    """
    One event in the account's history.

    Args:
        id: Its number.
        type: What was done, as recorded: "snapshot", "attach_volume".
        started_at: Unix seconds.
        ends_at: Unix seconds at which it finishes; None for never.
        outcome: Its status from then on.
        resource_type: What kind of thing it was done to.
        resource_id: What the API shows for the thing: its id, an IPv4 address as a number, or null.
        resource: The thing itself, as "kind:key", for the lists of one resource; "" where there is no such list.
        region: The region's slug, or null.
        end_hidden: Where the API forgets to say when it finished: in lists, or everywhere.
        odd: A deviation in its shape: the region as a bare slug, as before 2015; no region beside its slug, as for
            reserved IPv6 addresses; no `resource_id` at all.

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
    odd: Literal["", "region_is_text", "region_is_null", "no_resource_id"] = ""

    def finished(self, now: float) -> bool:
        """Whether it is over."""
        return self.ends_at is not None and self.ends_at <= now

    def status(self, now: float) -> str:
        """Return its status at *now*."""
        return self.outcome if self.finished(now) else "in-progress"


@dataclass(frozen=True)
class _Change:
    at: float
    shown_at: float
    values: dict[str, Any]


@dataclass
class Resource:
    """Something whose fields change over time: really at one second, and in the API's answers a little later."""

    changes: list[_Change] = field(default_factory=list, kw_only=True)

    @property
    def key(self) -> str:
        """Its name among all resources, as "kind:id"."""
        raise NotImplementedError

    @property
    def shown_id(self) -> int | None:
        """What its actions show as `resource_id`."""
        return None

    @property
    def shown_region(self) -> str | None:
        """What its actions show as `region_slug`."""
        return None

    def change(self, at: float, lag_s: float = 0.0, **values: Any) -> None:  # noqa: ANN401 -- fields have types of their own
        """
        Let fields take new *values* at second *at*; the API shows them *lag_s* later.

        What is said later overrules what was said before, even where that was to happen later still: a droplet that is
        powered off and on does not finish the shutdown that was under way.
        """
        self.changes.append(_Change(at, at + lag_s, values))

    def get(self, name: str, now: float) -> Any:  # noqa: ANN401 -- as above
        """Return the field *name* as the API shows it at *now*."""
        return self._latest(name, [change for change in self.changes if change.shown_at <= now])

    def real(self, name: str, now: float) -> Any:  # noqa: ANN401 -- as above
        """Return the field *name* as it really is at *now*, before the API shows it."""
        return self._latest(name, [change for change in self.changes if change.at <= now])

    def _latest(self, name: str, changes: list[_Change]) -> Any:  # noqa: ANN401 -- as above
        values = [change for change in changes if name in change.values]
        return values[-1].values[name] if values else getattr(self, name)


@dataclass
class Droplet(Resource):
    """
    A virtual machine.

    Args:
        id: Its number.
        name: Its name.
        region: Its region's slug.
        size: Its size's slug.
        status: "new", "active" or "off", to begin with.
        created_at: Unix seconds.
        destroyed_at: Unix seconds from which the API no longer knows it.
        tags: Its tags.
        features: What is switched on, such as "backups".
        locked: An administrative lock. It says nothing about running actions.
        snapshot_s: How long a snapshot of it usually takes, in seconds: it grows with the disk in use.

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
        """Its name among all resources."""
        return f"droplet:{self.id}"

    @property
    def shown_id(self) -> int:
        """Its number."""
        return self.id

    @property
    def shown_region(self) -> str:
        """Its region's slug."""
        return self.region

    def exists(self, now: float) -> bool:
        """Whether the API still knows it."""
        return self.destroyed_at is None or now < self.destroyed_at


@dataclass
class Image(Resource):
    """
    A snapshot or backup.

    Args:
        id: Its number.
        name: Its name.
        created_at: Unix seconds: exactly when the action that made it started.
        listed_at: Unix seconds from which lists show it: a little after that action completed.
        droplet_id: The droplet it was taken of.
        type: "snapshot" or "backup".
        regions: Where it can be used.
        size_gb: What it takes.
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
        """Its name among all resources."""
        return f"image:{self.id}"

    @property
    def shown_region(self) -> str | None:
        """The slug of the region it was made in."""
        return self.regions[0] if self.regions else None

    @property
    def shown_id(self) -> int:
        """Its number."""
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
        droplet_id: The droplet it is attached to.
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
        """Its name among all resources."""
        return f"volume:{self.id}"

    @property
    def shown_region(self) -> str:
        """Its region's slug."""
        return self.region


@dataclass
class ReservedIp(Resource):
    """
    A public address that can be moved between droplets.

    Args:
        ip: The address.
        region: Its region's slug.
        droplet_id: The droplet it points to.
    """

    ip: str
    region: str = "fra1"
    droplet_id: int | None = None

    @property
    def key(self) -> str:
        """Its name among all resources."""
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
