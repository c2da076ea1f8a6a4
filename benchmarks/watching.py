"""What it costs to follow a snapshot to its end, and how late the end is noticed, on a clock without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measuring import Finding, at_most

from doaudit.api.client import Client
from doaudit.demo import World, serve
from doaudit.demo.world.records import Droplet
from doaudit.expected_duration import ExpectedDuration
from doaudit.operations.watch import watch

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from doaudit.demo import DemoServer

__all__ = ["measure"]

_MINUTES = 24
# An account whose snapshots take about as long, and one whose history says nothing near it.
_HISTORIES = {
    "history says 20 to 30 minutes": {"snapshot": ExpectedDuration(1380, 1800, 2700)},
    "history says 3 to 5 minutes": {"snapshot": ExpectedDuration(180, 300, 600)},
    "no history": {},
}


class _WorldClock:
    """Whoever waits on it lets the world's time pass."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.now

    def elapsed(self) -> float:
        return self._world.now

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        self._world.advance(seconds)
        return stop is not None and stop.is_set()


def measure(*, quick: bool) -> Iterator[Finding]:
    """A snapshot of 24 minutes, followed, against a poll every 5 seconds."""
    plain_requests, plain_late_s = _polled()
    for name, expected in list(_HISTORIES.items())[: 1 if quick else None]:
        requests, late_s = _followed(expected)
        yield Finding(
            f"follow a snapshot of {_MINUTES} min, {name}",
            f"{requests} requests, {late_s:.0f} s late",
            f"every 5 s: {plain_requests} requests, {plain_late_s:.0f} s late",
            f"{plain_requests / requests:.1f} x fewer",
            *at_most(requests / plain_requests, 0.5, "x"),
        )


def _followed(expected: dict[str, ExpectedDuration]) -> tuple[int, float]:
    with serve(_world(), speed=0) as server:
        client, action = _begun(server)
        clock = _WorldClock(server.world)
        watch(client, [action.id], expected=expected, clock=clock)
        client.close()
        return len(server.world.requests), server.world.now - action.ends_at


def _polled() -> tuple[int, float]:
    with serve(_world(), speed=0) as server:
        client, action = _begun(server)
        while not action.finished(server.world.now):
            client.get(f"/v2/actions/{action.id}", parse=lambda answer: answer.status)
            server.world.advance(5)
        client.get(f"/v2/actions/{action.id}", parse=lambda answer: answer.status)
        client.close()
        return len(server.world.requests), server.world.now - action.ends_at


def _world() -> World:
    return World(droplets=[Droplet(7, "web-01", snapshot_s=_MINUTES * 60)], seed=3)


def _begun(server: DemoServer):  # noqa: ANN202 -- the client, and an action as the simulated account knows it
    action = server.world.act_on_droplet(7, {"type": "snapshot", "name": "x"})
    return Client(server.token, server.url, clock=_WorldClock(server.world)), action
