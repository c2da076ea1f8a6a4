"""Faults: failures of requests and of actions that a test or a demonstration asks for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

__all__ = ["Course", "EventFault", "Fault", "Faults", "RequestFault", "course"]

_ERRORED_AFTER_S = 3

RequestFault = Literal[
    "unauthorized",  # 401
    "forbidden",  # 403
    "not_found",  # 404, as a fresh resource gives for a moment
    "burst_limit",  # 429 with retry-after `seconds`, nothing remaining
    "hour_limit",  # 429 without retry-after; the next request is allowed after `seconds`
    "server_error",  # 500, JSON
    "bad_gateway",  # 502, HTML from the edge
    "unavailable",  # 503, JSON
    "dropped",  # the connection is cut before the request is carried out
    "dropped_after",  # the request is carried out, then the connection is cut without a response
    "truncated",  # half of the body, then the connection is cut
    "invalid_json",  # 200 whose body is not JSON
    "garbled",  # the request is carried out; one byte inside a string of the response is not UTF-8
    "oversized",  # the request is carried out; 80 MB of white space follow, sent as gzip of some 80 kB
    "odd_times",  # the request is carried out; the times of its actions cannot be converted to UTC
    "captive_portal",  # 200 whose body is a log-in page
    "redirect",  # 302 to another host
    "slow",  # the response comes `seconds` late
    "hang",  # no response for `seconds`, then the connection is cut
    "trickle",  # the request is carried out; the response comes one byte each `seconds`, until either side hangs up
]
"""The faults of requests."""

EventFault = Literal[
    "errored",  # the action ends errored, and has no effect
    "without_effect",  # the action completes, and nothing has changed (as with a shutdown that the guest ignores)
    "slow_event",  # the action takes `seconds` longer
    "stuck",  # the action never ends
]
"""The faults of actions, decided when an action is started."""

_REQUEST_KINDS = frozenset(get_args(RequestFault))
_EVENT_KINDS = frozenset(get_args(EventFault))
_DEFAULT_SECONDS = {
    "burst_limit": 2.0,
    "hour_limit": 5.0,
    "slow": 1.0,
    "hang": 60.0,
    "trickle": 5.0,
    "slow_event": 300.0,
}


@dataclass(frozen=True)
class Fault:
    r"""
    A fault that happens *times* times, after the first *after* matching requests or events went well.

    Args:
        kind: One of the words of `RequestFault` or `EventFault`.
        method: The HTTP method of the requests it happens to; None for any.
        path: A regular expression found in the path with its query, such as `r"[?&]page=7\b"`; None for any.
        type: The type of the actions it happens to, such as "snapshot"; None for any. Only for faults of events.
        times: The number of times it happens; None for always.
        after: The number of matching requests or events that go well first.
        seconds: The length of a wait or delay, where there is one; None for the default of the kind. "slow", "hang"
            and "trickle" wait in real time, the others are about virtual time.

    Raises:
        ValueError: *kind* is unknown, or a fault of requests has a *type*.

    Example:
        >>> Fault("stuck", type="snapshot").is_event_fault
        True
    """

    kind: RequestFault | EventFault
    method: str | None = None
    path: str | None = None
    type: str | None = None
    times: int | None = 1
    after: int = 0
    seconds: float | None = None

    def __post_init__(self) -> None:
        """Reject an unknown kind, and a condition that could never match."""
        known = _REQUEST_KINDS | _EVENT_KINDS
        if self.kind not in known:
            raise ValueError(f"A fault's kind must be one of {', '.join(sorted(known))}; got {self.kind!r}.")
        if self.type is not None and not self.is_event_fault:
            raise ValueError(f"{self.kind!r} happens to requests and cannot be narrowed by an action's type; use path.")

    @property
    def is_event_fault(self) -> bool:
        """True if it happens to a started action, not to a request."""
        return self.kind in _EVENT_KINDS

    @property
    def wait_s(self) -> float:
        """The length of its wait in seconds: its own, or the default of its kind."""
        return _DEFAULT_SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    def matches(self, method: str, path: str, type_: str | None) -> bool:
        """Return whether it applies to a request or, with an action's *type_*, to the event that the request starts."""
        return (
            self.is_event_fault == (type_ is not None)
            and (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.type is None or self.type == type_)
        )


class Faults:
    """
    The queue of faults that have not happened yet, oldest first.

    Example:
        >>> faults = Faults()
        >>> faults.add(Fault("server_error", path="/v2/actions", after=1))
        >>> [fault and fault.kind for fault in (faults.take("GET", "/v2/actions") for _ in range(3))]
        [None, 'server_error', None]
    """

    def __init__(self) -> None:
        self._pending: list[_PendingFault] = []

    def add(self, *faults: Fault) -> None:
        """Append *faults* to the queue."""
        self._pending += [
            _PendingFault(fault, fault.after, math.inf if fault.times is None else fault.times) for fault in faults
        ]

    def clear(self) -> None:
        """Remove all faults from the queue."""
        self._pending.clear()

    def take(self, method: str, path: str, type_: str | None = None) -> Fault | None:
        """
        Return the fault that happens to a request or event, and count it; None if nothing goes wrong.

        Args:
            method: The request's HTTP method.
            path: Its path with the query.
            type_: The type of the action that it starts; None where the request itself is meant.
        """
        taken = None
        for pending in self._pending:
            if not pending.fault.matches(method, path, type_):
                continue
            if pending.skips_left:
                pending.skips_left -= 1
            elif taken is None:
                taken = pending
        if taken is None:
            return None
        taken.times_left -= 1
        self._pending = [pending for pending in self._pending if pending.times_left > 0]
        return taken.fault


@dataclass
class _PendingFault:
    """A fault with the matching requests it still lets pass, and the times it still happens."""

    fault: Fault
    skips_left: int
    times_left: float


class Course(NamedTuple):
    """
    The course that an action takes, decided when it starts.

    Args:
        ends_at: Unix seconds at which it ends; None for never.
        effect_at: Unix seconds at which it changes its resource; None for never.
        outcome: Its status once it has ended: "completed" or "errored".
    """

    ends_at: int | None
    effect_at: float | None
    outcome: str


def course(fault: Fault | None, type_: str, started_at: int, duration_s: int) -> Course:
    """
    Return the course of an action that would take *duration_s* seconds, changed by *fault* if there is one.

    Args:
        fault: The fault that happens to the action, if any.
        type_: The action's type.
        started_at: Unix seconds.
        duration_s: Its duration without a fault, in seconds.

    Example:
        >>> course(Fault("errored"), "reboot", started_at=100, duration_s=12)
        Course(ends_at=103, effect_at=None, outcome='errored')
    """
    ends_at = started_at + duration_s
    match fault.kind if fault else None:
        case "errored":
            return Course(started_at + _ERRORED_AFTER_S, None, "errored")
        case "without_effect":
            return Course(ends_at, None, "completed")
        case "stuck":
            return Course(None, None, "completed")
        case "slow_event" if fault and type_ == "shutdown":
            # The request to shut down is delivered quickly; the guest is what takes long.
            return Course(ends_at, ends_at + fault.wait_s, "completed")
        case "slow_event" if fault:
            return Course(ends_at + round(fault.wait_s), ends_at + round(fault.wait_s), "completed")
        case _:
            return Course(ends_at, ends_at, "completed")
