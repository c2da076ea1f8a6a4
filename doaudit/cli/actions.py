"""Commands on single actions: `doaudit droplets`, `doaudit action`, `doaudit act` and `doaudit watch`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from doaudit.cli.confirm import refusal
from doaudit.cli.group import Command
from doaudit.cli.names import resource_key
from doaudit.cli.options import (
    Source,
    format_option,
    print_left_unfinished,
    source_line,
    with_account,
    with_accounts,
    yes_option,
)
from doaudit.cli.output import print_rows
from doaudit.cli.streams import show
from doaudit.formatting import count, utc_time
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    import pandas as pd

    from doaudit.account import Account
    from doaudit.actions import Action
    from doaudit.operations.watch import WatchResult

__all__ = ["COMMANDS"]

_INTERRUPTED = 130
_HOW_LONG = (
    "Each is looked at until it has ended, or is open three times as long as 99 % of those like it took, and at least "
    "10 minutes, an hour for a snapshot; an id that DigitalOcean does not know is given up after 2 minutes. Ctrl-C "
    "stops looking, and changes nothing."
)
_WORDS = {"true": True, "false": False}


@click.command("droplets", cls=Command, help="list the droplets that exist now")
@format_option
@with_accounts
def _droplets(source: Source, form: str, rows: int) -> int:
    with source.open_all() as account:
        print_line(source_line(account))
        print_left_unfinished(account)
        print_rows(account.droplets(), form, rows)
    return 0


@click.command("action", cls=Command, help="read one action by its id, as it is now")
@click.argument("action_id", type=click.IntRange(min=0))
@click.option("--wait", is_flag=True, help="until it has ended")
@format_option
@with_account
def _action(source: Source, action_id: int, form: str, rows: int, *, wait: bool) -> int:
    with source.open(acts=wait) as account:
        print_line(source_line(account))
        action = account.wait(action_id) if wait else account.action(action_id)
        print_rows(_table(action), form, rows)
    return 0 if action.outcome in ("completed", "open") and not (wait and action.outcome == "open") else 1


@click.command(
    "act",
    cls=Command,
    help="""start an event of a resource, once

    \b
      doaudit act web-08 reboot --wait
      doaudit act droplet:3164450 resize --set size=s-2vcpu-4gb --set disk=false
      doaudit act volume:7724db7c-e098-11e5-b522-000f53304e51 detach --set droplet_id=3164450

    RESOURCE is a key, or the id or name of a droplet.
    """,
    short_help="start an event of a resource, such as a reboot, once",
)
@click.argument("resource")
@click.argument("event")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="what the event needs besides; repeated")
@click.option("--wait", is_flag=True, help="until it has ended")
@yes_option
@format_option
@with_account
def _act(
    source: Source, resource: str, event: str, settings: tuple[str, ...], form: str, rows: int, *, wait: bool, yes: bool
) -> int:
    arguments = dict(map(_setting, settings))
    with source.open(acts=True) as account:
        print_line(source_line(account, acts=True))
        print_left_unfinished(account)
        key = resource if ":" in resource else resource_key(resource, account.droplets())
        named = "" if key == resource else f" ({key})"
        more = "".join(f", {name} {value}" for name, value in arguments.items())
        print_line(f"{event} of {resource}{named}{more}.")
        if status := refusal("Begin? Type yes: ", yes=yes, simulated=account.is_simulated):
            return status
        action = account.act(key, event, **arguments)
        if wait:
            print_line(f"Action {action.id} has begun; it is waited for. Ctrl-C stops waiting, and not the action.")
            action = account.wait(action)
        print_rows(_table(action), form, rows)
    return 0 if action.outcome == "completed" or not (wait or action.finished) else 1


def _setting(text: str) -> tuple[str, object]:
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise click.BadParameter(f"{text!r} is not NAME=VALUE, such as size=s-2vcpu-4gb", param_hint="--set")
    if name == "name":
        return name, value
    return name, _WORDS.get(value, int(value) if value.isdecimal() else value)


def _table(action: Action) -> pd.DataFrame:
    """Return an action as a table of one row."""
    import pandas as pd  # noqa: PLC0415 -- a help text does not need it

    fields = {"outcome": action.outcome, **asdict(action)}
    times = {name: pd.to_datetime([fields[name]], utc=True) for name in ("started_at", "completed_at", "observed_at")}
    table = pd.DataFrame({name: [value] for name, value in fields.items() if name != "resource_id"}).assign(**times)
    first = ["id", "type", "outcome", "status"]
    return table[[*first, *(name for name in table.columns if name not in first)]]


@click.command("watch", cls=Command, help="follow actions until they have ended; without an id, all that are open")
@click.argument("action_ids", nargs=-1, type=click.IntRange(min=0), metavar="[ACTION_ID]...")
@with_account
def _watch(source: Source, action_ids: tuple[int, ...]) -> int:
    with source.open(acts=True) as account:
        print_line(source_line(account))
        print_left_unfinished(account)
        ids, names = list(action_ids), {}
        if not ids:
            names = _open(account)
            ids = list(names)
            show(f"{count(len(ids), 'action')} {'is' if len(ids) == 1 else 'are'} open.")
        if ids:
            _print_what_is_known(account)
        result = account.watch(
            ids,
            on_change=lambda action: show(
                f"{utc_time(account.now())} UTC  {action.type} {action.id} of {_name(action, names)}: {action.status}"
            ),
            on_trouble=print_line,
        )
    return _print_end(result)


def _open(account: Account) -> dict[int, str | None]:
    """Refresh, and return the ids of open actions with the names of their resources, where they are known."""
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    account.refresh()
    table = da.open_actions(account.actions(refresh=False))
    names = table["resource_name"].astype(object).where(table["resource_name"].notna(), None)
    return dict(zip(table["id"].tolist(), names.tolist(), strict=True))


def _print_what_is_known(account: Account) -> None:
    if not account.history.count():
        print_line(
            "How long such actions usually take is not known here, since the history is empty; `doaudit refresh` reads "
            "it."
        )
    print_line(_HOW_LONG)


def _name(action: Action, names: dict[int, str | None]) -> str:
    nameless = f"a {action.resource_type or 'resource'} that the API does not name"
    return names.get(action.id) or action.resource or nameless


def _print_end(result: WatchResult) -> int:
    for action_id in result.timed_out:
        print_line(f"Action {action_id} has not failed, and not ended: {result.verdicts.get(action_id, 'never read')}.")
    for action_id in result.not_found:
        print_line(f"DigitalOcean knows no action {action_id}.")
    if result.stopped:
        print_line(f"Stopped. Still open: {' '.join(map(str, result.unfinished))}")
        return _INTERRUPTED
    ended_well = all(action.outcome == "completed" for action in result.actions)
    return 0 if ended_well and not result.not_found else 1


COMMANDS = (_droplets, _action, _act, _watch)
