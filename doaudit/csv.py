"""
Tables as CSV files, and an actions file back into the same frame.

UTF-8, comma, one line end; times as `2026-11-23T12:00:00Z`, floats with six decimals, no index: the same table gives
the same bytes. Null is an empty cell. Text that a spreadsheet would take for a formula, text that begins with an
apostrophe, and the empty text get an apostrophe in front, which `read_csv` takes off again.
"""

from __future__ import annotations

import io
import os

import numpy as np
import pandas as pd

from doaudit.actions import COLUMNS, categorical, to_utc
from doaudit.errors import FileProblem, NotOurFile

__all__ = ["csv_bytes", "read_csv"]

_FORMULA = tuple("=+-@'\t\r\n\uff1d\uff0b\uff0d\uff20")  # the full-width forms of =+-@ work as formulas, too
_ID_RANGE = "a whole number below 2^63"


def csv_bytes(table: pd.DataFrame) -> bytes:
    r"""
    The table as the bytes of a CSV file.

    Example:
        >>> csv_bytes(pd.DataFrame({"name": ["=1+1", None], "share": [0.25, float("nan")]}))
        b"name,share\n'=1+1,0.250000\n,\n"
    """
    text = pd.DataFrame({name: _cells(table[name]) for name in table.columns}, columns=table.columns)
    buffer = _Rows()
    text.to_csv(buffer, index=False, lineterminator="\r\n")
    return buffer.getvalue().encode()


class _Rows(io.StringIO):
    """
    Takes rows as the csv module writes them, one a call, and ends each with a line feed alone.

    The module quotes a carriage return inside a cell only if lines end with one; unquoted, it would split the row.
    """

    def write(self, row: str) -> int:
        return super().write(row.removesuffix("\r\n") + "\n")


def _cells(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        plain = column.astype(column.cat.categories.dtype)
        return plain.map(dict(zip(column.cat.categories, map(_safe, column.cat.categories), strict=True)))
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        stamps = np.datetime_as_string(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(), unit="s")
        return pd.Series(np.char.add(stamps, "Z"), index=column.index, dtype=object).where(column.notna(), None)
    if pd.api.types.is_bool_dtype(column.dtype):
        return column.map({True: "true", False: "false"})
    if pd.api.types.is_float_dtype(column.dtype):
        return column.map(lambda value: f"{value:.6f}", na_action="ignore").astype(object)
    if pd.api.types.is_numeric_dtype(column.dtype):
        return column
    return column.map(_safe, na_action="ignore")


def _safe(value: object) -> str:
    text = str(value)
    return f"'{text}" if not text or text.startswith("'") or text.lstrip(" ").startswith(_FORMULA) else text


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """
    Read back the actions that a report wrote, exactly: the same rows, order, columns and dtypes.

    Raises:
        FileProblem: the file cannot be opened.
        NotOurFile: it is not an actions CSV of doaudit, or has been changed into something else.
    """
    advice = "Give it the actions.csv of a report that doaudit has written, unchanged."
    try:
        cells = pd.read_csv(
            path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig", lineterminator="\n"
        )
    except OSError as fault:
        raise FileProblem(f"{os.fspath(path)} cannot be read ({fault.strerror or fault}). Check the name.") from None
    except (ValueError, pd.errors.ParserError) as fault:
        reason = str(fault).strip().splitlines()[0]
        raise NotOurFile(f"{os.fspath(path)} is not a CSV file of actions ({reason}). {advice}") from None
    missing = [name for name in COLUMNS if name not in cells.columns]
    others = [name for name in cells.columns if name not in COLUMNS]
    if missing or others:
        differ = "; ".join(
            f"{word} {', '.join(map(repr, names[:11]))}"
            for word, names in (("it lacks", missing), ("it also has", others))
            if names
        )
        raise NotOurFile(f"{os.fspath(path)} is not an actions CSV of doaudit: {differ}. {advice}")
    read = {name: _column(cells[name], dtype, f"{os.fspath(path)}: {{}}. {advice}") for name, dtype in COLUMNS.items()}
    return pd.DataFrame(read)


def _column(cells: pd.Series, dtype: str, complaint: str) -> object:
    values = [None if pd.isna(cell) else str(cell) for cell in cells]
    if dtype == "category":
        return categorical(None if value is None else value.removeprefix("'") for value in values)
    if dtype.startswith("datetime"):
        times = to_utc(values)
        _all_read(cells, np.asarray(times.isna()), complaint, "a time such as 2026-11-23T12:00:00Z")
        return times
    numbers = [
        int(v) if v is not None and v.removeprefix("-").isdecimal() and abs(int(v)) < 2**63 else None for v in values
    ]
    unread = np.array([number is None for number in numbers], dtype=bool)
    if dtype == "int64":
        _all_read(cells.fillna("nothing"), unread, complaint, _ID_RANGE)
        return np.array(numbers, dtype="int64")
    _all_read(cells, unread, complaint, _ID_RANGE)
    return pd.array(numbers, dtype="Int64")


def _all_read(cells: pd.Series, unread: np.ndarray, complaint: str, wanted: str) -> None:
    wrong = np.flatnonzero(unread & cells.notna().to_numpy())
    if len(wrong):
        said = str(cells.iloc[wrong[0]])[:40]
        raise NotOurFile(
            complaint.format(f"row {wrong[0] + 1} has {said!r} under {cells.name!r}, which is not {wanted}")
        )
