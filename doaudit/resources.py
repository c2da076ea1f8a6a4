"""
Kinds of resources: addresses, lists, scopes, events that can be started, and the names under which these are recorded.

`KINDS` is the one table of what DigitalOcean's API says about the kinds of resources that have actions. Every other
module takes these facts from here; a test holds the table against the API's OpenAPI document.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DROPLET",
    "KINDS",
    "KNOWN_RESOURCE_TYPES",
    "KNOWN_TYPES",
    "VOLUME",
    "Event",
    "Kind",
    "ResourceList",
    "find_kind",
    "recorded_types",
    "required_scopes",
    "resource_key",
    "resource_path",
]

MAX_ID = 2**63 - 1
_MAX_IPV4 = 2**32 - 1


@dataclass(frozen=True)
class Event:
    """
    An event that can be requested.

    Attributes:
        arguments: the arguments it must have, by the API's names.
        recorded_as: the type of the action that it becomes, where that is not the requested one.
        scopes: the scopes it needs besides the kind's `act_scope`.
    """

    arguments: tuple[str, ...] = ()
    recorded_as: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResourceList:
    """
    A list that names resources of a kind.

    Attributes:
        path: its address.
        body_key: the key of the records in the response.
        scope: the scope it needs.
        query: parameters of the request.
        id_field: the field of a record that holds its id.
        complete: true if a resource that is not in it does not exist.
    """

    path: str
    body_key: str
    scope: str
    query: tuple[tuple[str, str], ...] = ()
    id_field: str = "id"
    complete: bool = True


@dataclass(frozen=True)
class Kind:
    """
    A kind of resource that has actions.

    Attributes:
        name: the word before the colon in a key such as 'droplet:3164450', and the `resource_type` of an action.
        aliases: other words for it in `resource_type`.
        id_in_action: form of an action's `resource_id`: a number, an IPv4 address as a number, or none that identifies.
        path: address of the resources; empty if the API starts no events of this kind.
        read_scope: scope for reading the actions of one resource.
        act_scope: scope for starting an event.
        events: events that can be started, by the type that is requested.
        recorded_only: types of actions that are recorded and cannot be requested.
        created_by: types of actions that bring a resource into being.
        destroyed_by: types of actions that end it.
        lists: lists that name the resources, in the order in which they are read.
        region_optional: true if actions without a region are common.
    """

    name: str
    id_in_action: Literal["number", "ipv4", "none"]
    aliases: tuple[str, ...] = ()
    path: str = ""
    read_scope: str = ""
    act_scope: str = ""
    events: Mapping[str, Event] = field(default_factory=lambda: MappingProxyType({}))
    recorded_only: tuple[str, ...] = ()
    created_by: tuple[str, ...] = ()
    destroyed_by: tuple[str, ...] = ()
    lists: tuple[ResourceList, ...] = ()
    region_optional: bool = False

    @property
    def resource_types(self) -> tuple[str, ...]:
        """The words that stand for this kind in an action's `resource_type`."""
        return (self.name, *self.aliases)


_DROPLET_EVENTS = {
    **dict.fromkeys(("power_on", "power_off", "power_cycle", "reboot", "shutdown"), Event()),
    **dict.fromkeys(("enable_ipv6", "enable_backups", "disable_backups"), Event()),
    "password_reset": Event(scopes=("droplet:admin",)),
    "snapshot": Event(scopes=("image:create",)),
    "restore": Event(("image",), scopes=("droplet:admin",)),
    "rebuild": Event(("image",), scopes=("droplet:admin",)),
    "resize": Event(("size",), scopes=("droplet:create",)),
    "rename": Event(("name",)),
    "change_kernel": Event(("kernel",)),
    "change_backup_policy": Event(("backup_policy",)),
}
_VOLUME_EVENTS = {
    "attach": Event(("droplet_id",), recorded_as="attach_volume"),
    "detach": Event(("droplet_id",), recorded_as="detach_volume"),
    "resize": Event(("size_gigabytes",), recorded_as="resize_volume"),
}
_RESERVED_IP_EVENTS = {
    "assign": Event(("droplet_id",), recorded_as="assign_ip"),
    "unassign": Event(recorded_as="unassign_ip"),
}

DROPLET = Kind(
    name="droplet",
    id_in_action="number",
    path="/v2/droplets",
    read_scope="droplet:read",
    act_scope="droplet:update",
    events=_DROPLET_EVENTS,
    recorded_only=(
        *("create", "destroy", "backup", "kernel_change", "enable_private_networking", "migrate", "upgrade"),
    ),
    created_by=("create",),
    destroyed_by=("destroy",),
    lists=(ResourceList("/v2/droplets", "droplets", "droplet:read"),),
)
VOLUME = Kind(
    name="volume",
    id_in_action="none",
    aliases=("backend",),
    path="/v2/volumes",
    read_scope="block_storage_action:read",
    act_scope="block_storage_action:create",
    events=_VOLUME_EVENTS,
    lists=(ResourceList("/v2/volumes", "volumes", "block_storage:read"),),
)

