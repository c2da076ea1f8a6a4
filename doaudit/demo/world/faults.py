"""Faults on request: what can go wrong, and when it does."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["EventFault", "Fault", "Faults", "RequestFault"]

RequestFault = Literal[
    "unauthorized",  # 401
    "forbidden",  # 403
    "not_found",  # 404, as a fresh resource gives for a moment
    "burst_limit",  # 429 with retry-after `seconds`, nothing remaining
    "hour_limit",  # 429 without retry-after; a slot frees up after `seconds`
    "server_error",  # 500, JSON
    "bad_gateway",  # 502, HTML from the edge
    "unavailable",  # 503, JSON
    "dropped",  # the connection is cut before the request is handled
    "dropped_after",  # the request is carried out, then the connection is cut instead of an answer
    "truncated",  # half of the body, then the connection is cut
    "invalid_json",  # 200 whose body is no JSON
    "garbled",  # the request is carried out; one byte inside a string of the answer is no UTF-8
    "oversized",  # the request is carried out; 80 MB of white space follow the answer, sent as gzip of some 80 kB
    "odd_times",  # the request is carried out; the times of its actions cannot be turned to UTC
    "captive_portal",  # 200 whose body is a log-in page
    "redirect",  # 302 to another host
    "slow",  # the answer comes `seconds` late
    "hang",  # no answer for `seconds`, then the connection is cut
    "trickle",  # the request is carried out; the answer comes one byte each `seconds`, until either side hangs up
]
"""What can happen to a request."""

EventFault = Literal[
    "errored",  # the action ends errored, and has no effect
    "without_effect",  # the action completes, and nothing has changed (a shutdown that the guest ignored)
    "slow_event",  # the action takes `seconds` longer
    "stuck",  # the action never ends
]
"""What can happen to an action that is started."""

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
    Something that goes wrong, `times` times, after having gone right `after` times.

    Args:
        kind: One of the words of `RequestFault` or `EventFault`.
        method: Only for requests with this method.
        path: Only where this regular expression is found in the path with its query, such as `r"[?&]page=7\b"`.
        type: Only for actions of this type, such as "snapshot" (faults of events).
        times: How often it happens; None for always.
        after: How many matching requests or events are spared first.
        seconds: How long a wait or delay is, where there is one. "slow", "hang" and "trickle" wait in real time, the
            others speak of virtual time.

    Raises:
        ValueError: *kind* is not a word we know.

    Example:
        >>> Fault("stuck", type="snapshot").of_event
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
        """Refuse a kind that is unknown, or a narrowing that cannot work."""
        known = _REQUEST_KINDS | _EVENT_KINDS
        if self.kind not in known:
            raise ValueError(f"A fault's kind must be one of {', '.join(sorted(known))}; got {self.kind!r}.")
        if self.type is not None and not self.of_event:
            raise ValueError(f"{self.kind!r} happens to requests and cannot be narrowed by an action's type; use path.")

    @property
    def of_event(self) -> bool:
        """Whether it happens to a started action, not to a request."""
        return self.kind in _EVENT_KINDS

    @property
    def wait_s(self) -> float:
        """Its seconds, or the usual ones for its kind."""
        return _DEFAULT_SECONDS.get(self.kind, 0.0) if self.seconds is None else self.seconds

    def matches(self, method: str, path: str, type_: str | None) -> bool:
        """Whether it is meant for this request, or for this event started by that request."""
        return (
            self.of_event == (type_ is not None)
            and (self.method is None or self.method.upper() == method)
            and (self.path is None or re.search(self.path, path) is not None)
            and (self.type is None or self.type == type_)
        )


class Faults:
    """
    The faults that are waiting to happen, oldest first.

    Example:
        >>> faults = Faults()
        >>> faults.add(Fault("server_error", path="/v2/actions", after=1))
        >>> [fault and fault.kind for fault in (faults.take("GET", "/v2/actions") for _ in range(3))]
        [None, 'server_error', None]
    """

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self.happened: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        """Let *faults* happen when their turn comes."""
        self._waiting += [
            _Waiting(fault, fault.after, math.inf if fault.times is None else fault.times) for fault in faults
        ]

    def clear(self) -> None:
        """Let nothing more go wrong."""
        self._waiting.clear()

    def take(self, method: str, path: str, type_: str | None = None) -> Fault | None:
        """Return the fault that happens to this request (or, with an action's *type_*, to this event)."""
        taken = None
        for waiting in self._waiting:
            if not waiting.fault.matches(method, path, type_):
                continue
            if waiting.spared:
                waiting.spared -= 1
            elif taken is None:
                taken = waiting
        if taken is None:
            return None
        taken.left -= 1
        self._waiting = [waiting for waiting in self._waiting if waiting.left > 0]
        self.happened.append(taken.fault)
        return taken.fault


@dataclass
class _Waiting:
    fault: Fault
    spared: int
    left: float
