"""
The command line: one module a group of commands.

Each module has `add_commands`, which describes its commands to argparse, and loads what is heavy only when one runs: a
help text needs no pandas.
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from doaudit.cli import audit, lab, serve, snapshots, table_commands, watch
from doaudit.errors import DoauditError
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMAND_GROUPS", "main", "make_parser"]

COMMAND_GROUPS = (audit, table_commands, snapshots, watch, lab, serve)
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit status: 0 only if what was asked really happened.

    2 means that the arguments were not understood, 130 that Ctrl-C ended it, 143 that SIGTERM and 129 that SIGHUP
    cancelled a snapshot, 1 anything else.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # What stands behind -- is JupyterLab's; argparse would take the first of it for the folder.
    own = words[: words.index("--")] if words[:1] == ["lab"] and "--" in words else words
    parsed = make_parser().parse_args(own)
    parsed.passed_on = words[len(own) + 1 :]
    try:
        return int(parsed.run(parsed))
    except (DoauditError, ModuleNotFoundError) as fault:
        print_line(f"doaudit: {fault}")
        return 1
    except KeyboardInterrupt as stopped:
        print_line(f"\ndoaudit: {str(stopped) or 'Stopped.'}")
        return _INTERRUPTED


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="doaudit", description="Audit what happened in a DigitalOcean account. The token is DIGITALOCEAN_TOKEN."
    )
    parser.add_argument("--version", action=_ShowVersion)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for group in COMMAND_GROUPS:
        group.add_commands(commands)
    return parser


class _ShowVersion(argparse.Action):
    """Prints the version; it is looked up only then, since that takes as long as all the rest."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:  # noqa: ANN401 -- the parent's
        import doaudit  # noqa: PLC0415 -- see above

        print(f"doaudit {doaudit.__version__}")
        parser.exit()
