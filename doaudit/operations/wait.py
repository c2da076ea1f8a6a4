"""Wait until actions have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.actions import Action
from doaudit.errors import TimedOut
from doaudit.operations.action_requests import read_action
from doaudit.operations.console import print_line
from doaudit.operations.watch import watch

if TYPE_CHECKING:
    from collections.abc import Iterable

    from doaudit.api.client import Client
    from doaudit.clock import Clock
    from doaudit.expected_duration import ExpectedDurations

__all__ = ["wait_for"]


def wait_for(
    client: Client, actions: Iterable[Action | int], *, expected: ExpectedDurations, clock: Clock
) -> list[Action]:
    """
    Wait until actions have ended, and return them in their order; Ctrl-C returns them as they were last seen.

    Args:
        client: the account.
        actions: the actions, or their ids.
        expected: expected durations; see `doaudit.operations.watch`.
        clock: waits and tells the time.

    Raises:
        TimedOut: one is open for far longer than its type takes. It has not failed, and may still end.
        NotFound: DigitalOcean knows no such action.
        ApiProblem: actions cannot be read at all.
    """
    ids = [action.id if isinstance(action, Action) else int(action) for action in actions]
    result = watch(client, ids, expected=expected, clock=clock, on_trouble=print_line)
    for action_id in result.not_found:
        read_action(client, action_id)  # raises the NotFound that it is
    if result.timed_out:
        overdue = ", ".join(f"action {i} ({result.verdicts.get(i, 'never read')})" for i in result.timed_out)
        raise TimedOut(
            f"Not ended in time, and not failed: {overdue}. Look again later with "
            f"account.action({result.timed_out[0]}); if it stays open, ask DigitalOcean's support.",
            result.actions,
        )
    by_id = {action.id: action for action in result.actions}
    return [by_id[action_id] for action_id in ids if action_id in by_id]
