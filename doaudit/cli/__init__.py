"""
The command line: one module a group of commands.

Each module has `add_commands`, which describes its commands to argparse, and loads what is heavy only when one runs: a
help text needs no pandas.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from doaudit.cli import audit, check, lab, serve, snapshots, table_commands, watch
from doaudit.cli.streams import OutputLost, flush, show
from doaudit.errors import DoauditError
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import SupportsWrite

__all__ = ["COMMAND_GROUPS", "main", "make_parser"]

COMMAND_GROUPS = (audit, check, table_commands, snapshots, watch, lab, serve)
_INTERRUPTED, _READER_LEFT = 130, 141  # the statuses by which shells tell SIGINT and SIGPIPE


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit status: 0 only if what was asked really happened.

    2 means that the arguments were not understood, 3 that there are findings of the severity that `findings --fail-on`
    names, 130 that Ctrl-C ended it, 141 that who read the output has gone, 143 that SIGTERM and 129 that SIGHUP
    cancelled a snapshot, 1 anything else.
    """
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except OutputLost as lost:
        if lost.by_reader:
            return _READER_LEFT
        print_line(f"doaudit: Standard output takes nothing more ({lost.reason}), so not everything was printed.")
        return 1
    except (DoauditError, ModuleNotFoundError) as fault:
        print_line(f"doaudit: {fault}")
        return 1
    except KeyboardInterrupt as stopped:
        print_line(f"\ndoaudit: {str(stopped) or 'Stopped.'}")
        return _INTERRUPTED


def _run(words: list[str]) -> int:
    # What stands behind -- is JupyterLab's; argparse would take the first of it for the folder.
    own = words[: words.index("--")] if words[:1] == ["lab"] and "--" in words else words
    parsed = make_parser().parse_args(own)
    parsed.passed_on = words[len(own) + 1 :]
    status = int(parsed.run(parsed))
    if getattr(parsed, "output_matters", True):
        flush()
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = _Parser(
        prog="doaudit", description="Audit what happened in a DigitalOcean account. The token is DIGITALOCEAN_TOKEN."
    )
    parser.add_argument("--version", action=_ShowVersion)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in COMMAND_GROUPS:
        group.add_commands(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """A parser whose help text that cannot be printed is no success; argparse's own says nothing of it."""

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        if file is None:
            show(self.format_help().rstrip("\n"))
        else:
            super().print_help(file)


class _ShowVersion(argparse.Action):
    """Prints the version; it is looked up only then, since that takes as long as all the rest."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:  # noqa: ANN401 -- the parent's
        import doaudit  # noqa: PLC0415 -- see above

        show(f"doaudit {doaudit.__version__}")
        parser.exit()
