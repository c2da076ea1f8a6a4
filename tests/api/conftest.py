"""A clock for the tests of the package that speaks HTTP."""

from __future__ import annotations

import pytest
from served import Hourglass


@pytest.fixture
def hourglass():
    """A clock that adds up the seconds that were waited."""
    return Hourglass()
