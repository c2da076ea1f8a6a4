"""Who may ask: tokens, their scopes, and what each request needs."""

from __future__ import annotations

import re
from collections import UserDict
from typing import TYPE_CHECKING

from doaudit.demo.world.api_errors import forbidden, unauthorized

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DEMO_TOKEN", "Tokens"]

DEMO_TOKEN = "dop_v1_" + "0" * 64
"""The token of every simulated account. It opens nothing else."""

_WELL_FORMED = re.compile(r"dop_v1_[0-9a-f]{64}")


class Tokens(UserDict[str, frozenset[str]]):
    """
    The scopes of the tokens that have been limited; any other well-formed token may do everything.

    Example:
        >>> tokens = Tokens()
        >>> tokens[DEMO_TOKEN] = frozenset({"actions:read"})
        >>> tokens.check(DEMO_TOKEN, ["actions:read"])
        >>> tokens.check(DEMO_TOKEN, ["droplet:read"])
        Traceback (most recent call last):
        doaudit.demo.world.api_errors.Refusal: 403 forbidden: You are not authorized to perform this operation
    """

    def __init__(self) -> None:
        super().__init__()
        self._revoked: set[str] = set()

    def revoke(self, token: str) -> None:
        """Make *token* as bad as one that never was."""
        self._revoked.add(token)

    def authenticate(self, authorization: str) -> str:
        """Return the token of an `Authorization` header, or refuse with 401."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not _WELL_FORMED.fullmatch(token) or token in self._revoked:
            raise unauthorized()
        return token

    def allows(self, token: str, scope: str) -> bool:
        """Whether *token* may use *scope*."""
        return token not in self or scope in self[token]

    def check(self, token: str, needed: Iterable[str]) -> None:
        """Refuse with 403 unless *token* has every scope in *needed*."""
        if not all(self.allows(token, scope) for scope in needed):
            raise forbidden()
