from __future__ import annotations

import json
import random
import warnings

import duckdb
import pytest

from doaudit.errors import FileProblem, InvalidArgument, NewerHistory, WrongAccount
from doaudit.history.proof import stored_proof
from doaudit.history.schema import STEPS, migrate
from doaudit.history.store import default_path, open_store
from doaudit.history.upsert import Upserted

HEADER = 12_288  # three blocks of 4,096 bytes stand before everything else in a DuckDB file


def garbage(n: int) -> bytes:
    """Bytes that mean nothing, the same each time."""
    return random.Random(7).randbytes(n)  # noqa: S311 -- nothing secret


def flipped(whole: bytes, at: int) -> bytes:
    """One byte, turned round."""
    return whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :]


DAMAGE = {
    "emptied": lambda _: b"",
    "cut off in the header": lambda whole: whole[:5_000],
    "cut off behind the header": lambda whole: whole[:HEADER],
    "cut in half": lambda whole: whole[: len(whole) // 2],
    "garbage": lambda whole: garbage(len(whole)),
    "another kind of file": lambda _: b"id,status\n1,completed\n" * 1000,
    "a flipped checksum": lambda whole: flipped(whole, 0),
    "a flipped magic word": lambda whole: flipped(whole, 9),
    "a flipped version": lambda whole: flipped(whole, 13),
    "a flipped second header": lambda whole: flipped(whole, 4_100),
    "a flipped third header": lambda whole: flipped(whole, 8_200),
    "garbage behind the header": lambda whole: whole[:HEADER] + garbage(len(whole) - HEADER),
}


class TestDamage:
    """A file that is broken."""

    @pytest.mark.parametrize("harm", DAMAGE.values(), ids=DAMAGE)
    def test_it_is_moved_aside_and_a_fresh_one_begun(self, opened, action, path, warned, harm):
        """A damaged file is kept as it was, under a name that the warning has, and the history can be read again."""
        opened().upsert([action(n) for n in range(3_000)], [100] * 3_000)
        broken = harm(path.read_bytes())
        path.write_bytes(broken)

        store = opened()

        aside = path.with_name("account.duckdb.damaged-20261123T120000Z")
        assert aside.read_bytes() == broken
        assert len(warned) == 1
        assert aside.name in warned[0]
        assert len(store.read()) == 0
        assert store.upsert([action(1)], [100]).new == 1
        assert opened().count() == 1

    def test_it_is_noticed_in_the_middle(self, opened, action, path, warned):
        """Damage that comes while a history is in use does not stop the work, and is warned of once."""
        store = opened()
        store.upsert([action(n) for n in range(3_000)], [100] * 3_000)
        path.write_bytes(garbage(50_000))

        assert store.upsert([action(7)], [100]).new == 1
        assert store.ids().tolist() == [7]
        assert len(warned) == 1

    def test_two_damaged_files_of_one_second_are_both_kept(self, opened, path, warned):
        """No damaged file replaces another."""
        for n in range(2):
            opened()
            path.write_bytes(garbage(100 + n))
        opened()

        kept = [file.stat().st_size for file in path.parent.glob("*.damaged-*")]
        assert sorted(kept) == [100, 101]
        assert len(warned) == 2

    def test_the_log_goes_with_its_file(self, opened, path):
        """Changes that are only in the log are moved aside with the file, and do not end up in the fresh one."""
        opened()
        path.write_bytes(garbage(100))
        path.with_name("account.duckdb.wal").write_bytes(b"log")

        assert opened().count() == 0
        assert path.with_name("account.duckdb.damaged-20261123T120000Z.wal").read_bytes() == b"log"

    def test_it_is_a_warning_if_nobody_asks_for_it(self, path):
        """Without a callback the name is in a Python warning."""
        path.parent.mkdir()
        path.write_bytes(garbage(100))

        with pytest.warns(UserWarning, match="damaged-"):
            open_store(path, "mine")

    def test_nothing_is_said_of_a_sound_file(self, path):
        """A history that is in order opens without a word."""
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            open_store(path, "mine")
            open_store(path, "mine")

        assert said == []


class TestIdentity:
    """The account and the version of a file."""

    def test_two_accounts_never_mix(self, opened, action):
        """A file of one account is not opened for another, and the error names both."""
        opened("mine").upsert([action(1)], [100])

        with pytest.raises(WrongAccount, match=r"mine.*yours"):
            opened("yours")

        assert opened("mine").count() == 1

    def test_an_account_needs_a_key(self):
        """A history of nobody is refused."""
        with pytest.raises(InvalidArgument, match="key"):
            open_store(":memory:", "")

    def test_the_default_file_is_in_the_users_data_directory(self, monkeypatch, tmp_path, action):
        """Without a path each account has its own file where data of the user lives."""
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))

        stores = [open_store(None, key) for key in ("a/b", "a%2Fb")]
        stores[0].upsert([action(1)], [100])

        assert [store.path for store in stores] == [default_path("a/b"), default_path("a%2Fb")]
        assert len({store.path for store in stores}) == 2
        assert [store.count() for store in stores] == [1, 0]

    def test_memory_leaves_no_file(self, monkeypatch, tmp_path, action):
        """A history in memory is nobody else's, and nothing of it is written."""
        monkeypatch.chdir(tmp_path)
        store, other = open_store(":memory:", "mine"), open_store(":memory:", "mine")
        store.upsert([action(1)], [100])

        assert (store.count(), other.count(), store.path) == (1, 0, None)
        assert list(tmp_path.iterdir()) == []

    def test_another_programs_database_is_left_alone(self, opened, path):
        """A DuckDB file that is no history is refused and not changed."""
        path.parent.mkdir()
        with duckdb.connect(path) as connection:
            connection.execute("CREATE TABLE thesis AS SELECT 'years of work' AS text")

        with pytest.raises(FileProblem, match="no history"):
            opened()

        with duckdb.connect(path) as connection:
            assert connection.execute("FROM thesis").fetchall() == [("years of work",)]
            assert connection.execute("SELECT count(*) FROM duckdb_tables()").fetchall() == [(1,)]

    def test_a_file_from_the_future_is_refused(self, opened, action, path):
        """A version that is not known is refused before anything is read, and nothing is lost."""
        opened().upsert([action(1)], [100])
        with duckdb.connect(path) as connection:
            connection.execute("UPDATE stored.file SET version = ?", [len(STEPS) + 1])

        with pytest.raises(NewerHistory, match="upgrade doaudit"):
            opened()

        with duckdb.connect(path) as connection:
            assert connection.execute("SELECT count(*) FROM stored.actions").fetchall() == [(1,)]


