"""Who may read a history, what lies beside it, and where it can lie."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import contextmanager

import pytest
from served import ROOT, reading

import doaudit as da
from doaudit.actions import Record
from doaudit.demo import World
from doaudit.demo.world.records import Action
from doaudit.errors import FileProblem
from doaudit.history.account_identity import open_history

# Writes a batch, spills a query to the disk, and is killed by itself before the log is merged into the file.
KILLED = """
import os, signal, sys
import duckdb
from doaudit.actions import Record
from doaudit.history import connection
from doaudit.history.store import open_store

os.umask(0)
store = open_store(sys.argv[1], "mine")
store.upsert([Record(1, "completed", "snapshot")], [100])

def spill(connection):
    connection.execute("INSERT INTO stored.notes VALUES ('a', 'b')")
    connection.execute("CREATE TEMP TABLE big AS SELECT hash(range)::VARCHAR AS text FROM range(600_000)")
    connection.execute("FROM big ORDER BY text").fetchmany(1)
    os.kill(os.getpid(), signal.SIGKILL)

connection._CONFIG |= {"memory_limit": "20MB", "threads": 1}
store._backend.run(spill)
"""
# Is killed with its changes committed, and so only in the log.
KILLED_BEFORE_THE_MERGE = """
import contextlib, os, signal, sys
from doaudit.actions import Record
from doaudit.history import connection
from doaudit.history.store import open_store

os.umask(0)
store = open_store(sys.argv[1], "mine")
real = connection._transaction

@contextlib.contextmanager
def killed(*arguments, **options):
    with real(*arguments, **options):
        yield
    os.kill(os.getpid(), signal.SIGKILL)

connection._transaction = killed
store.upsert([Record(1, "completed", "snapshot")], [100])
"""


def modes(folder):
    """The rights of everything in a folder, by its path there."""
    return {path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode) for path in folder.rglob("*")}


@contextmanager
def umask(value):
    """Another umask for the block; the one of the test is restored."""
    before = os.umask(value)
    try:
        yield
    finally:
        assert os.umask(before) == value


def an_account():
    """Five actions."""
    return World(actions=[Action(id=n, type="reboot", resource_id=5, started_at=n, ends_at=n + 9) for n in range(1, 6)])


@pytest.mark.parametrize("named", [None, "in/account.duckdb"])
def test_histories_and_their_index_are_for_the_user_alone(tmp_path, data_home, named):
    """With every umask the file, its lock and the index are 0600, and the folders that were made for them 0700."""
    with umask(0), reading(an_account()) as client:
        store = open_history(client, named and tmp_path / named)
        store.upsert([Record(1, "completed", "snapshot")], [100])
        assert store.sql("FROM actions")["id"].tolist() == [1]

    found = modes(data_home if named is None else tmp_path)
    folders = {name for name in found if "." not in name}
    assert len(found) == len(folders) + 3
    assert {found.pop(name) for name in folders} == {0o700}
    assert set(found.values()) == {0o600}


def test_what_earlier_versions_left_open_is_tightened(tmp_path):
    """A history, its log and its index that others may read are taken from them when they are next opened."""
    with reading(an_account()) as client:
        path = open_history(client, tmp_path / "account.duckdb").path
        log = path.with_name("account.duckdb.wal")
        log.touch()
        for file in (path, log, tmp_path / "accounts.json", tmp_path / "account.duckdb.lock"):
            file.chmod(0o644)

        assert open_history(client, path).count() == 0

    assert set(modes(tmp_path).values()) == {0o600}


@pytest.mark.thorough
def test_what_duckdb_spills_is_for_the_user_alone(tmp_path):
    """A process that is killed in the middle of a large query leaves nothing that others may read."""
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "in" / "account.duckdb"], cwd=ROOT, check=False)

    found = modes(tmp_path)
    spilled = {name for name in found if name.startswith("in/account.duckdb.tmp/")}
    assert spilled
    assert found["in/account.duckdb.tmp"] == 0o700
    assert {rights for name, rights in found.items() if name not in spilled} == {0o700, 0o600}


def test_the_log_of_a_killed_process_is_for_the_user_alone(tmp_path):
    """A process that is killed before its changes are merged into the file leaves a log that only the user reads."""
    subprocess.run([sys.executable, "-c", KILLED_BEFORE_THE_MERGE, tmp_path / "account.duckdb"], cwd=ROOT, check=False)

    found = modes(tmp_path)
    assert found.pop("account.duckdb.tmp") == 0o700
    assert set(found) == {"account.duckdb", "account.duckdb.wal", "account.duckdb.lock"}
    assert set(found.values()) == {0o600}


def test_a_history_behind_a_link_is_refused(opened, path, tmp_path):
    """A link in place of the file is refused in words that name the file itself; nothing is made or changed."""
    opened()
    link = tmp_path / "link.duckdb"
    link.symlink_to(path)
    loop = tmp_path / "loop.duckdb"
    loop.symlink_to(loop)

    with pytest.raises(FileProblem, match=rf"link\.duckdb is a symbolic link.+history=, {path}"):
        opened(at=link)
    with pytest.raises(FileProblem, match="is a symbolic link"):
        opened(at=loop)

    assert opened().count() == 0


def test_a_history_and_a_report_lie_directly_on_a_mount(closed_parent):
    """In a folder whose parent is another file system and closed, a history is begun, opened again and reported."""
    with reading(an_account()) as client:
        open_history(client, closed_parent / "account.duckdb").upsert([Record(1, "completed", "snapshot")], [100])
        page = da.report(open_history(client, closed_parent / "account.duckdb").read(), closed_parent)

    assert page.path == closed_parent / "index.html"
    assert da.read_csv(closed_parent / "actions.csv")["id"].tolist() == [1]
    assert not [path for path in closed_parent.iterdir() if path.is_dir()]
