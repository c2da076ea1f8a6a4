"""Droplets by their names, ids or patterns, as people type them."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from doaudit.errors import InvalidArgument
from doaudit.formatting import count, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["droplet_ids", "is_pattern"]

_WILDCARDS = "*?["


def is_pattern(word: str) -> bool:
    """
    Return whether a word may fit several droplets.

    Example:
        >>> is_pattern("web-*"), is_pattern("web-01")
        (True, False)
    """
    return any(letter in word for letter in _WILDCARDS)


def droplet_ids(words: Sequence[str], droplets: pd.DataFrame) -> list[int]:
    """
    Return the ids of droplets, each once, in the order in which they are named.

    Args:
        words: each an id, a key such as 'droplet:3164450', a name, or a pattern such as 'web-*'. Digits are an id.
        droplets: those that exist, as `account.droplets()` returns them.

    Raises:
        InvalidArgument: a name is that of no droplet, or of several, or a pattern fits none.

    Example:
        >>> import pandas as pd
        >>> droplets = pd.DataFrame({"id": [7, 8, 9], "name": ["web-01", "web-02", "7"]})
        >>> droplet_ids(["web-*", "7"], droplets)
        [7, 8]
    """
    return list(dict.fromkeys(found for word in words for found in _named(word, droplets)))


def _named(word: str, droplets: pd.DataFrame) -> list[int]:
    digits = word.removeprefix("droplet:")
    if digits.isdecimal():
        return [int(digits)]
    names = droplets["name"].astype(object).where(droplets["name"].notna(), "")
    has_wildcard = is_pattern(word)
    exact = droplets.loc[names == word, "id"].tolist()
    if len(exact) > 1:
        ids = ", ".join(map(str, exact))
        raise InvalidArgument(f"{count(len(exact), 'droplet')} are called {word!r}: {ids}. Name one by its id.")
    if exact or not has_wildcard:
        return exact or _unknown(word, names.tolist())
    return droplets.loc[names.map(lambda name: fnmatchcase(name, word)), "id"].tolist() or _unknown(word, [])


def _unknown(word: str, names: list[str]) -> list[int]:
    near = difflib.get_close_matches(word, names, n=3)
    hint = f" Did you mean {' or '.join(map(visible, near))}?" if near else " `doaudit droplets` lists them."
    raise InvalidArgument(f"There is no droplet {word!r}.{hint}")
