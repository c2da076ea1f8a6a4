"""The endpoints of images, snapshots, volumes and reserved IPs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.demo.http import serialize
from doaudit.demo.http.droplets import droplet_object
from doaudit.demo.http.request import Route, action_response, action_writer, actions_of, list_response, one
from doaudit.demo.http.response import Response
from doaudit.demo.world.api_errors import not_found

if TYPE_CHECKING:
    from doaudit.demo.http.request import Request
    from doaudit.demo.world.records import ReservedIp

__all__ = ["RESOURCE_ROUTES"]


def _images(request: Request) -> Response:
    world, query = request.world, request.query
    own = [serialize.image_object(image, world.now) for image in world.listed_images()]
    public = [serialize.base_image()]
    if query.get("private") == "true":
        chosen = own
    elif "type" in query:
        chosen = public if query["type"] == "distribution" else []
    else:
        chosen = own + public
    return list_response(request, "images", chosen, serialize.encode)


def _image(request: Request, image_id: int) -> Response:
    base = serialize.base_image()
    if image_id == base["id"]:
        return one("image", base)
    return one("image", serialize.image_object(request.world.image(image_id), request.world.now))


def _image_by_slug(request: Request, slug: str) -> Response:
    del request
    base = serialize.base_image()
    if slug != base["slug"]:
        raise not_found()
    return one("image", base)


def _image_actions(request: Request, image_id: int) -> Response:
    return actions_of(request, request.world.image(image_id))


def _image_action(request: Request, image_id: int, action_id: int) -> Response:
    return action_response(request, request.world.action(action_id, request.world.image(image_id)))


def _act_on_image(request: Request, image_id: int) -> Response:
    return action_response(request, request.world.act_on_image(image_id, request.json), 201)


def _snapshots(request: Request) -> Response:
    world = request.world
    # There are no volume snapshots in a simulated account.
    images = [] if request.query.get("resource_type") == "volume" else world.listed_images(type_="snapshot")
    return list_response(
        request, "snapshots", images, lambda image: serialize.encode(serialize.snapshot_object(image, world.now))
    )


def _snapshot(request: Request, image_id: int) -> Response:
    image = request.world.image(image_id)
    if image.get("type", request.world.now) != "snapshot":
        raise not_found()
    return one("snapshot", serialize.snapshot_object(image, request.world.now))


def _volumes(request: Request) -> Response:
    world = request.world
    filters = [(key, request.query[key]) for key in ("name", "region") if key in request.query]
    chosen = [volume for volume in world.volumes.values() if all(getattr(volume, k) == v for k, v in filters)]
    return list_response(
        request, "volumes", chosen, lambda volume: serialize.encode(serialize.volume_object(volume, world.now))
    )


def _volume(request: Request, volume_id: str) -> Response:
    return one("volume", serialize.volume_object(request.world.volume(volume_id), request.world.now))


def _volume_actions(request: Request, volume_id: str) -> Response:
    return actions_of(request, request.world.volume(volume_id))


def _volume_action(request: Request, volume_id: str, action_id: int) -> Response:
    return action_response(request, request.world.action(action_id, request.world.volume(volume_id)))


def _act_on_volume(request: Request, volume_id: str) -> Response:
    return action_response(request, request.world.act_on_volume(volume_id, request.json), 202)


def _act_on_named_volume(request: Request) -> Response:
    fields, world = request.json, request.world
    name, id_, region = (fields.get(key) for key in ("volume_name", "volume_id", "region"))
    for volume in world.volumes.values():
        # A name belongs to one volume of a region.
        named = name is not None and volume.name == name and region in {None, volume.region}
        if named or volume.id == id_:
            return action_response(request, world.act_on_volume(volume.id, fields), 202)
    raise not_found()


def _reserved_ip_object(request: Request, reserved_ip: ReservedIp) -> dict[str, Any]:
    world = request.world
    droplet = world.droplets.get(reserved_ip.get("droplet_id", world.now))
    target = droplet_object(request, droplet) if droplet is not None and droplet.exists(world.now) else None
    return serialize.reserved_ip_object(reserved_ip, target)


def _list_ips(request: Request, key: str) -> Response:
    """Return the requested page of reserved IPs, under their new or their old name."""
    ips = list(request.world.reserved_ips.values())
    return list_response(request, key, ips, lambda ip: serialize.encode(_reserved_ip_object(request, ip)))


def _reserved_ips(request: Request) -> Response:
    return _list_ips(request, "reserved_ips")


def _floating_ips(request: Request) -> Response:
    return _list_ips(request, "floating_ips")


def _reserved_ip(request: Request, ip: str) -> Response:
    return one("reserved_ip", _reserved_ip_object(request, request.world.reserved_ip(ip)))


def _floating_ip(request: Request, ip: str) -> Response:
    return one("floating_ip", _reserved_ip_object(request, request.world.reserved_ip(ip)))


def _reserved_ip_actions(request: Request, ip: str) -> Response:
    return actions_of(request, request.world.reserved_ip(ip))


def _reserved_ip_action(request: Request, ip: str, action_id: int) -> Response:
    action = request.world.action(action_id, request.world.reserved_ip(ip))
    return Response(200, b'{"action":%s}' % serialize.with_project_id(action_writer(request, "everywhere")(action)))


def _act_on_reserved_ip(request: Request, ip: str) -> Response:
    action = request.world.act_on_reserved_ip(ip, request.json)
    return Response(201, b'{"action":%s}' % serialize.with_project_id(action_writer(request)(action)))


_VOLUME_READ, _VOLUME_ACT = "block_storage_action:read", "block_storage_action:create"

RESOURCE_ROUTES = (
    Route("GET", "/v2/images", _images, "image:read"),
    Route("GET", "/v2/images/<int:image_id>", _image, "image:read"),
    Route("GET", "/v2/images/<slug>", _image_by_slug, "image:read"),
    Route("GET", "/v2/images/<int:image_id>/actions", _image_actions, "image:read"),
    Route("POST", "/v2/images/<int:image_id>/actions", _act_on_image, "image:update"),
    Route("GET", "/v2/images/<int:image_id>/actions/<int:action_id>", _image_action, "image:read"),
    Route("GET", "/v2/snapshots", _snapshots, "snapshot:read"),
    Route("GET", "/v2/snapshots/<int:image_id>", _snapshot, "snapshot:read"),
    Route("GET", "/v2/volumes", _volumes, "block_storage:read"),
    Route("POST", "/v2/volumes/actions", _act_on_named_volume, _VOLUME_ACT),
    Route("GET", "/v2/volumes/<volume_id>", _volume, "block_storage:read"),
    Route("GET", "/v2/volumes/<volume_id>/actions", _volume_actions, _VOLUME_READ),
    Route("POST", "/v2/volumes/<volume_id>/actions", _act_on_volume, _VOLUME_ACT),
    Route("GET", "/v2/volumes/<volume_id>/actions/<int:action_id>", _volume_action, _VOLUME_READ),
    Route("GET", "/v2/reserved_ips", _reserved_ips, "reserved_ip:read"),
    Route("GET", "/v2/floating_ips", _floating_ips, "reserved_ip:read"),
    Route("GET", "/v2/reserved_ips/<ip>", _reserved_ip, "reserved_ip:read"),
    Route("GET", "/v2/floating_ips/<ip>", _floating_ip, "reserved_ip:read"),
    *(
        route
        for name in ("reserved_ips", "floating_ips")
        for route in (
            Route("GET", f"/v2/{name}/<ip>/actions", _reserved_ip_actions, "reserved_ip:read"),
            Route("POST", f"/v2/{name}/<ip>/actions", _act_on_reserved_ip, "reserved_ip:update"),
            Route("GET", f"/v2/{name}/<ip>/actions/<int:action_id>", _reserved_ip_action, "reserved_ip:read"),
        )
    ),
)
"""The endpoints of images, snapshots, volumes and reserved IPs, the latter also under their old name, floating IPs."""
