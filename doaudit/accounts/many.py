"""Several accounts asked together: one table of all of them, and a fault of one is no fault of the others."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from doaudit.account import Account
from doaudit.accounts.refresh import AccountsRefresh
from doaudit.accounts.side_by_side import for_each_account
from doaudit.actions import started_since, with_account
from doaudit.connect import connect
from doaudit.errors import DoauditError, InvalidArgument, TokenMissing
from doaudit.formatting import count, one_line, visible
from doaudit.history.histories import Histories
from doaudit.secret import Secret
from doaudit.since import parse_since

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    import pandas as pd

    from doaudit.api.listing import Proof
    from doaudit.api.shared import Shared
    from doaudit.history.check import Check
    from doaudit.history.refresh import Refresh
    from doaudit.history.store import Store
    from doaudit.since import Since

__all__ = ["Accounts", "accounts", "looks_like_a_token"]

T = TypeVar("T")
# As folders of a lake, account=007 would be the number seven, and account=2026-01-01 a date.
_NAME = re.compile(r"[^\W\d_][\w .&+-]{0,59}")
_TOKEN = re.compile(r"do[opr]_v1_|[0-9a-f]{64}")  # of today, and of before 2022
_SHOWN = 5
_NO_TEXTS = frozenset({"nan", "inf", "infinity", "null", "true", "false"})


def accounts(
    members: Mapping[str, Account | str], folder: str | os.PathLike[str] | None = None, *, base_url: str | None = None
) -> Accounts:
    """
    Open several accounts as one.

    Args:
        members: for each name an account of `doaudit.connect` or `doaudit.demo`, or a token. Tables have the names in
            the column `account`. A name begins with a letter; letters, digits, spaces and `. _ & + -` may follow.
        folder: where the histories are kept of accounts given by their token, one file each; by default in the user's
            data directory.
        base_url: the address of accounts given by their token, as `doaudit.connect` takes it.

    Raises:
        InvalidArgument: there is no account, a name cannot be one, or an account or a token was given twice.
        TokenMissing, UnsafeAddress: a token is empty, or would travel unencrypted.

    Example:
        >>> import doaudit as da
        >>> with da.accounts({"acme": da.demo(1, actions=300), "globex": da.demo(2, actions=400)}) as agency:
        ...     agency.actions()["account"].value_counts().to_dict()
        {'globex': 400, 'acme': 300}
    """
    members = _hide_tokens(members)  # first: no frame is to have a real one
    if not members:
        raise InvalidArgument('There is no account here. Give a name and a token for each, as in {"acme": token}.')
    _check_names(list(members))
    if len({_identity(each) for each in members.values()}) < len(members):
        raise InvalidArgument("The same account or token was given under two names. Give each one once.")
    if folder is not None and not any(isinstance(each, Secret) for each in members.values()):
        raise InvalidArgument("folder= is for accounts given by their token; these were opened with a history each.")
    return Accounts({name: _opened(name, each, folder, base_url) for name, each in members.items()})


class Accounts(AbstractContextManager["Accounts"], Mapping[str, Account]):
    """
    Several accounts; made by `doaudit.accounts`. `agency["acme"]` is one of them.

    What they are asked together comes as one table with the column `account` in front. An account that cannot be asked
    does not stop the others: it is named in a warning, and what there is of it is what its history had.
    """

    def __init__(self, members: Mapping[str, Account]) -> None:
        self._members = dict(members)

    def __repr__(self) -> str:
        """Name the accounts, never a token."""
        return f"<Accounts: {', '.join(map(visible, self._members))}>"

    def __getitem__(self, name: str) -> Account:
        """Return the account of that name."""
        return self._members[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._members)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._members)

    @property
    def source(self) -> str:
        """Source of the actions, in words."""
        sources = dict.fromkeys(account.source for account in self.values())
        names = [*list(self)[:_SHOWN], *(["..."] if len(self) > _SHOWN else [])]
        return f"{count(len(self), 'account')} ({', '.join(names)}) at {', '.join(sources)}"

    @property
    def is_simulated(self) -> bool:
        """True if one of them is a simulated account."""
        return any(account.is_simulated for account in self.values())

    @property
    def history(self) -> Histories:
        """The histories as one, to read, to query, and to export; see `doaudit.history.histories`."""
        return Histories(self._stores)

    @property
    def proof(self) -> dict[str, Proof | None]:
        """Proof of the latest read of each whose history can be opened; see `doaudit.Account.proof`."""
        return {name: self[name].proof for name in self._stores()}

    def refresh(self, *, full: bool = False, since: Since | None = None) -> AccountsRefresh:
        """
        Read what is new in each account into its history, side by side; see `doaudit.Account.refresh`.

        At most 16 requests are under way at once over all, and each token waits for its own limits.

        Returns:
            The result of each account, or why it could not be read.

        Raises:
            InvalidArgument: *since* is no moment, or comes together with *full*; or two of them are the same account.
            KeyboardInterrupt: Ctrl-C. What was read is kept.
        """

        def read(account: Account, shared: Shared) -> Refresh:
            return account.refresh(full=full, since=since, shared=shared)

        result = AccountsRefresh(self._ask(read))
        for fault in result.failed.values():
            if isinstance(fault, InvalidArgument):
                raise fault
        _refuse_same({name: self[name].history for name in result.read})
        return result

    def actions(self, *, refresh: bool = True, since: Since | None = None) -> pd.DataFrame:
        """
        Return the actions of all accounts as one frame, newest first, with the column `account` in front.

        Accounts that could not be read are named in a warning; the frame has what their histories have.

        Raises:
            DoauditError: none of them could be read; the error is that of the first.
            InvalidArgument, KeyboardInterrupt: as `refresh`.
        """
        result = self.refresh(since=since) if refresh else None
        if result is not None and not result.read:
            raise next(iter(result.failed.values()))
        if result is not None and not result.as_asked:
            warnings.warn(str(result), stacklevel=2)
        # Of those that were not read, the warning above has said why.
        stores = self._stores(silent=() if result is None else result.failed)
        actions = Histories(lambda: stores).read()
        return actions if since is None else started_since(actions, parse_since(since, self.now()))

    def droplets(self) -> pd.DataFrame:
        """Return the droplets that exist now (see `doaudit.Account.droplets`), of those accounts that can tell."""
        return with_account(_answers(self._ask(lambda account, _: account.droplets())))

    def started(self) -> pd.DataFrame:
        """Return the actions that doaudit started in them, from this machine; see `doaudit.Account.started`."""
        return with_account(_answers(self._ask(lambda account, _: account.started())))

    def check(self) -> dict[str, Check | DoauditError]:
        """Check each account, or say why it cannot be asked; see `doaudit.Account.check`."""
        return self._ask(lambda account, _: account.check())

    def now(self) -> datetime:
        """Return the time; of simulated accounts, the latest of theirs."""
        return max(account.now() for account in self.values())

    def close(self) -> None:
        """Close their connections."""
        for account in self.values():
            account.close()

    def __exit__(self, *_: object) -> None:
        """Close them when the block ends."""
        self.close()

    def _ask(self, question: Callable[[Account, Shared], T]) -> dict[str, T | DoauditError]:
        return for_each_account({name: partial(question, account) for name, account in self.items()})

    def _stores(self, *, silent: Collection[str] = ()) -> dict[str, Store]:
        """Return the history of each account, and warn of those that cannot be opened, but for some."""
        stores: dict[str, Store | DoauditError] = {}
        for name, account in self.items():
            try:
                stores[name] = account.history
            except DoauditError as fault:
                stores[name] = fault
        return _answers(stores, silent=silent)


def looks_like_a_token(text: str) -> bool:
    """
    Return whether a text begins as a token does, so that it is not shown where something else belongs.

    Example:
        >>> looks_like_a_token("dop_v1_0123"), looks_like_a_token("ACME_TOKEN")
        (True, False)
    """
    return _TOKEN.match(text) is not None


def _hide_tokens(members: object) -> dict[str, Account | Secret]:
    """Return accounts and hidden tokens by name; nothing of what is no mapping, or has tokens for names."""
    if not isinstance(members, Mapping) or any(looks_like_a_token(str(name)) for name in members):
        return {}
    return {str(name): each if isinstance(each, Account) else Secret(each) for name, each in members.items()}


def _identity(member: Account | Secret) -> int | bytes:
    """Return what tells accounts and tokens apart, and no token."""
    return hashlib.sha256(member.encode()).digest() if isinstance(member, Secret) else id(member)


def _check_names(names: Collection[str]) -> None:
    for name in names:
        if not _NAME.fullmatch(name) or name.lower() in _NO_TEXTS:
            raise InvalidArgument(
                f"{name!r} cannot be the name of an account, since it becomes a folder and a value in tables. Begin "
                "with a letter; up to 59 letters, digits, spaces and . _ & + - may follow."
            )
    if len({name.casefold() for name in names}) < len(names):
        raise InvalidArgument("Two names of accounts differ in capitals only, and some file systems take them for one.")


def _opened(
    name: str, member: Account | Secret, folder: str | os.PathLike[str] | None, base_url: str | None
) -> Account:
    if isinstance(member, Account):
        return member
    history = None if folder is None else Path(folder).expanduser() / f"{quote(name, safe=' ')}.duckdb"
    try:
        return connect(token=member, base_url=base_url, history=history)
    except TokenMissing:
        raise TokenMissing(f"The token of {name} is empty. Give the one that was made for it.") from None


def _refuse_same(stores: Mapping[str, Store]) -> None:
    """Refuse two names of one account, whose actions would be counted twice."""
    names: dict[str, str] = {}
    for name, store in stores.items():
        if store.path is not None and (other := names.setdefault(store.account, name)) != name:
            raise InvalidArgument(
                f"{other} and {name} are the same account, {store.account}: its actions would be counted twice. Leave "
                "one of them out."
            )


def _answers(asked: Mapping[str, T | DoauditError], *, silent: Collection[str] = ()) -> dict[str, T]:
    """Return the answers, and warn of accounts that gave none, but for some."""
    faults = {name: each for name, each in asked.items() if isinstance(each, DoauditError)}
    told = [f"{visible(name)}: {one_line(str(fault))}" for name, fault in faults.items() if name not in silent]
    if told:
        said = " ".join(told)
        warnings.warn(
            f"{count(len(told), 'account')} did not answer, and {'is' if len(told) == 1 else 'are'} left out. {said}",
            stacklevel=4,
        )
    return {name: each for name, each in asked.items() if not isinstance(each, DoauditError)}
