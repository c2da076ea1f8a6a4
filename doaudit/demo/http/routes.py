"""The API's endpoints: what each needs, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from doaudit.demo.http import serialize
from doaudit.demo.world import catalogue
from doaudit.demo.world.api_errors import bad_request, not_found
from doaudit.demo.world.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from doaudit.demo.world.records import Action, Droplet, ReservedIp, Resource
    from doaudit.demo.world.world import World

__all__ = ["ROUTES", "Asked", "Route"]

_MOST_PER_PAGE = 200
_USUAL_PER_PAGE = 20


@dataclass(frozen=True)
class Asked:
    """
    One request, as far as an endpoint cares.

    Args:
        world: The account it is about.
        url: Its absolute address without the query.
        query: Its query.
        body: What was sent with it.
        token: Who asks.
    """

    world: World
    url: str
    query: Mapping[str, str]
    body: bytes
    token: str

    @property
    def page(self) -> int:
        """The page asked for; what is no page is the first."""
        return max(_whole(self.query.get("page"), 1), 1)

    @property
    def per_page(self) -> int:
        """The rows asked for; more than 200 are 200."""
        asked = _whole(self.query.get("per_page"), _USUAL_PER_PAGE)
        return min(asked, _MOST_PER_PAGE) if asked > 0 else _USUAL_PER_PAGE

    @property
    def fields(self) -> dict[str, Any]:
        """The body as an object, or the 400 that says it is none."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.DecodeError as problem:
            raise bad_request() from problem


Response = tuple[int, bytes]


@dataclass(frozen=True)
class Route:
    """
    One endpoint.

    Args:
        method: Its method.
        rule: Its path, in Flask's notation.
        view: From a request and the path's variables to a status and a body.
        scope: What the token must be allowed.
    """

    method: str
    rule: str
    view: Callable[..., Response]
    scope: str | None


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() else otherwise


def _pages(asked: Asked, total: int) -> dict[str, Any]:
    others = "".join(f"&{key}={quote(value)}" for key, value in asked.query.items() if key not in {"page", "per_page"})
    return serialize.links(asked.url, others, asked.page, asked.per_page, total)


def _list(asked: Asked, key: str, rows: Sequence[Any], to_json: Callable[[Any], bytes]) -> Response:
    newest = (asked.page - 1) * asked.per_page
    shown = rows[newest : newest + asked.per_page]
    return 200, serialize.page_json(key, map(to_json, shown), _pages(asked, len(rows)), len(rows))


def _action_json(asked: Asked, *hidden: str) -> Callable[[Action], bytes]:
    """Return the writer of actions whose end is left out where their `end_hidden` is among *hidden*."""
    now, with_sizes = asked.world.now, asked.world.tokens.allows(asked.token, "sizes:read")
    return lambda action: serialize.action_json(
        action, now, end_hidden=action.end_hidden in hidden, with_sizes=with_sizes
    )


def _listed_actions(asked: Asked, resource: Resource) -> Response:
    return _list(asked, "actions", asked.world.actions_of(resource), _action_json(asked, "in_lists", "everywhere"))


def _one_action(asked: Asked, action: Action, status: int = 200) -> Response:
    return status, b'{"action":%s}' % _action_json(asked, "everywhere")(action)


def _actions(asked: Asked) -> Response:
    rows, total = asked.world.read_list(asked.page, asked.per_page)
    to_json = _action_json(asked, "in_lists", "everywhere")
    return 200, serialize.page_json("actions", map(to_json, rows), _pages(asked, total), total)


def _action(asked: Asked, action_id: int) -> Response:
    return _one_action(asked, asked.world.action(action_id))


def _account(asked: Asked) -> Response:
    account = {
        "droplet_limit": 100,
        "floating_ip_limit": 20,
        "email": "ops@example.com",
        "name": "Simulated account",
        "uuid": "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
        "email_verified": True,
        "status": "active",
        "status_message": "",
        "team": {"uuid": "5df3e3004a17e242b7c20ca6c9fc25b701a47ece", "name": "Example company"},
    }
    del asked
    return 200, serialize.encode({"account": account})


def _droplet_shape(asked: Asked, droplet: Droplet) -> dict[str, Any]:
    world = asked.world
    images = world.listed_images(droplet.id)
    volumes = [volume for volume in world.volumes.values() if volume.get("droplet_id", world.now) == droplet.id]
    return serialize.droplet_shape(droplet, world.now, images, volumes)


