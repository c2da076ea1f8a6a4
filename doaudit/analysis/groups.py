"""Groups of a table: the columns that name them, their numbers in the order of their values, and their figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT
from doaudit.analysis.engines import quoted
from doaudit.errors import InvalidArgument

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    Counts = NDArray[np.int64]

__all__ = [
    "LARGEST",
    "By",
    "check_names",
    "combined_ranks",
    "first_of_runs",
    "group_labels",
    "key_columns",
    "number_groups",
    "ranks",
    "run_lengths",
    "sort_columns",
    "with_keys",
]

By: TypeAlias = str | Sequence[str]

LARGEST = 2**62
"""The largest number that ranks are combined into."""


def key_columns(by: By) -> list[str]:
    """
    Return the columns that `by` names, each once.

    Example:
        >>> key_columns("type"), key_columns(["region", "type", "region"])
        (['type'], ['region', 'type'])
    """
    return list(dict.fromkeys([by] if isinstance(by, str) else by))


def check_names(keys: Collection[str], figures: Collection[str]) -> None:
    """
    Refuse columns to group by that have the name of a figure of the table.

    Raises:
        InvalidArgument: one has.

    Example:
        >>> check_names(["type"], ["actions"])
    """
    if taken := [name for name in keys if name in figures]:
        raise InvalidArgument(f"by cannot name {quoted(taken)}: the table has a column of that name. Rename it first.")


def with_keys(keys: pd.DataFrame, figures: Mapping[str, Any]) -> pd.DataFrame:
    """
    Join the keys of groups and their figures into one table.

    Raises:
        InvalidArgument: a key has the name of a figure.

    Example:
        >>> with_keys(pd.DataFrame({"type": ["resize"]}), {"actions": [3]}).to_dict("records")
        [{'type': 'resize', 'actions': 3}]
    """
    check_names(keys.columns, figures)
    return keys.assign(**figures)


def number_groups(counted: pd.DataFrame, by: list[str]) -> tuple[pd.DataFrame, Counts]:
    """
    Return the groups of a table, by value (nulls last), and the number of each row's group.

    Example:
        >>> keys, group = number_groups(pd.DataFrame({"type": ["resize", "reboot", "resize"]}), ["type"])
        >>> keys["type"].tolist(), group.tolist()
        (['reboot', 'resize'], [1, 0, 1])
    """
    if not by:
        return pd.DataFrame(index=range(1)), np.zeros(len(counted), dtype=np.int64)
    order = combined_ranks([ranks(counted[name]) for name in by])
    if (order[1:] >= order[:-1]).all():  # as the rows of a tally are by its own keys: nothing to sort
        example = first_of_runs(order)
        group = np.repeat(np.arange(len(example)), run_lengths(example, len(order)))
    else:
        _, example, group = np.unique(order, return_index=True, return_inverse=True)
    return counted[by].iloc[example].reset_index(drop=True), group


def combined_ranks(columns: Sequence[Counts]) -> Counts:
    """
    Combine the ranks of several columns into one number a row, which orders the rows as the columns do one by one.

    Example:
        >>> combined_ranks([np.array([1, 0, 1]), np.array([5, 7, 0])]).tolist()
        [13, 7, 8]
    """
    combined, sizes = columns[0], 1 + int(columns[0].max(initial=0))
    for column in columns[1:]:
        size = 1 + int(column.max(initial=0))
        if sizes * size > LARGEST:
            distinct, combined = np.unique(combined, return_inverse=True)
            sizes = len(distinct)
        combined, sizes = combined * size + column, sizes * size
    return combined


def ranks(column: pd.Series[Any]) -> Counts:
    """
    Return the rank of each value, nulls last; categories that have no order of their own are ranked by value.

    Example:
        >>> ranks(pd.Series(["resize", None, "reboot", "resize"])).tolist()
        [1, 2, 0, 1]
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.dtype.categories
        rank = np.arange(len(categories))
        if not (column.dtype.ordered or categories.is_monotonic_increasing):
            rank[categories.argsort()] = np.arange(len(categories))
        return np.append(rank, len(categories))[column.cat.codes]
    codes, values = pd.factorize(column, sort=True)
    return np.where(codes < 0, len(values), codes)


def first_of_runs(*columns: Counts) -> Counts:
    """
    Return the positions at which a run of equal rows begins.

    Example:
        >>> first_of_runs(np.array([3, 3, 5, 5]), np.array([1, 1, 1, 2])).tolist()
        [0, 2, 3]
    """
    begins = np.zeros(len(columns[0]), dtype=bool)  # small, where differences would be as large as the column
    begins[:1] = True
    for column in columns:
        begins[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(begins)


def run_lengths(first: Counts, rows: int) -> Counts:
    """
    Return the lengths of the runs that begin at these positions of so many rows.

    Example:
        >>> run_lengths(np.array([0, 2, 3]), 4).tolist()
        [2, 1, 1]
    """
    lengths = np.empty(len(first), dtype=np.int64)
    np.subtract(first[1:], first[:-1], out=lengths[:-1])
    lengths[-1:] = rows - first[-1:]
    return lengths


def sort_columns(columns: Sequence[NDArray[Any]]) -> list[Counts]:
    """
    Sort the rows of columns of whole numbers from 0, by the first column, equal ones by the next, and so on.

    Example:
        >>> [column.tolist() for column in sort_columns([np.array([1, 0, 1]), np.array([7, 5, 3])])]
        [[0, 1, 1], [5, 3, 7]]
    """
    widths = [int(column.max(initial=0)).bit_length() for column in columns]
    if sum(widths) >= LARGEST.bit_length():
        order = np.lexsort(list(reversed(columns)))
        return [column[order].astype(np.int64) for column in columns]
    # One number a row is sorted, and its parts read out of it, in a third of the time that an order of the rows takes.
    packed = np.zeros(len(columns[0]), dtype=np.int64)
    for column, width in zip(columns, widths, strict=True):
        packed <<= width
        packed |= column
    packed.sort()
    parts: list[Counts] = []
    for width in reversed(widths):
        parts.append(packed & (2**width - 1))
        packed >>= width
    return parts[::-1]


def group_labels(keys: pd.DataFrame) -> list[str]:
    """
    Return the name of each group for a sentence, after its account; all actions as one group are "an action".

    Example:
        >>> group_labels(pd.DataFrame({"type": ["resize"], "region": [None]})), group_labels(pd.DataFrame(index=[0]))
        (['resize · (none)'], ['an action'])
        >>> group_labels(pd.DataFrame({"account": ["acme"], "type": ["resize"]}))
        ['acme: resize']
    """
    if ACCOUNT in keys:
        of_account = zip(_words(keys[ACCOUNT]), group_labels(keys.drop(columns=ACCOUNT)), strict=True)
        return [f"{account}: {label}" for account, label in of_account]
    columns = [_words(keys[column]) for column in keys]
    return [" · ".join(parts) for parts in zip(*columns, strict=True)] if columns else ["an action"] * len(keys)


def _words(column: pd.Series[Any]) -> list[str]:
    return ["(none)" if pd.isna(value) else str(value) for value in column]
