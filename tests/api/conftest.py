"""A clock for the tests of the wing that speaks HTTP."""

from __future__ import annotations

import pytest
from served import Hourglass


@pytest.fixture
def hourglass():
    """A clock that tells how long was waited."""
    return Hourglass()
