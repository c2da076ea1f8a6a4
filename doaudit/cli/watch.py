"""The command that watches actions until they have ended: `doaudit watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.cli.options import add_history, open_account
from doaudit.cli.streams import show
from doaudit.formatting import utc_time
from doaudit.operations.console import print_line
from doaudit.snapshot.foreground import print_unfinished

if TYPE_CHECKING:
    import argparse

    from doaudit.cli.options import Commands

__all__ = ["add_commands"]

_INTERRUPTED = 130


def add_commands(commands: Commands) -> None:
    """Describe the command."""
    watch = commands.add_parser("watch", help="follow actions until they have ended")
    watch.add_argument("actions", nargs="*", type=int, metavar="ACTION_ID", help="none for all that are open")
    add_history(watch)
    watch.set_defaults(run=_watch)


def _watch(parsed: argparse.Namespace) -> int:
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    with open_account(parsed) as account:
        print_unfinished(account.snapshot_runs)
        ids = parsed.actions
        if not ids:
            account.refresh()
            ids = da.open_actions(account.actions(refresh=False))["id"].tolist()
            show(f"{len(ids)} actions are open.")
        result = account.watch(
            ids,
            on_change=lambda action: show(
                f"{utc_time(account.now())} UTC  {action.type} {action.id} of {action.resource}: {action.status}"
            ),
            on_trouble=print_line,
        )
    for action_id in result.timed_out:
        print_line(f"Action {action_id} has not failed, and not ended: {result.verdicts.get(action_id, 'never read')}.")
    for action_id in result.not_found:
        print_line(f"DigitalOcean knows no action {action_id}.")
    if result.stopped:
        print_line(f"Stopped. Still open: {' '.join(map(str, result.unfinished))}")
        return _INTERRUPTED
    ended_well = all(action.outcome == "completed" for action in result.actions)
    return 0 if ended_well and not result.not_found else 1
