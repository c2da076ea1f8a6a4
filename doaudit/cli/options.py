"""Options that several commands share, and the account that they name."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from doaudit.errors import ApiProblem, InvalidArgument
from doaudit.formatting import count
from doaudit.snapshot.foreground import print_unfinished

if TYPE_CHECKING:
    import argparse

    from doaudit.account import Account
    from doaudit.accounts import Accounts
    from doaudit.analysis import Selection

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- argparse has no public name for it

__all__ = [
    "add_accounts",
    "add_demo",
    "add_history",
    "add_selection",
    "add_since",
    "open_account",
    "open_accounts",
    "print_left_unfinished",
    "selection_of",
    "source_line",
]

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
    "resource": "only these resources, by key or name, as in 'web-*'",
    "account": "only these of the accounts of --accounts",
}


def add_history(command: argparse.ArgumentParser) -> None:
    """Add the option that names the file of the local history."""
    command.add_argument(
        "--history", help="file of the local history (one in the user's data directory); :memory: keeps nothing"
    )


def add_since(command: argparse.ArgumentParser) -> None:
    """Add the option that says how far back to go."""
    command.add_argument(
        "--since", metavar="WHEN", help="go no further back, as in 90d or 2026-06-01; what was read before is kept"
    )


def add_selection(command: argparse.ArgumentParser) -> None:
    """Add the options that select a part of the actions, which are those of `doaudit.select`."""
    group = command.add_argument_group("selection", "a part of the actions; the history is read as a whole")
    for name, words in _MOMENTS.items():
        group.add_argument(f"--{name}", metavar="WHEN", help=words)
    for name, words in _VALUES.items():
        group.add_argument(f"--{name.replace('_', '-')}", nargs="+", metavar="VALUE", help=words)
    group.add_argument("--text", help="only actions in whose type, resource, name, region or id this text occurs")
    words = "what was running at any moment from --since until --until, not only what started then"
    group.add_argument("--overlapping", action="store_true", help=words)


def selection_of(parsed: argparse.Namespace) -> Selection:
    """
    Return the selection that the options describe.

    Raises:
        InvalidArgument: an option cannot be understood.
    """
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    names = (*_MOMENTS, *_VALUES, "text", "overlapping")
    return da.Selection(**{name: getattr(parsed, name) for name in names})


def add_accounts(command: argparse.ArgumentParser) -> None:
    """Add the option that names several accounts."""
    command.add_argument(
        "--accounts", metavar="FILE", help="all accounts of a TOML file, which names the variables with their tokens"
    )


def add_demo(command: argparse.ArgumentParser) -> None:
    """Add the option that takes the simulated account."""
    command.add_argument("--demo", action="store_true", help="use the simulated account instead of a real one")


def open_account(parsed: argparse.Namespace) -> Account:
    """
    Open the account that the options name.

    Raises:
        TokenMissing, InvalidArgument, UnsafeAddress: see `doaudit.connect`.
    """
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    return da.demo() if getattr(parsed, "demo", False) else da.connect(history=parsed.history)


def open_accounts(parsed: argparse.Namespace) -> Account | Accounts:
    """
    Open the account, or the several accounts, that the options name.

    Raises:
        As `open_account`; FileProblem, InvalidArgument: the file of accounts cannot be read or understood.
    """
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    if parsed.accounts is None:
        return open_account(parsed)
    if parsed.history is not None or getattr(parsed, "demo", False):
        raise InvalidArgument(
            "With --accounts each account has a history of its own: leave --history and --demo out. The file says "
            "where they are kept, as folder."
        )
    return da.read_accounts(parsed.accounts)


def print_left_unfinished(account: Account | Accounts) -> None:
    """Print what earlier snapshot runs have left unfinished in an account, or in each of several."""
    if isinstance(account, Mapping):
        for each in account.values():
            with suppress(ApiProblem):  # the refresh says which of them cannot be asked, and why
                print_unfinished(each.snapshot_runs)
    else:
        print_unfinished(account.snapshot_runs)


def source_line(account: Account | Accounts) -> str:
    """Return a line that says whether what is read is real or simulated."""
    if account.is_simulated:
        text = "SIMULATED ACCOUNT: no token was used, and nothing below is real. Set DIGITALOCEAN_TOKEN to audit yours."
    elif isinstance(account, Mapping):
        text = f"{count(len(account), 'account').upper()}, all REAL, read with your tokens; nothing in them is changed."
    else:
        text = f"REAL ACCOUNT at {account.source}, read with your token; nothing in it is changed."
    return f"== {text}"
