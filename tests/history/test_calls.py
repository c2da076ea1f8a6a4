"""Calls of DuckDB: Ctrl-C, and the end of Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import duckdb
import pytest

from doaudit.history.calls import run_call

PROGRAM = """
import os, signal, sys, threading
from doaudit.history.store import open_store

store = open_store(sys.argv[1], "an-account")
began = threading.Event()

def keep_reading():
    while True:
        store.count()
        began.set()

def hold():
    kept = store
    threading.Event().wait()

for work in (keep_reading, hold):
    threading.Thread(target=work, daemon=True).start()
began.wait()
other = open_store(":memory:", "another")
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    other.sql("SELECT count(*) FROM range(1_000_000_000_000) a WHERE a.range % 7 = 3")
except KeyboardInterrupt:
    print("stopped", other.count())
threading.excepthook = lambda *_: None  # the thread that goes on reading is told that this is the end
"""


@pytest.mark.parametrize(
    "place", [":memory:", pytest.param("history.duckdb", marks=pytest.mark.thorough)], ids=["memory", "file"]
)
def test_ctrl_c_ends_a_query_and_an_open_history_is_no_complaint_at_the_end(place, tmp_path):
    """Ctrl-C in a query is a KeyboardInterrupt, the history stays usable, and what is open at the end is closed."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, place], capture_output=True, text=True, timeout=300, cwd=tmp_path, check=False
    )

    assert (done.stdout, done.stderr, done.returncode) == ("stopped 0\n", "", 0)


def test_ctrl_c_at_the_end_of_a_call_is_still_ctrl_c():
    """A connection that was closed just before Ctrl-C does not hide it with an error that looks like damage."""

    def work(opened):
        connection = duckdb.connect(":memory:")
        opened(connection)
        connection.close()
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.3)

    with pytest.raises(KeyboardInterrupt):
        run_call(work)
