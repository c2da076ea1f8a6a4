"""A request as an endpoint gets it, an endpoint's description, and the responses that many endpoints give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from doaudit.demo.http import serialize
from doaudit.demo.http.response import Response
from doaudit.demo.world.api_errors import bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from doaudit.demo.world.records import Action, Resource
    from doaudit.demo.world.world import World

__all__ = [
    "Request",
    "Route",
    "action_response",
    "action_writer",
    "actions_of",
    "list_response",
    "one",
    "page_response",
]

_MAX_PER_PAGE = 200
_DEFAULT_PER_PAGE = 20


@dataclass(frozen=True)
class Request:
    """
    A request, as an endpoint gets it.

    Args:
        world: The account.
        url: The absolute address, without the query and without a slash at its end.
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


def list_response(request: Request, key: str, rows: Sequence[Any], to_json: Callable[[Any], bytes]) -> Response:
    """Return the requested page of *rows*."""
    first = (request.page - 1) * request.per_page
    return page_response(request, key, map(to_json, rows[first : first + request.per_page]), len(rows))


def page_response(request: Request, key: str, shown: Iterable[bytes], total: int) -> Response:
    """Return a page of a list of *total* rows, of which *shown* are on it, each as JSON."""
    return Response(200, serialize.page_json(key, shown, _links(request, total), total))


def action_writer(request: Request, *hidden: str) -> Callable[[Action], bytes]:
    """Return a function from action to JSON, without the end of actions whose `end_hidden` is in *hidden*."""
    now, with_sizes = request.world.now, request.world.tokens.allows(request.token, "sizes:read")
    return lambda action: serialize.action_json(
        action, now, end_hidden=action.end_hidden in hidden, with_sizes=with_sizes
    )


def actions_of(request: Request, resource: Resource) -> Response:
    """Return the requested page of the actions of *resource*."""
    return list_response(
        request, "actions", request.world.actions_of(resource), action_writer(request, "in_lists", "everywhere")
    )


def action_response(request: Request, action: Action, status: int = 200) -> Response:
    """Return a response of one action."""
    return Response(status, b'{"action":%s}' % action_writer(request, "everywhere")(action))


def one(key: str, record: dict[str, Any]) -> Response:
    """Return a response of one record under its *key*, such as "droplet"."""
    return Response(200, serialize.encode({key: record}))
