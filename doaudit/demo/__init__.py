"""
A simulated DigitalOcean account: the one the notebooks open without a token, and the one the tests use.

`World` is the account itself: pure, seeded, on a virtual clock. `company_world` makes one with three years of history.
`serve` puts a world on a loopback port, where any client of the API can talk to it. `Fault` makes it misbehave.

    with serve() as server:
        print(server.url, server.token)

Nothing here is loaded before it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from doaudit.demo.company.history import company_world
    from doaudit.demo.http.server import DemoServer, app, serve
    from doaudit.demo.world.faults import Fault
    from doaudit.demo.world.tokens import DEMO_TOKEN
    from doaudit.demo.world.world import World

__all__ = ["DEMO_TOKEN", "DemoServer", "Fault", "World", "app", "company_world", "serve"]

_HOME = {
    "DEMO_TOKEN": "world.tokens",
    "DemoServer": "http.server",
    "Fault": "world.faults",
    "World": "world.world",
    "app": "http.server",
    "company_world": "company.history",
    "serve": "http.server",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- whatever the module holds
    """Fetch a public name from the module that holds it."""
    if name not in _HOME:
        raise AttributeError(f"doaudit.demo has no attribute {name!r}; it has {', '.join(__all__)}.")
    return getattr(import_module(f"doaudit.demo.{_HOME[name]}"), name)
