"""Other processes, other threads, and the sudden end of one."""

from __future__ import annotations

import os
import random
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager

import duckdb
import pytest
from served import ROOT, Hourglass

from doaudit.actions import Record
from doaudit.errors import FileProblem, HistoryLocked
from doaudit.files import Locked, file_lock
from doaudit.history.store import open_store

BATCH = 300

# Upserts batch after batch, and says after each that it is in the file. Each batch finishes half of the one before.
WRITER = """
import sys
from doaudit.actions import Record
from doaudit.history.store import open_store

path, lowest, rounds, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
store = open_store(path, "mine", wait_s=60)
start = store.recall(f"batch from {lowest}", -1) + 1
print("ready", flush=True)
for batch in range(start, start + rounds):
    new = [Record(lowest + batch * size + n, "in-progress", "snapshot") for n in range(size)]
    done = [Record(r.id - size, "completed", "snapshot") for r in new[::2]] if batch else []
    store.upsert(new + done, [batch] * (len(new) + len(done)), notes={f"batch from {lowest}": batch})
    print(batch, flush=True)
"""
# Holds the lock until its input ends.
HOLDER = """
import sys
from pathlib import Path
from doaudit.clock import SystemClock
from doaudit.files import file_lock

with file_lock(Path(sys.argv[1]), wait_s=60, clock=SystemClock()):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def running(code, *arguments):
    """Another Python process; it is killed at the end of the block if it still runs."""
    child = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def test_two_processes_keep_one_history(path):
    """Both write at the same time and a third reads: each sees whole batches only, and every row is there once."""
    with running(WRITER, path, 0, 6, 50) as first, running(WRITER, path, 10_000_000, 6, 50) as second:
        store = open_store(path, "mine", wait_s=60)
        while first.poll() is None or second.poll() is None:
            assert len(store.read()) % 50 == 0

    assert [first.returncode, second.returncode] == [0, 0]
    assert store.ids().tolist() == [*range(300), *range(10_000_000, 10_000_300)]


def test_a_killed_process_leaves_every_batch_whole(path):
    """After kill -9 at any moment each batch that was reported is there, and none by half."""
    moments = random.Random(11)  # noqa: S311 -- nothing secret
    for _ in range(3):
        with running(WRITER, path, 0, 10_000, BATCH) as child:
            reported = -1
            for _ in range(1 + moments.randrange(6)):
                word = child.stdout.readline().strip()
                reported = reported if word == "ready" else int(word)
            threading.Event().wait(moments.random() * 0.1)
            child.kill()
            child.wait()

        store = open_store(path, "mine")
        last = store.recall("batch from 0", -1)
        frame = store.read()
        assert last >= reported
        assert sorted(frame["id"]) == list(range((last + 1) * BATCH))
        finished = set(frame.loc[frame["status"] == "completed", "id"])
        assert finished == {batch * BATCH + n for batch in range(last) for n in range(0, BATCH, 2)}


class TestTheLock:
    """The lock of a history: the second process waits, for a limited time, and the error names the holder."""

    def test_the_second_waits_and_then_says_who_holds_it(self, path):
        """After the time it was given it names the process, its machine and since when."""
        open_store(path, "mine")
        clock = Hourglass()
        with running(HOLDER, f"{path}.lock") as child:
            assert child.stdout.readline() == "held\n"

            with pytest.raises(HistoryLocked, match=rf"process {child.pid} on .+ since 20\d\d-.+ within 10 s"):
                open_store(path, "mine", clock=clock)

        assert 10 <= clock.waited < 11

    def test_the_lock_of_a_dead_process_is_free(self, path):
        """A process that was killed while it held the lock holds nobody up."""
        with running(HOLDER, f"{path}.lock") as child:
            child.stdout.readline()
        clock = Hourglass()

        assert open_store(path, "mine", clock=clock).count() == 0
        assert clock.waited == 0

    def test_the_second_goes_on_when_the_first_is_done(self, path):
        """Waiting ends as soon as the lock is free."""
        with running(HOLDER, f"{path}.lock") as child:
            child.stdout.readline()
            child.stdin.close()
            child.stdin = None

            assert open_store(path, "mine", wait_s=60).count() == 0

    def test_threads_take_turns(self, path):
        """Threads of one process, with one store or two, lose nothing of each other's."""
        stores = [open_store(path, "mine", wait_s=60), open_store(path, "mine", wait_s=60)]

        def write(worker):
            for n in range(4):
                stores[worker % 2].upsert([Record(worker * 100 + n, "completed")], [n])

        threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(stores[0].ids()) == [worker * 100 + n for worker in range(4) for n in range(4)]

    def test_threads_take_turns_in_memory(self):
        """The same without a file."""
        store = open_store(":memory:", "mine")
        threads = [threading.Thread(target=store.upsert, args=([Record(n, "completed")], [1])) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(store.ids()) == list(range(8))

    def test_a_thread_waits_for_a_thread(self, path):
        """Within one process, too, the lock is held by one at a time."""
        lock = path.with_name("lock")
        with (
            file_lock(lock, wait_s=1, clock=Hourglass()),
            pytest.raises(Locked, match=f"process {os.getpid()} "),
            file_lock(lock, wait_s=1, clock=Hourglass()),
        ):
            pytest.fail("two held it")

    def test_another_program_is_named(self, path):
        """A file that is open in a program that knows nothing of the lock is an error that says so."""
        open_store(path, "mine")
        code = "import duckdb, sys; it = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
        with running(code, path) as child:
            child.stdout.readline()
            with pytest.raises(HistoryLocked, match="another program"):
                open_store(path, "mine")

        assert open_store(path, "mine").count() == 0

    def test_the_users_own_connection_is_named(self, path):
        """So is one in the same notebook."""
        open_store(path, "mine")
        with duckdb.connect(path), pytest.raises(HistoryLocked, match="Close it"):
            open_store(path, "mine")

    def test_only_the_user_may_read_the_lock(self, path):
        """The file says which process holds it; its mode is 0600, whatever the umask."""
        before = os.umask(0)
        try:
            open_store(path, "mine")
        finally:
            os.umask(before)

        assert stat.S_IMODE(path.with_name("account.duckdb.lock").stat().st_mode) == 0o600

    @pytest.mark.parametrize("exists", [True, False])
    def test_a_symbolic_link_is_refused(self, path, tmp_path, exists):
        """A link in place of the lock file is refused in words, and its target is neither changed nor made."""
        target = tmp_path / "precious.txt"
        if exists:
            target.write_text("years of work")
        path.parent.mkdir()
        path.with_name("account.duckdb.lock").symlink_to(target)

        with pytest.raises(FileProblem, match=r"account\.duckdb\.lock is a symbolic link.+Delete the link"):
            open_store(path, "mine")

        assert (target.read_text() == "years of work") if exists else not target.exists()
        assert not path.exists()

    def test_a_lock_that_cannot_be_made_is_an_error(self, tmp_path):
        """A folder that cannot be made is named, with a way out."""
        (tmp_path / "file").write_text("")

        with pytest.raises(FileProblem, match=":memory:"):
            open_store(tmp_path / "file" / "account.duckdb", "mine")
