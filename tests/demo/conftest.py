"""Fixtures of the simulated account: worlds of several sizes, and requests to them over HTTP."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import msgspec
import pytest
import requests
from contract import read_document

from doaudit.demo import DemoServer, company_world, serve
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Action


@dataclass
class ServedWorld:
    """A world that is being served, and a session that sends requests to it."""

    server: DemoServer
    session: requests.Session

    @property
    def world(self):
        """The world behind the server."""
        return self.server.world

    def get(self, path, **options):
        """Send a GET request."""
        return self.request("GET", path, **options)

    def post(self, path, body=None, **options):
        """Send a POST request with a JSON body."""
        return self.request("POST", path, json=body, **options)

    def request(self, method, path, **options):
        """Send a request without following redirections."""
        return self.session.request(
            method, self.server.url + path, **{"timeout": 10, "allow_redirects": False} | options
        )


def _start_servers():
    with ExitStack() as stack:

        def start(world, **options):
            server = stack.enter_context(serve(world, **{"speed": 0} | options))
            session = stack.enter_context(requests.Session())
            session.headers["authorization"] = f"Bearer {server.token}"
            return ServedWorld(server, session)

        yield start


@pytest.fixture
def served():
    """Return a function that serves a world with a clock that stands still; all servers stop when the test ends."""
    yield from _start_servers()


@pytest.fixture(scope="module")
def served_once():
    """Return the same function, for worlds that the tests of a module read and do not change."""
    yield from _start_servers()


@pytest.fixture(scope="session")
def document():
    """DigitalOcean's OpenAPI document."""
    return read_document()


@pytest.fixture(scope="session")
def company():
    """The company of seed 7, built once; tests do not change it."""
    return company_world()


@pytest.fixture(scope="session")
def company_rows(company):
    """All actions of the company as the API lists them, read page by page over HTTP."""
    with serve(company, speed=0) as server, requests.Session() as session:
        session.headers["authorization"] = f"Bearer {server.token}"
        pages = [
            msgspec.json.decode(session.get(f"{server.url}/v2/actions?per_page=200&page={page}", timeout=30).content)
            for page in range(1, 263)
        ]
    return [row for page in pages for row in page["actions"]]


@pytest.fixture
def actions():
    """Return a function that makes *count* finished actions, one a second before the start or all in one second."""

    def make(count, *, tied=False):
        return [
            Action(
                id=3_300_000_000 + place,
                type="reboot",
                started_at=START - 60 if tied else START - 60 - count + place,
                ends_at=START - 50,
                resource_id=560_000_001,
                resource="droplet:560000001",
            )
            for place in range(count)
        ]

    return make
