"""
The command line: one module a group of commands.

Each module has `COMMANDS`, and loads what is heavy only when one of them runs: a help text needs no pandas.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from doaudit.cli import (
    actions,
    audit,
    check,
    completion,
    history,
    lab,
    report,
    serve,
    snapshots,
    table_commands,
)
from doaudit.cli.group import Command, Group, usage_message
from doaudit.cli.options import token_variable
from doaudit.cli.streams import OutputLost, flush, show
from doaudit.errors import DoauditError, TokenMissing, Unauthorized
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "main"]

_GROUPS = (audit, report, check, table_commands, history, actions, snapshots, lab, serve, completion)
_NOT_UNDERSTOOD, _INTERRUPTED, _READER_LEFT = 2, 130, 141  # by the last two shells tell SIGINT and SIGPIPE
_ABOUT = """Audit what happened in a DigitalOcean account.

\b
Three to begin with:
  doaudit audit --demo                       a report of a simulated account
  doaudit findings                           what somebody should know of yours
  doaudit failures --since 7d --region nyc3  what failed there this week
"""
_ENVIRONMENT = """\b
Environment:
  DIGITALOCEAN_TOKEN    the token; DIGITALOCEAN_ACCESS_TOKEN and DO_TOKEN are looked at after it
  DIGITALOCEAN_API_URL  another address of the API, such as that of doaudit demo
  DOAUDIT_STATE_DIR     where snapshot runs are noted
  NO_COLOR              no colours on terminals
"""


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's own
    if value and not context.resilient_parsing:
        import doaudit  # noqa: PLC0415 -- the version is looked up only then, since that takes as long as all the rest

        show(f"doaudit {doaudit.__version__}")
        context.exit()


_VERSION = click.Option(
    ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="show the version"
)
COMMANDS = Group(
    "doaudit",
    help=_ABOUT,
    epilog=_ENVIRONMENT,
    no_args_is_help=False,
    invoke_without_command=True,
    subcommand_metavar="COMMAND ...",
    callback=lambda: None,
    params=[_VERSION],
    context_settings={"max_content_width": 110},
)
for group in _GROUPS:
    for command in group.COMMANDS:
        COMMANDS.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit status: 0 only if what was asked really happened.

    2 means that the arguments were not understood, or that nobody could be asked to confirm a change; 3 that there are
    findings of the severity that `findings --fail-on` names, 130 that Ctrl-C ended it, 141 that who read the output has
    gone, 143 that SIGTERM and 129 that SIGHUP cancelled a snapshot, 1 anything else.
    """
    if instruction := os.getenv(completion.VARIABLE):
        return completion.complete(COMMANDS, instruction)
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except OutputLost as lost:
        if not lost.by_reader:
            print_line(f"doaudit: Standard output takes nothing more ({lost.reason}), so not everything was printed.")
        return _READER_LEFT if lost.by_reader else 1
    except click.UsageError as fault:
        print_line(f"doaudit: {usage_message(fault)}")
        return _NOT_UNDERSTOOD
    except (DoauditError, ModuleNotFoundError) as fault:
        print_line(f"doaudit: {fault}{_in_a_shell(fault)}")
        return 1
    except KeyboardInterrupt as stopped:
        print_line(f"\ndoaudit: {str(stopped) or 'Stopped.'}")
        return _INTERRUPTED


def _in_a_shell(fault: Exception) -> str:
    """Return what to add to a message, which may have been written for Python, so that it fits a shell."""
    if isinstance(fault, TokenMissing):
        return " In a shell: export DIGITALOCEAN_TOKEN=..., or add --demo for the simulated account."
    variable = token_variable()
    return f" The token was taken from {variable}." if isinstance(fault, Unauthorized) and variable else ""


def _run(words: list[str]) -> int:
    # What stands behind -- is JupyterLab's; click would take the first of it for the folder.
    own = words[: words.index("--")] if words[:1] == ["lab"] and "--" in words else words
    try:
        with COMMANDS.make_context("doaudit", own, obj=words[len(own) + 1 :]) as context:
            result = COMMANDS.invoke(context)
            if context.invoked_subcommand is None:
                show(context.get_help())
                return 0
            chosen = COMMANDS.commands[context.invoked_subcommand]
    except click.exceptions.Exit as ended:
        flush()
        return ended.exit_code
    if not isinstance(chosen, Command) or chosen.output_matters:
        flush()
    return int(result)
