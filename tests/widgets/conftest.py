"""An account whose time a test lets pass."""

from __future__ import annotations

import pytest
from panels import HOSTILE, PATIENCE_S, Gate

from doaudit.account import Account
from doaudit.api.client import Client
from doaudit.demo import World, serve
from doaudit.demo.world.records import Droplet


@pytest.fixture
def world():
    """Three droplets: one is off, one has a name that would like to be obeyed."""
    droplets = [
        Droplet(101, "web-01", snapshot_s=60.0),
        Droplet(102, "db-01", region="ams3", status="off", snapshot_s=150.0),
        Droplet(103, HOSTILE, size="s-4vcpu-8gb"),
    ]
    return World(droplets=droplets, seed=7)


@pytest.fixture
def gate(world):
    """The clock of the account."""
    return Gate(world)


@pytest.fixture
def account(world, gate, tmp_path):
    """The account, over real HTTP; its history is a file."""
    with serve(world, speed=0) as server:
        opened = Account(Client(server.token, server.url, clock=gate), history=tmp_path / "history.duckdb", clock=gate)
        yield opened
        gate.open.set()
        for job in opened.snapshot_runs.running():
            job.wait(PATIENCE_S)
        opened.close()
