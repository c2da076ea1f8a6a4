"""
A poller that reads an account's open actions again and again in a thread of its own, with one request each time.

Three times in four it lists the newest actions. The fourth time it reads by its id one of those that are open and too
old for that list, each in its turn. It rests while nobody looks. It knows no widget.
"""

from __future__ import annotations

import contextlib
import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from doaudit.clock import SystemClock
from doaudit.errors import ApiProblem, NotFound
from doaudit.operations.observation import Observation, next_request_s, observe

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.actions import Action
    from doaudit.operations.observation import Baseline

__all__ = ["Poller"]

_RESTS_S = 15.0
_UNLISTED_EVERY = 4
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Poller:
    """
    A thread that reads open actions until it is stopped. Nothing happens before `start`.

    Args:
        read_baseline: reads the baseline from the history; called once, in the thread.
        list_newest: lists the newest actions and tells the server's time, with one request.
        read_action: reads one action by its id, with one request.
        interval_s: seconds between two requests; by default as `next_request_s` says.

    Attributes:
        listeners: called with each new `Observation`, on the thread. What they raise is dropped.

    Example:
        >>> from doaudit.expected_duration import ExpectedDurations
        >>> from doaudit.operations.observation import Baseline
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
        interval_s: float | None = None,
    ) -> None:
        self.listeners: list[Callable[[Observation], None]] = []
        self._read_baseline, self._list_newest, self._read_action = read_baseline, list_newest, read_action
        self._interval_s = interval_s
        self._baseline: Baseline | None = None
        self._observation = Observation()
        self._unlisted: list[int] = []
        self._polls = 0
        self._stop, self._wake = threading.Event(), threading.Event()
        self._views: dict[str, bool] = {}
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

    @property
    def resting(self) -> bool:
        """True while it is running, and every view of it is hidden: nothing is asked then."""
        with self._lock:
            return self.running and bool(self._views) and not any(self._views.values())

    def set_visible(self, view: str, *, visible: bool) -> None:
        """Note whether somebody can see a view of it; it rests while nobody can see any."""
        with self._lock:
            was_resting = self.resting
            self._views[view] = visible
            changed = self.resting != was_resting
        if changed:
            self._wake.set()
            self._publish(self.observation)

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
        self._wake.set()
        self._publish(replace(self.observation, news=()))

    def _run(self, stop: threading.Event) -> None:
        while True:
            # In this order: whatever changes later is heard in the wait.
            self._wake.clear()
            if stop.is_set():
                return
            if self.resting:
                SystemClock().wait(_RESTS_S, self._wake)
                continue
            try:
                observation = self._poll()
            except Exception as error:  # noqa: BLE001 -- nobody would see what a thread dies of
                reason = str(error) if isinstance(error, ApiProblem) else f"{type(error).__name__}: {error}"
                observation = replace(self.observation, news=(), error=f"Could not read the actions again: {reason}")
            if not stop.is_set():
                self._publish(observation)
            pace_s = next_request_s(observation) if self._interval_s is None else self._interval_s
            SystemClock().wait(pace_s, self._wake)

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
        in_list = {action.id for action in listed}
        unlisted = [row.action.id for row in observation.open if row.action.id not in in_list]
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
