"""The command that watches actions until they have ended: `doaudit watch`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from doaudit.cli.options import add_history, open_account
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
            print(f"{len(ids)} actions are open.", flush=True)
        result = account.watch(
            ids,
            on_change=lambda action: print(
                f"{utc_time(account.now())} UTC  {action.type} {action.id} of {action.resource}: {action.status}",
                flush=True,
            ),
            on_trouble=print_line,
        )
    for action_id in result.timed_out:
        print(f"Action {action_id} is open for longer than its kind takes; it has not failed.", file=sys.stderr)
    for action_id in result.not_found:
        print(f"DigitalOcean knows no action {action_id}.", file=sys.stderr)
    if result.stopped:
        print(f"Stopped. Still open: {' '.join(map(str, result.unfinished))}", file=sys.stderr)
        return _INTERRUPTED
    ended_well = all(action.outcome == "completed" for action in result.actions)
    return 0 if ended_well and not result.not_found else 1
