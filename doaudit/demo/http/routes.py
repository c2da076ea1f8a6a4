"""The API's endpoints: for each its path, the scope it needs, and the function that computes its response."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from doaudit.demo.http import serialize
from doaudit.demo.http.response import Response
from doaudit.demo.world import catalogue
from doaudit.demo.world.api_errors import bad_request, not_found
from doaudit.demo.world.events import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from doaudit.demo.world.records import Action, Droplet, ReservedIp, Resource
    from doaudit.demo.world.world import World

__all__ = ["ROUTES", "Request", "Route"]

_MAX_PER_PAGE = 200
_DEFAULT_PER_PAGE = 20


@dataclass(frozen=True)
class Request:
    """
    A request, as an endpoint gets it.

    Args:
        world: The account.
        url: The absolute address, without the query.
        query: The parameters of the query.
        body: The body.
        token: The token, already authenticated.
    """

    world: World
    url: str
    query: Mapping[str, str]
    body: bytes
    token: str

    @property
    def page(self) -> int:
        """The requested page, from 1; 1 where the query has no valid number."""
        return max(_parse_count(self.query.get("page"), 1), 1)

    @property
    def per_page(self) -> int:
        """The requested rows on a page: 20 where the query has no valid number, at most 200."""
        per_page = _parse_count(self.query.get("per_page"), _DEFAULT_PER_PAGE)
        return min(per_page, _MAX_PER_PAGE) if per_page > 0 else _DEFAULT_PER_PAGE

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises the 400 if it is not one."""
        try:
            return msgspec.json.decode(self.body, type=dict[str, Any])
        except msgspec.DecodeError as problem:
            raise bad_request() from problem


@dataclass(frozen=True)
class Route:
    """
    An endpoint.

    Args:
        method: Its HTTP method.
        rule: Its path, in Flask's notation.
        view: The function that computes the response from a `Request` and the variables of the path.
        scope: The scope that the token needs; None for none.
    """

    method: str
    rule: str
    view: Callable[..., Response]
    scope: str | None


def _parse_count(text: str | None, default: int) -> int:
    """Return the number in a parameter of the query, or *default* where it is not a whole number."""
    return int(text) if text is not None and text.isascii() and text.isdigit() else default


def _links(request: Request, total: int) -> dict[str, Any]:
    """Return the `links` of a list of *total* rows, with the other parameters of the query kept."""
    others = "".join(
        f"&{key}={quote(value)}" for key, value in request.query.items() if key not in {"page", "per_page"}
    )
    return serialize.links(request.url, others, request.page, request.per_page, total)


def _list(request: Request, key: str, rows: Sequence[Any], to_json: Callable[[Any], bytes]) -> Response:
    """Return the requested page of *rows*."""
    first = (request.page - 1) * request.per_page
    shown = rows[first : first + request.per_page]
    return Response(200, serialize.page_json(key, map(to_json, shown), _links(request, len(rows)), len(rows)))


def _action_writer(request: Request, *hidden: str) -> Callable[[Action], bytes]:
    """Return a function from action to JSON, without the end of actions whose `end_hidden` is in *hidden*."""
    now, with_sizes = request.world.now, request.world.tokens.allows(request.token, "sizes:read")
    return lambda action: serialize.action_json(
        action, now, end_hidden=action.end_hidden in hidden, with_sizes=with_sizes
    )


def _actions_of(request: Request, resource: Resource) -> Response:
    return _list(
        request, "actions", request.world.actions_of(resource), _action_writer(request, "in_lists", "everywhere")
    )


def _action_response(request: Request, action: Action, status: int = 200) -> Response:
    return Response(status, b'{"action":%s}' % _action_writer(request, "everywhere")(action))


def _actions(request: Request) -> Response:
    actions, total = request.world.list_actions(request.page, request.per_page)
    to_json = _action_writer(request, "in_lists", "everywhere")
    return Response(200, serialize.page_json("actions", map(to_json, actions), _links(request, total), total))


def _action(request: Request, action_id: int) -> Response:
    return _action_response(request, request.world.action(action_id))


def _account(request: Request) -> Response:
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
    del request
    return Response(200, serialize.encode({"account": account}))


def _droplet_object(request: Request, droplet: Droplet) -> dict[str, Any]:
    """Return a droplet as the API's object, with its listed images and attached volumes."""
    world = request.world
    images = world.listed_images(droplet.id)
    volumes = [volume for volume in world.volumes.values() if volume.get("droplet_id", world.now) == droplet.id]
    return serialize.droplet_object(droplet, world.now, images, volumes)


def _droplets(request: Request) -> Response:
    name, tag = request.query.get("name"), request.query.get("tag_name")
    chosen = [
        droplet
        for droplet in request.world.listed_droplets()
        if name in {None, droplet.get("name", request.world.now)} and (tag is None or tag in droplet.tags)
    ]
    return _list(request, "droplets", chosen, lambda droplet: serialize.encode(_droplet_object(request, droplet)))


