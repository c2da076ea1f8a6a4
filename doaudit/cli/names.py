"""Droplets by their names, ids or patterns, as they are typed."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from doaudit.errors import InvalidArgument
from doaudit.formatting import count, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["droplet_ids", "resource_key"]

_WILDCARDS = "*?["


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
    has_wildcard = any(letter in word for letter in _WILDCARDS)
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


def resource_key(word: str, droplets: pd.DataFrame) -> str:
    """
    Return the key of a resource: *word* itself where it is one, otherwise that of the droplet of that id or name.

    Raises:
        InvalidArgument: as `droplet_ids`, or a pattern fits several.

    Example:
        >>> import pandas as pd
        >>> resource_key("web-01", pd.DataFrame({"id": [7], "name": ["web-01"]}))
        'droplet:7'
    """
    if ":" in word:
        return word
    ids = droplet_ids([word], droplets)
    if len(ids) > 1:
        raise InvalidArgument(f"{word!r} fits {count(len(ids), 'droplet')}, and an event is of one. Name one of them.")
    return f"droplet:{ids[0]}"
