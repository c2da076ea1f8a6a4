"""Worlds to look at, small and large, and a way to ask them over HTTP."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

import msgspec
import pytest
import requests

from doaudit.demo import DemoServer, company_world, serve
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Action


@dataclass
class Talk:
    """A served world, and a session that talks to it."""

    server: DemoServer
    session: requests.Session

    @property
    def world(self):
        """The world that answers."""
        return self.server.world

    def get(self, path, **options):
        """Read something."""
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        """Ask for something to be done."""
        return self.ask("POST", path, json=body, **options)

    def ask(self, method, path, **options):
        """Send a request; redirections are not followed."""
        return self.session.request(
            method, self.server.url + path, **{"timeout": 10, "allow_redirects": False} | options
        )


@pytest.fixture
def served():
    """Serve worlds whose clocks stand still; all of them stop when the test ends."""
    with ExitStack() as stack:

        def start(world, **options):
            server = stack.enter_context(serve(world, **{"speed": 0} | options))
            session = stack.enter_context(requests.Session())
            session.headers["authorization"] = f"Bearer {server.token}"
            return Talk(server, session)

        yield start


@pytest.fixture(scope="session")
def the_company():
    """The company of seed 7, built once; tests only look at it."""
    return company_world()


@pytest.fixture(scope="session")
def its_rows(the_company):
    """Every action of the company as the API lists it, read page by page over HTTP."""
    with serve(the_company, speed=0) as server, requests.Session() as session:
        session.headers["authorization"] = f"Bearer {server.token}"
        pages = [
            msgspec.json.decode(session.get(f"{server.url}/v2/actions?per_page=200&page={page}", timeout=30).content)
            for page in range(1, 263)
        ]
    return [row for page in pages for row in page["actions"]]


@pytest.fixture
def actions():
    """Make *count* finished actions, one a second up to the start of the clock, or all in one second."""

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