KINDS: tuple[Kind, ...] = (
    DROPLET,
    Kind(
        name="image",
        id_in_action="number",
        path="/v2/images",
        read_scope="image:read",
        act_scope="image:update",
        events={"transfer": Event(("region",)), "convert": Event()},
        recorded_only=("convert_to_snapshot", "image_destroy"),
        destroyed_by=("image_destroy",),
        lists=(
            ResourceList("/v2/images", "images", "image:read", query=(("private", "true"),)),
            # The snapshots of droplets are images with the same ids; a token with either scope can name them.
            ResourceList(
                *("/v2/snapshots", "snapshots", "snapshot:read"), query=(("resource_type", "droplet"),), complete=False
            ),
        ),
        region_optional=True,
    ),
    VOLUME,
    Kind(
        name="reserved_ip",
        id_in_action="ipv4",
        aliases=("floating_ip",),
        path="/v2/reserved_ips",
        read_scope="reserved_ip:read",
        act_scope="reserved_ip:update",
        events=_RESERVED_IP_EVENTS,
        recorded_only=("reserve_ip", "release_ip"),
        created_by=("reserve_ip",),
        destroyed_by=("release_ip",),
        lists=(ResourceList("/v2/reserved_ips", "reserved_ips", "reserved_ip:read", id_field="ip"),),
    ),
    Kind(name="reserved_ipv6", id_in_action="none", region_optional=True),
)

_BY_RESOURCE_TYPE = {word: kind for kind in KINDS for word in kind.resource_types}
KNOWN_RESOURCE_TYPES = frozenset(_BY_RESOURCE_TYPE)
"""The words that public descriptions of the API have for `resource_type`."""

KNOWN_TYPES = frozenset(
    word
    for kind in KINDS
    for word in (
        *kind.recorded_only,
        *(event.recorded_as or name for name, event in kind.events.items()),
    )
) | {"resize"}
"""The types of actions in public descriptions of the API, as they are recorded; the API itself has no list."""

# Scopes of addresses that belong to no kind, by the beginning of the path.
_OTHER_SCOPES = {"/v2/actions": "actions:read", "/v2/account": "account:read"}


def find_kind(resource_type: str) -> Kind | None:
    """
    Return the kind that a `resource_type`, or the word before the colon of a key, stands for; None if it is unknown.

    Example:
        >>> find_kind("floating_ip").name
        'reserved_ip'
    """
    return _BY_RESOURCE_TYPE.get(resource_type)


def resource_key(resource_type: str | None, resource_id: int | None) -> str | None:
    """
    Return the key by which a resource is grouped; None where an action does not tell which resource it was.

    Floating and reserved IPs are one kind under two names; their id is the IPv4 address as a big-endian number. A kind
    that is not in `KINDS` has its word and number as key.

    Example:
        >>> resource_key("floating_ip", 758603823)
        'reserved_ip:45.55.96.47'
        >>> resource_key("volume", None)
    """
    if resource_type is None or resource_id is None:
        return None
    kind = find_kind(resource_type)
    match "number" if kind is None else kind.id_in_action:
        case "ipv4" if 0 <= resource_id <= _MAX_IPV4:
            return f"reserved_ip:{ipaddress.IPv4Address(resource_id)}"
        case "number" if resource_id > 0:
            return f"{resource_type}:{resource_id}"
    return None


def resource_path(key: str) -> str:
    """
    Return the address of a resource whose actions can be started, from its key.

    Raises:
        InvalidArgument: this is no such key.

    Example:
        >>> resource_path("droplet:3164450"), resource_path("reserved_ip:45.55.96.47")
        ('/v2/droplets/3164450', '/v2/reserved_ips/45.55.96.47')
    """
    word, _, resource_id = key.partition(":")
    kind = find_kind(word)
    plain = resource_id.isascii() and resource_id.replace("-", "").replace(".", "").isalnum()
    numeric = kind is not None and kind.id_in_action == "number"
    if kind is None or not kind.path or not plain or (numeric and not resource_id.isdecimal()):
        raise InvalidArgument(
            f"{key!r} names no resource whose actions can be started; write it as the frame's column `resource` "
            "does: 'droplet:3164450', 'image:7938391', 'volume:7724db7c-e098-11e5-b522-000f53304e51' or "
            "'reserved_ip:45.55.96.47'."
        )
    return f"{kind.path}/{resource_id}"


def recorded_types(kind: Kind, event: str) -> frozenset[str]:
    """
    Return the types under which an event of a kind may be recorded in the list of actions.

    Example:
        >>> sorted(recorded_types(find_kind("volume"), "attach"))
        ['attach', 'attach_volume']
    """
    return frozenset({event, kind.events[event].recorded_as or event})


def required_scopes(request: str) -> str:
    """
    Name the scopes that a request needs, as words for a message; empty if they are not known.

    Args:
        request: method and path, such as 'GET /v2/actions'.

    Example:
        >>> required_scopes("GET /v2/droplets/7")
        'droplet:read'
        >>> required_scopes("POST /v2/reserved_ips/45.55.96.47/actions")
        'reserved_ip:update'
    """
    method, _, path = request.partition(" ")
    for kind in KINDS:
        if kind.path and path.startswith(f"{kind.path}/") and path.endswith("/actions"):
            return kind.read_scope if method == "GET" else _act_scopes(kind)
    scopes = {resource_list.path: resource_list.scope for kind in KINDS for resource_list in kind.lists}
    return next((scope for start, scope in {**scopes, **_OTHER_SCOPES}.items() if path.startswith(start)), "")


def _act_scopes(kind: Kind) -> str:
    more: dict[str, list[str]] = {}
    for name, event in kind.events.items():
        for scope in event.scopes:
            more.setdefault(scope, []).append(name)
    also = [
        f"{', '.join(names)} also {'needs' if len(names) == 1 else 'need'} {scope}" for scope, names in more.items()
    ]
    return "; ".join([kind.act_scope, *also])
