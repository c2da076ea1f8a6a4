"""The command that says what an audit will have: `doaudit check`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from doaudit.cli.group import Command
from doaudit.cli.options import Source, print_left_unfinished, source_line, with_accounts
from doaudit.cli.streams import show
from doaudit.errors import DoauditError
from doaudit.formatting import one_line, visible

__all__ = ["COMMANDS"]


@click.command(
    "check", cls=Command, help="say whose token it is, what it may read, how the history is, and what will be lacking"
)
@with_accounts
def _check(source: Source) -> int:
    with source.open_all() as account:
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


COMMANDS = (_check,)
