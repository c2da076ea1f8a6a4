"""
A simulated DigitalOcean account, which the notebooks open without a token and the tests run against.

It has three parts, each with a room of its own:

- `doaudit.demo.world`: the account itself. `World` holds its actions, droplets, images, volumes and reserved IPs, and
  carries out what is requested of them. It is pure and seeded, and runs on a virtual clock. `Fault` makes it misbehave.
- `doaudit.demo.company`: its content. `company_world` generates a world with three years of a company's history, and
  `planted` lists what an audit is to find in it.
- `doaudit.demo.http`: its API. `serve` puts a world on a loopback port, where any client of the DigitalOcean API can
  use it; `app` is the same as a WSGI app, without a socket.

The world knows nothing of the other two, and the company nothing of HTTP. The package imports nothing from the rest of
doaudit: a client cannot tell it from the real account, so that the code under test has no second path for it.

    with serve(actions=500) as server:  # without a number, 52,292
        print(server.url, server.token)

Each module is loaded when one of its names is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from doaudit.demo.company.history import company_world
    from doaudit.demo.company.planted import Planted, planted
    from doaudit.demo.http.server import DemoServer, app, serve
    from doaudit.demo.world.faults import Fault
    from doaudit.demo.world.tokens import DEMO_TOKEN
    from doaudit.demo.world.world import World

__all__ = ["DEMO_TOKEN", "DemoServer", "Fault", "Planted", "World", "app", "company_world", "planted", "serve"]

_MODULES = {
    "DEMO_TOKEN": "world.tokens",
    "DemoServer": "http.server",
    "Fault": "world.faults",
    "Planted": "company.planted",
    "World": "world.world",
    "app": "http.server",
    "company_world": "company.history",
    "planted": "company.planted",
    "serve": "http.server",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- whatever the module holds
    """Import a public name from its module."""
    if name not in _MODULES:
        raise AttributeError(f"doaudit.demo has no attribute {name!r}; it has {', '.join(__all__)}.")
    return getattr(import_module(f"doaudit.demo.{_MODULES[name]}"), name)
