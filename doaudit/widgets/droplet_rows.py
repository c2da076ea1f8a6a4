"""Droplets as rows of a table: what they are, and when a snapshot or backup of each was last taken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from doaudit.analysis.backups import backups
from doaudit.formatting import time_span, visible

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["droplet_rows"]

_OLD_S = 7 * 86_400


def droplet_rows(droplets: pd.DataFrame, actions: pd.DataFrame, now: datetime) -> list[dict[str, Any]]:
    """
    Return a row of texts for each droplet, by name.

    Args:
        droplets: as `account.droplets()` returns them.
        actions: the history, which tells what was taken.
        now: the time.

    Example:
        >>> from datetime import UTC, datetime
        >>> from doaudit.actions import to_frame
        >>> columns = {"id": [7], "name": ["web-01"], "status": ["active"], "region": ["fra1"], "size": ["s-1vcpu-1gb"]}
        >>> droplets = pd.DataFrame({**columns, "snapshot_ids": [[]], "backup_ids": [[]], "backups_enabled": [False]})
        >>> [row] = droplet_rows(droplets, to_frame([], 0), datetime(2026, 11, 23, tzinfo=UTC))
        >>> row["name"], row["last"], row["is_old"]
        ('web-01', 'none known', True)
    """
    last = backups(actions, droplets) if len(droplets) else pd.DataFrame({"resource": [], "last_taken_at": []})
    taken_at = dict(zip(last["resource"].astype(str), last["last_taken_at"], strict=True))
    rows = [_row(droplet, taken_at.get(f"droplet:{droplet['id']}"), now) for droplet in droplets.to_dict("records")]
    return sorted(rows, key=lambda row: (row["name"].lower(), row["id"]))


def _row(droplet: dict[Any, Any], taken_at: pd.Timestamp | None, now: datetime) -> dict[str, Any]:
    age_s = None if taken_at is None or pd.isna(taken_at) else (now - taken_at).total_seconds()
    cells = {name: visible(_text(droplet[name])) for name in ("name", "region", "status", "size")}
    known = "none known" if age_s is None or taken_at is None else f"{taken_at:%Y-%m-%d %H:%M}, {time_span(age_s)} ago"
    return {
        "id": int(droplet["id"]),
        **cells,
        "last": known,
        "age_s": age_s,
        "is_old": age_s is None or age_s > _OLD_S,
        "searched": " ".join([*cells.values(), str(droplet["id"])]).lower(),
    }


def _text(value: object) -> str:
    return "-" if value is None or value is pd.NA or value != value else str(value)  # noqa: PLR0124 -- NaN
