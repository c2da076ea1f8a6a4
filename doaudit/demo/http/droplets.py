"""The endpoints of droplets, and of what belongs to a single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.demo.http import serialize
from doaudit.demo.http.request import Route, action_response, action_writer, actions_of, list_response, one
from doaudit.demo.http.response import Response
from doaudit.demo.world.events import EVENTS

if TYPE_CHECKING:
    from doaudit.demo.http.request import Request
    from doaudit.demo.world.records import Droplet

__all__ = ["DROPLET_ROUTES", "droplet_object"]


def droplet_object(request: Request, droplet: Droplet) -> dict[str, Any]:
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
    return list_response(
        request, "droplets", chosen, lambda droplet: serialize.encode(droplet_object(request, droplet))
    )


def _create_droplets(request: Request) -> Response:
    fields = request.json
    created = request.world.create_droplets(fields)
    droplets = [droplet_object(request, droplet) for droplet, _ in created]
    base = request.url.removesuffix("droplets")
    actions = [{"id": action.id, "rel": "create", "href": f"{base}actions/{action.id}"} for _, action in created]
    # Some clients send every field, with null for those that are not set.
    result = {"droplet": droplets[0]} if fields.get("names") is None else {"droplets": droplets}
    return Response(202, serialize.encode(result | {"links": {"actions": actions}}))


def _droplet(request: Request, droplet_id: int) -> Response:
    return one("droplet", droplet_object(request, request.world.droplet(droplet_id)))


def _destroy_droplet(request: Request, droplet_id: int) -> Response:
    request.world.destroy_droplet(droplet_id)
    return Response(204, b"")


def _droplet_actions(request: Request, droplet_id: int) -> Response:
    return actions_of(request, request.world.droplet(droplet_id))


def _droplet_action(request: Request, droplet_id: int, action_id: int) -> Response:
    action = request.world.action(action_id, request.world.droplet(droplet_id))
    hidden = ("", "in_lists", "everywhere") if request.world.scoped_reads_lack_end else ("everywhere",)
    return Response(200, b'{"action":%s}' % action_writer(request, *hidden)(action))


def _check_scopes(request: Request, fields: dict[str, Any]) -> None:
    """Raise the 403 if the token lacks a scope that the event needs besides `droplet:update`."""
    event = EVENTS.get(str(fields.get("type")))
    request.world.tokens.check(request.token, event.scopes if event else ())


def _act_on_droplet(request: Request, droplet_id: int) -> Response:
    fields = request.json
    _check_scopes(request, fields)
    return action_response(request, request.world.act_on_droplet(droplet_id, fields), 201)


def _act_on_tagged(request: Request) -> Response:
    fields = request.json
    _check_scopes(request, fields)
    actions = request.world.act_on_tagged(request.query.get("tag_name", ""), fields)
    return Response(201, b'{"actions":[%s]}' % b",".join(map(action_writer(request), actions)))


def _images_of(request: Request, droplet_id: int, type_: str) -> Response:
    """Return the requested page of the droplet's snapshots or backups."""
    world = request.world
    images = world.listed_images(world.droplet(droplet_id).id, type_)
    return list_response(
        request,
        f"{type_}s",
        images,
        lambda image: serialize.encode(serialize.snapshot_of_droplet_object(image, world.now)),
    )


def _snapshots(request: Request, droplet_id: int) -> Response:
    return _images_of(request, droplet_id, "snapshot")


def _backups(request: Request, droplet_id: int) -> Response:
    return _images_of(request, droplet_id, "backup")


def _kernels(request: Request, droplet_id: int) -> Response:
    request.world.droplet(droplet_id)
    return list_response(request, "kernels", [], serialize.encode)  # today's droplets bring their own


def _firewalls(request: Request, droplet_id: int) -> Response:
    request.world.droplet(droplet_id)
    return list_response(request, "firewalls", [], serialize.encode)


def _neighbors(request: Request, droplet_id: int) -> Response:
    request.world.droplet(droplet_id)
    return Response(200, b'{"droplets":[]}')  # no two of them share a machine


_READ = "droplet:read"

DROPLET_ROUTES = (
    Route("GET", "/v2/droplets", _droplets, _READ),
    Route("POST", "/v2/droplets", _create_droplets, "droplet:create"),
    Route("POST", "/v2/droplets/actions", _act_on_tagged, "droplet:update"),
    Route("GET", "/v2/droplets/<int:droplet_id>", _droplet, _READ),
    Route("DELETE", "/v2/droplets/<int:droplet_id>", _destroy_droplet, "droplet:delete"),
    Route("GET", "/v2/droplets/<int:droplet_id>/actions", _droplet_actions, _READ),
    Route("POST", "/v2/droplets/<int:droplet_id>/actions", _act_on_droplet, "droplet:update"),
    Route("GET", "/v2/droplets/<int:droplet_id>/actions/<int:action_id>", _droplet_action, _READ),
    Route("GET", "/v2/droplets/<int:droplet_id>/backups", _backups, _READ),
    Route("GET", "/v2/droplets/<int:droplet_id>/firewalls", _firewalls, _READ),
    Route("GET", "/v2/droplets/<int:droplet_id>/kernels", _kernels, _READ),
    Route("GET", "/v2/droplets/<int:droplet_id>/neighbors", _neighbors, _READ),
    Route("GET", "/v2/droplets/<int:droplet_id>/snapshots", _snapshots, _READ),
)
"""The endpoints of droplets."""