def test_somebody_elses_file_is_left_where_it_is(tmp_path, opened):
    """A file that was named by mistake is refused, not moved."""
    table = tmp_path / "droplets.csv"
    table.write_text("id,name\n1,web-01\n")

    with pytest.raises(FileProblem, match="left as it is"):
        opened(at=table)

    assert table.read_text() == "id,name\n1,web-01\n"


PROOF = {
    "total_reported": 1,
    "distinct_ids": 1,
    "pages_read": 1,
    "pages_read_again": 0,
    "arrived": 0,
    "is_newest_first": True,
    "complete": True,
    "reason": "",
    "started": "2026-03-12T22:27:07+00:00",
    "finished": "2026-03-12T22:27:08+00:00",
}
VERSION_1_ROWS = f"""
    INSERT INTO stored.actions VALUES (
        7, 'power_off', 'in-progress', 'droplet', 557861237, 'fra1', '2026-03-12 22:27:07', NULL, 'droplet:557861237',
        '2026-03-12 22:27:08', '2026-03-12 22:27:08', '2026-03-12 22:27:08'
    );
    INSERT INTO stored.resources VALUES ('droplet:557861237', 'web-01', 'droplet', '2026-03-12 22:27:08', NULL);
    INSERT INTO stored.anomalies VALUES (6, 'absent', 'The API no longer knows it.', '2026-03-12 22:27:08');
    INSERT INTO stored.notes VALUES ('covered', '[[0, 1]]'), ('given_up', '[6]'), ('proof', '{json.dumps(PROOF)}');
"""  # noqa: S608 -- the test's own constants


