"""
The tables of a report as one Excel workbook, in which text is only ever text.

The same tables give the same bytes: openpyxl writes the time into its archives, so they are packed once more.
"""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.errors import NotPossible
from doaudit.formatting import visible
from doaudit.progress import row_bar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from openpyxl import Workbook

__all__ = ["workbook_bytes"]

_MOST_ROWS = 1_048_576  # of a sheet, the heading among them
_LONGEST_NAME = 31
_LONGEST_TEXT = 32_767
_EXACT = 10**15  # Excel keeps fifteen digits of a number
_WIDEST, _LOOKED_AT = 60, 200
_BLOCK = 5_000
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP archive can have
# Excel reads _x0041_ as the letter A; an underscore that is written so itself is one.
_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


def workbook_bytes(
    tables: Mapping[str, pd.DataFrame], about: Mapping[str, str], *, most_rows: int = _MOST_ROWS
) -> bytes:
    """
    Return a workbook: a sheet of facts, then a sheet for each table, with a frozen heading and typed cells.

    Numbers, booleans and times (in UTC) are such; everything else is text, also what looks like a formula. Control
    characters are visible. Numbers of more than fifteen digits are text, since Excel would change them.

    Args:
        tables: by the name of their sheet.
        about: facts about all of them, for the first sheet.
        most_rows: rows that a sheet can have. Of a table with more the first are taken, and the first sheet says so.

    Raises:
        NotPossible: openpyxl is not installed.
    """
    try:
        from openpyxl import Workbook  # noqa: PLC0415 -- an extra, loaded only for a workbook
    except ModuleNotFoundError:
        raise NotPossible(
            'A workbook needs openpyxl, which is not installed here. Run pip install "doaudit[excel]", or leave out '
            "excel=True."
        ) from None
    book = Workbook(write_only=True)
    fixed = datetime(*_FIXED_TIME[:3], tzinfo=UTC).replace(tzinfo=None)
    book.properties.creator, book.properties.created, book.properties.modified = "doaudit", fixed, fixed
    cut = {
        f"sheet {name}": f"The first {most_rows - 1:,} of {len(table):,} rows; {name}.csv has all."
        for name, table in tables.items()
        if len(table) >= most_rows
    }
    _add_sheet(book, "about", ["fact", "value"], [[name, str(value)] for name, value in {**about, **cut}.items()])
    with row_bar("workbook", sum(min(len(table), most_rows - 1) for table in tables.values()), unit=" rows") as add:
        for name, table in tables.items():
            head = table.iloc[: most_rows - 1]
            _add_sheet(book, name, list(map(str, head.columns)), _rows(head, add))
    return _pack(book)


def _add_sheet(book: Workbook, name: str, heading: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415 -- see above
    from openpyxl.styles import Font  # noqa: PLC0415 -- see above
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 -- see above

    sheet: Any = book.create_sheet(_sheet_name(name, book.sheetnames))
    sheet.freeze_panes = "A2"

    def cell(value: object) -> object:
        # What begins like a formula or is called like an error would be one, were its type not said.
        if isinstance(value, str) and value[:1] in ("=", "#"):
            typed = WriteOnlyCell(sheet, value)
            typed.data_type = "s"
            return typed
        return value

    waiting = iter(rows)
    first = list(islice(waiting, _LOOKED_AT))
    for at, title in enumerate(heading, 1):
        longest = max([len(title), *(len(str(row[at - 1])) for row in first if row[at - 1] is not None)])
        sheet.column_dimensions[get_column_letter(at)].width = min(longest + 2, _WIDEST)
    titles = [WriteOnlyCell(sheet, _text(title)) for title in heading]
    for each in titles:
        each.data_type, each.font = "s", Font(bold=True)
    sheet.append(titles)
    for some in (first, waiting):
        for row in some:
            sheet.append([cell(value) for value in row])


def _sheet_name(name: str, taken: Sequence[str]) -> str:
    """Return a name that Excel allows, and that no other sheet has."""
    allowed = re.sub(r"[\[\]:*?/\\']", " ", visible(name))[:_LONGEST_NAME]
    used = {each.lower() for each in taken}
    numbered = (f"{allowed[: _LONGEST_NAME - 3]} {number}" for number in range(2, len(used) + 3))
    return next(each for each in (allowed, *numbered) if each.lower() not in used)


def _rows(table: pd.DataFrame, add: Callable[[int], None]) -> Iterable[Sequence[object]]:
    """Return the rows as values that a workbook has types for, block by block, so that few are in memory."""
    for begin in range(0, len(table), _BLOCK):
        block = table.iloc[begin : begin + _BLOCK]
        yield from zip(*(_values(block[name]) for name in block.columns), strict=True)
        add(len(block))


def _values(column: pd.Series[Any]) -> Sequence[object]:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        plain = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return [None if value is pd.NaT else value.to_pydatetime() for value in plain]
    if isinstance(column.dtype, pd.CategoricalDtype):
        texts = [None if pd.isna(word) else _text(word) for word in column.cat.categories]
        return [None if code < 0 else texts[code] for code in column.cat.codes]
    return [_value(value) for value in column.astype(object)]


def _value(value: object) -> object:
    """Return a value with a type of a workbook: nothing, a boolean, a number that Excel keeps, or text."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value) if abs(int(value)) < _EXACT else str(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return None if np.isnan(number) else number if np.isfinite(number) else str(number)
    return _text(value)


def _text(value: object) -> str:
    text = _ESCAPED.sub("_x005F_", visible(str(value)))
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def _pack(book: Workbook) -> bytes:
    """Return the bytes of a workbook, without the time at which it was written."""
    from openpyxl.writer.excel import ExcelWriter  # noqa: PLC0415 -- see above

    written, packed = io.BytesIO(), io.BytesIO()
    # Not by save(), which writes the present time into the properties.
    ExcelWriter(book, zipfile.ZipFile(written, "w", zipfile.ZIP_STORED)).save()
    with zipfile.ZipFile(written) as parts, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in parts.infolist():
            information = zipfile.ZipInfo(part.filename, _FIXED_TIME)
            information.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(information, parts.read(part))
    return packed.getvalue()