def _create_droplets(request: Request) -> Response:
    created = request.world.create_droplets(request.json)
    droplets = [_droplet_object(request, droplet) for droplet, _ in created]
    base = request.url.removesuffix("droplets")
    actions = [{"id": action.id, "rel": "create", "href": f"{base}actions/{action.id}"} for _, action in created]
    result = {"droplet": droplets[0]} if "names" not in request.json else {"droplets": droplets}
    return Response(202, serialize.encode(result | {"links": {"actions": actions}}))


def _droplet(request: Request, droplet_id: int) -> Response:
    return Response(200, serialize.encode({"droplet": _droplet_object(request, request.world.droplet(droplet_id))}))


def _destroy_droplet(request: Request, droplet_id: int) -> Response:
    request.world.destroy_droplet(droplet_id)
    return Response(204, b"")


def _droplet_actions(request: Request, droplet_id: int) -> Response:
    return _actions_of(request, request.world.droplet(droplet_id))


def _droplet_action(request: Request, droplet_id: int, action_id: int) -> Response:
    action = request.world.action(action_id, request.world.droplet(droplet_id))
    hidden = ("", "in_lists", "everywhere") if request.world.scoped_reads_lack_end else ("everywhere",)
    return Response(200, b'{"action":%s}' % _action_writer(request, *hidden)(action))


def _act_on_droplet(request: Request, droplet_id: int) -> Response:
    fields = request.json
    event = EVENTS.get(str(fields.get("type")))
    request.world.tokens.check(request.token, event.scopes if event else ())
    return _action_response(request, request.world.act_on_droplet(droplet_id, fields), 201)


def _droplet_snapshots(request: Request, droplet_id: int) -> Response:
    world = request.world
    images = world.listed_images(world.droplet(droplet_id).id, "snapshot")
    return _list(
        request,
        "snapshots",
        images,
        lambda image: serialize.encode(serialize.snapshot_of_droplet_object(image, world.now)),
    )


def _snapshots(request: Request) -> Response:
    world = request.world
    # There are no volume snapshots in a simulated account.
    images = [] if request.query.get("resource_type") == "volume" else world.listed_images(type_="snapshot")
    return _list(
        request, "snapshots", images, lambda image: serialize.encode(serialize.snapshot_object(image, world.now))
    )


def _images(request: Request) -> Response:
    # Only the account's own images are simulated, so that `private=true` changes nothing.
    world = request.world
    return _list(
        request,
        "images",
        world.listed_images(),
        lambda image: serialize.encode(serialize.image_object(image, world.now)),
    )


def _image_actions(request: Request, image_id: int) -> Response:
    return _actions_of(request, request.world.image(image_id))


def _image_action(request: Request, image_id: int, action_id: int) -> Response:
    return _action_response(request, request.world.action(action_id, request.world.image(image_id)))


def _act_on_image(request: Request, image_id: int) -> Response:
    return _action_response(request, request.world.act_on_image(image_id, request.json), 201)


def _volumes(request: Request) -> Response:
    world = request.world
    filters = [(key, request.query[key]) for key in ("name", "region") if key in request.query]
    chosen = [volume for volume in world.volumes.values() if all(getattr(volume, k) == v for k, v in filters)]
    return _list(
        request, "volumes", chosen, lambda volume: serialize.encode(serialize.volume_object(volume, world.now))
    )


def _volume_actions(request: Request, volume_id: str) -> Response:
    return _actions_of(request, request.world.volume(volume_id))


def _volume_action(request: Request, volume_id: str, action_id: int) -> Response:
    return _action_response(request, request.world.action(action_id, request.world.volume(volume_id)))


def _act_on_volume(request: Request, volume_id: str) -> Response:
    return _action_response(request, request.world.act_on_volume(volume_id, request.json), 202)


def _reserved_ips(request: Request) -> Response:
    world = request.world

    def to_json(reserved_ip: ReservedIp) -> bytes:
        droplet = world.droplets.get(reserved_ip.get("droplet_id", world.now))
        target = _droplet_object(request, droplet) if droplet is not None and droplet.exists(world.now) else None
        return serialize.encode(serialize.reserved_ip_object(reserved_ip, target))

    return _list(request, "reserved_ips", list(world.reserved_ips.values()), to_json)


def _reserved_ip_actions(request: Request, ip: str) -> Response:
    return _actions_of(request, request.world.reserved_ip(ip))


def _reserved_ip_action(request: Request, ip: str, action_id: int) -> Response:
    action = request.world.action(action_id, request.world.reserved_ip(ip))
    return Response(200, b'{"action":%s}' % serialize.with_project_id(_action_writer(request, "everywhere")(action)))


def _act_on_reserved_ip(request: Request, ip: str) -> Response:
    action = request.world.act_on_reserved_ip(ip, request.json)
    return Response(201, b'{"action":%s}' % serialize.with_project_id(_action_writer(request)(action)))


def _regions(request: Request) -> Response:
    with_sizes = request.world.tokens.allows(request.token, "sizes:read")
    return _list(request, "regions", catalogue.REGIONS, lambda slug: catalogue.region_json(slug, with_sizes=with_sizes))


def _unknown_path(request: Request, path: str = "") -> Response:
    del request, path
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
        Route(method, rule, _unknown_path, None)
        for rule in ("/", "/<path:path>")
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    ),
)
"""All endpoints; the last ones catch the paths and methods that do not exist."""
