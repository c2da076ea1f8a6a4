"""The number of examples of a property test: few in `make test`, all in `make test-thorough`."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

__all__ = ["THOROUGH", "examples"]

THOROUGH = bool(os.environ.get("DOAUDIT_THOROUGH"))
_SHARE, _LEAST = 6, 5


def examples(number: int, *, quick: int | None = None, **options: Any) -> settings:
    """Let a property be tried on so many examples; where there is little time on *quick*, or on a sixth of them."""
    few = quick if quick is not None else max(number // _SHARE, _LEAST)
    return settings(max_examples=number if THOROUGH else few, **options)
