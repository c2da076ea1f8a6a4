"""CSV files: safe in a spreadsheet, the same each time, and read back exactly."""

from __future__ import annotations

import csv
import io
import itertools
import re

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from doaudit.actions import Record, categorical, to_frame
from doaudit.csv import csv_bytes, read_csv
from doaudit.errors import FileProblem, NotOurFile

SKIPPED = "\xa0\u3000\u200b\ufeff\x0b\x0c\x85 "  # what a spreadsheet skips before a formula
HARMFUL = st.text(st.sampled_from(f"=+-@';,\t\r\n\"1a\uff1d{SKIPPED}"), max_size=8)
TEXT = (
    st.none()
    | HARMFUL
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from(
        ["=1+1", "\x00", "a\x00b", "'", "''=x", "a\r\nb", 'say "x", y', "NA", "nan", "null", "", "\uff1d1"]
    )
)
FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
TIME = st.none() | st.integers(0, 4_000_000_000)
RECORD = st.builds(
    Record,
    id=st.integers(1, 2**63 - 1),
    status=TEXT,
    type=TEXT,
    started_at=TIME,
    completed_at=TIME,
    resource_id=st.none() | st.integers(0, 2**63 - 1),
    resource_type=TEXT | st.just("reserved_ip"),
    region_slug=TEXT,
)


@given(
    records=st.lists(RECORD, max_size=6, unique_by=lambda record: record.id),
    names=st.lists(TEXT, min_size=6, max_size=6),
)
def test_actions_come_back_exactly(records, names, tmp_path_factory):
    """Whatever texts, times and ids a frame holds, its file gives back the same frame."""
    actions = to_frame(records, 1_795_435_200)
    actions["resource_name"] = categorical(names[: len(actions)])
    path = tmp_path_factory.mktemp("csv") / "actions.csv"

    path.write_bytes(csv_bytes(actions))

    assert_frame_equal(read_csv(path), actions, check_exact=True)


def written(text):
    """The line of a file that holds a text between a number and a text, as it is between its quotes."""
    table = pd.DataFrame({"n": [-1], "name": [text], "last": ["x"]})
    return csv_bytes(table).decode().removeprefix("n,name,last\n")


def is_number(part):
    """Whether a part of a line is a number, which may begin with a sign."""
    return part.removeprefix("-").isdecimal()


@examples(600)
@given(text=HARMFUL | TEXT.filter(lambda text: text is not None))
def test_no_part_of_a_line_begins_like_a_formula(text):
    """However a spreadsheet splits a line, and whatever it skips, it finds no formula; and it has the text."""
    line = written(text)
    cell = next(csv.reader(io.StringIO(line, newline="")))[1]
    quoted_or_not = [cell, line]

    for part in itertools.chain.from_iterable(re.split(r"[,;\t\r\n]", each) for each in quoted_or_not):
        assert is_number(part) or not part.strip(f'{SKIPPED}"').startswith(FORMULA)
    assert cell.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize(
    "text", ["=1", "a;=1", "a,=1", "a\t=1", *(f"{blank}=1" for blank in SKIPPED), "a;\xa0 @x", '"=1']
)
def test_a_formula_is_neutralised_wherever_it_begins(text):
    """At the start, behind a separator, behind blanks of any kind and quotes: an apostrophe stands before it."""
    cell = next(csv.reader(io.StringIO(written(text), newline="")))[1]

    assert cell != text
    assert cell.replace("'", "", 1) == text


@pytest.mark.parametrize("text", ["fra1", "web-01.example.com", "a, b; c", "10+1", "a=b", "größe", "\U0001f980"])
def test_a_plain_text_is_as_it_was(text):
    """What is no formula has no apostrophe."""
    assert next(csv.reader(io.StringIO(written(text), newline="")))[1] == text


def test_a_long_hostile_text_takes_no_long_time():
    """The work grows with the length of a text, not with its square."""
    for text in ("\t" * 10**5, " " * 10**5, '";' * 50_000, "'" * 10**5):
        written(text)


def test_numbers_times_and_nulls_have_one_form():
    """Floats have six decimals, times are ISO in UTC, null is empty, and negative numbers stay numbers."""
    table = pd.DataFrame(
        {
            "share": [0.1, float("nan"), float("inf")],
            "change": [-1, 0, 2],
            "at": pd.to_datetime(["2026-11-23T12:00:00+02:00", None, "1969-12-31T23:59:59Z"], utc=True),
            "stuck": [True, False, True],
            "n": pd.array([1, None, 3], dtype="Int64"),
        }
    )

    assert csv_bytes(table).decode().splitlines() == [
        "share,change,at,stuck,n",
        "0.100000,-1,2026-11-23T10:00:00Z,true,1",
        ",0,,false,",
        "inf,2,1969-12-31T23:59:59Z,true,3",
    ]


def test_a_missing_file_is_said_in_a_sentence(tmp_path):
    """A wrong name names the file."""
    with pytest.raises(FileProblem, match=r"nowhere\.csv cannot be read"):
        read_csv(tmp_path / "nowhere.csv")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"a,b\n1,2\n", "it lacks 'id'"),
        (b"", "not a CSV file of actions"),
        (b"\xff\xfe\x00\x01", "not a CSV file of actions"),
        (b"\x89PNG\r\n\x1a\n\x00", "is not a"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path, content, complaint):
    """A file that is no actions CSV is refused with what it lacks."""
    path = tmp_path / "other.csv"
    path.write_bytes(content)

    with pytest.raises(NotOurFile, match=complaint):
        read_csv(path)


@pytest.mark.parametrize(
    ("column", "text"), [("id", "x"), ("id", ""), ("id", "1.5"), ("started_at", "yesterday"), ("resource_id", "9" * 30)]
)
def test_a_changed_cell_is_named(tmp_path, column, text):
    """A cell that cannot be read is named with its row and column, and never becomes a null."""
    actions = to_frame([Record(7, "completed", started_at=5, completed_at=9, resource_id=3)], 10)
    rows = list(csv.reader(io.StringIO(csv_bytes(actions).decode())))
    rows[1][rows[0].index(column)] = text
    path = tmp_path / "actions.csv"
    path.write_text("\n".join(",".join(row) for row in rows) + "\n", encoding="utf-8")

    with pytest.raises(NotOurFile, match=f"row 1 has .* under '{column}'"):
        read_csv(path)
