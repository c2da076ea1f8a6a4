"""Wait until actions have ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.errors import TimedOut
from doaudit.operations.action_requests import read_action
from doaudit.operations.console import print_line
from doaudit.operations.watch import watch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from doaudit.actions import Action
    from doaudit.api.client import Client
    from doaudit.clock import Clock
    from doaudit.expected_duration import ExpectedDuration

__all__ = ["wait_for"]


def wait_for(
    client: Client, ids: Sequence[int], *, expected: Mapping[str, ExpectedDuration], clock: Clock
) -> dict[int, Action]:
    """
    Wait until actions have ended, and return them by id; Ctrl-C returns them as they were last seen.

    Args:
        client: the account.
        ids: the actions.
        expected: expected durations by type; see `doaudit.operations.watch`.
        clock: waits and tells the time.

    Raises:
        TimedOut: one is open for far longer than its type takes. It has not failed, and may still end.
        NotFound: DigitalOcean knows no such action.
        ApiProblem: actions cannot be read at all.
    """
    result = watch(client, ids, expected=expected, clock=clock, on_trouble=print_line)
    for absent in result.absent:
        read_action(client, absent)  # raises the NotFound that it is
    if result.timed_out:
        raise TimedOut(
            f"Not ended in time, and not failed: action {', '.join(map(str, result.timed_out))}. Look again later with "
            f"account.action({result.timed_out[0]}); if it stays open, ask DigitalOcean's support.",
            result.actions,
        )
    return {action.id: action for action in result.actions}
