"""Commands on the local history as it is: `doaudit sql` and `doaudit export`."""

from __future__ import annotations

from pathlib import Path

import click

from doaudit.cli.group import Command
from doaudit.cli.options import Source, format_option, source_line, with_accounts
from doaudit.cli.output import print_rows
from doaudit.cli.streams import show
from doaudit.operations.console import print_line

__all__ = ["COMMANDS"]


@click.command(
    "sql",
    cls=Command,
    help="""query the local history in DuckDB's SQL, which can change nothing and sees no other file

    \b
    The views are actions, resources, anomalies and reads:
      doaudit sql "SELECT type, count(*) FROM actions GROUP BY ALL"
    """,
    short_help="query the local history in SQL",
)
@click.argument("query")
@format_option
@with_accounts
def _sql(source: Source, query: str, form: str, rows: int) -> int:
    with source.open_all() as account:
        print_line(source_line(account, asks=False))
        if account.is_simulated:
            account.refresh()  # its history is empty at first
        print_rows(account.history.sql(query), form, rows)
    return 0


@click.command("export", cls=Command, help="write the local history as a folder of Parquet files")
@click.argument("folder", type=click.Path(path_type=Path))
@with_accounts
def _export(source: Source, folder: Path) -> int:
    with source.open_all() as account:
        print_line(source_line(account, asks=False))
        if account.is_simulated:
            account.refresh()
        show(f"Written: {account.history.export_parquet(folder)}")
    return 0


COMMANDS = (_sql, _export)
