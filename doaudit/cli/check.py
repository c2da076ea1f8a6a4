"""The command that says what an audit will have: `doaudit check`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from doaudit.cli.options import (
    add_accounts,
    add_demo,
    add_history,
    open_accounts,
    print_left_unfinished,
    source_line,
)
from doaudit.cli.streams import show
from doaudit.errors import DoauditError
from doaudit.formatting import one_line, visible

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
    add_accounts(check)
    check.set_defaults(run=_check)


def _check(parsed: argparse.Namespace) -> int:
    with open_accounts(parsed) as account:
        show(source_line(account))
        print_left_unfinished(account)
        results = account.check() if isinstance(account, Mapping) else {"": account.check()}
        for name, result in results.items():
            if isinstance(account, Mapping):
                show(f"\n-- {visible(name)}")
            show(one_line(str(result)) if isinstance(result, DoauditError) else str(result))
    unusable = [name for name, each in results.items() if isinstance(each, DoauditError) or not each.usable]
    if isinstance(account, Mapping):
        those = f", not {', '.join(map(visible, unusable))}" if unusable else ""
        show(f"\n{len(results) - len(unusable):,} of {len(results):,} accounts can be audited{those}.")
    return 1 if unusable else 0
