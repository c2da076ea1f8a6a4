"""Frames of several accounts joined into one, and the part of a table that is of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from engine_frames import plain

from doaudit.actions import ACCOUNT, categorical, newest_first

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["joined", "of_account"]


def joined(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the actions frame of many accounts, by the names that these were given."""
    columns: dict[str, object] = {
        ACCOUNT: categorical([name for name, frame in frames.items() for _ in range(len(frame))])
    }
    for name, dtype in next(iter(frames.values())).dtypes.items():
        parts = [frame[name] for frame in frames.values()]
        if isinstance(dtype, pd.CategoricalDtype):
            columns[str(name)] = categorical([None if pd.isna(word) else word for part in parts for word in part])
        else:
            columns[str(name)] = pd.concat(parts, ignore_index=True)
    return newest_first(pd.DataFrame(columns))


def of_account(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of one account, as its table alone would have them."""
    rows = table[(table[ACCOUNT] == name).to_numpy(dtype=bool, na_value=False)]
    return plain(rows.drop(columns=ACCOUNT).reset_index(drop=True))