def _droplets(asked: Asked) -> Response:
    name, tag = asked.query.get("name"), asked.query.get("tag_name")
    chosen = [
        droplet
        for droplet in asked.world.living_droplets()
        if name in {None, droplet.get("name", asked.world.now)} and (tag is None or tag in droplet.tags)
    ]
    return _list(asked, "droplets", chosen, lambda droplet: serialize.encode(_droplet_shape(asked, droplet)))


def _create_droplets(asked: Asked) -> Response:
    made = asked.world.create_droplets(asked.fields)
    shapes = [_droplet_shape(asked, droplet) for droplet, _ in made]
    base = asked.url.removesuffix("droplets")
    to = [{"id": action.id, "rel": "create", "href": f"{base}actions/{action.id}"} for _, action in made]
    one = {"droplet": shapes[0]} if "names" not in asked.fields else {"droplets": shapes}
    return 202, serialize.encode(one | {"links": {"actions": to}})


def _droplet(asked: Asked, droplet_id: int) -> Response:
    return 200, serialize.encode({"droplet": _droplet_shape(asked, asked.world.droplet(droplet_id))})


def _destroy_droplet(asked: Asked, droplet_id: int) -> Response:
    asked.world.destroy_droplet(droplet_id)
    return 204, b""


def _droplet_actions(asked: Asked, droplet_id: int) -> Response:
    return _listed_actions(asked, asked.world.droplet(droplet_id))


def _droplet_action(asked: Asked, droplet_id: int, action_id: int) -> Response:
    action = asked.world.action(action_id, asked.world.droplet(droplet_id))
    hidden = ("", "in_lists", "everywhere") if asked.world.scoped_reads_lack_end else ("everywhere",)
    return 200, b'{"action":%s}' % _action_json(asked, *hidden)(action)


def _act_on_droplet(asked: Asked, droplet_id: int) -> Response:
    fields = asked.fields
    event = EVENTS.get(str(fields.get("type")))
    asked.world.tokens.check(asked.token, event.scopes if event else ())
    return _one_action(asked, asked.world.act_on_droplet(droplet_id, fields), 201)


def _droplet_snapshots(asked: Asked, droplet_id: int) -> Response:
    world = asked.world
    taken = world.listed_images(world.droplet(droplet_id).id, "snapshot")
    return _list(
        asked, "snapshots", taken, lambda image: serialize.encode(serialize.snapshot_of_droplet_shape(image, world.now))
    )


def _snapshots(asked: Asked) -> Response:
    world = asked.world
    # There are no volume snapshots in a simulated account.
    taken = [] if asked.query.get("resource_type") == "volume" else world.listed_images(type_="snapshot")
    return _list(asked, "snapshots", taken, lambda image: serialize.encode(serialize.snapshot_shape(image, world.now)))


def _images(asked: Asked) -> Response:
    # Only the account's own images are simulated, so that `private=true` changes nothing.
    world = asked.world
    return _list(
        asked, "images", world.listed_images(), lambda image: serialize.encode(serialize.image_shape(image, world.now))
    )


def _image_actions(asked: Asked, image_id: int) -> Response:
    return _listed_actions(asked, asked.world.image(image_id))


def _image_action(asked: Asked, image_id: int, action_id: int) -> Response:
    return _one_action(asked, asked.world.action(action_id, asked.world.image(image_id)))


def _act_on_image(asked: Asked, image_id: int) -> Response:
    return _one_action(asked, asked.world.act_on_image(image_id, asked.fields), 201)


def _volumes(asked: Asked) -> Response:
    world = asked.world
    wanted = [(key, asked.query[key]) for key in ("name", "region") if key in asked.query]
    chosen = [volume for volume in world.volumes.values() if all(getattr(volume, k) == v for k, v in wanted)]
    return _list(asked, "volumes", chosen, lambda volume: serialize.encode(serialize.volume_shape(volume, world.now)))


def _volume_actions(asked: Asked, volume_id: str) -> Response:
    return _listed_actions(asked, asked.world.volume(volume_id))


def _volume_action(asked: Asked, volume_id: str, action_id: int) -> Response:
    return _one_action(asked, asked.world.action(action_id, asked.world.volume(volume_id)))


def _act_on_volume(asked: Asked, volume_id: str) -> Response:
    return _one_action(asked, asked.world.act_on_volume(volume_id, asked.fields), 202)


