"""
Whose history it is: one account, however many tokens lead to it.

A token's account is asked for once and remembered beside the histories, under a one-way fingerprint of address and
token. `GET /v2/account` names the team, and needs the scope account:read. Without it the account is recognised by its
actions, whose ids no two accounts share: a history that has an action of the first page is the same account's.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import platformdirs

from doaudit.api.paging import newest_ids
from doaudit.api.resource_lists import account_name
from doaudit.errors import WrongAccount
from doaudit.files import write_files
from doaudit.history.store import MEMORY, Store, open_store

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from doaudit.api.client import Client

__all__ = ["known_file", "open_history"]

_INDEX = "accounts.json"
_NO_ACCOUNT = "?"  # a key that no account has
_NAMELESS = "account"  # what the key of an account begins with whose name the token may not read


def open_history(client: Client, path: str | os.PathLike[str] | None) -> Store:
    """
    Open the history of the account behind a token, or begin one.

    Args:
        client: the account; asked whose it is if this token is new here.
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
    index = _read_index(folder)
    key = index.get(client.fingerprint)
    if key is None:
        key = account_name(client) or _recognised(client, folder, file) or f"{_NAMELESS}-{client.fingerprint[:12]}"
        store = _open(folder, file, key)
        write_files(folder, [(_INDEX, json.dumps({**index, client.fingerprint: key}, indent=2).encode())], private=True)
        return store
    return _open(folder, file, key)


def known_file(client: Client, path: str | os.PathLike[str] | None) -> Path | None:
    """Return the file that `open_history` would open, as far as that is known without asking; None if it is not."""
    if path is not None:
        return None if str(path) == MEMORY else Path(path).expanduser().absolute()
    folder = platformdirs.user_data_path("doaudit")
    key = _read_index(folder).get(client.fingerprint)
    return None if key is None else _file(folder, key)


def _file(folder: Path, key: str) -> Path:
    return folder / f"{quote(key, safe='')}.duckdb"


def _open(folder: Path, file: Path | None, key: str) -> Store:
    return open_store(file or _file(folder, key), key)


def _read_index(folder: Path) -> dict[str, str]:
    # What cannot be read is only remembered, and can be asked for again.
    try:
        index: Any = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(token): str(key) for token, key in index.items()} if isinstance(index, dict) else {}


def _recognised(client: Client, folder: Path, file: Path | None) -> str | None:
    seen = newest_ids(client)
    for key, store in _candidates(folder, file):
        if seen & set(store.ids().tolist()):
            return key
    return None


def _candidates(folder: Path, file: Path | None) -> Iterator[tuple[str, Store]]:
    files = sorted(folder.glob("*.duckdb")) if file is None else [file] if file.exists() else []
    for path in files:
        try:
            open_store(path, _NO_ACCOUNT)
        except WrongAccount as known:
            yield known.owner, open_store(path, known.owner)
