"""One served address for all tests of the workflows; each sets its own world behind it."""

from __future__ import annotations

import pytest
from staged import Stage, world_of


@pytest.fixture(scope="session")
def stage():
    """An address that can lead to any world."""
    running = Stage()
    yield running
    running.stop()


@pytest.fixture
def scene(stage):
    """A droplet that is on, and a snapshot that takes half a minute."""
    return stage.set(world_of())
