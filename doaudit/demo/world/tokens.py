"""Tokens, their scopes, and the checks of both."""

from __future__ import annotations

import re
from collections import UserDict
from typing import TYPE_CHECKING

from doaudit.demo.world.api_errors import forbidden, unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEMO_TOKEN", "Tokens"]

DEMO_TOKEN = "dop_v1_" + "0" * 64
"""The token of every simulated account. It is valid nowhere else."""

# Personal, OAuth and refresh tokens; the oldest ones have no prefix.
_WELL_FORMED = re.compile(r"(do[opr]_v1_)?[0-9a-f]{64}")


class Tokens(UserDict[str, frozenset[str]]):
    """
    The scopes of restricted tokens, by token; any other well-formed token has all scopes.

    Example:
        >>> tokens = Tokens()
        >>> tokens[DEMO_TOKEN] = frozenset({"actions:read"})
        >>> tokens.check(DEMO_TOKEN, ["actions:read"])
        >>> tokens.check(DEMO_TOKEN, ["droplet:read"])
        Traceback (most recent call last):
        doaudit.demo.world.api_errors.ErrorResponse: 403 forbidden: You are not authorized to perform this operation
    """

    def __init__(self) -> None:
        super().__init__()
        self._revoked: set[str] = set()

    def revoke(self, token: str) -> None:
        """Revoke *token*: from now on it is as invalid as an unknown one."""
        self._revoked.add(token)

    def authenticate(self, authorization: str) -> str:
        """Return the token in an `Authorization` header; raise the 401 if it is not valid."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not _WELL_FORMED.fullmatch(token) or token in self._revoked:
            raise unauthorized()
        return token

    def allows(self, token: str, scope: str) -> bool:
        """Return whether *token* has *scope*."""
        return token not in self or scope in self[token]

    def check(self, token: str, scopes: Iterable[str]) -> None:
        """Raise the 403 unless *token* has all *scopes*."""
        if not all(self.allows(token, scope) for scope in scopes):
            raise forbidden()
