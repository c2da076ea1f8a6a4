"""The server of a simulated account, which any client of the DigitalOcean API can use."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import flask

from doaudit.demo.http import serialize
from doaudit.demo.http.fault_responses import damaged, replacement
from doaudit.demo.http.loopback import WAIT_FOR_DISCONNECT, LoopbackServer, listen
from doaudit.demo.http.request import Request
from doaudit.demo.http.response import Response
from doaudit.demo.http.routes import METHODS, PATHS
from doaudit.demo.world.api_errors import ErrorResponse
from doaudit.demo.world.tokens import DEMO_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from doaudit.demo.http.request import Route
    from doaudit.demo.world.faults import Fault
    from doaudit.demo.world.world import World

__all__ = ["ANNOUNCEMENT", "DemoServer", "app", "serve"]

ANNOUNCEMENT = "A simulated DigitalOcean account, served by doaudit demo."


class DemoServer:
    """
    A running server of a simulated account; as a context manager it stops the server at the end.

    Attributes:
        url: Its base URL without /v2, such as "http://127.0.0.1:41873".
        token: A token that it accepts.
        world: The account.
    """

    def __init__(self, world: World, url: str, stop: Callable[[], None]) -> None:
        self.world = world
        self.url = url
        self.token = DEMO_TOKEN
        self._stop: Callable[[], None] | None = stop

    def stop(self) -> None:
        """Stop the server at once; stopping it again does nothing."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def __enter__(self) -> Self:
        """Return the server."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    def __repr__(self) -> str:
        """Return a text with the URL, never with the token."""
        return f"<DemoServer {self.url}{'' if self._stop else ', stopped'}>"


def serve(  # noqa: PLR0913 -- all have a default, and are given by name
    world: World | None = None,
    *,
    seed: int = 7,
    actions: int | None = None,
    hostile_names: bool = False,
    quiet: bool = False,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    latency_s: float = 0.0,
    announced: bool = False,
) -> DemoServer:
    """
    Serve a simulated account on a port of this machine, in threads of this process.

    Args:
        world: The account; None for the company of `doaudit.demo.company.history`.
        seed: The seed of the company, where no world is given.
        actions: The number of actions in the company's history; None for all 52,292.
        hostile_names: True to give a few of its droplets names that are markup, a formula and control characters.
        quiet: True for a company in which nothing happens that an audit is to find.
        host: A loopback address.
        port: A port, or 0 for any free one.
        speed: The speed of the world's clock from now on, as a multiple of real time: with 60 a minute passes in a
            second. With 0 it stands still and only `world.advance` moves it, which suits tests.
        latency_s: The latency of each response, in real seconds; concurrent requests wait at the same time.
        announced: True to say on the page /doaudit that this is a simulated account, to whoever asks, without a token.

    Returns:
        The running server. It stops with `stop`, or as a context manager at the end of the block.

    Raises:
        ValueError: *host* can be reached from other machines, or there is no company with so many *actions*.
        OSError: The port cannot be used.

    Example:
        >>> from doaudit.demo.world.world import World
        >>> with serve(World()) as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """
    listening = listen(host, port)
    if world is None:
        from doaudit.demo.company.history import ACTIONS, company_world  # noqa: PLC0415 -- not needed for a given world

        try:
            count = ACTIONS if actions is None else actions
            world = company_world(seed, actions=count, hostile_names=hostile_names, quiet=quiet)
        except ValueError:
            listening.close()
            raise
    world.clock.follow(time.monotonic, speed)
    stopping = threading.Event()
    wsgi_app = app(world, latency_s=latency_s, stopping=stopping)
    if announced:
        wsgi_app.add_url_rule("/doaudit", view_func=lambda: ANNOUNCEMENT)
    running = LoopbackServer(wsgi_app, listening)

    def stop() -> None:
        stopping.set()
        running.stop()

    name = f"[{host}]" if ":" in host else host
    return DemoServer(world, f"http://{name}:{running.port}", stop)


def app(world: World, *, latency_s: float = 0.0, stopping: threading.Event | None = None) -> flask.Flask:
    """
    Return the WSGI app of a simulated account.

    Args:
        world: The account. Requests use it one at a time, and wait at the same time.
        latency_s: The latency of each response, in real seconds.
        stopping: An event that ends all waits: set it when no more responses are needed.
    """
    wsgi_app = flask.Flask("doaudit.demo", static_folder=None)
    wsgi_app.config["PROPAGATE_EXCEPTIONS"] = True  # a cut connection is raised through Flask to the server
    endpoints = _Endpoints(world, latency_s, stopping or threading.Event())
    for rule, routes in PATHS.items():
        wsgi_app.add_url_rule(
            rule,
            endpoint=rule,
            view_func=endpoints.view(routes),
            methods=METHODS,
            provide_automatic_options=False,
            strict_slashes=False,  # several clients end every path with a slash
        )
    return wsgi_app


class _Endpoints:
    """The Flask views of all endpoints of a world, with its limits, its tokens and its faults applied."""

    def __init__(self, world: World, latency_s: float, stopping: threading.Event) -> None:
        self._world = world
        self._latency_s = latency_s
        self._stopping = stopping
        self._lock = threading.Lock()

    def view(self, routes: Mapping[str, Route]) -> Callable[..., flask.Response]:
        """Return the Flask view of a path, with the route of each method."""

        def view(**variables: Any) -> flask.Response:  # noqa: ANN401 -- numbers and texts
            route = routes["GET" if flask.request.method == "HEAD" else flask.request.method]
            path = flask.request.full_path if flask.request.query_string else flask.request.path
            with self._lock:
                self._world.requests.append(f"{flask.request.method} {path}")
                fault = self._world.faults.take(flask.request.method, path)
            self._delay(fault)
            with self._lock:
                response = self._respond(route, variables, fault)
            if fault is not None and fault.kind == "dropped_after":
                raise ConnectionAbortedError("The connection was cut after the request had been carried out.")
            return self._to_flask(response if fault is None else damaged(fault, response))

        return view

    def _delay(self, fault: Fault | None) -> None:
        """Wait for the latency and for a fault that delays the response; raise if the fault cuts the connection."""
        kind = fault.kind if fault else None
        wait_s = fault.wait_s if fault and kind in {"slow", "hang"} else 0.0
        if self._latency_s + wait_s > 0:
            self._stopping.wait(self._latency_s + wait_s)
        if kind in {"hang", "dropped"}:
            raise ConnectionAbortedError("The connection was cut before the request was carried out.")

    def _respond(self, route: Route, variables: dict[str, Any], fault: Fault | None) -> Response:
        """Carry out the request, unless *fault* replaces its response, and add the headers of the API."""
        world, request_id = self._world, str(uuid4())
        authorization = flask.request.headers.get("Authorization", "")
        try:
            instead = replacement(fault, world.limits.hourly, world.now) if fault else None
            if isinstance(instead, ErrorResponse):
                raise instead
            if isinstance(instead, Response):
                return instead
            response = self._carry_out(route, variables, authorization)
        except ErrorResponse as error:
            response = Response(error.status, serialize.error_json(error, request_id))
            response.headers.update(error.headers)
        limits = world.limits.headers(authorization.partition(" ")[2], world.now)
        date = formatdate(world.now, usegmt=True)
        headers = limits | response.headers | {"x-request-id": request_id, "x-gateway": "Edge-Gateway", "date": date}
        return Response(response.status, response.body, headers)

    def _carry_out(self, route: Route, variables: dict[str, Any], authorization: str) -> Response:
        """Check the token, the rate limits and the scope, and call the endpoint."""
        world = self._world
        token = world.tokens.authenticate(authorization)
        world.limits.admit(token, world.now)
        world.tokens.check(token, [route.scope] if route.scope else [])
        request = Request(
            world, flask.request.base_url.rstrip("/"), flask.request.args, flask.request.get_data(), token
        )
        return route.view(request, **variables)

    def _to_flask(self, response: Response) -> flask.Response:
        """Return the Flask response that sends exactly the status, headers and bytes of *response*."""
        body = response.body if response.pause_s is None else self._trickle(response.body, response.pause_s)
        sent = flask.Response(body, response.status)
        sent.headers.clear()
        sent.headers.extend(response.headers)
        if response.status != HTTPStatus.NO_CONTENT:
            length = len(response.body) if response.length is None else response.length
            sent.headers["content-length"] = str(length)
        sent.automatically_set_content_length = False
        return sent

    def _trickle(self, body: bytes, pause_s: float) -> Iterator[bytes]:
        """Return the bytes of *body* one by one, with a pause between them, until the client hangs up."""
        # Other servers than ours do not tell that the client has hung up; with them, sending the next byte fails.
        wait = flask.request.environ.get(WAIT_FOR_DISCONNECT, self._stopping.wait)

        def parts() -> Iterator[bytes]:
            for place in range(len(body)):
                if place and (self._stopping.is_set() or wait(pause_s)):
                    return
                yield body[place : place + 1]

        return parts()
