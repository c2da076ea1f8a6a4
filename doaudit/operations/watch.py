"""Follow any number of actions to their end, with one list request a tick for many."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doaudit.api.client import Client, Stopped
from doaudit.errors import ApiProblem, Forbidden, NotFound, Unauthorized
from doaudit.operations.action_requests import newest_actions, read_action
from doaudit.operations.poll_schedule import next_poll_s, timeout_s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from doaudit.actions import Action
    from doaudit.api.retry import Pause
    from doaudit.clock import Clock
    from doaudit.expected_duration import ExpectedDuration

__all__ = ["WatchResult", "watch"]

_FEW = 2  # so many are read one by one; more cost one list request
_ABSENT_S = 120.0
_TROUBLE_S = 10.0
_TELLS_FROM_S = 2.0


@dataclass(frozen=True)
class WatchResult:
    """
    What became of the actions that were followed.

    Attributes:
        actions: as last read, in the order of the ids asked for; without the absent ones.
        timed_out: the ids of those that are open for longer than they should be. They have not failed.
        absent: the ids that DigitalOcean does not know (404).
        stopped: whether it was told to stop before all had ended.
    """

    actions: tuple[Action, ...]
    timed_out: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    stopped: bool = False

    @property
    def unfinished(self) -> tuple[int, ...]:
        """The ids of those that are still open."""
        return tuple(action.id for action in self.actions if not action.finished)


def watch(  # noqa: PLR0913 -- each may be left out but for the account, the ids and the clock
    client: Client,
    ids: Iterable[int],
    *,
    expected: Mapping[str, ExpectedDuration] | None = None,
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
        expected: by type, how long they take here: it says when to look, and after how long one is overdue.
        clock: waits and tells the time.
        stop: once set, it comes back with what is known. Ctrl-C does the same.
        on_change: given each action when it is first read, and when its status changes.
        on_trouble: told what keeps it from looking, such as a lost network; it goes on all the same.

    Raises:
        Unauthorized, Forbidden: the token may not read actions.
    """
    watch = _Watcher(client, tuple(dict.fromkeys(ids)), expected or {}, clock, stop or threading.Event())
    watch.on_change, watch.on_trouble = on_change, on_trouble
    try:
        while watch.waited_for() and not watch.stop.is_set():
            watch.look()
            watch.rest()
    except (KeyboardInterrupt, Stopped):
        watch.stop.set()
    return watch.result()


@dataclass
class _Watcher:
    client: Client
    ids: tuple[int, ...]
    expected: Mapping[str, ExpectedDuration]
    clock: Clock
    stop: threading.Event
    on_change: Callable[[Action], None] = lambda _: None
    on_trouble: Callable[[str], None] = lambda _: None
    seen: dict[int, Action] = field(default_factory=dict)
    looked_at: dict[int, float] = field(default_factory=dict)
    began: float = 0.0
    absent: set[int] = field(default_factory=set)
    timed_out: set[int] = field(default_factory=set)
    trouble: str = ""

    def __post_init__(self) -> None:
        self.began = self.clock.elapsed()

    def waited_for(self) -> list[int]:
        over = self.absent | self.timed_out | {known.id for known in self.seen.values() if known.finished}
        return [one for one in self.ids if one not in over]

    def look(self) -> None:
        waiting = [one for one in self.waited_for() if self._due_in(one) <= 0]
        try:
            if len(self.waited_for()) > _FEW:
                listed, _ = newest_actions(self.client, "/v2/actions", stop=self.stop, on_pause=self._tell_pause)
                found = {action.id: action for action in listed}
                for one in self.waited_for():
                    if one in found:
                        self._enter(one, found[one])
                waiting = [one for one in waiting if one not in found]
            for one in waiting:
                self._look_at(one)
            self.trouble = ""
        except (Unauthorized, Forbidden):
            raise
        except ApiProblem as fault:
            if str(fault) != self.trouble:
                self.on_trouble(str(fault))
            self.trouble = str(fault)
        self._give_up_on_overdue()

    def rest(self) -> None:
        waiting = self.waited_for()
        if not waiting:
            return
        pause = _TROUBLE_S if self.trouble else max(min(self._due_in(one) for one in waiting), 1.0)
        self.clock.wait(pause, self.stop)

    def result(self) -> WatchResult:
        return WatchResult(
            tuple(self.seen[one] for one in self.ids if one in self.seen),
            tuple(one for one in self.ids if one in self.timed_out),
            tuple(one for one in self.ids if one in self.absent),
            stopped=self.stop.is_set() and bool(self.waited_for()),
        )

    def _look_at(self, one: int) -> None:
        try:
            self._enter(one, read_action(self.client, one, stop=self.stop, on_pause=self._tell_pause))
        except NotFound:
            # A fresh action may be unknown for a while; one that was seen does not vanish.
            self.looked_at[one] = self.clock.elapsed()
            if self.clock.elapsed() - self.began >= _ABSENT_S and one not in self.seen:
                self.absent.add(one)

    def _enter(self, one: int, action: Action) -> None:
        known = self.seen.get(one)
        self.seen[one], self.looked_at[one] = action, self.clock.elapsed()
        if known is None or known.status != action.status:
            self.on_change(action)

    def _due_in(self, one: int) -> float:
        looked = self.looked_at.get(one)
        if looked is None:
            return 0.0
        known = self.seen.get(one)
        if known is None:
            return looked + 5.0 - self.clock.elapsed()
        return looked + next_poll_s(known.age_s or 0.0, self.expected.get(known.type or "")) - self.clock.elapsed()

    def _give_up_on_overdue(self) -> None:
        now = self.clock.elapsed()
        for one in self.waited_for():
            known = self.seen.get(one)
            kind = known.type if known is not None else None
            age = now - self.began if known is None else (known.age_s or 0.0) + now - self.looked_at[one]
            if age >= timeout_s(kind, self.expected.get(kind or "")):
                self.timed_out.add(one)

    def _tell_pause(self, pause: Pause) -> None:
        if pause.seconds >= _TELLS_FROM_S:
            self.on_trouble(f"Waiting {pause.seconds:.0f} s: {pause.reason}.")
