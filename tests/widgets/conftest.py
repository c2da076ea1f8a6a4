"""Fixtures: an account of three droplets on a clock that a test can pause."""

from __future__ import annotations

import pytest
from panels import HOSTILE_NAME, PausableClock, open_panel, opened_account

from doaudit.demo import World
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
    with opened_account(world, clock, tmp_path) as opened:
        yield opened


@pytest.fixture
def page(account):
    """A page with a panel that has read the list of droplets."""
    return open_panel(account)
