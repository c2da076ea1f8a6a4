"""
Counting rows: how many there are of each combination of values, in pandas or where the rows are.

Sorting one whole number a row takes a fraction of the time of grouping by several columns. So in pandas, and out of an
engine in this process where most combinations differ, each row becomes one number that its values can be told from.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.engines import is_in_process, to_pandas
from doaudit.analysis.groups import LARGEST, combined_ranks, first_of_runs, ranks, run_lengths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.analysis.engines import Rows

    Counts = NDArray[np.int64]

__all__ = ["count_rows"]

_MOST_BROUGHT = 2**24  # rows, of 8 bytes each
_FEW_GROUPS = 1_000  # in so few many rows are alike, and an engine counts these sooner than all of them are sorted
_CODE, _PACKED = "code_of_the_value_", "packed_into_one"


def count_rows(frame: Rows, keys: list[str], figures: list[str], *, many: bool = False) -> pd.DataFrame:
    """
    Count the rows of each combination of values that occurs.

    Args:
        frame: as `doaudit.analysis.tally.timed` returns it.
        keys: columns to count by, of any kind.
        figures: further columns to count by, of whole numbers.
        many: whether nearly as many combinations as rows are to be expected.

    Returns:
        One row for each combination, in order of the values (nulls last): the columns, and `actions` (int64).

    Example:
        >>> frame = nw.from_native(pd.DataFrame({"type": ["resize", "reboot", "resize"], "outcome": [0, 1, 0]}))
        >>> count_rows(frame, ["type"], ["outcome"]).values.tolist()
        [['reboot', 1, 1], ['resize', 0, 2]]
    """
    by = [*keys, *figures]
    if frame.implementation.is_pandas() and isinstance(frame, nw.DataFrame):
        return _count_in_pandas(frame.to_native(), by)
    counted = _count_packed(frame.select(*by), keys, figures) if many and is_in_process(frame) else None
    if counted is not None:
        return counted
    return _in_order(to_pandas(frame.group_by(by, drop_null_keys=False).agg(actions=nw.len())), by)


def _in_order(counted: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    order = np.argsort(combined_ranks([ranks(counted[name]) for name in by]))
    return counted.iloc[order].astype({"actions": "int64"}).reset_index(drop=True)


def _count_in_pandas(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Count them by sorting one number a row; the sorted numbers are in the order wanted."""
    is_whole = {name: isinstance(rows[name].dtype, np.dtype) and rows[name].dtype.kind == "i" for name in by}
    numbers, sizes = _number_values(rows, is_whole)
    if math.prod(sizes) > LARGEST:
        is_whole = dict.fromkeys(by, False)
        numbers, sizes = _number_values(rows, is_whole)
    order = np.sort(combined_ranks(numbers))
    first = first_of_runs(order)
    left, values = order[first], {}
    for name, number, size in zip(reversed(by), reversed(numbers), reversed(sizes), strict=True):
        left, at = (left, left) if name == by[0] else np.divmod(left, size)
        if is_whole[name]:
            values[name] = pd.Series(at + rows[name].min() if len(at) else at, dtype=rows[name].dtype)
        else:
            example = np.zeros(size, dtype=np.int64)
            example[number] = np.arange(len(rows))
            values[name] = rows[name].iloc[example[at]].reset_index(drop=True)
    return pd.DataFrame({name: values[name] for name in by} | {"actions": run_lengths(first, len(order))})


def _number_values(rows: pd.DataFrame, is_whole: dict[str, bool]) -> tuple[list[Counts], list[int]]:
    """Return for each column numbers from 0 in the order of its values, and one more than the largest."""
    numbers = [
        rows[name].to_numpy(dtype=np.int64) - (rows[name].min() if len(rows) else 0) if whole else ranks(rows[name])
        for name, whole in is_whole.items()
    ]
    return numbers, [1 + int(number.max(initial=0)) for number in numbers]


