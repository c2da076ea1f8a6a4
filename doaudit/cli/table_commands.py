"""Every table of the registry as a command: `doaudit failure-rates --by region --format csv`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from doaudit.cli import findings
from doaudit.cli.options import (
    add_accounts,
    add_demo,
    add_history,
    add_selection,
    open_accounts,
    print_left_unfinished,
    selection_of,
    source_line,
)
from doaudit.cli.streams import show, show_bytes
from doaudit.errors import Forbidden
from doaudit.formatting import visible
from doaudit.operations.console import print_line
from doaudit.tables import TABLES

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from doaudit.account import Account
    from doaudit.accounts import Accounts
    from doaudit.analysis import Selection
    from doaudit.api.listing import Proof
    from doaudit.cli.options import Commands
    from doaudit.tables import Table

__all__ = ["add_commands"]

_FORMATS = ("text", "csv")
_LONGEST = 100  # characters of a cell that people read; csv has all of it
_WITH_STATUS = {"findings": findings}  # modules that add options to a table's command, and decide its exit status


def add_commands(commands: Commands) -> None:
    """Describe one command for each table."""
    for table in TABLES:
        command = commands.add_parser(
            table.name.replace("_", "-"),
            help=table.summary,
            description=f"{table.summary.capitalize()}. {table.how_to_read}",
        )
        if table.by:
            words = f"group by these ({table.by})"
            command.add_argument("--by", nargs="+", default=[table.by], metavar="COLUMN", help=words)
        for option in table.options:
            command.add_argument(f"--{option.name}", nargs="+" if option.many else None, help=option.summary)
        command.add_argument("--format", choices=_FORMATS, default=_FORMATS[0], help="text for people, or csv (text)")
        command.add_argument("--no-refresh", action="store_true", help="take the history as it is, and ask nothing")
        add_demo(command)
        add_history(command)
        add_accounts(command)
        if not table.of_all:
            add_selection(command)
        if table.name in _WITH_STATUS:
            _WITH_STATUS[table.name].add_options(command)
        command.set_defaults(run=_print_table, table=table)


def _print_table(parsed: argparse.Namespace) -> int:
    from doaudit.csv import csv_bytes  # noqa: PLC0415 -- loads pandas

    table: Table = parsed.table
    selection = None if table.of_all else selection_of(parsed)
    with open_accounts(parsed) as account:
        print_line(source_line(account))
        print_left_unfinished(account)
        actions = _read_actions(account, refresh=not parsed.no_refresh)
        complete = _print_completeness(account)
        arguments = _arguments(table, parsed)
        # Of a selection, every droplet that has no action in it would seem to have no backup.
        is_part = selection is not None and bool(selection.conditions())
        if not (parsed.no_refresh or (is_part and table.from_account == "droplets")):
            arguments |= _ask_account(account, table)
    actions = actions if selection is None else _select(selection, actions)
    rows = table.function(actions, **arguments)
    if parsed.format == "csv":
        text = csv_bytes(rows)
        if sys.stdout.isatty():
            show(text.decode().rstrip("\n"))
        else:
            show_bytes(text)
    else:
        show(table.how_to_read)
        show(_visible_cells(rows).to_string(index=False) if len(rows) else "There are no rows.")
    status = 0 if complete else 1
    return _WITH_STATUS[table.name].exit_status(rows, parsed, status) if table.name in _WITH_STATUS else status


def _arguments(table: Table, parsed: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of the table's function that were given, or have a value of their own here."""
    names = [*(["by"] if table.by else []), *(option.name for option in table.options)]
    return {name: getattr(parsed, name) for name in names if getattr(parsed, name) is not None}


def _select(selection: Selection, actions: pd.DataFrame) -> pd.DataFrame:
    """Return the selected actions, and print how many they are, or why there are none."""
    if not selection.conditions():
        return actions
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # said below, in the words of the command line
        selected = selection.apply(actions)
    counts = f"Selected {len(selected):,} of {len(actions):,} actions: {', '.join(selection.conditions().values())}."
    print_line(selection.why_nothing(actions) if selected.empty else counts)
    return selected


def _ask_account(account: Account | Accounts, table: Table) -> dict[str, Any]:
    """Return the argument that only the account can give; if its token may not, print that and leave it out."""
    try:
        match table.from_account:
            case "droplets":
                return {"droplets": account.droplets()}
            case "started_by_doaudit":
                started = account.started()
                return {"started_by_doaudit": started if isinstance(account, Mapping) else started["id"]}
    except Forbidden as fault:
        print_line(f"{fault} What only the account can tell is left empty.")
    return {}


def _visible_cells(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose texts a terminal only shows; null stays null, and sentences are shown to their end."""
    texts = rows.select_dtypes(include=["object", "string", "category"])
    shown = {
        name: texts[name].map(
            lambda cell, whole=name == "sentence": _visible_cell(cell, whole=whole), na_action="ignore"
        )
        for name in texts.columns
    }
    return rows.assign(**shown)


def _visible_cell(cell: object, *, whole: bool) -> object:
    if not isinstance(cell, str):
        return cell
    text = visible(cell)
    return text if whole or len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _read_actions(account: Account | Accounts, *, refresh: bool) -> pd.DataFrame:
    """Return the actions, and print warnings as the sentences that they are."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        actions = account.actions(refresh=refresh)
    for each in told:
        print_line(str(each.message))
    return actions


def _print_completeness(account: Account | Accounts) -> bool:
    """Print when the history was read, or that it is not complete; return whether it is."""
    if not isinstance(account, Mapping):
        complete, sentence = _completeness(account.proof)
        print_line(sentence)
        return complete
    said = {name: _completeness(proof) for name, proof in account.proof.items()}
    lacking = [f"{visible(name)}: {sentence}" for name, (complete, sentence) in said.items() if not complete]
    for line in lacking:
        print_line(line)
    whole = len(said) - len(lacking)
    print_line(f"{whole:,} of {len(account):,} accounts are complete.")
    return whole == len(account)


def _completeness(proof: Proof | None) -> tuple[bool, str]:
    if proof is None:
        return False, "INCOMPLETE: this history was never read. Leave out --no-refresh."
    if not proof.complete:
        said = str(proof)
        return False, f"{said[:1].upper()}{said[1:]}."
    return True, f"Complete as of {proof.finished:%Y-%m-%d %H:%M} UTC: {proof.distinct_ids:,} actions."
