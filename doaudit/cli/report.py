"""Commands about reports: `doaudit report`, of a part or of all, and `doaudit verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from doaudit.cli.audit import existing_droplets
from doaudit.cli.group import Command
from doaudit.cli.options import (
    Source,
    print_left_unfinished,
    selection_of,
    selection_options,
    source_line,
    with_accounts,
)
from doaudit.cli.streams import show
from doaudit.cli.table_commands import read_actions
from doaudit.errors import InvalidArgument
from doaudit.operations.console import print_line

__all__ = ["COMMANDS"]


@click.command("report", cls=Command, help="write a report of a part of the actions, or of all, into FOLDER")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--title", default="", metavar="TEXT", help="of the page")
@click.option("--by", default="type", metavar="COLUMN", help="group tables by it (type)")
@click.option("--excel", is_flag=True, help="also write all tables as one workbook, report.xlsx")
@click.option("--no-refresh", is_flag=True, help="take the history as it is, and ask nothing")
@selection_options
@with_accounts
def _report(source: Source, folder: Path, title: str, by: str, *, excel: bool, no_refresh: bool, **options: Any) -> int:  # noqa: ANN401 -- click's values, by name
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    selection = selection_of(options)
    conditions = {name: getattr(selection, name) for name in selection.conditions()}
    if conditions.pop("account", None) is not None:
        raise InvalidArgument("A report is of all accounts of the file; `doaudit audit --accounts` writes one of each.")
    with source.open_all() as account:
        print_line(source_line(account, asks=not no_refresh))
        print_left_unfinished(account)
        actions, complete = read_actions(account, refresh=not no_refresh)
        droplets = None if no_refresh else existing_droplets(account)
        report = da.report(
            actions, folder, account=account, droplets=droplets, title=title, by=by, excel=excel, **conditions
        )
    show(f"Report: {report.path}. {report.completeness}")
    show(f"Note this hash where others cannot write: {report.sha256} is the SHA-256 of manifest.json.")
    return 0 if complete else 1


@click.command("verify", cls=Command, help="say whether the files of a report are those that were written")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--sha256", metavar="HASH", help="of manifest.json, as it was noted when the report was written")
def _verify(folder: Path, sha256: str | None) -> int:
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    result = da.verify(folder, sha256=sha256)
    show(str(result))
    return 0 if result.intact else 1


COMMANDS = (_report, _verify)
