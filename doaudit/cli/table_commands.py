"""Every table of the registry as a command: `doaudit failure-rates --by region --format csv`."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from doaudit.cli import findings
from doaudit.cli.group import Command
from doaudit.cli.options import (
    Source,
    format_option,
    many_option,
    print_left_unfinished,
    selection_of,
    selection_options,
    source_line,
    with_accounts,
)
from doaudit.cli.output import print_rows
from doaudit.errors import Forbidden
from doaudit.formatting import time_span, visible
from doaudit.operations.console import print_line
from doaudit.tables import TABLES

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from doaudit.account import Account
    from doaudit.accounts import Accounts
    from doaudit.analysis import Selection
    from doaudit.api.listing import Proof
    from doaudit.tables import Table

__all__ = ["COMMANDS", "read_actions"]

_OLD_S = 60.0  # from which on the age of the last read is said
_OF_RESOURCES = "timeline"  # the table that is asked of one resource or of a few, which are named first


def _command(table: Table) -> click.Command:
    """Return the command of a table."""

    def run(source: Source, form: str, rows: int, *, no_refresh: bool, **options: Any) -> int:  # noqa: ANN401 -- click's values, by name
        return _print_table(table, source, (form, rows), options, refresh=not no_refresh)

    decorated = with_accounts(run)
    if not table.of_all:
        decorated = selection_options(decorated)
    words = "take the history as it is, say how old it is, and ask nothing"
    decorated = format_option(click.option("--no-refresh", is_flag=True, help=words)(decorated))
    for option in reversed(table.options):
        flag = f"--{option.name}"
        is_one = click.option(flag, metavar="VALUE", help=option.summary)
        decorated = (many_option(option.name, "VALUE,...", option.summary) if option.many else is_one)(decorated)
    if table.by:
        decorated = many_option("by", "COLUMN,...", f"group by these ({table.by})", [table.by])(decorated)
    if table.name == _OF_RESOURCES:
        decorated = click.argument("resources", nargs=-1, metavar="[RESOURCE]...")(decorated)
    if table.name == "findings":
        decorated = _with(decorated, findings.OPTIONS)
    text = f"{table.summary.capitalize()}. {table.how_to_read}"
    make = click.command(table.name.replace("_", "-"), cls=Command, help=text, short_help=table.summary)
    return make(decorated)


def _with(decorated: Any, options: tuple[click.Option, ...]) -> Any:  # noqa: ANN401 -- a function that click has marked
    decorated.__click_params__ = [*getattr(decorated, "__click_params__", []), *options]
    return decorated


def _print_table(
    table: Table, source: Source, printed_as: tuple[str, int], options: dict[str, Any], *, refresh: bool
) -> int:
    fail_on = options.pop("fail_on", None)
    if resources := options.pop("resources", ()):
        options["resource"] = (*options["resource"], *resources)
    selection = None if table.of_all else selection_of(options)
    # What is left are arguments of the table's function; those that were not given keep their value there.
    arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items() if value}
    with source.open_all() as account:
        print_line(source_line(account, asks=refresh))
        print_left_unfinished(account)
        actions, complete = read_actions(account, refresh=refresh)
        # Of a part, only droplets that have an action in it are looked at, whether they still exist or not.
        is_part = selection is not None and bool(selection.conditions())
        if refresh and not (is_part and table.from_account == "droplets"):
            arguments |= _ask_account(account, table)
    selected = actions if selection is None else _select(selection, actions)
    if selection is not None and is_part and table.told_by_all:
        from doaudit.analysis.part import of_part, window_of  # noqa: PLC0415 -- loads pandas

        every = table.function(actions, **arguments)
        rows = of_part(every, selected, table.told_by_all, window_of(selection, actions))
    else:
        rows = table.function(selected, **arguments)
    print_rows(rows, *printed_as, how_to_read=table.how_to_read)
    status = 0 if complete else 1
    return findings.exit_status(rows, fail_on, status) if table.name == "findings" else status


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


def read_actions(account: Account | Accounts, *, refresh: bool) -> tuple[pd.DataFrame, bool]:
    """
    Return the actions, and whether they are complete; print warnings, and as of when they are complete, or why not.

    Args:
        account: one or several.
        refresh: false to take the history as it is; that of a simulated account, which is empty at first, is read.
    """
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        actions = account.actions(refresh=refresh or account.is_simulated)
    for each in told:
        print_line(str(each.message))
    return actions, _print_completeness(account)


def _print_completeness(account: Account | Accounts) -> bool:
    """Print when the history was read, or that it is not complete; return whether it is."""
    if not isinstance(account, Mapping):
        complete, sentence = _completeness(account.proof, account.now())
        print_line(sentence)
        return complete
    said = {name: _completeness(proof, account.now()) for name, proof in account.proof.items()}
    lacking = [f"{visible(name)}: {sentence}" for name, (complete, sentence) in said.items() if not complete]
    for line in lacking:
        print_line(line)
    whole = len(said) - len(lacking)
    print_line(f"{whole:,} of {len(account):,} accounts are complete.")
    return whole == len(account)


def _completeness(proof: Proof | None, now: datetime) -> tuple[bool, str]:
    if proof is None:
        return False, "INCOMPLETE: this history was never read. Leave out --no-refresh."
    if not proof.complete:
        said = str(proof)
        return False, f"{said[:1].upper()}{said[1:]}."
    age_s = (now - proof.finished).total_seconds()
    ago = f", {time_span(age_s)} ago" if age_s >= _OLD_S else ""
    return True, f"Complete as of {proof.finished:%Y-%m-%d %H:%M} UTC{ago}: {proof.distinct_ids:,} actions."


COMMANDS = tuple(_command(table) for table in TABLES)
