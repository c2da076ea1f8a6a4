"""Fixtures of the tests of the explorer: forty odd actions, and the exploration of them."""

from __future__ import annotations

import pytest
from built_frames import build
from selections import odd_actions

from doaudit.explore.exploration import Exploration


@pytest.fixture(scope="session")
def frame():
    """Return the function that builds an actions frame."""
    return build


@pytest.fixture(scope="session")
def actions(frame):
    """Forty actions of nine days in which everything odd occurs."""
    return odd_actions(frame)


@pytest.fixture(scope="session")
def exploration(actions):
    """The exploration of these."""
    return Exploration(actions)
