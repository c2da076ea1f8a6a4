"""Watch any number of actions until each has ended, with one list request a round for many."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doaudit.api.client import Client, Stopped
from doaudit.errors import ApiProblem, Forbidden, NotFound, Unauthorized
from doaudit.expected_duration import ExpectedDurations, describe_age, find_verdict
from doaudit.operations.action_requests import newest_actions, read_action
from doaudit.operations.poll_schedule import next_poll_s, timeout_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from doaudit.actions import Action
    from doaudit.api.retry import Pause
    from doaudit.clock import Clock
    from doaudit.expected_duration import ExpectedDuration

__all__ = ["WatchResult", "watch"]

_MOST_SINGLE_READS = 2  # more actions than that cost one list request
_NOT_FOUND_AFTER_S = 120.0
_NOT_FOUND_INTERVAL_S = 5.0
_ERROR_INTERVAL_S = 10.0
_SHORTEST_INTERVAL_S = 1.0
_REPORTED_PAUSE_S = 2.0


@dataclass(frozen=True)
class WatchResult:
    """
    The actions that were watched, as they are at the end.

    Attributes:
        actions: as last read, in the order of the ids asked for; without those that were not found.
        timed_out: ids of actions that are open for longer than they should be. They have not failed.
        not_found: ids that DigitalOcean does not know (404).
        stopped: true if it was told to stop before all had ended.
        verdicts: by id, of those that are still open: the verdict on its age, and its age beside what is usual.
    """

    actions: tuple[Action, ...]
    timed_out: tuple[int, ...] = ()
    not_found: tuple[int, ...] = ()
    stopped: bool = False
    verdicts: Mapping[int, str] = field(default_factory=dict)

    @property
    def unfinished(self) -> tuple[int, ...]:
        """The ids of actions that are still open."""
        return tuple(action.id for action in self.actions if not action.finished)


def watch(  # noqa: PLR0913 -- each may be left out but for the account, the ids and the clock
    client: Client,
    ids: Iterable[int],
    *,
    expected: ExpectedDurations | None = None,
    clock: Clock,
    stop: threading.Event | None = None,
    on_change: Callable[[Action], None] = lambda _: None,
    on_trouble: Callable[[str], None] = lambda _: None,
) -> WatchResult:
    """
    Watch actions until each has ended, is overdue, or turns out not to exist.

    Args:
        client: the account.
        ids: the actions.
        expected: expected durations. They decide when to read an action, and after how long it is overdue: once it is
            stuck (see `doaudit.expected_duration`), but not before 10 minutes have passed, for a snapshot an hour.
        clock: waits and tells the time.
        stop: once set, the call returns what is known. Ctrl-C does the same.
        on_change: called with each action when it is first read, and when its status changes.
        on_trouble: called with the reason when actions cannot be read, such as a lost network; watching goes on.

    Raises:
        Unauthorized, Forbidden: the token may not read actions.

    Example:
        >>> from doaudit import demo
        >>> with demo(speed=1000) as account:
        ...     droplet_id = account.droplets()["id"].iloc[0]
        ...     reboot = account.act(f"droplet:{droplet_id}", "reboot")
        ...     result = account.watch([reboot.id])
        >>> [action.outcome for action in result.actions], result.timed_out
        (['completed'], ())
    """
    watcher = _Watcher(
        client, tuple(dict.fromkeys(ids)), expected or ExpectedDurations({}), clock, stop or threading.Event()
    )
    watcher.on_change, watcher.on_trouble = on_change, on_trouble
    try:
        while watcher.waiting_ids() and not watcher.stop.is_set():
            watcher.poll()
            watcher.wait()
    except (KeyboardInterrupt, Stopped):
        watcher.stop.set()
    return watcher.result()


@dataclass
class _Watcher:
    """
    The state of one call of `watch`.

    Attributes:
        actions: by id, as last read.
        read_s: by id, the time of the last attempt to read it, in the clock's elapsed seconds.
        last_error: the reason why the last poll failed; empty if it did not.
    """

    client: Client
    ids: tuple[int, ...]
    expected: ExpectedDurations
    clock: Clock
    stop: threading.Event
    on_change: Callable[[Action], None] = lambda _: None
    on_trouble: Callable[[str], None] = lambda _: None
    actions: dict[int, Action] = field(default_factory=dict)
    read_s: dict[int, float] = field(default_factory=dict)
    started_s: float = 0.0
    not_found: set[int] = field(default_factory=set)
    timed_out: set[int] = field(default_factory=set)
    last_error: str = ""

    def __post_init__(self) -> None:
        self.started_s = self.clock.elapsed()

    def waiting_ids(self) -> list[int]:
        ended = {action.id for action in self.actions.values() if action.finished}
        return [action_id for action_id in self.ids if action_id not in ended | self.not_found | self.timed_out]

    def poll(self) -> None:
        """Read the actions that are due, and report an error once as long as it stays the same."""
        try:
            self._read_due()
            self.last_error = ""
        except (Unauthorized, Forbidden):
            raise
        except ApiProblem as error:
            if str(error) != self.last_error:
                self.on_trouble(str(error))
            self.last_error = str(error)
        self._mark_overdue()

    def wait(self) -> None:
        """Wait until the next action is due."""
        waiting = self.waiting_ids()
        if not waiting:
            return
        next_due_s = max(min(self._due_in_s(action_id) for action_id in waiting), _SHORTEST_INTERVAL_S)
        self.clock.wait(_ERROR_INTERVAL_S if self.last_error else next_due_s, self.stop)

    def result(self) -> WatchResult:
        return WatchResult(
            tuple(self.actions[action_id] for action_id in self.ids if action_id in self.actions),
            tuple(action_id for action_id in self.ids if action_id in self.timed_out),
            tuple(action_id for action_id in self.ids if action_id in self.not_found),
            stopped=self.stop.is_set() and bool(self.waiting_ids()),
            verdicts={i: self._verdict(action) for i, action in self.actions.items() if not action.finished},
        )

    def _read_due(self) -> None:
        waiting = self.waiting_ids()
        due = [action_id for action_id in waiting if self._due_in_s(action_id) <= 0]
        if len(waiting) > _MOST_SINGLE_READS:
            newest, _ = newest_actions(self.client, "/v2/actions", stop=self.stop, on_pause=self._report_pause)
            listed = {action.id: action for action in newest}
            for action_id in waiting:
                if action_id in listed:
                    self._record(action_id, listed[action_id])
            due = [action_id for action_id in due if action_id not in listed]
        for action_id in due:
            self._read_single(action_id)

    def _read_single(self, action_id: int) -> None:
        try:
            self._record(action_id, read_action(self.client, action_id, stop=self.stop, on_pause=self._report_pause))
        except NotFound:
            # A fresh action may be unknown for a while, and one that was read before does not vanish.
            self.read_s[action_id] = now_s = self.clock.elapsed()
            if now_s - self.started_s >= _NOT_FOUND_AFTER_S and action_id not in self.actions:
                self.not_found.add(action_id)

    def _record(self, action_id: int, action: Action) -> None:
        previous = self.actions.get(action_id)
        self.actions[action_id], self.read_s[action_id] = action, self.clock.elapsed()
        if previous is None or previous.status != action.status:
            self.on_change(action)

    def _due_in_s(self, action_id: int) -> float:
        read_s, action = self.read_s.get(action_id), self.actions.get(action_id)
        if read_s is None:
            return 0.0
        if action is None:
            return read_s + _NOT_FOUND_INTERVAL_S - self.clock.elapsed()
        interval_s = next_poll_s(action.age_s or 0.0, self._expected(action))
        return read_s + interval_s - self.clock.elapsed()

    def _mark_overdue(self) -> None:
        now_s = self.clock.elapsed()
        for action_id in self.waiting_ids():
            action = self.actions.get(action_id)
            age_s = now_s - self.started_s if action is None else self._age_s(action)
            if age_s >= timeout_s(action.type if action else None, self._expected(action)):
                self.timed_out.add(action_id)

    def _age_s(self, action: Action) -> float:
        return (action.age_s or 0.0) + self.clock.elapsed() - self.read_s[action.id]

    def _expected(self, action: Action | None) -> ExpectedDuration | None:
        return None if action is None else self.expected.of(action.type, action.resource)

    def _verdict(self, action: Action) -> str:
        age_s, expected = None if action.age_s is None else self._age_s(action), self._expected(action)
        return f"{find_verdict(age_s, expected)}; {describe_age(age_s, expected)}"

    def _report_pause(self, pause: Pause) -> None:
        if pause.seconds >= _REPORTED_PAUSE_S:
            self.on_trouble(f"Waiting {pause.seconds:.0f} s: {pause.reason}.")
