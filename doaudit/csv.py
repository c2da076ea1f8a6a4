"""
Tables as CSV files, and an actions file back into the same frame.

UTF-8, comma, one line end; times as `2026-11-23T12:00:00Z`, floats with six decimals, no index: the same table gives
the same bytes. Null is an empty cell.

A spreadsheet may split a line at commas, semicolons or tabs, whatever is quoted, and skips blanks before a formula. So
each part of a text between such separators gets an apostrophe in front if it would be taken for a formula, or begins
with an apostrophe; so does the empty text. `read_csv` takes one off each part again.
"""

from __future__ import annotations

import csv
import io
import os
import re
from pathlib import Path

import numpy as np
import pandas as pd

from doaudit.actions import ACCOUNT, COLUMNS, categorical, to_utc
from doaudit.errors import FileProblem, NotOurFile

__all__ = ["csv_bytes", "read_csv"]

# What begins a formula: =+-@ and their full-width and small forms.
_FORMULA = r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b]"
# What may stand before it: blanks, control characters, characters without a width, quotes; but no separator.
_BLANKS = (
    r"(?:[^\S\t\r\n]|[\"\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff])*"
)
_PART = r"(?:\A|(?<=[,;\t\r\n]))"
_HARMFUL = re.compile(rf"\A(?=[\t\r\n]|\Z)|{_PART}(?='|{_BLANKS}{_FORMULA})")
_HARMLESS = re.compile(rf"{_PART}'")
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
        # Each text once, and not each row: of a null the code is -1, which takes the last one.
        texts = np.array([*map(_safe, column.cat.categories), None], dtype=object)
        return pd.Series(texts[column.cat.codes.to_numpy()], index=column.index, dtype=object)
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
    return _HARMFUL.sub("'", str(value))


def _unsafe(cell: str) -> str:
    """Return the text that `_safe` was given."""
    return _HARMLESS.sub("", cell)


def read_csv(path: str | os.PathLike[str]) -> pd.DataFrame:
    """
    Read back the actions that a report wrote, exactly: the same rows, order, columns and dtypes.

    Raises:
        FileProblem: the file cannot be opened.
        NotOurFile: it is not an actions CSV of doaudit, or has been changed into something else.
    """
    advice = "Give it the actions.csv of a report that doaudit has written, unchanged."
    try:
        if _has_nul(path):
            cells = _read_cells_with_nul(path)
        else:
            cells = pd.read_csv(
                path, dtype=str, keep_default_na=False, na_values=[""], encoding="utf-8-sig", lineterminator="\n"
            )
    except OSError as fault:
        raise FileProblem(f"{os.fspath(path)} cannot be read ({fault.strerror or fault}). Check the name.") from None
    except (ValueError, csv.Error, pd.errors.ParserError) as fault:
        reason = str(fault).strip().splitlines()[0]
        raise NotOurFile(f"{os.fspath(path)} is not a CSV file of actions ({reason}). {advice}") from None
    missing = [name for name in COLUMNS if name not in cells.columns]
    others = [name for name in cells.columns if name not in (ACCOUNT, *COLUMNS)]
    if missing or others:
        differ = "; ".join(
            f"{word} {', '.join(map(repr, names[:11]))}"
            for word, names in (("it lacks", missing), ("it also has", others))
            if names
        )
        raise NotOurFile(f"{os.fspath(path)} is not an actions CSV of doaudit: {differ}. {advice}")
    wanted = ({ACCOUNT: "category"} if ACCOUNT in cells.columns else {}) | COLUMNS
    read = {name: _column(cells[name], dtype, f"{os.fspath(path)}: {{}}. {advice}") for name, dtype in wanted.items()}
    return pd.DataFrame(read)


def _has_nul(path: str | os.PathLike[str]) -> bool:
    return os.fspath(path).endswith(".csv") and b"\0" in Path(path).read_bytes()


def _read_cells_with_nul(path: str | os.PathLike[str]) -> pd.DataFrame:
    """Read the cells of a file in which texts have the character NUL: pandas 2 cuts a text there."""
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    if any(len(row) != len(header) for row in rows):
        raise ValueError("its rows have different numbers of cells")
    return pd.DataFrame([[cell or None for cell in row] for row in rows], columns=header, dtype=object)


def _column(cells: pd.Series, dtype: str, complaint: str) -> object:
    values = [None if pd.isna(cell) else str(cell) for cell in cells]
    if dtype == "category":
        return categorical(None if value is None else _unsafe(value) for value in values)
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
