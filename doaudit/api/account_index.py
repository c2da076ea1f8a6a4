"""
Index of accounts: the name of the account behind each token, so that the API is asked once for each token.

It is the file `accounts.json` of a folder. A token is in it as a one-way fingerprint of address and token, never as
itself. The histories and the state folder have an index each.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from doaudit.api.address import DEFAULT_URL
from doaudit.api.resource_lists import read_one
from doaudit.errors import Forbidden, NotFound
from doaudit.files import tighten, write_files

if TYPE_CHECKING:
    from pathlib import Path

    from doaudit.api.client import Client

__all__ = ["account_name", "add_to_index", "read_index"]

_FILE = "accounts.json"
_writing = threading.Lock()


def account_name(client: Client) -> str | None:
    """
    Return the name of an account, the same for every token of it: its team's id, or the user's where there is no team.

    Returns:
        The name, with the address where that is not DigitalOcean's; None if the token may not read it.

    Raises:
        ApiProblem: the account could not be read, for another reason.
    """
    try:
        account = read_one(client, "/v2/account", "account")
    except (Forbidden, NotFound):
        return None
    team = account.get("team")
    name = (team.get("uuid") if isinstance(team, dict) else None) or account.get("uuid")
    if not name:
        return None
    return str(name) if client.base_url == DEFAULT_URL else f"{name} at {client.base_url}"


def read_index(folder: Path) -> dict[str, str]:
    """Return the names of accounts by the fingerprint of a token; none if the file is missing or damaged."""
    tighten(folder / _FILE)
    # A damaged index is no error: it only remembers, and the API can be asked again.
    try:
        index: Any = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(token): str(name) for token, name in index.items()} if isinstance(index, dict) else {}


def add_to_index(folder: Path, token: str, name: str) -> None:
    """
    Add the account behind a token to the index of a folder, which is for the user alone.

    Args:
        folder: it and its parents are made.
        token: its fingerprint.
        name: of the account.

    Raises:
        FileProblem: the folder cannot be made or written.
    """
    with _writing:  # accounts that are opened side by side would drop each other's lines
        index = {**read_index(folder), token: name}
        write_files(folder, [(_FILE, json.dumps(index, indent=2).encode())], private=True)
