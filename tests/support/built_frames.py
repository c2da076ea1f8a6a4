"""Actions frames in which a test states only what it is about."""

from __future__ import annotations

import pandas as pd

from doaudit.actions import COLUMNS, IN_PROGRESS

__all__ = ["build"]

MONDAY = "2026-03-02T10:00:00Z"


def build(**columns):
    """
    Build an actions frame; a value stands for every row, a list for one each.

    `seconds` is the duration of an action, or the age of an open one when it was last seen.
    """
    rows = max((len(value) for value in columns.values() if isinstance(value, list)), default=1)
    given = {name: value if isinstance(value, list) else [value] * rows for name, value in columns.items()}
    seconds = given.pop("seconds", [60] * rows)
    given = {"status": ["completed"] * rows, "started_at": [MONDAY] * rows} | given
    is_open = [status in IN_PROGRESS for status in given["status"]]
    starts = pd.Series(pd.to_datetime(given["started_at"], utc=True))
    then = starts + pd.to_timedelta(pd.Series(seconds, dtype="float64"), unit="s")
    values = {
        "id": list(range(1, rows + 1)),
        "type": ["snapshot"] * rows,
        "resource_type": ["droplet"] * rows,
        "resource_id": [1] * rows,
        "resource": ["droplet:1"] * rows,
        "resource_name": ["web-1"] * rows,
        "region": ["fra1"] * rows,
        "completed_at": [None if running else end for running, end in zip(is_open, then, strict=True)],
        "observed_at": [end if running else "2026-04-01T00:00:00Z" for running, end in zip(is_open, then, strict=True)],
    } | given
    return pd.DataFrame({name: _column(values[name], dtype) for name, dtype in COLUMNS.items()})


def _column(values, dtype):
    if dtype.startswith("datetime"):
        return pd.Series(pd.to_datetime(pd.Series(values, dtype=object), utc=True)).dt.floor("s").astype(dtype)
    return pd.Series(
        pd.Series(values, dtype=object).where(pd.notna(pd.Series(values, dtype=object)), None), dtype=dtype
    )
