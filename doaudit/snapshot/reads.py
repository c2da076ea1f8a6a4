"""Reads of a run: which failed, when to read again, and when to stop. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from doaudit.snapshot.messages import Event, Missing, ReadFailed
from doaudit.snapshot.run import add_log_line

if TYPE_CHECKING:
    from doaudit.snapshot.run import Moment, Run

__all__ = [
    "CONFIRM_TIMEOUT_S",
    "LONG_TIMEOUT_S",
    "POLL_S",
    "SETTLE_S",
    "SHORT_TIMEOUT_S",
    "is_gone",
    "is_past_deadline",
    "next_read_s",
    "record_read",
    "retries_forever",
    "retry_s",
]

POLL_S = 3.0
SETTLE_S = 15.0  # a droplet's status lags its actions by seconds
CONFIRM_TIMEOUT_S = 300.0
LONG_TIMEOUT_S = 3600.0
SHORT_TIMEOUT_S = 900.0
_GONE_AFTER_S = 120.0  # a fresh thing may be 404 for a while, and what was deleted is so for ever
_FIRST_RETRY_S = 10.0
_LONGEST_RETRY_S = 60.0


def record_read(run: Run, event: Event) -> Run:
    """Return the run after any read; one that failed or found nothing is recorded."""
    if isinstance(event, ReadFailed):
        return _record_error(run, event)
    if isinstance(event, Missing):
        return _record_not_found(run, event)
    return replace(run, absent_since_s=None)


def _record_error(run: Run, event: ReadFailed) -> Run:
    """Return the run after a failed read: the log says so, once, and errors of authentication are counted."""
    if not any(line.text == event.text for line in run.log[-3:]):
        run = add_log_line(run, event.now.at, event.text)
    return replace(run, read_errors=run.read_errors + 1, auth_errors=run.auth_errors + event.unauthorized)


def _record_not_found(run: Run, event: Missing) -> Run:
    """Return the run after a 404; see `is_gone`."""
    if run.absent_since_s is None:
        return replace(add_log_line(run, event.now.at, event.text), absent_since_s=event.now.elapsed_s)
    return run


def retry_s(run: Run) -> float:
    """Return the seconds to wait after a failed read; they double with each one in a row, up to a minute."""
    return min(_FIRST_RETRY_S * 2.0 ** min(max(run.read_errors - 1, 0), 10), _LONGEST_RETRY_S)


def next_read_s(run: Run, event: Event) -> float:
    """Return the seconds to wait before the next read: longer after failed ones."""
    return retry_s(run) if isinstance(event, ReadFailed) else POLL_S


def is_gone(run: Run, now: Moment) -> bool:
    """Return whether there have been only 404s for two minutes, after which a thing is believed to be gone."""
    return run.absent_since_s is not None and now.elapsed_s >= run.absent_since_s + _GONE_AFTER_S


def is_past_deadline(run: Run, now: Moment) -> bool:
    """Return whether the time for the phase is over."""
    return run.phase_deadline_s is not None and now.elapsed_s >= run.phase_deadline_s


def retries_forever(run: Run) -> bool:
    """Return whether failed reads end nothing, because the droplet's power has to be restored."""
    return run.needs_power_on and run.phase in {"powering on", "confirming on"}
