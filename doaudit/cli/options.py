"""Options that several commands share, and the account that they name."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import click

from doaudit.api.address import is_loopback
from doaudit.errors import ApiProblem, InvalidArgument
from doaudit.formatting import count
from doaudit.snapshot.foreground import print_unfinished

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from doaudit.account import Account
    from doaudit.accounts import Accounts
    from doaudit.analysis import Selection

__all__ = [
    "Source",
    "Status",
    "format_option",
    "many_option",
    "print_left_unfinished",
    "selection_of",
    "selection_options",
    "since_option",
    "source_line",
    "token_variable",
    "with_account",
    "with_accounts",
    "yes_option",
]

Status: TypeAlias = "Callable[..., int]"
FORMATS = ("table", "csv", "json")
_ANNOUNCEMENT = "A simulated DigitalOcean account"  # with which the page /doaudit of `doaudit demo` begins
_ASKED_S = 5.0
_ACTING_SPEED = 20  # of a simulated account in which something is done, or waited for
_TOKENS = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN")
_MOMENTS = {
    "since": "only actions from then on: 7d before the newest read, or 2026-06-01",
    "until": "only actions before then",
}
_VALUES = {
    "type": "only these types; * and ? are wildcards, as in 're*'",
    "status": "only these words of DigitalOcean",
    "outcome": "only these of completed, errored, open, unclear",
    "region": "only these regions",
    "resource_type": "only these types of resources",
    "resource": "only these resources, by name, id or key, as in 'web-*'",
    "account": "only these of the accounts of --accounts",
}


@dataclass(frozen=True)
class Source:
    """
    Account, or several, that the options of a command name.

    Attributes:
        demo: true for the simulated account.
        history: the file of the local history; None for the usual one.
        accounts: a file that names several; None for one.
    """

    demo: bool
    history: str | None = None
    accounts: str | None = None

    def open(self, *, acts: bool = False) -> Account:
        """
        Open the account.

        Args:
            acts: true if something is done in it or waited for, so that a simulated one is to go faster than ours.

        Raises:
            TokenMissing, InvalidArgument, UnsafeAddress: see `doaudit.connect`.
        """
        import doaudit as da  # noqa: PLC0415 -- loads pandas

        return da.demo(speed=_ACTING_SPEED if acts else 1) if self.demo else da.connect(history=self.history)

    def open_all(self) -> Account | Accounts:
        """
        Open the account, or the several accounts.

        Raises:
            As `open`; FileProblem, InvalidArgument: the file of accounts cannot be read or understood.
        """
        import doaudit as da  # noqa: PLC0415 -- loads pandas

        if self.accounts is None:
            return self.open()
        if self.history is not None or self.demo:
            raise InvalidArgument(
                "With --accounts each account has a history of its own: leave --history and --demo out. The file says "
                "where they are kept, as folder."
            )
        return da.read_accounts(self.accounts)


def with_account(command: Status) -> Status:
    """Give a command the options that name one account, as its argument *source*."""
    command = click.option("--history", metavar="FILE", help="local history (one in the user's data directory)")(
        command
    )
    command = click.option("--demo", is_flag=True, help="use the simulated account instead of a real one")(command)

    @functools.wraps(command)
    def run(*arguments: object, demo: bool, history: str | None, **options: object) -> int:
        accounts = options.pop("accounts", None)
        source = Source(demo, history, None if accounts is None else str(accounts))
        return command(*arguments, source=source, **options)

    return run


def with_accounts(command: Status) -> Status:
    """Give a command the options that name one account or several, as its argument *source*."""
    words = "all accounts of a TOML file, which names the variables with their tokens"
    return click.option("--accounts", metavar="FILE", help=words)(with_account(command))


def since_option(command: Status) -> Status:
    """Add the option that says how far back to read."""
    words = "go no further back, as in 90d or 2026-06-01; what was read before is kept"
    return click.option("--since", metavar="WHEN", help=words)(command)


def yes_option(command: Status) -> Status:
    """Add the option that confirms beforehand."""
    return click.option("--yes", is_flag=True, help="begin without asking")(command)


def format_option(command: Status) -> Status:
    """Add the options that say how rows are printed."""
    words = "a table for people, or csv or json with every column (table)"
    command = click.option("--format", "form", type=click.Choice(FORMATS), default=FORMATS[0], help=words)(command)
    words = "show so many rows of a table, 0 for all (100); csv and json have all"
    return click.option("--rows", type=click.IntRange(min=0), default=100, metavar="N", help=words)(command)


def many_option(name: str, metavar: str, words: str, default: Iterable[str] = ()) -> Callable[[Status], Status]:
    """Return what adds an option of several values: it is repeated, or they are separated by commas."""
    flag = f"--{name.replace('_', '-')}"
    given = tuple(default)
    return click.option(flag, name, multiple=True, default=given, metavar=metavar, callback=_split, help=words)


def _split(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    parts = tuple(part for value in values for part in (each.strip() for each in value.split(",")) if part)
    if values and not parts:
        raise click.BadParameter("it names nothing; leave it out to have all", param=parameter)
    return parts


def selection_options(command: Status) -> Status:
    """Add the options that select a part of the actions, which are those of `doaudit.select`."""
    words = "what was running at any moment from --since until --until, not only what started then"
    command = click.option("--overlapping", is_flag=True, help=words)(command)
    words = "only actions in whose type, resource, name, region or id this text occurs"
    command = click.option("--text", metavar="TEXT", help=words)(command)
    for name, words in reversed(_VALUES.items()):
        command = many_option(name, "VALUE,...", words)(command)
    for name, words in reversed(_MOMENTS.items()):
        command = click.option(f"--{name}", metavar="WHEN", help=words)(command)
    return command


def selection_of(options: dict[str, Any]) -> Selection:
    """
    Take the conditions out of the options of a command, and return the selection that they describe.

    Raises:
        InvalidArgument: an option cannot be understood.
    """
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    given: dict[str, Any] = {name: options.pop(name) for name in (*_MOMENTS, *_VALUES, "text", "overlapping")}
    given["resource"] = tuple(f"*:{word}" if word.isdecimal() else word for word in given["resource"])  # always an id
    return da.Selection(**{name: value for name, value in given.items() if value not in ((), None)})


def print_left_unfinished(account: Account | Accounts) -> None:
    """Print what earlier snapshot runs have left unfinished in an account, or in each of several."""
    if isinstance(account, Mapping):
        for each in account.values():
            with suppress(ApiProblem):  # the refresh says which of them cannot be asked, and why
                print_unfinished(each.snapshot_runs)
    else:
        print_unfinished(account.snapshot_runs)


def _announces_itself(address: str) -> bool:
    """Ask an address on this machine, without a token, whether it is `doaudit demo`; no other is asked."""
    if not is_loopback(urlsplit(address).hostname or ""):
        return False
    import requests  # noqa: PLC0415 -- a help text does not need it

    with suppress(requests.RequestException), requests.Session() as session:
        session.trust_env = False  # no proxy, and no password of a .netrc
        return session.get(f"{address}/doaudit", timeout=_ASKED_S).text.startswith(_ANNOUNCEMENT)
    return False


def token_variable() -> str:
    """Return the name of the variable whose token is used; an empty text if all are unset."""
    # The values are not looked at beyond whether there is one: no variable of this program is to have a token.
    return next((name for name in _TOKENS if os.getenv(name)), "")


def source_line(account: Account | Accounts, *, acts: bool = False, asks: bool = True) -> str:
    """
    Return a line that says whether what is read, or acted on, is real or simulated, and by which token.

    Args:
        account: one or several.
        acts: true if something may be changed in it.
        asks: false if nothing is to be asked, not even an address on this machine whether it is a simulated account.
    """
    if account.is_simulated:
        text = "SIMULATED ACCOUNT: no token was used, and nothing below is real. Set DIGITALOCEAN_TOKEN to audit yours."
    elif isinstance(account, Mapping):
        text = f"{count(len(account), 'account').upper()}, all REAL, read with your tokens; nothing in them is changed."
    elif asks and _announces_itself(account.source):
        text = f"SIMULATED ACCOUNT at {account.source}, served by doaudit demo: nothing below is real."
    else:
        token = token_variable() or "your token"
        what = "by your confirmation only is anything in it changed" if acts else "nothing in it is changed"
        text = f"REAL ACCOUNT at {account.source}, read with {token}; {what}."
    return f"== {text}"
