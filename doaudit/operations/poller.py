"""
Looks at an account's open actions again and again, one request each time, in a thread of its own. No widget in sight.

Three times in four the newest actions are listed. The fourth time, one of those that are open and too old for that list
is read by its id, each in its turn.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from doaudit.errors import ApiProblem, NotFound
from doaudit.operations.poll_schedule import timeout_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from doaudit.actions import Action
    from doaudit.expected_duration import ExpectedDuration

__all__ = ["INTERVAL_S", "Baseline", "ClassifiedAction", "Observation", "Poller", "Verdict", "classify", "seen"]

INTERVAL_S = 5.0
SHOWN_AFTER_END = timedelta(minutes=2)
_OLD_ONE_EVERY = 4
_LONG_AGO = datetime.min.replace(tzinfo=UTC)

Verdict = Literal["on time", "late", "stuck", "completed", "errored", "unclear", "gone"]


@dataclass(frozen=True)
class ClassifiedAction:
    """One action beside what is usual for its type; `age_s` until it ended, or was last seen."""

    action: Action
    name: str | None
    verdict: Verdict
    age_s: float | None
    expected_end: datetime | None


@dataclass(frozen=True)
class Observation:
    """
    What was seen last.

    Attributes:
        at: when, by the server's clock; None before the first time.
        open: what runs, oldest first.
        ended: what ended while it was looked at, latest first; for two minutes.
        trouble: why it could not be looked again; empty if it could.
    """

    at: datetime | None = None
    open: tuple[ClassifiedAction, ...] = ()
    ended: tuple[ClassifiedAction, ...] = ()
    trouble: str = ""


@dataclass(frozen=True)
class Baseline:
    """What the local history knows: how long types take, what resources are called, which actions are open in it."""

    expected: Mapping[str, ExpectedDuration]
    names: Mapping[str, str]
    open_actions: tuple[Action, ...] = ()


def classify(action: Action, at: datetime, known: Baseline, *, gone: bool = False) -> ClassifiedAction:
    """
    An action with its verdict: late once it is older than 9 of 10 of its type, stuck once it has overrun its time-out.

    Example:
        >>> from datetime import UTC
        >>> from doaudit.actions import Action, Record
        >>> from doaudit.expected_duration import ExpectedDuration
        >>> known = Baseline({"snapshot": ExpectedDuration(60, 120, 300)}, {})
        >>> begun = Record(1, "in-progress", "snapshot", "2026-03-12T22:00:00Z")
        >>> moments = [datetime(2026, 3, 12, 22, 0, tzinfo=UTC) + timedelta(minutes=m) for m in (1, 3, 90)]
        >>> [classify(Action.of(begun, 0), at, known).verdict for at in moments]
        ['on time', 'late', 'stuck']
    """
    expected = known.expected.get(action.type or "")
    until = action.completed_at or at
    age_s = None if action.started_at is None else (until - action.started_at).total_seconds()
    end = None
    if action.started_at is not None and expected is not None:
        end = action.started_at + timedelta(seconds=expected.p50_s)
    return ClassifiedAction(
        action,
        known.names.get(action.resource or ""),
        _verdict(action, age_s, expected, gone=gone),
        age_s,
        end,
    )


def _verdict(action: Action, age_s: float | None, expected: ExpectedDuration | None, *, gone: bool) -> Verdict:
    if action.outcome != "open":
        return action.outcome
    if gone:
        return "gone"
    if age_s is not None and age_s > timeout_s(action.type, expected):
        return "stuck"
    return "late" if expected is not None and age_s is not None and age_s > expected.p90_s else "on time"


def seen(
    before: Observation, read: Iterable[Action], at: datetime, known: Baseline, gone: Iterable[int] = ()
) -> Observation:
    """
    What is in sight after these actions were read.

    Args:
        before: what was in sight until now.
        read: the actions that were read, open or not.
        at: when, by the server's clock.
        known: what the history knows.
        gone: ids that the API no longer knows.
    """
    fresh, lost = {action.id: action for action in read}, set(gone)
    awaited = {one.action.id: one.action for one in before.open}
    awaited |= {i: action for i, action in fresh.items() if i in awaited or not action.finished}
    still = [classify(one, at, known) for i, one in awaited.items() if not one.finished and i not in lost]
    over = [classify(one, at, known, gone=True) for i, one in awaited.items() if one.finished or i in lost]
    kept = [one for one in before.ended if at - (one.action.completed_at or at) < SHOWN_AFTER_END]
    return Observation(
        at=at,
        open=tuple(sorted(still, key=lambda one: (one.action.started_at or at, one.action.id))),
        ended=(*over, *(one for one in kept if one.action.id not in awaited)),
    )


class Poller:
    """
    Looks again and again until it is stopped. Nothing happens before `start`.

    Args:
        surroundings: reads what the history knows; called once, in the thread.
        newest: lists the newest actions, and tells the server's time: one request.
        one: reads one action by its id: one request.
        interval_s: seconds between two looks.

    Attributes:
        listeners: called with each new `Observation`, on the thread. What they raise is dropped.
    """

    def __init__(
        self,
        baseline: Callable[[], Baseline],
        newest: Callable[[], tuple[tuple[Action, ...], datetime]],
        one: Callable[[int], Action],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.listeners: list[Callable[[Observation], None]] = []
        self._surroundings, self._newest, self._one = baseline, newest, one
        self._interval_s = interval_s
        self._known: Baseline | None = None
        self._sight = Observation()
        self._old: list[int] = []
        self._looks = 0
        self._stop = threading.Event()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    @property
    def observation(self) -> Observation:
        """What was seen last."""
        with self._lock:
            return self._sight

    @property
    def running(self) -> bool:
        """Whether it goes on looking."""
        return self._thread is not None and not self._stop.is_set()

    def start(self) -> None:
        """Begin, or go on; while it looks, this does nothing."""
        with self._lock:
            if self.running:
                return
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._main, args=(self._stop,), name="doaudit-lookout", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more, and say so to the listeners."""
        self._stop.set()
        self._tell(self.observation)

    def _main(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                observation = self._look()
            except Exception as fault:  # noqa: BLE001 -- nobody would see what a thread dies of
                said = str(fault) if isinstance(fault, ApiProblem) else f"{type(fault).__name__}: {fault}"
                observation = replace(self.observation, trouble=f"Could not look again: {said}")
            if not stop.is_set():
                self._tell(observation)
            stop.wait(self._interval_s)

    def _look(self) -> Observation:
        if self._known is None:
            self._known = self._surroundings()
        self._looks += 1
        if self._old and self._looks % _OLD_ONE_EVERY == 0:
            return self._look_at_old(self._old.pop(0), self._known)
        listed, at = self._newest()
        before = self.observation
        read = (*self._known.open_actions, *listed) if before.at is None else listed
        found = seen(before, read, at, self._known)
        too_old = [one.action.id for one in found.open if one.action not in listed]
        self._old = sorted(too_old, key=lambda i: self._old.index(i) if i in self._old else len(self._old))
        return found

    def _look_at_old(self, wanted: int, known: Baseline) -> Observation:
        before = self.observation
        try:
            action = self._one(wanted)
        except NotFound:
            return seen(before, (), before.at or _LONG_AGO, known, gone=[wanted])
        return seen(before, (action,), action.observed_at, known)

    def _tell(self, observation: Observation) -> None:
        with self._lock:
            self._sight = observation
        for listener in list(self.listeners):
            with contextlib.suppress(Exception):
                listener(observation)