def _count_packed(frame: Rows, keys: list[str], figures: list[str]) -> pd.DataFrame | None:
    """
    Count rows of another engine by bringing each as one number; None where that would not be sooner, or cannot be.

    Texts are numbered in the engine, and only one of each leaves it.
    """
    schema = frame.collect_schema()
    if not all(schema[name] == nw.String for name in keys):
        return None
    known = {name: _numbered(frame, name, f"{_CODE}{at}") for at, name in enumerate(keys)}
    texts = {name: _in_code_order(each, name) for name, each in known.items()}
    if math.prod(map(len, texts.values())) <= _FEW_GROUPS:
        return None
    rows, least, sizes = _ranges(frame, figures)
    if not 0 < rows <= _MOST_BROUGHT:
        return None
    codes: dict[str, nw.Expr] = {name: nw.col(name).cast(nw.Int64) - least[name] for name in figures}
    for at, (name, each) in enumerate(known.items()):
        sizes[name] = len(texts[name])
        codes[name] = nw.col(f"{_CODE}{at}").cast(nw.Int64)
        frame = cast("Any", frame).join(each, on=name, how="left")
    widths = {name: sizes[name].bit_length() for name in (*keys, *figures)}  # of the size itself, which stands for null
    if sum(widths.values()) >= LARGEST.bit_length():
        return None
    packed = nw.lit(0).cast(nw.Int64)
    for name, width in widths.items():
        packed = packed * 2**width + codes[name].fill_null(sizes[name])
    numbers = np.sort(to_pandas(frame.select(packed.alias(_PACKED)))[_PACKED].to_numpy(dtype=np.int64))
    return _unpacked(numbers, widths, sizes, least, texts)


def _ranges(frame: Rows, names: list[str]) -> tuple[int, dict[str, int], dict[str, int]]:
    """Return the number of rows, the least number in each column, and how many numbers lie from it to the largest."""
    ends = {f"{name}_{end}": getattr(nw.col(name), end)() for name in names for end in ("min", "max")}
    [found] = to_pandas(frame.select(**ends, rows=nw.len())).to_dict("records")
    whole = {end: 0 if pd.isna(value) else int(value) for end, value in found.items()}
    least = {name: whole[f"{name}_min"] for name in names}
    return whole["rows"], least, {name: 1 + whole[f"{name}_max"] - least[name] for name in names}


def _numbered(frame: Rows, name: str, code: str) -> Any:  # noqa: ANN401 -- a frame of the same kind
    """Return each text of a column once, numbered from 0."""
    known = frame.select(name).filter(~nw.col(name).is_null())
    return known.group_by(name).agg(nw.len().alias(code)).select(name).with_row_index(code, order_by=name)


def _in_code_order(numbered: Any, name: str) -> pd.Series[Any]:  # noqa: ANN401 -- what `_numbered` returns
    table = to_pandas(numbered)
    [code] = [column for column in table.columns if column != name]
    return table.sort_values(code, ignore_index=True)[name]


def _unpacked(
    numbers: Counts,
    widths: dict[str, int],
    sizes: dict[str, int],
    least: dict[str, int],
    texts: dict[str, pd.Series[Any]],
) -> pd.DataFrame:
    """Count equal numbers, which are sorted, and tell the values from each again."""
    first = first_of_runs(numbers)
    left, columns = numbers[first], {"actions": pd.Series(run_lengths(first, len(numbers)))}
    for name, width in reversed(widths.items()):
        at = left & (2**width - 1)
        left >>= width
        if name in texts:
            columns[name] = pd.Series(texts[name].reindex(range(sizes[name] + 1)).array.take(at))
        else:
            is_null = at == sizes[name]
            at += least[name]
            columns[name] = pd.Series(at).astype("Int64").mask(is_null) if is_null.any() else pd.Series(at)
    counted = pd.DataFrame({name: columns[name] for name in (*widths, "actions")}, copy=False)
    in_order = all(text.is_monotonic_increasing for text in texts.values())
    return counted if in_order else _in_order(counted, list(widths))
