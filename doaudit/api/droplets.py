"""Droplets that exist now, as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from doaudit.actions import text_dtype, to_utc
from doaudit.api.resource_lists import read_list
from doaudit.resources import DROPLET

if TYPE_CHECKING:
    from doaudit.api.client import Client

__all__ = ["read_droplets"]

[_LIST] = DROPLET.lists


def read_droplets(client: Client) -> pd.DataFrame:
    """
    Read the list of droplets.

    Returns:
        One row a droplet, sorted by id: `id` (int64), `name`, `status`, `region`, `size` (text), `created_at`
        (datetime64[s, UTC]).

    Raises:
        Forbidden: the token lacks the scope droplet:read.
        ApiProblem: the list could not be read, for another reason.
    """
    rows, _ = read_list(client, _LIST.path, _LIST.body_key)
    texts = {
        "name": [row.get("name") for row in rows],
        "status": [row.get("status") for row in rows],
        "region": [(row.get("region") or {}).get("slug") for row in rows],
        "size": [row.get("size_slug") for row in rows],
    }
    table = pd.DataFrame(
        {
            "id": pd.Series([row["id"] for row in rows], dtype="int64"),
            **{name: pd.Series(values, dtype=text_dtype()) for name, values in texts.items()},
            "created_at": to_utc([row.get("created_at") for row in rows]),
        }
    )
    return table.sort_values("id", ignore_index=True)
