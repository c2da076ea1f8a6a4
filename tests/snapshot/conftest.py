"""A check around every test of a snapshot: each transition that its runs take is in the table."""

from __future__ import annotations

import pytest
from transition_check import transitions_checked


@pytest.fixture(autouse=True)
def _every_transition_is_in_the_table(monkeypatch):
    with transitions_checked(monkeypatch):
        yield