class TestMigration:
    """Files of earlier versions."""

    def test_version_0_becomes_the_version_of_today(self, opened, action, path):
        """A file with nothing in it but its account's key becomes a history, and stays that account's."""
        path.parent.mkdir()
        with duckdb.connect(path) as connection:
            connection.execute("CREATE SCHEMA stored; CREATE TABLE stored.file (account VARCHAR, version INTEGER)")
            connection.execute("INSERT INTO stored.file VALUES ('mine', 0)")

        with pytest.raises(WrongAccount):
            opened("yours")
        assert opened("mine").upsert([action(1)], [100]).new == 1

        with duckdb.connect(path) as connection:
            assert connection.execute("FROM stored.file").fetchall() == [("mine", len(STEPS))]

    def test_a_version_1_file_is_read(self, opened, action, path):
        """A history from before started actions were marked keeps its rows, names, anomalies and notes, and goes on."""
        path.parent.mkdir()
        with duckdb.connect(path) as connection:
            migrate(connection, "mine", "it", STEPS[:1])
            connection.execute(VERSION_1_ROWS)

        store = opened("mine")
        store.mark_started([(7, "run-1", 100)])

        assert store.upsert([action(7, status="errored"), action(8)], [1_773_354_500] * 2) == Upserted(1, 1, finished=1)
        started = store.sql("SELECT id, started_by, run FROM actions ORDER BY id").astype(object)
        assert started.where(started.notna(), None).to_numpy().tolist() == [[7, "doaudit", "run-1"], [8, None, None]]
        assert store.read().set_index("id").loc[7, ["status", "resource_name"]].tolist() == ["errored", "web-01"]
        assert store.sql("SELECT id, kind FROM anomalies").to_numpy().tolist() == [[6, "absent"]]
        assert store.recall("covered") == [[0, 1]]
        assert stored_proof(store).complete

    def test_a_version_2_file_is_read(self, opened, path):
        """A history from before reads were logged keeps its rows and its proof, and begins an empty log."""
        path.parent.mkdir()
        with duckdb.connect(path) as connection:
            migrate(connection, "mine", "it", STEPS[:2])
            connection.execute(VERSION_1_ROWS)
            connection.execute("INSERT INTO stored.started VALUES (7, 'run-1', '2026-03-12 22:27:07')")

        store = opened("mine")

        assert store.reads().empty
        assert store.sql("SELECT started_by, run FROM actions").to_numpy().tolist() == [["doaudit", "run-1"]]
        assert store.proved_ids().tolist() == [7]
        with duckdb.connect(path) as connection:
            assert connection.execute("FROM stored.file").fetchall() == [("mine", len(STEPS))]

    def test_each_step_is_taken_once_and_in_order(self):
        """From whichever version a file comes, it takes the steps it lacks, and its rows come along."""
        steps = [
            "CREATE TABLE stored.kept (id BIGINT); INSERT INTO stored.kept VALUES (1)",
            "ALTER TABLE stored.kept ADD COLUMN word VARCHAR; UPDATE stored.kept SET word = 'old'",
            "ALTER TABLE stored.kept RENAME word TO text",
        ]
        for taken in range(len(steps) + 1):
            with duckdb.connect() as connection:
                migrate(connection, "mine", "it", steps[:taken])
                migrate(connection, "mine", "it", steps)
                migrate(connection, "mine", "it", steps)

                assert connection.execute("SELECT id, text FROM stored.kept").fetchall() == [(1, "old")]
                assert connection.execute("SELECT version FROM stored.file").fetchall() == [(3,)]

    def test_a_file_is_as_old_a_duckdb_can_read(self, opened, path):
        """The form of the file is that of DuckDB 1.4, whichever wrote it."""
        opened()

        assert int.from_bytes(path.read_bytes()[12:20], "little") == 67


def test_a_store_says_where_it_is(opened, path):
    """Its repr names the file, and nothing of the account."""
    assert repr(opened()) == f"<Store: {path}>"
    assert repr(open_store(":memory:", "mine")) == "<Store: in memory>"


def test_notes_are_json(opened, path):
    """Another program can read what is remembered."""
    opened().remember({"resume": {"page": 3}})

    with duckdb.connect(path) as connection:
        [(text,)] = connection.execute("SELECT value FROM stored.notes").fetchall()
    assert json.loads(text) == {"page": 3}
