"""Read again, after a read failed too: when, and for how long. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doaudit.snapshot.messages import Event, Missing, ReadFailed
from doaudit.snapshot.run import logged

if TYPE_CHECKING:
    from doaudit.snapshot.run import Moment, Run

__all__ = [
    "CONFIRM_S",
    "PATIENCE_S",
    "PATIENCE_WHILE_ON_S",
    "POLL_S",
    "SETTLE_S",
    "is_gone",
    "is_over",
    "never_gives_up",
    "note_read",
    "record_error",
    "record_not_found",
    "retry_s",
    "soon_s",
]

POLL_S = 3.0
SETTLE_S = 15.0  # a droplet's status lags its actions by seconds
CONFIRM_S = 300.0
PATIENCE_S = 3600.0
PATIENCE_WHILE_ON_S = 900.0
_ABSENT_S = 120.0  # a fresh thing may be 404 for a while, and what was deleted is so for ever
_ERROR_WAIT_S = 10.0
_LONGEST_RETRY_S = 60.0


def note_read(run: Run, event: Event) -> Run:
    """Return the run after any read: one that failed or found nothing is recorded."""
    if isinstance(event, ReadFailed):
        return record_error(run, event)
    if isinstance(event, Missing):
        return record_not_found(run, event)
    return replace(run, absent_since_s=None)


def record_error(run: Run, event: ReadFailed) -> Run:
    """Return the run after a failed read: it says so, once, and counts errors of authentication."""
    if not any(line.text == event.text for line in run.log[-3:]):
        run = logged(run, event.now.at, event.text)
    return replace(run, read_errors=run.read_errors + 1, auth_errors=run.auth_errors + event.final)


def record_not_found(run: Run, event: Missing) -> Run:
    """Return the run after a 404; see `is_gone`."""
    if run.absent_since_s is None:
        return replace(logged(run, event.now.at, event.text), absent_since_s=event.now.elapsed_s)
    return run


def retry_s(run: Run) -> float:
    """Return how many seconds to wait after a failed read: the more of them in a row, the longer."""
    return min(_ERROR_WAIT_S * 2.0 ** min(max(run.read_errors - 1, 0), 10), _LONGEST_RETRY_S)


def soon_s(run: Run, event: Event) -> float:
    """Return how many seconds to wait before the next read: longer after failed ones."""
    return retry_s(run) if isinstance(event, ReadFailed) else POLL_S


def is_gone(run: Run, now: Moment) -> bool:
    """Whether there have been only 404s for two minutes, after which a thing is believed to be gone."""
    return run.absent_since_s is not None and now.elapsed_s >= run.absent_since_s + _ABSENT_S


def is_over(run: Run, now: Moment) -> bool:
    """Whether the time for the phase is over."""
    return run.phase_deadline_s is not None and now.elapsed_s >= run.phase_deadline_s


def never_gives_up(run: Run) -> bool:
    """Whether the droplet is owed its power, so that being out of reach ends nothing."""
    return run.needs_power_on and run.phase in {"powering on", "confirming on"}
