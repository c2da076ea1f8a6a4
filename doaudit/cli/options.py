"""Options that several commands share, and the account that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from doaudit.account import Account

    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001 -- argparse has no public name for it

__all__ = ["add_demo", "add_history", "add_since", "open_account", "source_line"]


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


def source_line(account: Account) -> str:
    """Return a line that says whether the account is real or simulated."""
    if account.is_simulated:
        text = "SIMULATED ACCOUNT: no token was used, and nothing below is real. Set DIGITALOCEAN_TOKEN to audit yours."
    else:
        text = f"REAL ACCOUNT at {account.source}, read with your token; nothing in it is changed."
    return f"== {text}"
