"""The endpoints of the account itself: its owner, its actions, and what it can choose from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.demo.http import serialize
from doaudit.demo.http.request import Route, action_response, action_writer, list_response, one, page_response
from doaudit.demo.world import catalogue

if TYPE_CHECKING:
    from doaudit.demo.http.request import Request
    from doaudit.demo.http.response import Response

__all__ = ["ACCOUNT_ROUTES"]

_ACCOUNT = {
    "droplet_limit": 100,
    "floating_ip_limit": 20,
    "email": "ops@example.com",
    "name": "Simulated account",
    "uuid": "b6fr89dbf6d9156cace5f3c78dc9851d957381ef",
    "email_verified": True,
    "status": "active",
    "status_message": "",
}

_PROJECT = {
    "id": serialize.PROJECT_ID,
    "owner_uuid": _ACCOUNT["uuid"],
    "owner_id": 258_992,
    "name": "Example company",
    "description": "Everything that the simulated account has",
    "purpose": "Service or API",
    "environment": "Production",
    "created_at": "2023-11-24T12:00:00Z",
    "updated_at": "2023-11-24T12:00:00Z",
    "is_default": True,
}


def _account(request: Request) -> Response:
    return one("account", {**_ACCOUNT, "team": {"uuid": request.world.team, "name": "Example company"}})


def _actions(request: Request) -> Response:
    actions, total = request.world.list_actions(request.page, request.per_page)
    return page_response(request, "actions", map(action_writer(request, "in_lists", "everywhere"), actions), total)


def _action(request: Request, action_id: int) -> Response:
    return action_response(request, request.world.action(action_id))


def _regions(request: Request) -> Response:
    with_sizes = request.world.tokens.allows(request.token, "sizes:read")
    return list_response(
        request, "regions", catalogue.REGIONS, lambda slug: catalogue.region_json(slug, with_sizes=with_sizes)
    )


def _sizes(request: Request) -> Response:
    return list_response(request, "sizes", catalogue.SIZES, lambda slug: serialize.encode(catalogue.size(slug)))


def _projects(request: Request) -> Response:
    return list_response(request, "projects", [_PROJECT], serialize.encode)


def _default_project(request: Request) -> Response:
    del request
    return one("project", _PROJECT)


# A simulated account has neither keys nor firewalls; clients that ask for them first get an empty list.


def _keys(request: Request) -> Response:
    return list_response(request, "ssh_keys", [], serialize.encode)


def _firewalls(request: Request) -> Response:
    return list_response(request, "firewalls", [], serialize.encode)


ACCOUNT_ROUTES = (
    Route("GET", "/v2/account", _account, "account:read"),
    Route("GET", "/v2/account/keys", _keys, "ssh_key:read"),
    Route("GET", "/v2/actions", _actions, "actions:read"),
    Route("GET", "/v2/actions/<int:action_id>", _action, "actions:read"),
    Route("GET", "/v2/firewalls", _firewalls, "firewall:read"),
    Route("GET", "/v2/projects", _projects, "project:read"),
    Route("GET", "/v2/projects/default", _default_project, "project:read"),
    Route("GET", f"/v2/projects/{serialize.PROJECT_ID}", _default_project, "project:read"),
    Route("GET", "/v2/regions", _regions, "regions:read"),
    Route("GET", "/v2/sizes", _sizes, "sizes:read"),
)
"""The endpoints of the account."""
