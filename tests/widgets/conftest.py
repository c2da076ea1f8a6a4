"""Fixtures: an account of three droplets on a clock that a test can pause."""

from __future__ import annotations

import pytest
from panels import HOSTILE_NAME, TIMEOUT_S, PausableClock, open_panel

from doaudit.account import Account
from doaudit.api.client import Client
from doaudit.demo import World, serve
from doaudit.demo.world.records import Droplet


@pytest.fixture
def world():
    """Three droplets: one is off, one has a name that looks like HTML."""
    droplets = [
        Droplet(101, "web-01", snapshot_s=60.0),
        Droplet(102, "db-01", region="ams3", status="off", snapshot_s=150.0),
        Droplet(103, HOSTILE_NAME, size="s-4vcpu-8gb"),
    ]
    return World(droplets=droplets, seed=7)


@pytest.fixture
def clock(world):
    """The clock of the account."""
    return PausableClock(world)


@pytest.fixture
def account(world, clock, tmp_path):
    """The account, over real HTTP; its history is a file."""
    with serve(world, speed=0) as server:
        client = Client(server.token, server.url, clock=clock)
        opened = Account(client, history=tmp_path / "history.duckdb", clock=clock)
        yield opened
        clock.running.set()
        for job in opened.snapshot_runs.running():
            job.wait(TIMEOUT_S)
        opened.close()


@pytest.fixture
def page(account):
    """A page with a panel that has read the list of droplets."""
    return open_panel(account)
