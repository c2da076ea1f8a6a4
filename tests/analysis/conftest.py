"""Fixtures of the tests of tables: an actions frame that is built, and the same on other engines."""

from __future__ import annotations

import pytest
from built_frames import build
from engine_frames import to_duckdb, to_polars


@pytest.fixture(scope="session")
def frame():
    """Return the function that builds an actions frame."""
    return build


BACKENDS = {
    "polars": to_polars,
    "polars lazy": lambda actions: to_polars(actions).lazy(),
    "duckdb": lambda actions: to_duckdb(actions, "UTC"),
}


@pytest.fixture(scope="session", params=BACKENDS)
def elsewhere(request):
    """Return a function that takes a pandas frame to another engine."""
    return BACKENDS[request.param]
