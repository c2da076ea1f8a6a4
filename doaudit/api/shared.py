"""Bounds that the clients of many accounts share while they are read side by side."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.api.listing import Progress

__all__ = ["MOST_IN_FLIGHT", "Shared"]

MOST_IN_FLIGHT = 16
"""Requests under way at once, whether one account is read or many."""


def _nothing(label: str, progress: Progress) -> None:
    del label, progress


@dataclass(frozen=True)
class Shared:
    """
    Bounds that a read shares with those of other accounts, and where it tells how far it is.

    Attributes:
        in_flight: bounds the requests that are under way at once, those of all accounts together.
        stop: once set, every one of these reads ends, also one that waits.
        on_progress: called in the thread of the read with what is being read and the progress of it.
    """

    in_flight: threading.Semaphore = field(default_factory=lambda: threading.BoundedSemaphore(MOST_IN_FLIGHT))
    stop: threading.Event = field(default_factory=threading.Event)
    on_progress: Callable[[str, Progress], None] = _nothing
