"""The command that prints what a shell needs to complete words: `doaudit completion bash`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from doaudit.cli.group import Command
from doaudit.cli.streams import show

if TYPE_CHECKING:
    from doaudit.cli.group import Group

__all__ = ["COMMANDS", "VARIABLE", "complete"]

VARIABLE = "_DOAUDIT_COMPLETE"
"""The variable by which a shell asks for words."""

_SHELLS = ("bash", "zsh", "fish")


def complete(group: Group, instruction: str) -> int:
    """Answer a shell that asks for words, or for its script, and return the exit status."""
    from click.shell_completion import shell_complete  # noqa: PLC0415 -- loaded only to complete

    return shell_complete(group, {}, "doaudit", VARIABLE, instruction)


@click.command(
    "completion", cls=Command, help='print what a shell needs to complete words: eval "$(doaudit completion bash)"'
)
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def _completion(context: click.Context, shell: str) -> int:
    from click.shell_completion import get_completion_class  # noqa: PLC0415 -- see above

    kind = get_completion_class(shell)
    if kind is not None:
        show(kind(context.find_root().command, {}, "doaudit", VARIABLE).source())
    return 0


COMMANDS = (_completion,)
