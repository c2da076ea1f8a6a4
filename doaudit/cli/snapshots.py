"""Commands that change an account: `doaudit snapshot` and `doaudit resume`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from doaudit.cli.options import add_history, open_account
from doaudit.errors import NotPossible
from doaudit.operations.console import confirmed, print_line
from doaudit.snapshot.foreground import print_unfinished, run_to_completion

if TYPE_CHECKING:
    import argparse

    from doaudit.cli.options import Commands

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Describe the commands."""
    snapshot = commands.add_parser(
        "snapshot", help="take a snapshot of a droplet: shut down, snapshot, switch on again"
    )
    snapshot.add_argument("droplet", type=int, metavar="DROPLET_ID")
    snapshot.add_argument("name", nargs="?", metavar="NAME", help="of the snapshot (the droplet's and the time in UTC)")
    snapshot.add_argument("--live", action="store_true", help="leave the droplet on")
    snapshot.add_argument("--yes", action="store_true", help="begin without asking")
    add_history(snapshot)
    snapshot.set_defaults(run=_snapshot, output_matters=False)
    resume = commands.add_parser(
        "resume", help="resume snapshots that a lost machine left, and see that droplets are on"
    )
    resume.add_argument("--yes", action="store_true", help="begin without asking")
    add_history(resume)
    resume.set_defaults(run=_resume, output_matters=False)


def _snapshot(parsed: argparse.Namespace) -> int:
    with open_account(parsed) as account:
        runs = account.snapshot_runs
        print_unfinished(runs)
        plan = runs.plan(parsed.droplet, parsed.name, live=parsed.live)
        droplet = f"droplet {plan.droplet_name} ({plan.droplet_id}, {plan.region})"
        print_line(f"Snapshot '{plan.snapshot_name}' of {droplet}.", sys.stdout)
        for line in (plan.sentence, *plan.notes, *(f"  - {step.sentence}" for step in plan.steps)):
            print_line(line, sys.stdout)
        if not parsed.yes and not _agreed("Begin? Type yes: "):
            print_line("Nothing was begun.", sys.stdout)
            return 1
        run_to_completion(runs.job(plan))
        return 0


def _resume(parsed: argparse.Namespace) -> int:
    with open_account(parsed) as account:
        print_unfinished(account.snapshot_runs)
        if account.snapshot_runs.unfinished() and not parsed.yes and not _agreed("Resume? Type yes: "):
            print_line("Nothing was resumed.", sys.stdout)
            return 1
        account.resume()
        return 0


def _agreed(question: str) -> bool:
    try:
        return confirmed(question, how_without="--yes")
    except NotPossible as nobody:
        print_line(str(nobody))
        return False
