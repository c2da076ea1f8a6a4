"""The history as a DuckDB relation: a copy that tables are made from, and that is in nobody's way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import doaudit as da
from doaudit.actions import COLUMNS
from doaudit.analysis import durations, failures

NOW = 1773360000


@pytest.fixture(params=["file", "memory"])
def store(request, opened, action):
    """A history with a finished, an errored and an open action, in a file and in memory."""
    store = opened() if request.param == "file" else opened(at=":memory:")
    rows = [action(1), action(2, status="errored"), action(3, status="in-progress", completed_at=None)]
    store.upsert(rows, [NOW] * 3)
    return store


def test_a_relation_has_the_columns_and_the_rows_of_the_frame(store):
    """Tables of the relation are those of the frame, and its times are moments in UTC."""
    relation = store.relation()

    assert relation.columns == list(COLUMNS)
    assert str(relation.select("resource_name").types) == "[VARCHAR]"
    assert {str(kind) for kind in relation.select("started_at, completed_at, observed_at").types} == {
        "TIMESTAMP WITH TIME ZONE"
    }
    assert relation.query("r", "SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
    for table in (durations, failures):
        made, expected = table(relation), table(store.read())
        words = dict.fromkeys(expected.select_dtypes("category"), object)
        pd.testing.assert_frame_equal(made.astype(words), expected.astype(words))


def test_a_refresh_and_a_relation_do_not_see_each_other(store, action):
    """While one is held the history is written and read as ever, and the relation stays what it was."""
    held = store.relation()

    store.upsert([action(4)], [NOW + 60])

    assert store.count() == 4
    assert len(held) == 3
    assert len(store.relation()) == 4
    assert len(held) == 3


def test_a_relation_outlives_the_account():
    """It can be asked after the account has been closed."""
    with da.demo() as account:
        account.actions()
        relation, count = account.history.relation(), account.history.count()

    assert relation.count("id").fetchall() == [(count,)]


@pytest.mark.parametrize("statement", ["FROM read_text('{file}')", "FROM '{file}'", "FROM glob('{folder}/*')"])
def test_a_relation_reaches_no_other_file(store, tmp_path, statement):
    """What is asked of a relation's session sees nothing but the history."""
    file = tmp_path / "secret.csv"
    file.write_text("secret\n1\n")

    with pytest.raises(duckdb.Error):
        store.relation().query("r", statement.format(file=file, folder=tmp_path)).fetchall()


def test_nothing_of_a_relation_is_loaded_into_pandas(opened, action, monkeypatch):
    """From a file, the rows come as they lie there, and only groups and their counts become frames."""
    store = opened()
    store.upsert([action(number) for number in range(50)], [NOW] * 50)
    fetched = []
    take = duckdb.DuckDBPyRelation.df
    monkeypatch.setattr(
        duckdb.DuckDBPyRelation, "df", lambda self, **how: fetched.append(take(self, **how)) or fetched[-1]
    )

    durations(store.relation())

    assert [len(table) for table in fetched] == [1, 1, 1]  # its type, its durations, and its days


def test_a_process_that_holds_a_relation_ends_without_a_word(path, tmp_path):
    """Nothing is said at the end of Python, and no copy is left behind, whoever still holds one."""
    code = f"""
        from doaudit.actions import Record
        from doaudit.history.store import open_store
        store = open_store({str(path)!r}, "mine")
        store.upsert([Record(1, "completed", "resize")], [{NOW}])
        held = [store.relation() for _ in range(2)]
        derived = held[0].filter("id = 1")
        print(len(derived))
    """
    kept = tmp_path / "temporary"
    kept.mkdir()

    ended = subprocess.run(
        [sys.executable, "-c", "\n".join(line.strip() for line in code.splitlines())],
        env={**os.environ, "TMPDIR": str(kept)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.stdout, ended.stderr, ended.returncode) == ("1\n", "", 0)
    assert list(kept.iterdir()) == []
    assert sorted(file.name for file in path.parent.iterdir()) == ["account.duckdb", "account.duckdb.lock"]


def test_the_copy_is_for_the_user_alone(opened, action):
    """No name of the copy stays, and the folder that it was in cannot be entered by others."""
    store = opened()
    store.upsert([action(1)], [NOW])

    relation = store.relation()

    [(spilled,)] = relation.query("r", "SELECT current_setting('temp_directory')").fetchall()
    folder = Path(spilled).parent
    assert folder.stat().st_mode & 0o077 == folder.parent.stat().st_mode & 0o077 == 0
    assert list(folder.iterdir()) == []
    assert len(relation) == 1
