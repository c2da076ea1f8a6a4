"""
Access of a token: whose it is, what it may read, and how many requests it has left this hour.

Scopes cannot be listed, so each list is asked for one row: 403 means that its scope is lacking. Only GET is sent, so
that scopes for changing something stay unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.errors import ApiProblem, Forbidden, NotFound, Unauthorized
from doaudit.formatting import one_line
from doaudit.resources import KINDS, VOLUME

if TYPE_CHECKING:
    from doaudit.api.client import Client
    from doaudit.api.responses import Response

__all__ = ["Access", "Owner", "Permission", "read_access"]

_PLURALS = {"reserved_ip": "reserved IPs"}
_MOST_DIGITS = 9
_ONE_ROW = {"page": 1, "per_page": 1}


@dataclass(frozen=True)
class Owner:
    """
    The user and the team behind a token; null where the API tells nothing.

    Attributes:
        email, user_id, status: of the user.
        team, team_id: name and id of the team.
    """

    email: str | None = None
    user_id: str | None = None
    status: str | None = None
    team: str | None = None
    team_id: str | None = None


@dataclass(frozen=True)
class Permission:
    """
    Permission to read something.

    Attributes:
        scope: the scope it needs.
        needed_for: what doaudit reads with it.
        allowed: whether the token has it; None if that could not be seen.
        reason: why not; empty if it is allowed.
    """

    scope: str
    needed_for: str
    allowed: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Access:
    """
    Access of a token, as far as reading shows it.

    Attributes:
        owner: whose it is; None if the token may not say.
        permissions: one for each scope that doaudit reads with, `actions:read` first.
        requests_left, requests_an_hour: of the hour's limit, after the last request; None if the API did not say.
    """

    owner: Owner | None
    permissions: tuple[Permission, ...]
    requests_left: int | None
    requests_an_hour: int | None

    @property
    def actions(self) -> Permission:
        """The permission to read actions, without which there is no audit."""
        return self.permissions[0]


def read_access(client: Client) -> Access:
    """
    Read whose token a client has and what it may read, with one request for each scope.

    Raises:
        Unauthorized: the token is not valid.
        ApiProblem: the API could not be reached.
    """
    reader = _Reader(client)
    actions = reader.try_read("actions:read", "the actions, without which there is no audit", "/v2/actions", _ONE_ROW)
    account = reader.try_read("account:read", "whose token it is", "/v2/account")
    owner = _owner(reader.body.get("account"))
    names, volume = [], None
    for kind in KINDS:
        for listed in kind.lists:
            what = f"names of {_PLURALS.get(kind.name, f'{kind.name}s')}" + (
                "" if listed.complete else " that are snapshots"
            )
            names.append(reader.try_read(listed.scope, what, listed.path, dict(listed.query) | _ONE_ROW))
            if kind is VOLUME:
                volume = _first_id(reader.body.get(listed.body_key))
    which = "which volume an action was on"
    if volume is None:
        names.append(Permission(VOLUME.read_scope, which, None, "there is no volume to try it with"))
    else:
        names.append(reader.try_read(VOLUME.read_scope, which, f"{VOLUME.path}/{volume}/actions", _ONE_ROW))
    return Access(owner, (actions, account, *names), reader.left, reader.an_hour)


@dataclass
class _Reader:
    """Sends requests, and keeps the last body, the last headers about the limit, and whether any was answered."""

    client: Client
    body: dict[str, Any] = field(default_factory=dict)
    left: int | None = None
    an_hour: int | None = None
    was_answered: bool = False

    def try_read(
        self, scope: str, needed_for: str, path: str, query: dict[str, int | str] | dict[str, int] | None = None
    ) -> Permission:
        """Send a request, and return whether the token may; a fault that concerns this address alone is its reason."""
        self.body = {}
        try:
            self.body = self.client.get(path, {**(query or {})}, parse=self._parse)
        except Forbidden:
            self.was_answered = True
            return Permission(scope, needed_for, allowed=False, reason=f"the token lacks {scope}")
        except NotFound:
            return Permission(scope, needed_for, None, f"there is nothing at {path}")
        except Unauthorized:
            raise
        except ApiProblem as fault:
            if not self.was_answered:
                raise
            return Permission(scope, needed_for, None, str(fault))
        return Permission(scope, needed_for, allowed=True)

    def _parse(self, response: Response) -> dict[str, Any]:
        self.was_answered = True
        self.left = _number(response.headers.get("ratelimit-remaining"), self.left)
        self.an_hour = _number(response.headers.get("ratelimit-limit"), self.an_hour)
        return msgspec.json.decode(response.body, type=dict[str, Any])


def _owner(account: object) -> Owner | None:
    if not isinstance(account, dict):
        return None
    team = account.get("team")
    of_team = team if isinstance(team, dict) else {}
    words = (account.get("email"), account.get("uuid"), account.get("status"), of_team.get("name"), of_team.get("uuid"))
    return Owner(*(one_line(word) if isinstance(word, str) and word else None for word in words))


def _first_id(rows: object) -> str | None:
    """Return the id of the first record, if it can stand in an address."""
    first = rows[0] if isinstance(rows, list) and rows else None
    found = str(first.get("id", "")) if isinstance(first, dict) else ""
    return found if found.isascii() and found.replace("-", "").isalnum() else None


def _number(text: str | None, otherwise: int | None) -> int | None:
    return (
        int(text)
        if text is not None and text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
        else otherwise
    )
