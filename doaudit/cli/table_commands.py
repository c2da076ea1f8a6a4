"""Every table of the registry as a command: `doaudit failure-rates --by region --format csv`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from doaudit.cli.options import add_demo, add_history, open_account, print_source
from doaudit.operations.console import print_line
from doaudit.snapshot.foreground import print_unfinished
from doaudit.tables import TABLES

if TYPE_CHECKING:
    import argparse

    from doaudit.account import Account
    from doaudit.cli.options import Commands
    from doaudit.tables import Table

__all__ = ["add_commands"]

_FORMATS = ("text", "csv")


def add_commands(commands: Commands) -> None:
    """Describe one command for each table."""
    for table in TABLES:
        command = commands.add_parser(
            table.name.replace("_", "-"),
            help=table.summary,
            description=f"{table.summary.capitalize()}. {table.how_to_read}",
        )
        if table.by:
            command.add_argument("--by", nargs="+", default=["type"], metavar="COLUMN", help="group by these (type)")
        command.add_argument("--format", choices=_FORMATS, default=_FORMATS[0], help="text for people, or csv (text)")
        command.add_argument("--no-refresh", action="store_true", help="take the history as it is, and ask nothing")
        add_demo(command)
        add_history(command)
        command.set_defaults(run=_print_table, table=table)


def _print_table(parsed: argparse.Namespace) -> int:
    from doaudit.csv import csv_bytes  # noqa: PLC0415 -- loads pandas

    table: Table = parsed.table
    with open_account(parsed) as account:
        print_source(account, sys.stderr)
        print_unfinished(account.snapshot_runs)
        actions = account.actions(refresh=not parsed.no_refresh)
        complete = _print_completeness(account)
    rows = table.function(actions, **({"by": parsed.by} if table.by else {}))
    if parsed.format == "csv":
        sys.stdout.write(csv_bytes(rows).decode())
    else:
        print(table.how_to_read)
        print(rows.to_string(index=False) if len(rows) else "There are no rows.")
    return 0 if complete else 1


def _print_completeness(account: Account) -> bool:
    """Print when the history was read, or that it is not complete; return whether it is."""
    proof = account.proof
    if proof is None:
        print_line("INCOMPLETE: this history was never read. Leave out --no-refresh.")
        return False
    if not proof.complete:
        print_line(f"INCOMPLETE: {proof.distinct_ids:,} of {proof.total_reported:,} actions ({proof.reason}).")
        return False
    print_line(f"Complete as of {proof.finished:%Y-%m-%d %H:%M} UTC: {proof.distinct_ids:,} actions.")
    return True
