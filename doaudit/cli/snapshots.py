"""Commands that take snapshots: `doaudit snapshot` and `doaudit resume`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from doaudit.cli.confirm import refusal
from doaudit.cli.group import Command
from doaudit.cli.options import Source, source_line, with_account, yes_option
from doaudit.errors import InvalidArgument
from doaudit.operations.console import print_line
from doaudit.operations.droplet_names import droplet_ids
from doaudit.snapshot.foreground import print_unfinished, run_to_completion
from doaudit.snapshot.many import plan_each, queue_to_completion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from doaudit.snapshot.run import Run

__all__ = ["COMMANDS"]


@click.command(
    "snapshot",
    cls=Command,
    output_matters=False,
    help="""take a snapshot of a droplet: shut down, snapshot, switch on again

    \b
      doaudit snapshot web-08
      doaudit snapshot 3164450 "before the upgrade"
      doaudit snapshot 'web-*' "{droplet} before the upgrade"
      doaudit snapshot --droplet web-08 --droplet db-01 nightly

    DROPLET is an id, a name, or a pattern in quotes. Several are taken one after the other, or --at-once; the first
    that fails ends it, unless you --keep-going. NAME is that of the snapshot, by default the droplet's and the time in
    UTC; {droplet} in it is the droplet's name.
    """,
    short_help="take a snapshot of a droplet: shut down, snapshot, switch on again",
)
@click.argument("words", nargs=-1, metavar="[DROPLET] [NAME]")
@click.option("--droplet", "droplets", multiple=True, metavar="DROPLET", help="one of several; repeated")
@click.option("--live", is_flag=True, help="leave the droplet on")
@click.option("--at-once", type=click.IntRange(1), default=1, metavar="N", help="of several, take so many at a time")
@click.option("--keep-going", is_flag=True, help="of several, take the others although one has failed")
@yes_option
@with_account
def _snapshot(
    source: Source,
    words: tuple[str, ...],
    droplets: tuple[str, ...],
    *,
    live: bool,
    at_once: int,
    keep_going: bool,
    yes: bool,
) -> int:
    chosen, name = _read_words(words, droplets)
    with source.open(acts=True) as account:
        runs = account.snapshot_runs
        print_unfinished(runs)
        print_line(source_line(account, acts=True))
        existing = account.droplets()
        if name in existing["name"].tolist():
            raise InvalidArgument(
                f"{name!r} is the name of a droplet, so it is not taken for that of a snapshot. To take several, write "
                f"--droplet before each, or one pattern in quotes, such as 'web-*'."
            )
        plans = plan_each(runs, droplet_ids(chosen, existing), name, live=live)
        for plan in plans:
            _print_plan(plan)
        if status := refusal("Begin? Type yes: ", yes=yes, simulated=account.is_simulated):
            return status
        if len(plans) == 1:
            run_to_completion(runs.job(plans[0]))
        else:
            queue_to_completion(runs.queue(plans, at_once=at_once, keep_going=keep_going))
        return 0


def _read_words(words: Sequence[str], droplets: Sequence[str]) -> tuple[list[str], str | None]:
    """Return the droplets and the name of the snapshot, which is the word after them."""
    first = [] if droplets else list(words[:1])
    rest = words[len(first) :]
    if not first and not droplets:
        raise click.UsageError("Name a droplet, by its id or its name", click.get_current_context())
    if len(rest) > 1:
        many = "Name one droplet and one snapshot. To take several, write --droplet before each, or a pattern in quotes"
        raise click.UsageError(f"There are {len(words)} words. {many}, such as 'web-*'", click.get_current_context())
    return [*droplets, *first], rest[0] if rest else None


def _print_plan(plan: Run) -> None:
    droplet = f"droplet {plan.droplet_name} ({plan.droplet_id}, {plan.region})"
    print_line(f"Snapshot '{plan.snapshot_name}' of {droplet}.", sys.stdout)
    for line in (plan.sentence, *plan.notes, *(f"  - {step.sentence}" for step in plan.steps)):
        print_line(line, sys.stdout)


@click.command(
    "resume",
    cls=Command,
    output_matters=False,
    help="resume snapshots that a lost machine left, and see that droplets are on",
)
@yes_option
@with_account
def _resume(source: Source, *, yes: bool) -> int:
    with source.open(acts=True) as account:
        print_unfinished(account.snapshot_runs)
        print_line(source_line(account, acts=True))
        runs = account.snapshot_runs
        if (runs.unfinished() or runs.unfinished_queues()) and (status := refusal("Resume? Type yes: ", yes=yes)):
            return status
        account.resume()
        return 0


COMMANDS = (_snapshot, _resume)
