"""The simulated account over HTTP, so that any client of the API can talk to it."""

from __future__ import annotations

import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

from flask import Flask, Response, request

from doaudit.demo.http import fault_responses, serialize
from doaudit.demo.http.fault_responses import Reply
from doaudit.demo.http.loopback import ENDED_WITHIN, LoopbackServer, listen
from doaudit.demo.http.routes import ROUTES, Asked, Route
from doaudit.demo.world.api_errors import Refusal
from doaudit.demo.world.tokens import DEMO_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from doaudit.demo.world.faults import Fault
    from doaudit.demo.world.world import World

__all__ = ["DemoServer", "app", "serve"]


class DemoServer:
    """
    A simulated account that is being served; a context manager that stops it.

    Attributes:
        url: Where, such as "http://127.0.0.1:41873": a base URL without /v2.
        token: A token it accepts.
        world: The account itself.
    """

    def __init__(self, world: World, url: str, stop: Callable[[], None]) -> None:
        self.world = world
        self.url = url
        self.token = DEMO_TOKEN
        self._stop: Callable[[], None] | None = stop

    def stop(self) -> None:
        """Stop serving, at once; stopping twice is no mistake."""
        stop, self._stop = self._stop, None
        if stop is not None:
            stop()

    def __enter__(self) -> Self:
        """Return the server itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop serving."""
        self.stop()

    def __repr__(self) -> str:
        """Say where it is; never the token."""
        return f"<DemoServer {self.url}{'' if self._stop else ', stopped'}>"


def serve(
    world: World | None = None,
    *,
    seed: int = 7,
    host: str = "127.0.0.1",
    port: int = 0,
    speed: float = 1.0,
    latency_s: float = 0.0,
) -> DemoServer:
    """
    Serve a simulated account on a port of this machine, in threads of this process.

    Args:
        world: The account; without one, the company of `doaudit.demo.company.history`.
        seed: The company's seed, when no world is given.
        host: A loopback address.
        port: A port, or 0 for any free one.
        speed: How fast the world's clock runs from now on, against the real one: 60 lets a minute pass in a second.
            With 0 it stands still, and only `world.advance` moves it, as tests want it.
        latency_s: How long each answer takes on its way, in real seconds; requests in flight wait side by side.

    Raises:
        ValueError: *host* can be reached from other machines.
        OSError: The port cannot be used.

    Example:
        >>> from doaudit.demo.world.world import World
        >>> with serve(World()) as server:
        ...     server.url.startswith("http://127.0.0.1:")
        True
    """
    listening = listen(host, port)
    if world is None:
        from doaudit.demo.company.history import company_world  # noqa: PLC0415 -- who brings a world needs no company

        world = company_world(seed)
    world.clock.follow(time.monotonic, speed)
    stopping = threading.Event()
    running = LoopbackServer(app(world, latency_s=latency_s, stopping=stopping), listening)

    def stop() -> None:
        stopping.set()
        running.stop()

    shown = f"[{host}]" if ":" in host else host
    return DemoServer(world, f"http://{shown}:{running.port}", stop)


def app(world: World, *, latency_s: float = 0.0, stopping: threading.Event | None = None) -> Flask:
    """
    Return the WSGI app that answers for *world*.

    Args:
        world: The account. One request at a time looks at it; they wait side by side.
        latency_s: How long each answer takes on its way, in real seconds.
        stopping: Set when answers are no longer wanted, so that slow ones stop waiting.
    """
    flask = Flask("doaudit.demo", static_folder=None)
    flask.config["PROPAGATE_EXCEPTIONS"] = True  # a cut connection is raised through Flask to the server
    line = _Line(world, latency_s, stopping or threading.Event())
    for route in ROUTES:
        flask.add_url_rule(
            route.rule,
            endpoint=f"{route.method} {route.rule}",
            view_func=line.through(route),
            methods=[route.method],
            provide_automatic_options=False,
        )
    return flask


class _Line:
    """The way of a request to an endpoint and back, with all that can happen on it."""

    def __init__(self, world: World, latency_s: float, stopping: threading.Event) -> None:
        self._world = world
        self._latency_s = latency_s
        self._stopping = stopping
        self._turn = threading.Lock()

    def through(self, route: Route) -> Callable[..., Response]:
        """Return the view that takes a request to *route*."""

        def view(**variables: Any) -> Response:  # noqa: ANN401 -- numbers and texts
            path = request.full_path if request.query_string else request.path
            with self._turn:
                self._world.requests.append(f"{request.method} {path}")
                fault = self._world.faults.take(request.method, path)
            self._travel(fault)
            with self._turn:
                reply = self._reply(route, variables, fault)
            if fault is not None and fault.kind == "dropped_after":
                raise ConnectionAbortedError("The connection was cut after the request had been carried out.")
            return self._response(reply if fault is None else fault_responses.spoiled(fault, reply))

        return view

    def _response(self, reply: Reply) -> Response:
        body = reply.body if reply.pause_s is None else self._trickling(reply.body, reply.pause_s)
        response = Response(body, reply.status)
        response.headers.clear()
        response.headers.extend(reply.headers)
        if reply.status != 204:  # noqa: PLR2004 -- no content, hence no length
            response.headers["content-length"] = str(len(reply.body) if reply.length is None else reply.length)
        response.automatically_set_content_length = False
        return response

    def _trickling(self, body: bytes, pause_s: float) -> Iterator[bytes]:
        """Return the bytes of *body* one by one, with a pause before each but the first, while somebody waits."""
        # Servers other than ours do not say that the client has hung up; with them the next byte will fail.
        ended_within = request.environ.get(ENDED_WITHIN, self._stopping.wait)

        def trickle() -> Iterator[bytes]:
            for place in range(len(body)):
                if place and (self._stopping.is_set() or ended_within(pause_s)):
                    return
                yield body[place : place + 1]

        return trickle()

    def _travel(self, fault: Fault | None) -> None:
        kind = fault.kind if fault else None
        wait_s = fault.wait_s if fault and kind in {"slow", "hang"} else 0.0
        if self._latency_s + wait_s > 0:
            self._stopping.wait(self._latency_s + wait_s)
        if kind in {"hang", "dropped"}:
            raise ConnectionAbortedError("The connection was cut before the request was carried out.")

    def _reply(self, route: Route, variables: dict[str, Any], fault: Fault | None) -> Reply:
        world = self._world
        authorization, request_id = request.headers.get("Authorization", ""), str(uuid4())
        try:
            instead = fault_responses.instead(fault, world.limits.hourly, world.now) if fault else None
            if isinstance(instead, Refusal):
                raise instead
            if isinstance(instead, Reply):
                return instead
            token = world.tokens.authenticate(authorization)
            world.limits.admit(token, world.now)
            world.tokens.check(token, [route.scope] if route.scope else [])
            asked = Asked(world, request.base_url, request.args, request.get_data(), token)
            reply = Reply(*route.view(asked, **variables))
        except Refusal as refusal:
            reply = Reply(refusal.status, serialize.refusal_json(refusal, request_id))
            reply.headers.update(refusal.headers)
        limits = world.limits.headers(authorization.partition(" ")[2], world.now)
        date = formatdate(world.now, usegmt=True)
        headers = limits | reply.headers | {"x-request-id": request_id, "x-gateway": "Edge-Gateway", "date": date}
        return Reply(reply.status, reply.body, headers)
