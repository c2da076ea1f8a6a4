"""The command that says what an audit will have: `doaudit check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.cli.options import add_demo, add_history, open_account, source_line
from doaudit.cli.streams import show
from doaudit.snapshot.foreground import print_unfinished

if TYPE_CHECKING:
    import argparse

    from doaudit.cli.options import Commands

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Describe the command."""
    check = commands.add_parser(
        "check", help="say whose token it is, what it may read, how the history is, and what will be lacking"
    )
    add_demo(check)
    add_history(check)
    check.set_defaults(run=_check)


def _check(parsed: argparse.Namespace) -> int:
    with open_account(parsed) as account:
        show(source_line(account))
        print_unfinished(account.snapshot_runs)
        result = account.check()
        show(str(result))
    return 0 if result.usable else 1
