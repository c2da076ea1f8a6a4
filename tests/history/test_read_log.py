"""The log of reads: every refresh that ended is in it, with the reason where it was not complete."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack

import pandas as pd
import pytest
from served import START, Hourglass, finished_actions, reading

from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Action
from doaudit.errors import ApiProblem, Forbidden, ReadIncomplete, ReadInterrupted
from doaudit.files import file_lock
from doaudit.history.proof import stored_proof
from doaudit.history.refresh import refresh
from doaudit.history.store import open_store

NOW = pd.Timestamp(START, unit="s", tz="UTC")
LATER = pd.Timestamp(START + 5, unit="s", tz="UTC")


@pytest.fixture
def store():
    """A history that ends with the test."""
    return open_store(":memory:", "mine")


def rows(store) -> list[dict]:
    """The log as plain values, null as None."""
    log = store.reads().astype(object)
    return log.where(log.notna(), None).to_dict("records")


def test_a_log_without_a_read_has_its_columns(store):
    """Dtypes are the same with rows and without, so that logs can be joined."""
    empty = store.reads()
    with reading(World(actions=finished_actions(3))) as client:
        refresh(client, store)

    assert empty.empty
    assert empty.dtypes.to_dict() == store.reads().dtypes.to_dict()
    assert {name: str(dtype) for name, dtype in empty.dtypes.items() if name != "reason"} == {
        "asked_at": "datetime64[s, UTC]",
        "started_at": "datetime64[s, UTC]",
        "ended_at": "datetime64[s, UTC]",
        "requests": "int64",
        "new": "int64",
        "total_reported": "Int64",
        "complete": "bool",
    }


def test_each_read_is_a_row_and_the_latest_is_first(store):
    """Reads are logged with what they asked and found, in their order, even within one second."""
    world, hourglass = World(actions=finished_actions(450)), Hourglass(START + 5)
    with reading(world) as client:
        results = [refresh(client, store, names=False, clock=hourglass)]
        world.arrive(2)
        results += [refresh(client, store, names=False, clock=hourglass) for _ in range(2)]

    assert rows(store) == [
        {
            "asked_at": LATER,
            "started_at": result.proof.started,
            "ended_at": result.proof.finished,
            "requests": result.requests,
            "new": new,
            "total_reported": total,
            "complete": True,
            "reason": None,
        }
        for result, new, total in zip(reversed(results), (0, 2, 450), (452, 452, 450), strict=True)
    ]
    assert store.sql("SELECT number, new FROM reads ORDER BY number").to_numpy().tolist() == [[1, 450], [2, 2], [3, 0]]


def test_a_read_that_failed_is_logged_with_its_reason(store):
    """After a page that could not be read the log has what was read, how many there are, and the error in words."""
    world = World(actions=finished_actions(450))
    world.faults.add(Fault("forbidden", path="page=2&", times=None))
    with reading(world) as client, pytest.raises(ReadIncomplete) as failed:
        refresh(client, store)

    [row] = rows(store)
    assert (row["complete"], row["new"], row["total_reported"]) == (False, store.count(), 450)
    assert row["new"] >= 200
    assert row["requests"] == len(world.requests)
    assert row["reason"] == " ".join(str(failed.value).split())
    assert "actions:read" in row["reason"]


def test_a_read_without_an_answer_has_no_time_of_the_server(store):
    """Where no page was read, the log says when it was tried and why it failed, and nothing else."""
    world = World(actions=finished_actions(5))
    world.faults.add(Fault("forbidden", times=None))
    with reading(world) as client, pytest.raises(Forbidden):
        refresh(client, store, clock=Hourglass(START + 5))

    [row] = rows(store)
    assert (row["asked_at"], row["started_at"], row["ended_at"]) == (LATER, None, None)
    assert (row["requests"], row["new"], row["total_reported"], row["complete"]) == (1, 0, None, False)
    assert "actions:read" in row["reason"]


def test_a_list_that_does_not_add_up_is_logged(store):
    """An incomplete read that raises nothing has the reason of its proof."""
    world = World(actions=finished_actions(50))
    world.log.total = lambda _now: 51
    with reading(world) as client:
        result = refresh(client, store, names=False)

    [row] = rows(store)
    assert (row["complete"], row["reason"], row["total_reported"]) == (False, result.proof.reason, 51)


def test_a_read_that_fails_after_the_list_is_not_complete(store):
    """A complete list whose open actions could not be read again is logged as a read that failed."""
    world = World(actions=[Action(id=1, type="snapshot", started_at=1), *finished_actions(300)])
    world.faults.add(Fault("forbidden", path="/v2/actions/1$", times=None))
    with reading(world) as client:
        refresh(client, store, names=False)
        world.advance(3_600)
        with pytest.raises(ApiProblem):
            refresh(client, store, names=False)

    failed, well = rows(store)
    assert (well["complete"], failed["complete"]) == (True, False)
    assert failed["total_reported"] == 301
    assert failed["reason"]


def interrupt(*_: object) -> None:
    """Do as Ctrl-C does while a read waits or goes on."""
    raise KeyboardInterrupt


def test_ctrl_c_before_the_first_page_leaves_the_proof_and_no_date(store):
    """A read that was stopped before any answer is logged without a date, and the earlier proof stands."""
    world = World(actions=finished_actions(5))
    with reading(world) as client:
        earlier = refresh(client, store).proof
        world.faults.add(Fault("server_error", times=None))
        with pytest.raises(KeyboardInterrupt):
            refresh(client, store, on_progress=interrupt)

    row = rows(store)[0]
    assert (row["started_at"], row["ended_at"], row["total_reported"]) == (None, None, None)
    assert (row["complete"], row["reason"]) == (False, "stopped by the user (Ctrl-C)")
    assert stored_proof(store) == earlier
    assert store.proved_ids().tolist() == list(range(100, 105))


def test_ctrl_c_in_the_middle_is_logged_with_what_was_read(store):
    """A read that was stopped after a page says how many were new by then."""
    with reading(World(actions=finished_actions(450))) as client, pytest.raises(KeyboardInterrupt):
        refresh(client, store, on_progress=interrupt)

    [row] = rows(store)
    assert (row["started_at"], row["new"], row["total_reported"], row["complete"]) == (NOW, 200, 450, False)
    assert row["reason"] == "stopped by the user (Ctrl-C)"


def test_a_foreign_exception_is_named_and_not_quoted(store):
    """The text of an exception that is not ours may hold anything, so the log has its name alone."""

    def fail(*_: object) -> None:
        raise ValueError("dop_v1_secret")

    with reading(World(actions=finished_actions(5))) as client, pytest.raises(ValueError, match="secret"):
        refresh(client, store, on_progress=fail)

    assert rows(store)[0]["reason"] == "ended by ValueError"


def test_a_log_that_cannot_be_written_hides_no_error(path, hourglass):
    """What ended a read is what is raised, even if another process keeps the log from being written."""
    world, store = World(actions=finished_actions(5)), open_store(path, "mine", wait_s=0, clock=hourglass)
    world.faults.add(Fault("server_error", times=None))

    held = ExitStack()

    def lock_and_stop(*_: object) -> None:
        held.enter_context(file_lock(path.with_name(f"{path.name}.lock"), wait_s=1, clock=hourglass))
        raise KeyboardInterrupt

    with held, reading(world) as client, pytest.raises(ReadInterrupted):
        refresh(client, store, on_progress=lock_and_stop)

    assert store.reads().empty


@pytest.mark.thorough
def test_a_process_that_is_interrupted_before_the_first_page_logs_it(tmp_path):
    """SIGINT while the first request waits for its answer: the log has the read, and no proof is dated 1970."""
    world, path = World(actions=finished_actions(5)), tmp_path / "history.duckdb"
    world.faults.add(Fault("hang", times=None, seconds=20))
    program = (
        "from doaudit.api.client import Client; from doaudit.history.refresh import refresh\n"
        "from doaudit.history.store import open_store; import sys\n"
        f"refresh(Client(sys.argv[1], sys.argv[2]), open_store({str(path)!r}, 'mine'))"
    )
    with serve(world, speed=0) as server:  # noqa: SIM117 -- the account outlives its reader
        with subprocess.Popen([sys.executable, "-c", program, server.token, server.url]) as process:
            while not world.requests:
                time.sleep(0.01)
                assert process.poll() is None
            process.send_signal(signal.SIGINT)
            process.wait(15)
    store = open_store(path, "mine")

    [row] = rows(store)
    assert (row["started_at"], row["total_reported"], row["requests"]) == (None, None, 1)
    assert row["reason"] == "stopped by the user (Ctrl-C)"
    assert stored_proof(store) is None
