from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from doaudit.actions import Record
from doaudit.errors import DoauditError, InvalidArgument
from doaudit.history.store import open_store

WRITES = """
INSERT INTO stored.actions (id, observed_at, first_seen_at) VALUES (9, now(), now())
UPDATE stored.actions SET status = 'errored'
DELETE FROM stored.actions
TRUNCATE stored.actions
MERGE INTO stored.actions a USING (SELECT 1 AS id) b ON a.id = b.id WHEN MATCHED THEN DELETE
WITH gone AS (DELETE FROM stored.actions RETURNING id) SELECT * FROM gone
DROP VIEW actions
ALTER TABLE stored.actions ADD COLUMN more INTEGER
CREATE TABLE more AS SELECT 1
CREATE OR REPLACE TEMP VIEW actions AS SELECT 1
COMMENT ON TABLE stored.actions IS 'mine'
SET threads = 1
SET VARIABLE mine = 1
RESET threads
PRAGMA enable_profiling
CHECKPOINT
VACUUM
BEGIN
COMMIT
CALL enable_logging()
PREPARE p AS SELECT 1
USE memory
EXPLAIN ANALYZE DELETE FROM stored.actions
SELECT 1; DELETE FROM stored.actions
SELECT 1; SELECT 2
FROM query('DELETE FROM stored.actions')
""".strip().splitlines()
REACHES = """
COPY actions TO '{folder}/out.csv'
EXPORT DATABASE '{folder}/out'
ATTACH '{folder}/out.duckdb'
EXPLAIN ANALYZE COPY actions TO '{folder}/out.csv'
SELECT * FROM read_csv('{folder}/secret.csv')
SELECT * FROM '{folder}/secret.csv'
SELECT * FROM read_text('{folder}/secret.csv')
SELECT * FROM read_blob('{folder}/*')
SELECT * FROM glob('{folder}/*')
SELECT * FROM sniff_csv('{folder}/secret.csv')
SELECT * FROM read_parquet('https://127.0.0.1/x.parquet')
SELECT * FROM duckdb_secrets()
INSTALL httpfs
LOAD httpfs
SELECT * FROM secret_frame
""".strip().splitlines()
NONSENSE = [
    "",
    "  ;  ",
    "SELEC 1",
    "SELECT nothing FROM actions",
    "SELECT 'a'::INTEGER",
    "SELECT 1 WHERE ?",
    "FROM nowhere",
]
secret_frame = pd.DataFrame({"a": [1]})


@pytest.fixture(scope="module")
def warned():
    """The warnings about damaged files."""
    return []


@pytest.fixture(scope="module", params=["file", "memory"])
def store(request, tmp_path_factory, warned):
    """A history of two actions, in a file and in memory; that nothing changes it is what these tests are about."""
    path = tmp_path_factory.mktemp("sql") / "account.duckdb" if request.param == "file" else ":memory:"
    store = open_store(path, "mine", on_warning=warned.append)
    store.upsert(
        [
            Record(1, "completed", "reboot", "2026-03-12T22:27:07Z", "2026-03-12T22:27:14Z", 7, "droplet"),
            Record(2, "in-progress", "snapshot", None, None, 8, "droplet", region_slug="fra1"),
        ],
        [1_773_354_500, 1_773_354_500],
    )
    return store


class TestReading:
    """Queries that are answered."""

    def test_times_are_utc(self, store):
        """A query's times arrive with their zone, UTC, null where there is none."""
        table = store.sql("SELECT started_at, id, started_at AS again FROM actions ORDER BY id")

        assert [str(kind.tz) for kind in table.dtypes[["started_at", "again"]]] == ["UTC", "UTC"]
        assert table["started_at"].tolist()[0] == pd.Timestamp("2026-03-12T22:27:07Z")
        assert table["again"].isna().tolist() == [False, True]

    def test_the_order_of_the_query_is_kept(self, store):
        """ORDER BY and LIMIT mean what they say."""
        assert store.sql("SELECT id, started_at FROM actions ORDER BY id DESC")["id"].tolist() == [2, 1]
        assert store.sql("SELECT id, now() FROM actions ORDER BY id DESC LIMIT 1")["id"].tolist() == [2]

    def test_the_view_reads_like_the_frame(self, store):
        """The view has the frame's columns, texts as texts."""
        frame, view = store.read(), store.sql("FROM actions ORDER BY started_at DESC NULLS LAST")

        assert set(frame.columns) < set(view.columns)
        for name in ("id", "type", "status", "resource_type", "resource", "region"):
            assert [None if pd.isna(value) else value for value in view[name]] == [
                None if pd.isna(value) else value for value in frame[name]
            ]

    @pytest.mark.parametrize(
        ("query", "rows"),
        [
            ("FROM actions", 2),
            ("WITH open AS (FROM actions WHERE status = 'in-progress') SELECT * FROM open", 1),
            ("SELECT date_trunc('month', started_at) AS month, count(*) FROM actions GROUP BY ALL", 2),
            ("DESCRIBE actions", 15),
            ("SHOW TABLES", 4),
            ("SUMMARIZE actions", 15),
            ("EXPLAIN FROM actions", 1),
            ("VALUES (1), (2)", 2),
            ('SELECT 1 AS "a ""quoted"" name", 2 AS a, 3 AS a', 1),
            ("FROM resources", 0),
            ("FROM anomalies", 0),
        ],
    )
    def test_every_question_is_answered(self, store, query, rows):
        """Whatever only reads runs."""
        assert len(store.sql(query)) == rows


class TestRefusing:
    """Queries that are refused."""

    @pytest.mark.parametrize("query", WRITES)
    def test_nothing_is_written(self, store, query):
        """Whatever is tried, it is refused in one paragraph's class and the history is as it was."""
        before = store.read()

        with pytest.raises(InvalidArgument):
            store.sql(query)

        pd.testing.assert_frame_equal(store.read(), before)
        assert store.sql("SELECT current_setting('enable_external_access') AS it")["it"].tolist() == [False]

    @pytest.mark.skipif(duckdb.__version__ < "2", reason="DuckDB 1.4 does not count logging as configuration")
    def test_logging_stays_off(self, store):
        """A query cannot switch on a log of queries."""
        with pytest.raises(InvalidArgument):
            store.sql("FROM enable_logging()")

    @pytest.mark.parametrize("query", REACHES)
    def test_nothing_else_is_reached(self, store, query, tmp_path):
        """No file, no network and no Python object is read or written."""
        folder = tmp_path / "else"
        folder.mkdir()
        (folder / "secret.csv").write_text("a\n1\n")

        with pytest.raises(InvalidArgument):
            store.sql(query.format(folder=folder))

        assert [file.name for file in folder.iterdir()] == ["secret.csv"]

    @pytest.mark.parametrize("query", NONSENSE)
    def test_nonsense_is_explained(self, store, query):
        """What is no query, or asks for what is not there, is the caller's error and not a damaged file."""
        with pytest.raises(InvalidArgument):
            store.sql(query)

        assert store.count() == 2

    def test_an_error_raised_by_a_query_is_no_damage(self, store, warned):
        """A query that speaks of damage does not move the file aside."""
        with pytest.raises(DoauditError):
            store.sql("SELECT error('Corrupt database file')")

        assert store.count() == 2
        assert warned == []
