"""Commands and their group, as click has them, with help that is printed by our own streams."""

from __future__ import annotations

import difflib
from typing import Any

import click

from doaudit.cli.streams import show

__all__ = ["Command", "Group", "usage_message"]


class Command(click.Command):
    """
    Command whose callback returns an exit status.

    Attributes:
        output_matters: true if it fails where what it printed last is lost.
    """

    def __init__(self, *arguments: Any, output_matters: bool = True, **options: Any) -> None:  # noqa: ANN401 -- click's own
        if options.get("short_help") is None:
            options["short_help"] = options.get("help")  # whole, and not cut after some letters
        super().__init__(*arguments, **options)
        self.output_matters = output_matters

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option that prints the help text; one that cannot be printed is no success."""
        return _with_our_help(super().get_help_option(ctx))


class Group(click.Group):
    """Group of all commands, which names the nearest one where there is none of that name."""

    command_class = Command

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option that prints the help text."""
        return _with_our_help(super().get_help_option(ctx))

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's own
        """Return the names in the order in which they were added, which is that of an audit."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first word names."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self.commands, n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def usage_message(fault: click.UsageError) -> str:
    """Say in one paragraph what was not understood, and how to see what would be."""
    path = "doaudit" if fault.ctx is None else fault.ctx.command_path
    text = " ".join(fault.format_message().split())
    return f"{text.rstrip('.')}{'' if text.endswith('?') else '.'} `{path} --help` shows how it is used."


def _with_our_help(option: click.Option | None) -> click.Option | None:
    if option is not None:
        option.callback = _show_help
        option.help = "show this text"
    return option


def _show_help(context: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001 -- click's own
    if value and not context.resilient_parsing:
        show(context.get_help())
        context.exit()
