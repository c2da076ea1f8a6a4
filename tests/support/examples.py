"""
The number of examples of a property test: some in `make test`, all in `make test-thorough`.

On a second version of Python or pandas few of them are tried: what is looked for there is not in the data.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings

__all__ = ["THOROUGH", "examples", "number_of_examples"]

_WANTED = os.environ.get("DOAUDIT_EXAMPLES", "some")
if _WANTED not in ("few", "some", "all"):
    raise ValueError(f"DOAUDIT_EXAMPLES is {_WANTED!r}; it is few, some or all.")
THOROUGH = _WANTED == "all"
_FEW, _SHARE, _LEAST = 3, 10, 4


def number_of_examples(number: int, *, quick: int | None = None) -> int:
    """Return so many where all are wanted; otherwise *quick*, or a tenth of them, and at most three where few are."""
    some = quick if quick is not None else max(number // _SHARE, _LEAST)
    return {"few": min(some, _FEW), "some": some, "all": number}[_WANTED]


def examples(number: int, *, quick: int | None = None, **options: Any) -> settings:
    """Let a property be tried on so many examples; see `number_of_examples`."""
    return settings(max_examples=number_of_examples(number, quick=quick), **options)
