"""Every table of the registry as a command: `doaudit failure-rates --by region --format csv`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from doaudit.cli.options import add_demo, add_history, open_account
from doaudit.tables import TABLES

if TYPE_CHECKING:
    import argparse

    from doaudit.cli.options import Commands
    from doaudit.tables import Table

__all__ = ["add_commands"]

_FORMATS = ("text", "csv")


def add_commands(commands: Commands) -> None:
    """Describe one command for each table."""
    for table in TABLES:
        description = f"{table.summary.capitalize()}. {table.how_to_read}"
        command = commands.add_parser(table.name.replace("_", "-"), help=table.summary, description=description)
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
        actions = account.actions(refresh=not parsed.no_refresh)
    rows = table.function(actions, **({"by": parsed.by} if table.by else {}))
    if parsed.format == "csv":
        sys.stdout.write(csv_bytes(rows).decode())
    else:
        print(table.how_to_read)
        print(rows.to_string(index=False) if len(rows) else "There are no rows.")
    return 0
