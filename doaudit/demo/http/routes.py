"""All endpoints of the API, and the errors of the paths and methods that it does not have."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from doaudit.demo.http.account import ACCOUNT_ROUTES
from doaudit.demo.http.droplets import DROPLET_ROUTES
from doaudit.demo.http.request import Route
from doaudit.demo.http.resources import RESOURCE_ROUTES
from doaudit.demo.world.api_errors import method_not_allowed, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from doaudit.demo.http.request import Request
    from doaudit.demo.http.response import Response

__all__ = ["METHODS", "PATHS", "ROUTES"]


def _unknown_path(request: Request, path: str = "") -> Response:
    del request, path
    raise not_found()


def _not_allowed(methods: list[str]) -> Callable[..., Response]:
    """Return a view that raises the 405 of a path which has only *methods*."""

    def view(request: Request, **variables: object) -> Response:
        del request, variables
        raise method_not_allowed(methods)

    return view


def _paths(routes: Iterable[Route]) -> dict[str, dict[str, Route]]:
    """Return the routes of each path by their methods, with one for each method that the path does not have."""
    paths: defaultdict[str, dict[str, Route]] = defaultdict(dict)
    for route in routes:
        paths[route.rule][route.method] = route
    for rule, existing in paths.items():
        view = _not_allowed(list(existing))
        existing |= {method: Route(method, rule, view, None) for method in METHODS if method not in existing}
    return paths


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""The methods that have a response: HEAD has that of GET without its body."""

ROUTES = (*ACCOUNT_ROUTES, *DROPLET_ROUTES, *RESOURCE_ROUTES)
"""The endpoints that exist."""

PATHS = _paths(ROUTES) | {
    rule: {method: Route(method, rule, _unknown_path, None) for method in METHODS} for rule in ("/", "/<path:path>")
}
"""The route of each method, by path; the last ones catch the paths that do not exist."""
