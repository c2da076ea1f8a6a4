"""
Identity of the account behind a token: one history for an account, however many tokens it has.

The API is asked for a token's account once; the answer is kept in the index beside the histories (see
`doaudit.api.account_index`). `GET /v2/account` names the team, and needs the scope account:read. Without it the account
is recognised by its actions, whose ids no two accounts share: a history that has an action of the first page is the
same account's.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from doaudit.api.account_index import account_name, add_to_index, read_index
from doaudit.api.paging import newest_ids
from doaudit.errors import WrongAccount
from doaudit.history.store import MEMORY, Store, default_path, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from doaudit.api.client import Client

__all__ = ["existing_file", "known_file", "open_history"]

_NO_ACCOUNT = "?"  # a key that no account has
_UNNAMED = "account"  # start of the key of an account whose name the token may not read


def open_history(client: Client, path: str | os.PathLike[str] | None) -> Store:
    """
    Open the history of the account behind a token, or begin one.

    Args:
        client: the account; asked for its name if this token is new here.
        path: the file; ":memory:" for one that ends with the process; None for one in the user's data directory.

    Raises:
        WrongAccount: the file is another account's.
        HistoryLocked, NewerHistory, FileProblem: the file cannot be used; see `open_store`.
        ApiProblem: the account could not be asked for.
    """
    if path is not None and str(path) == MEMORY:
        return open_store(MEMORY, "of this session")
    file = None if path is None else Path(path).expanduser().absolute()
    folder = platformdirs.user_data_path("doaudit") if file is None else file.parent
    index = read_index(folder)
    key = index.get(client.fingerprint)
    if key is not None:
        return open_store(file, key)
    key = account_name(client) or _recognise(client, folder, file) or f"{_UNNAMED}-{client.fingerprint[:12]}"
    store = open_store(file, key)
    add_to_index(folder, client.fingerprint, key)
    return store


def known_file(client: Client, path: str | os.PathLike[str] | None) -> Path | None:
    """Return the file that `open_history` would open; None if that is not known without asking, or is no file."""
    if path is not None:
        return None if str(path) == MEMORY else Path(path).expanduser().absolute()
    key = read_index(platformdirs.user_data_path("doaudit")).get(client.fingerprint)
    return None if key is None else default_path(key)


def existing_file(client: Client, path: str | os.PathLike[str] | None) -> Path | None:
    """
    Return the file of an account's history if there is one; None if there is none, or nobody can tell which it is.

    Raises:
        ApiProblem: the account could not be asked for.
    """
    file = known_file(client, path)
    if file is None and path is None:
        name = account_name(client)
        file = None if name is None else default_path(name)
    return file if file is not None and file.exists() else None


def _recognise(client: Client, folder: Path, file: Path | None) -> str | None:
    """Return the account of the history that has one of the newest actions, or None."""
    newest = newest_ids(client)
    for key, store in _existing_histories(folder, file):
        if store.held(newest):
            return key
    return None


def _existing_histories(folder: Path, file: Path | None) -> Iterator[tuple[str, Store]]:
    files = sorted(folder.glob("*.duckdb")) if file is None else [file] if file.exists() else []
    for path in files:
        try:
            open_store(path, _NO_ACCOUNT)
        except WrongAccount as error:  # it says whose history it is
            yield error.owner, open_store(path, error.owner)
