"""Commands that take snapshots: `doaudit snapshot` and `doaudit resume`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from doaudit.cli.confirm import refusal
from doaudit.cli.group import Command
from doaudit.cli.names import droplet_ids
from doaudit.cli.options import Source, source_line, with_account, yes_option
from doaudit.errors import InvalidArgument
from doaudit.formatting import visible
from doaudit.operations.console import print_line
from doaudit.snapshot.foreground import print_unfinished, run_to_completion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from doaudit.account import Account
    from doaudit.snapshot.run import Run

__all__ = ["COMMANDS"]

_DROPLET = "{droplet}"


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

    DROPLET is an id, a name, or a pattern in quotes. Several are taken one after the other; the first that fails ends
    it. NAME is that of the snapshot, by default the droplet's and the time in UTC; {droplet} in it is the droplet's
    name.
    """,
    short_help="take a snapshot of a droplet: shut down, snapshot, switch on again",
)
@click.argument("words", nargs=-1, metavar="[DROPLET] [NAME]")
@click.option("--droplet", "droplets", multiple=True, metavar="DROPLET", help="one of several; repeated")
@click.option("--live", is_flag=True, help="leave the droplet on")
@yes_option
@with_account
def _snapshot(source: Source, words: tuple[str, ...], droplets: tuple[str, ...], *, live: bool, yes: bool) -> int:
    chosen, name = _read_words(words, droplets)
    with source.open(acts=True) as account:
        runs = account.snapshot_runs
        print_unfinished(runs)
        print_line(source_line(account, acts=True))
        existing = account.droplets()
        names = dict(zip(existing["id"].tolist(), map(str, existing["name"]), strict=True))
        if name in names.values():
            raise InvalidArgument(
                f"{name!r} is the name of a droplet, so it is not taken for that of a snapshot. To take several, write "
                f"--droplet before each, or one pattern in quotes, such as 'web-*'."
            )
        called = {each: _snapshot_name(name, each, names) for each in droplet_ids(chosen, existing)}
        plans = [runs.plan(droplet_id, its_name, live=live) for droplet_id, its_name in called.items()]
        for plan in plans:
            _print_plan(plan)
        if status := refusal("Begin? Type yes: ", yes=yes, simulated=account.is_simulated):
            return status
        _take(account, plans)
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


def _snapshot_name(name: str | None, droplet_id: int, names: Mapping[int, str]) -> str | None:
    return None if name is None else name.replace(_DROPLET, names.get(droplet_id, str(droplet_id)))


def _print_plan(plan: Run) -> None:
    droplet = f"droplet {plan.droplet_name} ({plan.droplet_id}, {plan.region})"
    print_line(f"Snapshot '{plan.snapshot_name}' of {droplet}.", sys.stdout)
    for line in (plan.sentence, *plan.notes, *(f"  - {step.sentence}" for step in plan.steps)):
        print_line(line, sys.stdout)


def _take(account: Account, plans: Sequence[Run]) -> None:
    """Take one snapshot after the other; whatever ends that, say which were not begun."""
    runs, left = account.snapshot_runs, list(plans)
    try:
        while left:
            plan = left[0]
            if plan is not plans[0]:
                # Planned anew: while the others were taken, the droplet may have been switched off or on.
                name = None if plan.default_name else plan.snapshot_name
                plan = runs.plan(plan.droplet_id, name, live=plan.live)
            run_to_completion(runs.job(plan))
            left.pop(0)
    finally:
        if len(left) > 1:
            waiting = ", ".join(f"{visible(plan.droplet_name)} ({plan.droplet_id})" for plan in left[1:])
            print_line(f"Not begun: {waiting}.")


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
        if account.snapshot_runs.unfinished() and (status := refusal("Resume? Type yes: ", yes=yes)):
            return status
        account.resume()
        return 0


COMMANDS = (_snapshot, _resume)
