"""Columns of a table that is drawn: the check that they are there, their numbers, and the keys and rows of groups."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

__all__ = ["GroupKey", "by_columns", "group_keys", "numbers", "require", "rows_by_key", "within_accounts"]

KeyT = TypeVar("KeyT", bound="Hashable")

GroupKey = tuple[str | None, ...]
"""The values of a group in the `by` columns, None where null."""


def require(table: pd.DataFrame, columns: Sequence[str], *, maker: str) -> None:
    """
    Refuse a table that lacks one of *columns*; *maker* is the function that makes such tables.

    Example:
        >>> require(pd.DataFrame({"id": [1]}), ["id", "age_s"], maker="open_actions")
        Traceback (most recent call last):
        doaudit.errors.InvalidArgument: The table has no column 'age_s'; draw what doaudit.open_actions(...) returns.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        names = ", ".join(repr(column) for column in missing)
        plural = "s" if len(missing) > 1 else ""
        raise InvalidArgument(f"The table has no column{plural} {names}; draw what doaudit.{maker}(...) returns.")


def numbers(table: pd.DataFrame, column: str) -> np.ndarray:
    """
    Return a column as float64, nulls as NaN, whichever dtype it has.

    Example:
        >>> numbers(pd.DataFrame({"age_s": pd.array([3, None], dtype="Int64")}), "age_s").tolist()
        [3.0, nan]
    """
    return table[column].to_numpy(dtype=float, na_value=np.nan)


def by_columns(table: pd.DataFrame, *, until: str) -> list[str]:
    """
    Return the columns that a table was grouped by: those before the column *until*.

    The names of resources are none of these where their keys are there.

    Example:
        >>> by_columns(pd.DataFrame(columns=["resource", "resource_name", "type", "actions"]), until="actions")
        ['resource', 'type']
    """
    columns = [str(column) for column in table.columns[: list(table.columns).index(until)]]
    return [name for name in columns if name != "resource_name" or "resource" not in columns]


def group_keys(table: pd.DataFrame, by: Sequence[str]) -> list[GroupKey]:
    """
    Return the key of each row: its values in the *by* columns as text, None where null.

    Example:
        >>> group_keys(pd.DataFrame({"region": ["fra1", None]}), ["region"])
        [('fra1',), (None,)]
    """
    columns = [[None if pd.isna(value) else str(value) for value in table[column]] for column in by]
    return list(zip(*columns, strict=True)) if columns else [()] * len(table)


def rows_by_key(keys: Iterable[KeyT]) -> dict[KeyT, list[int]]:
    """
    Return the positions of the rows that have each key, in the order in which the keys come.

    Example:
        >>> rows_by_key(["resize", "reboot", "resize"])
        {'resize': [0, 2], 'reboot': [1]}
    """
    rows: dict[KeyT, list[int]] = defaultdict(list)
    for position, key in enumerate(keys):
        rows[key].append(position)
    return dict(rows)


def within_accounts(table: pd.DataFrame, column: str) -> list[str]:
    """
    Return the columns to have rows by so that none is of two accounts: *column*, and `account` where there is one.

    Example:
        >>> within_accounts(pd.DataFrame(columns=["account", "type"]), "type")
        ['account', 'type']
    """
    return [ACCOUNT, column] if ACCOUNT in table and column != ACCOUNT else [column]
