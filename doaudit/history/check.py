"""Check before an audit: whose token it is, what it may read, the local history, and what will be lacking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from doaudit.api.access import read_access
from doaudit.history.state import read_state

if TYPE_CHECKING:
    import os

    from doaudit.api.access import Access, Permission
    from doaudit.api.client import Client
    from doaudit.history.state import HistoryState
    from doaudit.history.store import Store

__all__ = ["Check", "check_account"]

_WORDS = {True: "yes", False: "no", None: "unknown"}
# With either of the two, snapshots have names.
_ALTERNATIVE = {"snapshot:read": "image:read"}


@dataclass(frozen=True)
class Check:
    """
    Result of a check.

    Attributes:
        access: whose token it is, what it may read, and the requests left.
        history: state of the local history.
    """

    access: Access
    history: HistoryState

    @property
    def usable(self) -> bool:
        """True if the token may read actions."""
        return self.access.actions.allowed is True

    @property
    def lacking(self) -> tuple[str, ...]:
        """Sentences about what will be lacking, and why; none if nothing will be."""
        allowed = {permission.scope for permission in self.access.permissions if permission.allowed}
        return tuple(
            f"{permission.needed_for[:1].upper()}{permission.needed_for[1:]}: {permission.reason}."
            for permission in self.access.permissions
            if permission.allowed is not True and _ALTERNATIVE.get(permission.scope) not in allowed
        )

    def __str__(self) -> str:
        """Lay it out in lines and columns."""
        width = max(len(permission.scope) for permission in self.access.permissions)
        lines = [
            f"Token of   {self._owner()}",
            f"Requests   {self._requests()}",
            f"History    {self.history.path or 'no file'}",
            f"           {self.history}",
            "",
            f"{'Scope':{width}}  Has it   Needed for",
            *(_line(permission, width) for permission in self.access.permissions),
            "Scopes for changing something cannot be seen without changing something, and were not tried.",
            "",
            "Nothing will be lacking." if not self.lacking else "Will be lacking:",
            *(f"  {sentence}" for sentence in self.lacking),
        ]
        return "\n".join(lines)

    __repr__ = __str__  # at the end of a cell

    def _owner(self) -> str:
        owner = self.access.owner
        if owner is None:
            return "an unknown user: the token may not say (it lacks account:read)"
        user = f"{owner.email or 'a user without an address'} (user {owner.user_id or 'unknown'})"
        team = f", team {owner.team or 'without a name'} ({owner.team_id})" if owner.team_id else ", no team"
        return f"{user}{team}, {owner.status or 'status unknown'}"

    def _requests(self) -> str:
        access = self.access
        if access.requests_left is None:
            return "the API did not say how many are left this hour"
        of_limit = "" if access.requests_an_hour is None else f" of {access.requests_an_hour:,}"
        return f"{access.requests_left:,}{of_limit} left this hour"


def check_account(client: Client, store: Store | None, path: str | os.PathLike[str] | None) -> Check:
    """
    Check an account; only reads, and begins no history; see `doaudit.account.Account.check`.

    Raises:
        Unauthorized: the token is not valid.
        ApiProblem: the API could not be reached.
    """
    return Check(read_access(client), read_state(client, store, path))


def _line(permission: Permission, width: int) -> str:
    return f"{permission.scope:{width}}  {_WORDS[permission.allowed]:7}  {permission.needed_for}"
