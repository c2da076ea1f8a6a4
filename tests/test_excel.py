"""The workbook of a report, read back by openpyxl and as the XML that a spreadsheet reads."""

from __future__ import annotations

import io
import re
import sys
import zipfile

import numpy as np
import openpyxl
import pandas as pd
import pytest

import doaudit as da
from doaudit.errors import NotPossible
from doaudit.report.excel import workbook_bytes

HARMFUL = [
    "=cmd()",
    "=1+1",
    "#N/A",
    "+1",
    "@SUM(A1)",
    "\x1b]0;title\x07",
    "\ud800",
    "_x0041_",
    "<script>&",
    "a\r\nb",
    "",
]


def read(content):
    """Open a workbook."""
    return openpyxl.load_workbook(io.BytesIO(content))


def values(sheet):
    """The values of a sheet, the heading first."""
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def test_every_cell_has_its_type():
    """Numbers, booleans and times are such, what is not known is empty, and a number of many digits keeps them."""
    table = pd.DataFrame(
        {
            "id": [3_326_912_777, 2**62 + 1],
            "started_at": pd.to_datetime(["2026-06-17T13:12:37Z", None]).as_unit("s"),
            "p50_s": [1.5, np.nan],
            "certain": pd.array([True, None], dtype="boolean"),
            "resource_id": pd.array([None, 7], dtype="Int64"),
            "type": pd.Categorical(["snapshot", None]),
            "still_off": [False, True],
            "ratio": [np.inf, 0.5],
        }
    )

    book = read(workbook_bytes({"one": table}, {"source": "=here"}))

    assert values(book["one"]) == [
        list(table.columns),
        [3_326_912_777, pd.Timestamp("2026-06-17T13:12:37"), 1.5, True, None, "snapshot", False, "inf"],
        [str(2**62 + 1), None, None, None, 7, None, True, 0.5],
    ]
    assert book["one"].freeze_panes == "A2"
    assert values(book["about"])[1] == ["source", "=here"]


def test_text_is_text():
    """Formulas, names of errors, control characters and Excel's own escapes are text, and read back as shown."""
    table = pd.DataFrame({"=name": HARMFUL})

    content = workbook_bytes({"=1": table}, {"=1": "=2"})

    cells = [cell for sheet in read(content) for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells if cell.value is not None} == {"s"}
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = "".join(parts.read(name).decode() for name in parts.namelist() if "worksheets/" in name)
    assert "<f>" not in sheets
    texts = re.findall(r"<t[^>]*>([^<]*)</t>", sheets)
    assert [text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for text in texts[5:]] == [
        *("=cmd()", "=1+1", "#N/A", "+1", "@SUM(A1)", r"\x1b]0;title\x07", r"\ud800"),
        *("_x005F_x0041_", "<script>&", r"a\r\nb"),
    ]


def test_the_same_tables_give_the_same_bytes():
    """Whenever it is written: nothing in it tells the time."""
    table = pd.DataFrame({"id": [1]})
    first = workbook_bytes({"one": table}, {})

    with zipfile.ZipFile(io.BytesIO(first)) as parts:
        assert {part.date_time for part in parts.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        stamps = re.findall(r"\d{4}-\d\d-\d\dT", parts.read("docProps/core.xml").decode())
    assert set(stamps) == {"1980-01-01T"}
    assert workbook_bytes({"one": table}, {}) == first


def test_of_more_rows_than_a_sheet_has_the_first_are_taken_and_that_is_said():
    """Nothing is left out in silence."""
    book = read(workbook_bytes({"many": pd.DataFrame({"id": range(10)})}, {}, most_rows=5))

    assert values(book["many"]) == [["id"], [0], [1], [2], [3]]
    assert values(book["about"])[1:] == [["sheet many", "The first 4 of 10 rows; many.csv has all."]]


def test_names_of_sheets_are_allowed_and_different():
    """Excel allows 31 characters, without some signs, and takes upper and lower case for the same."""
    names = ["a" * 40, "a" * 41, "A" * 40, "b/c"]

    book = read(workbook_bytes({name: pd.DataFrame({"id": [1]}) for name in names}, {}))

    assert book.sheetnames == ["about", "a" * 31, "a" * 28 + " 2", "A" * 28 + " 3", "b c"]


def test_a_report_has_it_if_it_is_wanted(tmp_path):
    """All tables, as many rows as their CSV files, linked and in the manifest; the next report without it has none."""
    with da.demo(actions=300) as account:
        actions = account.actions()
        page = da.report(actions, tmp_path / "out", account=account, excel=True)

        book = read((tmp_path / "out" / "report.xlsx").read_bytes())
        csv_files = {path.stem for path in (tmp_path / "out").glob("*.csv")}
        assert set(book.sheetnames) == csv_files | {"about"}
        assert [row[0] for row in values(book["actions"])] == ["id", *actions["id"]]
        assert 'href="report.xlsx"' in page.path.read_text(encoding="utf-8")
        assert da.verify(tmp_path / "out").intact

        da.report(actions, tmp_path / "out", account=account)
        assert not (tmp_path / "out" / "report.xlsx").exists()


def test_without_openpyxl_it_says_what_to_install(monkeypatch):
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    with pytest.raises(NotPossible, match=r'pip install "doaudit\[excel\]"'):
        workbook_bytes({}, {})
