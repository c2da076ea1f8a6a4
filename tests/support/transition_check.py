"""A check of the snapshot driver: each transition that a run takes must be in the table of transitions."""

from __future__ import annotations

import functools
from contextlib import contextmanager
from typing import TYPE_CHECKING

from doaudit.snapshot import driver
from doaudit.snapshot.messages import Event
from doaudit.snapshot.transition_table import TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from doaudit.snapshot.run import Run

__all__ = ["TABLE", "transition", "transitions_checked"]


def named(trigger: object) -> str:
    """Return the name of a trigger: of an event, its class."""
    return trigger if isinstance(trigger, str) else type(trigger).__name__


def transition(before: Run, trigger: object, after: Run) -> tuple[str, str, str] | None:
    """Return phase, trigger and next phase; None if the run has stayed where it was."""
    entered_anew = before.phase_since_s != after.phase_since_s and trigger != "resume"
    return (before.phase, named(trigger), after.phase) if before.phase != after.phase or entered_anew else None


TABLE = [
    (phase, trigger if isinstance(trigger, str) else trigger.__name__, row.next_phase)
    for phase, rows in TRANSITIONS.items()
    for row in rows
    for trigger in row.triggers
]
"""Each phase, trigger and next phase of the table."""


@contextmanager
def transitions_checked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look at what the machine tells the driver; at the end, assert that it was in the table."""
    strange = set()

    def watched(function, trigger=None):
        @functools.wraps(function)
        def decide(run, event_or_now, *rest):
            result = function(run, event_or_now, *rest)
            after = result[0] if isinstance(result, tuple) else result
            taken = transition(run, event_or_now if isinstance(event_or_now, Event) else trigger, after)
            if taken is not None and taken not in TABLE:
                strange.add(taken)
            return result

        return decide

    for name, trigger in {"step": None, "cancel": "cancel", "abort": "defect", "resume": "resume"}.items():
        monkeypatch.setattr(driver, name, watched(getattr(driver, name), trigger))
    yield
    assert not strange, f"The machine took transitions that are not in the table: {sorted(strange)}"
