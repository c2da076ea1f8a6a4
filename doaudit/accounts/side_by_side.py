"""Work on many accounts side by side: a fault of one does not stop the others, and Ctrl-C stops all."""

from __future__ import annotations

import queue
import threading
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from doaudit.api.shared import Shared
from doaudit.clock import SystemClock
from doaudit.errors import DoauditError
from doaudit.progress import AccountBar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from doaudit.api.listing import Progress

__all__ = ["AT_ONCE", "for_each_account"]

AT_ONCE = 16
"""Accounts that are worked on at once: so many that one which waits for its limit of requests holds up few others."""

T = TypeVar("T")
_POLL_S = 0.2  # a wait is broken so often, since on some systems Ctrl-C is noticed only between two waits
_END_S = 10.0  # what is being stored when Ctrl-C comes is stored to its end


def for_each_account(work: Mapping[str, Callable[[Shared], T]]) -> dict[str, T | DoauditError]:
    """
    Call a function for each account, each in a thread, and show how many are done.

    Args:
        work: the function of each account, by its name; it gets what it is to share with the others.

    Returns:
        What each returned, or the error that ended it, in the order of *work*.

    Raises:
        KeyboardInterrupt: Ctrl-C. What was being stored is stored; a request under way is not waited for.
        Exception: one ended with what is no DoauditError; the others have ended, too.

    Example:
        >>> for_each_account({"acme": lambda shared: 7})
        {'acme': 7}
    """
    shared, progress = Shared(), dict[str, "Progress"]()
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    ended: queue.SimpleQueue[tuple[str, T | BaseException]] = queue.SimpleQueue()
    outcomes: dict[str, T | BaseException] = {}

    def attempt(name: str) -> T | BaseException:
        def note(_: str, of_it: Progress) -> None:
            progress[name] = of_it

        try:
            return work[name](replace(shared, on_progress=note))
        except BaseException as fault:  # noqa: BLE001 -- it is the outcome of this account
            return fault

    def work_through() -> None:
        with suppress(queue.Empty):
            while not shared.stop.is_set():
                name = waiting.get_nowait()
                ended.put((name, attempt(name)))

    for name in work:
        waiting.put(name)
    threads: list[threading.Thread] = []
    try:
        with AccountBar(len(work)) as show:
            _start(threads, work_through, min(AT_ONCE, len(work)))
            while len(outcomes) < len(work):
                with suppress(queue.Empty):
                    outcomes.update([ended.get(timeout=_POLL_S)])
                show(len(outcomes), {name: each for name, each in progress.copy().items() if name not in outcomes})
    except KeyboardInterrupt:
        shared.stop.set()
        _join(threads)
        raise KeyboardInterrupt(
            f"Stopped: {len(outcomes):,} of {len(work):,} accounts were done. What was read of the others is kept, and "
            "the next refresh goes on from there."
        ) from None
    return {name: _outcome(outcomes[name]) for name in work}


def _outcome(outcome: T | BaseException) -> T | DoauditError:
    if isinstance(outcome, BaseException) and not isinstance(outcome, DoauditError):
        raise outcome
    return outcome


def _start(threads: list[threading.Thread], target: Callable[[], None], number: int) -> None:
    """Start threads and add each to the list. Daemons: after Ctrl-C nobody waits for a response that takes a minute."""
    for _ in range(number):
        thread = threading.Thread(target=target, name="doaudit-account", daemon=True)
        thread.start()
        threads.append(thread)


def _join(threads: Sequence[threading.Thread]) -> None:
    clock = SystemClock()
    until = clock.elapsed() + _END_S
    for thread in threads:
        thread.join(max(0.0, until - clock.elapsed()))
