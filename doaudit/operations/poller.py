"""
A poller that reads an account's open actions again and again in a thread of its own, with one request each time.

Three times in four it lists the newest actions. The fourth time it reads by its id one of those that are open and too
old for that list, each in its turn. It knows no widget.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal

from doaudit.clock import SystemClock
from doaudit.errors import ApiProblem, NotFound
from doaudit.expected_duration import ExpectedDurations, Verdict, describe_age, find_verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from doaudit.actions import Action

__all__ = ["INTERVAL_S", "Baseline", "ClassifiedAction", "Observation", "Poller", "classify", "observe"]

INTERVAL_S = 5.0
SHOWN_AFTER_END = timedelta(minutes=2)
_UNLISTED_EVERY = 4
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class ClassifiedAction:
    """
    An action compared with what is usual for its type.

    Attributes:
        name: the name of its resource, if the history knows it.
        verdict: that on its age while it is open (see `doaudit.expected_duration`); then its outcome; 'gone' if
            the API no longer knows it.
        age_s: seconds from its start until it ended or was last read; None without a start.
        expected_end: the time at which half of those like it have ended.
        sentence: its age beside what those like it took; empty once it has ended.
    """

    action: Action
    name: str | None
    verdict: Verdict | Literal["completed", "errored", "unclear", "gone"]
    age_s: float | None
    expected_end: datetime | None
    sentence: str = ""


@dataclass(frozen=True)
class Observation:
    """
    The state of an account's actions when they were last read.

    Attributes:
        at: the server's time; None before the first reading.
        open: open actions, oldest first.
        ended: actions that ended while they were watched, latest first; they stay for two minutes.
        error: the reason why the last attempt to read them failed; empty if it did not.
    """

    at: datetime | None = None
    open: tuple[ClassifiedAction, ...] = ()
    ended: tuple[ClassifiedAction, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Baseline:
    """
    Facts from the local history with which actions are compared.

    Attributes:
        expected: expected durations.
        names: names of resources by key.
        open_actions: actions that were open in the history.
    """

    expected: ExpectedDurations
    names: Mapping[str, str]
    open_actions: tuple[Action, ...] = ()


def classify(action: Action, at: datetime, baseline: Baseline, *, not_found: bool = False) -> ClassifiedAction:
    """
    Compare an action with what is usual for its type and resource.

    Args:
        action: the action, open or not.
        at: the time of reading, by the server's clock.
        baseline: what is usual.
        not_found: the API no longer knows it.

    Example:
        >>> from datetime import UTC
        >>> from doaudit.actions import Action, Record
        >>> from doaudit.expected_duration import ExpectedDuration
        >>> usual = ExpectedDuration(60, 120, 300, max_s=400, finished=150)
        >>> baseline = Baseline(ExpectedDurations({"snapshot": usual}), {})
        >>> action = Action.of(Record(1, "in-progress", "snapshot", "2026-03-12T22:00:00Z"), 0)
        >>> times = [datetime(2026, 3, 12, 22, 0, tzinfo=UTC) + timedelta(minutes=m) for m in (1, 6, 90)]
        >>> [classify(action, at, baseline).verdict for at in times]
        ['normal', 'slow', 'stuck']
    """
    expected = baseline.expected.of(action.type, action.resource)
    age_s, expected_end = None, None
    if action.started_at is not None:
        age_s = ((action.completed_at or at) - action.started_at).total_seconds()
        if expected is not None:
            expected_end = action.started_at + timedelta(seconds=expected.p50_s)
    name = baseline.names.get(action.resource or "")
    if action.outcome != "open" or not_found:
        return ClassifiedAction(
            action, name, action.outcome if action.outcome != "open" else "gone", age_s, expected_end
        )
    sentence = describe_age(age_s, expected)
    return ClassifiedAction(action, name, find_verdict(age_s, expected), age_s, expected_end, sentence)


def observe(
    previous: Observation,
    actions: Iterable[Action],
    at: datetime,
    baseline: Baseline,
    not_found: Iterable[int] = (),
) -> Observation:
    """
    Return the observation that follows from the previous one once these actions were read.

    Args:
        previous: the previous observation; actions that are open in it stay until they are read again.
        actions: the actions that were read, open or not. One that has ended and was never observed open is left out.
        at: the time of reading, by the server's clock.
        baseline: what is usual.
        not_found: ids that the API no longer knows.

    Example:
        >>> from doaudit.actions import Action, Record
        >>> record = Record(1, "in-progress", "reboot", "2026-03-12T22:00:00Z")
        >>> at, baseline = datetime(2026, 3, 12, 22, 1, tzinfo=UTC), Baseline(ExpectedDurations({}), {})
        >>> observation = observe(Observation(), [Action.of(record, 0)], at, baseline)
        >>> [(row.action.id, row.verdict, row.age_s) for row in observation.open]
        [(1, 'too few to tell', 60.0)]
    """
    read, missing = {action.id: action for action in actions}, set(not_found)
    watched = {row.action.id: row.action for row in previous.open}
    watched |= {i: action for i, action in read.items() if i in watched or not action.finished}
    still_open = [
        classify(action, at, baseline) for i, action in watched.items() if not action.finished and i not in missing
    ]
    just_ended = [
        classify(action, at, baseline, not_found=True)
        for i, action in watched.items()
        if action.finished or i in missing
    ]
    recently_ended = [
        row
        for row in previous.ended
        if row.action.id not in watched and at - (row.action.completed_at or at) < SHOWN_AFTER_END
    ]
    return Observation(
        at=at,
        open=tuple(sorted(still_open, key=lambda row: (row.action.started_at or at, row.action.id))),
        ended=(*just_ended, *recently_ended),
    )


class Poller:
    """
    A thread that reads open actions until it is stopped. Nothing happens before `start`.

    Args:
        read_baseline: reads the baseline from the history; called once, in the thread.
        list_newest: lists the newest actions and tells the server's time, with one request.
        read_action: reads one action by its id, with one request.
        interval_s: seconds between two requests.

    Attributes:
        listeners: called with each new `Observation`, on the thread. What they raise is dropped.

    Example:
        >>> usual, noon = Baseline(ExpectedDurations({}), {}), datetime(2026, 3, 12, 12, tzinfo=UTC)
        >>> poller = Poller(lambda: usual, lambda: ((), noon), lambda _: None)
        >>> observed = threading.Event()
        >>> poller.listeners.append(lambda observation: observed.set())
        >>> poller.start()
        >>> observed.wait(10), poller.observation.open
        (True, ())
        >>> poller.stop()
    """

    def __init__(
        self,
        read_baseline: Callable[[], Baseline],
        list_newest: Callable[[], tuple[tuple[Action, ...], datetime]],
        read_action: Callable[[int], Action],
        *,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self.listeners: list[Callable[[Observation], None]] = []
        self._read_baseline, self._list_newest, self._read_action = read_baseline, list_newest, read_action
        self._interval_s = interval_s
        self._baseline: Baseline | None = None
        self._observation = Observation()
        self._unlisted: list[int] = []
        self._polls = 0
        self._stop = threading.Event()
        self._lock = threading.RLock()
        self._thread: threading.Thread | None = None

    @property
    def observation(self) -> Observation:
        """The latest observation."""
        with self._lock:
            return self._observation

    @property
    def running(self) -> bool:
        """True after `start` and before `stop`."""
        return self._thread is not None and not self._stop.is_set()

    def start(self) -> None:
        """Start or continue polling; does nothing while it is running."""
        with self._lock:
            if self.running:
                return
            self._stop = threading.Event()
            self._thread = threading.Thread(target=self._run, args=(self._stop,), name="doaudit-poller", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stop polling, and tell the listeners."""
        self._stop.set()
        self._publish(self.observation)

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                observation = self._poll()
            except Exception as error:  # noqa: BLE001 -- nobody would see what a thread dies of
                reason = str(error) if isinstance(error, ApiProblem) else f"{type(error).__name__}: {error}"
                observation = replace(self.observation, error=f"Could not read the actions again: {reason}")
            if not stop.is_set():
                self._publish(observation)
            SystemClock().wait(self._interval_s, stop)

    def _poll(self) -> Observation:
        if self._baseline is None:
            self._baseline = self._read_baseline()
        self._polls += 1
        if self._unlisted and self._polls % _UNLISTED_EVERY == 0:
            return self._poll_unlisted(self._unlisted.pop(0), self._baseline)
        return self._poll_list(self._baseline)

    def _poll_list(self, baseline: Baseline) -> Observation:
        listed, at = self._list_newest()
        previous = self.observation
        actions = (*baseline.open_actions, *listed) if previous.at is None else listed
        observation = observe(previous, actions, at, baseline)
        unlisted = [row.action.id for row in observation.open if row.action not in listed]
        queue = {action_id: place for place, action_id in enumerate(self._unlisted)}
        self._unlisted = sorted(unlisted, key=lambda action_id: queue.get(action_id, len(queue)))
        return observation

    def _poll_unlisted(self, action_id: int, baseline: Baseline) -> Observation:
        previous = self.observation
        try:
            action = self._read_action(action_id)
        except NotFound:
            return observe(previous, (), previous.at or _LONG_AGO, baseline, not_found=[action_id])
        return observe(previous, (action,), action.observed_at, baseline)

    def _publish(self, observation: Observation) -> None:
        with self._lock:
            self._observation = observation
        for listener in list(self.listeners):
            with contextlib.suppress(Exception):
                listener(observation)
