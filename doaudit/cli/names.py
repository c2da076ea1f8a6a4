"""Resources by the names, ids or patterns of droplets, as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.errors import InvalidArgument
from doaudit.formatting import count
from doaudit.operations.droplet_names import droplet_ids

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["resource_key"]


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