def _reserved_ips(asked: Asked) -> Response:
    world = asked.world

    def to_json(reserved: ReservedIp) -> bytes:
        droplet = world.droplets.get(reserved.get("droplet_id", world.now))
        shape = _droplet_shape(asked, droplet) if droplet is not None and droplet.exists(world.now) else None
        return serialize.encode(serialize.reserved_ip_shape(reserved, shape))

    return _list(asked, "reserved_ips", list(world.reserved_ips.values()), to_json)


def _reserved_ip_actions(asked: Asked, ip: str) -> Response:
    return _listed_actions(asked, asked.world.reserved_ip(ip))


def _reserved_ip_action(asked: Asked, ip: str, action_id: int) -> Response:
    action = asked.world.action(action_id, asked.world.reserved_ip(ip))
    return 200, b'{"action":%s}' % serialize.with_project(_action_json(asked, "everywhere")(action))


def _act_on_reserved_ip(asked: Asked, ip: str) -> Response:
    action = asked.world.act_on_reserved_ip(ip, asked.fields)
    return 201, b'{"action":%s}' % serialize.with_project(_action_json(asked)(action))


def _regions(asked: Asked) -> Response:
    with_sizes = asked.world.tokens.allows(asked.token, "sizes:read")
    return _list(asked, "regions", catalogue.REGIONS, lambda slug: catalogue.region_json(slug, with_sizes=with_sizes))


def _nothing(asked: Asked, path: str = "") -> Response:
    del asked, path
    raise not_found()


_VOLUME_READ, _VOLUME_ACT = "block_storage_action:read", "block_storage_action:create"

ROUTES = (
    Route("GET", "/v2/account", _account, "account:read"),
    Route("GET", "/v2/actions", _actions, "actions:read"),
    Route("GET", "/v2/actions/<int:action_id>", _action, "actions:read"),
    Route("GET", "/v2/droplets", _droplets, "droplet:read"),
    Route("POST", "/v2/droplets", _create_droplets, "droplet:create"),
    Route("GET", "/v2/droplets/<int:droplet_id>", _droplet, "droplet:read"),
    Route("DELETE", "/v2/droplets/<int:droplet_id>", _destroy_droplet, "droplet:delete"),
    Route("GET", "/v2/droplets/<int:droplet_id>/actions", _droplet_actions, "droplet:read"),
    Route("POST", "/v2/droplets/<int:droplet_id>/actions", _act_on_droplet, "droplet:update"),
    Route("GET", "/v2/droplets/<int:droplet_id>/actions/<int:action_id>", _droplet_action, "droplet:read"),
    Route("GET", "/v2/droplets/<int:droplet_id>/snapshots", _droplet_snapshots, "droplet:read"),
    Route("GET", "/v2/images", _images, "image:read"),
    Route("GET", "/v2/images/<int:image_id>/actions", _image_actions, "image:read"),
    Route("POST", "/v2/images/<int:image_id>/actions", _act_on_image, "image:update"),
    Route("GET", "/v2/images/<int:image_id>/actions/<int:action_id>", _image_action, "image:read"),
    Route("GET", "/v2/regions", _regions, "regions:read"),
    Route("GET", "/v2/reserved_ips", _reserved_ips, "reserved_ip:read"),
    Route("GET", "/v2/reserved_ips/<ip>/actions", _reserved_ip_actions, "reserved_ip:read"),
    Route("POST", "/v2/reserved_ips/<ip>/actions", _act_on_reserved_ip, "reserved_ip:update"),
    Route("GET", "/v2/reserved_ips/<ip>/actions/<int:action_id>", _reserved_ip_action, "reserved_ip:read"),
    Route("GET", "/v2/snapshots", _snapshots, "snapshot:read"),
    Route("GET", "/v2/volumes", _volumes, "block_storage:read"),
    Route("GET", "/v2/volumes/<volume_id>/actions", _volume_actions, _VOLUME_READ),
    Route("POST", "/v2/volumes/<volume_id>/actions", _act_on_volume, _VOLUME_ACT),
    Route("GET", "/v2/volumes/<volume_id>/actions/<int:action_id>", _volume_action, _VOLUME_READ),
    *(
        Route(method, rule, _nothing, None)
        for rule in ("/", "/<path:path>")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
)
"""Every endpoint; the last ones stand for everything that does not exist."""
