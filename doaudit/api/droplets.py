"""Droplets that exist now, as a table."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pandas as pd

from doaudit.actions import text_dtype, to_utc
from doaudit.api.resource_lists import read_list
from doaudit.errors import UnexpectedAnswer
from doaudit.formatting import count, one_line
from doaudit.records import whole_number
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
        (datetime64[s, UTC]), `snapshot_ids`, `backup_ids` (lists of int, null where the API does not tell),
        `backups_enabled` (boolean, likewise).

    Raises:
        Forbidden: the token lacks the scope droplet:read.
        ApiProblem: the list could not be read, for another reason, or it does not add up.

    Warns:
        UserWarning: a droplet has no id that can be read, and is left out.
    """
    listed = read_list(client, _LIST.path, _LIST.body_key)
    if not listed.adds_up:
        raise UnexpectedAnswer(
            f"The list of droplets does not add up: {len(listed.rows):,} were found, and the API reports more, also "
            "when it was read once more. Run this again later.",
            request=f"GET {_LIST.path}",
        )
    ids = [whole_number(row["id"]) for row in listed.rows]
    rows = [row for row, number in zip(listed.rows, ids, strict=True) if number is not None]
    odd = [*listed.set_aside, *(str(row["id"]) for row, number in zip(listed.rows, ids, strict=True) if number is None)]
    if odd:
        warnings.warn(
            f"{count(len(odd), 'droplet')} cannot be in this table, without an id that can be read: {one_line(odd[0])}",
            stacklevel=3,
        )
    texts = {
        "name": [_text(row.get("name")) for row in rows],
        "status": [_text(row.get("status")) for row in rows],
        "region": [_region(row.get("region")) for row in rows],
        "size": [_text(row.get("size_slug")) for row in rows],
    }
    table = pd.DataFrame(
        {
            "id": pd.Series([number for number in ids if number is not None], dtype="int64"),
            **{name: pd.Series(values, dtype=text_dtype()) for name, values in texts.items()},
            "created_at": to_utc([_time(row.get("created_at")) for row in rows]),
            # An object column even if it is empty, for pandas would make one of floats.
            **{
                name: pd.Series([_ids(row.get(name)) for row in rows], dtype=object)
                for name in ("snapshot_ids", "backup_ids")
            },
            "backups_enabled": pd.array([_has_backups(row.get("features")) for row in rows], dtype="boolean"),
        }
    )
    return table.sort_values("id", ignore_index=True)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _region(value: object) -> str | None:
    return _text(value.get("slug") if isinstance(value, dict) else value)


def _time(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _ids(value: object) -> list[int] | None:
    """Return the ids in a list, without what is none; null where there is no list, or nothing but odd values in it."""
    if not isinstance(value, list):
        return None
    ids = [number for number in map(whole_number, value) if number is not None]
    return ids if ids or not value else None


def _has_backups(features: object) -> bool | None:
    return "backups" in features if isinstance(features, list) else None
