"""Refreshing the history: at the price of what is new, provably whole, and never from the start again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from at_once import Concurrency, reading_at_once
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from served import START, Hourglass, finished_actions, reading

from doaudit.account import Account
from doaudit.actions import Record
from doaudit.api.paging import read_actions
from doaudit.demo import DEMO_TOKEN, Fault, World, serve
from doaudit.demo.world.action_log import ActionLog
from doaudit.demo.world.records import Action
from doaudit.errors import ApiProblem, ReadIncomplete
from doaudit.history.proof import stored_proof
from doaudit.history.refresh import page_1_ahead, refresh
from doaudit.history.store import open_store


def ids_in(world: World) -> list[int]:
    """The plain model: every id the account has."""
    return sorted(action.id for action in world.log.page(1, 10**9, world.now))


def asked_for_actions(world: World) -> list[str]:
    """The requests for actions, without those for names."""
    return [request for request in world.requests if request.startswith("GET /v2/actions")]


@pytest.fixture
def store():
    """A history that ends with the test."""
    return open_store(":memory:", "mine")


def test_looking_again_costs_one_request(store):
    """A history that is whole and has nothing open is proved up to date by page 1."""
    world = World(actions=finished_actions(1000))
    with reading(world) as client:
        first = refresh(client, store)
        world.requests.clear()

        second = refresh(client, store)

    assert list(world.requests) == ["GET /v2/actions?page=1&per_page=200"]
    assert (first.new, second.new, second.requests, second.complete) == (1000, 0, 1, True)


def test_what_is_new_is_read_and_no_more(store):
    """After 450 new actions, the three pages that have them are read, and the first one once more."""
    world = World(actions=finished_actions(1000), tie_shuffle=0)
    with reading(world) as client:
        refresh(client, store)
        world.arrive(450)
        world.advance(600)
        world.requests.clear()

        result = refresh(client, store, names=False)

    assert len(asked_for_actions(world)) == 4
    assert (result.new, result.complete) == (450, True)
    assert store.ids().tolist() == ids_in(world)


@examples(60)
@given(
    old=st.integers(0, 60),
    steps=st.lists(
        st.tuples(st.integers(0, 30), st.booleans(), st.integers(1, 9), st.integers(1, 4)), min_size=1, max_size=4
    ),
    tied=st.booleans(),
)
def test_the_history_is_the_account(old, steps, tied):
    """Whatever arrives, whichever page fails, when the last refresh succeeds the history has the account's ids."""
    world = World(actions=finished_actions(old))
    store = open_store(":memory:", "mine")
    with reading(world) as client:
        for arrivals, fails, page, arriving in steps:
            world.arrive(arrivals, tied=tied and arrivals < 90)
            world.arrivals = {world.list_reads + 2: arriving}
            if fails:
                world.faults.add(Fault("forbidden", path=rf"page={page}&"))
                try:
                    refresh(client, store, names=False)
                except ApiProblem:
                    assert set(store.ids().tolist()) <= set(ids_in(world))
                world.faults.clear()
        world.arrivals = {}
        world.advance(3600)
        result = refresh(client, store, names=False)

    assert result.complete
    assert store.ids().tolist() == ids_in(world)
    assert result.still_open == len(store.open_ids()) == 0


def test_a_read_that_failed_goes_on_where_it_ended(store):
    """What was stored before a page failed is not read again."""
    world = World(actions=finished_actions(5000), tie_shuffle=0)
    world.faults.add(Fault("forbidden", path="page=23&"))
    with reading(world) as client:
        with pytest.raises(ReadIncomplete):
            refresh(client, store)
        kept = store.count()
        world.requests.clear()

        result = refresh(client, store, names=False)

    assert kept >= 2200, "page 23 is asked for, twelve at once, when eleven pages have been read"
    assert stored_proof(store) is not None
    assert len(asked_for_actions(world)) <= 1 + (5000 - kept) // 200 + 1
    assert (result.complete, store.count()) == (True, 5000)


def test_a_read_that_was_killed_goes_on_where_it_ended(tmp_path):
    """After kill -9 in the middle of a first read, the next one needs only the rest."""
    world, path = World(actions=finished_actions(40_000), tie_shuffle=0), tmp_path / "history.duckdb"
    program = (
        "from doaudit.api.client import Client; from doaudit.history.refresh import refresh\n"
        "from doaudit.history.store import open_store; import sys\n"
        f"refresh(Client(sys.argv[1], sys.argv[2]), open_store({str(path)!r}, 'mine'))"
    )
    with serve(world, speed=0, latency_s=0.25) as server:  # noqa: SIM117 -- the account outlives its reader
        with subprocess.Popen([sys.executable, "-c", program, server.token, server.url]) as process:
            while len(world.requests) < 160:
                time.sleep(0.01)
                assert process.poll() is None
            os.kill(process.pid, signal.SIGKILL)
    kept = open_store(path, "mine").count()
    world.requests.clear()

    with reading(world) as client:
        result = refresh(client, open_store(path, "mine"), names=False)

    assert kept >= 4000
    assert len(asked_for_actions(world)) <= 1 + (40_000 - kept) // 200 + 1
    assert (result.complete, result.new) == (True, 40_000 - kept)


def test_a_read_that_was_killed_while_actions_were_read_again_is_proved_by_page_1(tmp_path):
    """After kill -9 behind the last page the next refresh needs page 1, and what had not been read again."""
    forgotten = Action(id=1, type="snapshot", started_at=5, ends_at=512, end_hidden="in_lists")
    world, path = World(actions=[forgotten, *finished_actions(3000)], tie_shuffle=0), tmp_path / "history.duckdb"
    world.faults.add(Fault("hang", path="/v2/actions/1$", times=None, seconds=60))
    program = (
        "from doaudit.api.client import Client; from doaudit.history.refresh import refresh\n"
        "from doaudit.history.store import open_store; import sys\n"
        f"refresh(Client(sys.argv[1], sys.argv[2]), open_store({str(path)!r}, 'mine'), names=False)"
    )
    with serve(world, speed=0) as server:  # noqa: SIM117 -- the account outlives its reader
        with subprocess.Popen([sys.executable, "-c", program, server.token, server.url]) as process:
            while "GET /v2/actions/1" not in world.requests:
                time.sleep(0.01)
                assert process.poll() is None
            os.kill(process.pid, signal.SIGKILL)
    world.faults.clear()
    world.requests.clear()

    with reading(world) as client:
        result = refresh(client, open_store(path, "mine"), names=False)

    assert (result.complete, result.proof.distinct_ids) == (True, 3001)
    assert asked_for_actions(world) == ["GET /v2/actions?page=1&per_page=200", "GET /v2/actions/1"]


def test_what_was_open_is_read_again_until_it_has_ended(store):
    """An action that has left page 1 is followed by its id; once it has ended it is left alone."""
    stuck = Action(id=1, type="snapshot", started_at=START - 80_000, ends_at=START + 100)
    world = World(actions=[stuck, *finished_actions(300)])
    with reading(world) as client:
        refresh(client, store)
        world.advance(200)
        world.requests.clear()

        seen = [refresh(client, store, names=False) for _ in range(2)]

    assert [(result.finished, result.still_open, result.requests) for result in seen] == [(1, 0, 2), (0, 0, 1)]
    assert "GET /v2/actions/1" in world.requests
    assert store.sql("SELECT status FROM actions WHERE id = 1")["status"].tolist() == ["completed"]


def test_what_was_open_is_read_again_while_page_1_is_looked_at(store):
    """The last look at page 1 and an action that is read by its id are under way together."""
    world = World(actions=[Action(id=1, type="snapshot", started_at=START - 80_000), *finished_actions(300)])
    with reading(world) as client:
        refresh(client, store)
    world.advance(200)
    world.arrive(450)
    world.advance(600)
    together, looks = threading.Barrier(2, timeout=60), []

    def meet(request):
        if "page=1&" in request:
            looks.append(request)
        if request.startswith("/v2/actions/1?") or len(looks) == 2:
            together.wait()

    with reading_at_once(Concurrency(world, meet)) as client:
        result = refresh(client, store, names=False)

    assert (result.complete, result.still_open, result.requests) == (True, 1, 5)


def test_page_1_is_read_while_a_new_history_is_opened(tmp_path):
    """On a first read the account's name and page 1 are asked for together; on a later one page 1 is all."""
    world, path = World(actions=finished_actions(450)), tmp_path / "history.duckdb"
    together, requests = threading.Barrier(2, timeout=60), []

    def meet(request):
        requests.append(request.partition("?")[0])
        is_page_1 = request.startswith("/v2/actions?") and requests.count("/v2/actions") == 1
        if is_page_1 or request.startswith("/v2/account?"):
            together.wait()

    with reading_at_once(Concurrency(world, meet)) as client:
        first = Account(client, history=path).refresh()
        sent = client.sent
        requests[:] = ["/v2/actions"]
        second = Account(client, history=path).refresh()

    assert (first.complete, first.new, first.requests) == (True, 450, sent)
    assert (second.complete, second.requests, requests) == (True, 1, ["/v2/actions"] * 2)


def test_a_page_1_that_is_older_than_the_history_is_read_again(tmp_path):
    """Where another process filled the history after page 1 was asked for, nothing seems to have left the list."""
    world, path = World(actions=finished_actions(450), tie_shuffle=0), tmp_path / "history.duckdb"
    with reading(world) as client, page_1_ahead(client, path) as page_1:
        world.advance(60)
        while world.list_reads < 1:
            time.sleep(0.01)
        world.arrive(30)
        world.advance(600)
        refresh(client, open_store(path, "mine"), names=False)
        result = refresh(client, open_store(path, "mine"), names=False, page_1=page_1)

    assert (result.complete, result.new, result.vanished, result.proof.pages_read) == (True, 0, (), 1)


def test_rows_are_stored_while_page_1_is_looked_at(tmp_path):
    """Before the last look at page 1 is answered, the rows of all pages are in the history."""
    world, path, looks, stored = World(actions=finished_actions(3000)), tmp_path / "history.duckdb", [], []

    def meet(request):
        if "page=1&" in request:
            looks.append(request)
        until = time.monotonic() + 10
        while len(looks) == 2 and not stored and time.monotonic() < until:
            if open_store(path, "mine").count() == 3000:
                stored.append(True)

    with reading_at_once(Concurrency(world, meet)) as client:
        refresh(client, open_store(path, "mine"), names=False)

    assert (len(looks), stored) == (2, [True])


def test_ctrl_c_while_actions_are_read_again_keeps_the_proof(store):
    """What was proved of the list is in the history, though reading open actions again was stopped."""
    world = World(actions=[Action(id=1, type="snapshot", started_at=START - 80_000), *finished_actions(300)])

    def stop(what, _):
        if what == "open actions":
            raise KeyboardInterrupt

    with reading(world) as client:
        refresh(client, store)
        world.advance(200)
        world.arrive(450)
        with pytest.raises(KeyboardInterrupt):
            refresh(client, store, names=False, on_progress=stop)

    proof = stored_proof(store)
    assert (store.count(), proof.complete, proof.distinct_ids) == (751, True, 751)
    assert store.reads()["reason"].iloc[0] is not None


def test_what_has_been_open_for_a_day_is_read_again_once_an_hour(store):
    """An action that hangs costs a request an hour, not one each time; unless everything is to be read again."""
    stuck = Action(id=1, type="snapshot", started_at=START - 90_000)
    world = World(actions=[stuck, *finished_actions(300)])
    requests = []
    with reading(world) as client:
        refresh(client, store)
        for seconds, full in [(60, False), (60, True), (3_540, False), (60, False), (60, False)]:
            world.advance(seconds)
            world.requests.clear()
            refresh(client, store, names=False, full=full)
            requests.append(world.requests.count("GET /v2/actions/1"))

    assert requests == [0, 0, 0, 1, 0], "with full=True it is in the list"


def test_an_open_action_that_is_gone_is_recorded_and_not_asked_for_again(store):
    """A 404 is reported once and kept as an anomaly, and the row stays."""
    world = World(actions=[Action(id=1, type="snapshot", started_at=1), *finished_actions(300)])
    world.faults.add(Fault("not_found", path="/v2/actions/1$", times=None))
    with reading(world) as client:
        results = []
        for _ in range(3):
            results.append(refresh(client, store, names=False))
            world.advance(3_600)

    assert [result.not_found for result in results] == [(), (1,), ()]
    assert "no longer known" in str(results[1])
    assert world.requests.count("GET /v2/actions/1") == 1
    found = store.sql("SELECT id, kind, seen_at FROM anomalies")
    assert found[["id", "kind"]].to_numpy().tolist() == [[1, "absent"]]
    assert found["seen_at"].tolist() == [results[1].proof.finished]
    assert store.open_ids().tolist() == [1]


def test_an_end_that_the_list_forgot_is_fetched_and_an_end_that_nobody_knows_is_not_asked_for_twice(store):
    """A finished action without an end is read by its id, once."""
    forgotten = [
        Action(id=1, type="snapshot", started_at=5, ends_at=512, end_hidden="in_lists"),
        Action(id=2, type="snapshot", started_at=6, ends_at=600, end_hidden="everywhere"),
    ]
    world = World(actions=[*forgotten, *finished_actions(10)])
    with reading(world) as client:
        for _ in range(3):
            refresh(client, store, names=False)

    ends = store.read().set_index("id")["completed_at"]
    assert ends[1].timestamp() == 512
    assert ends.isna().sum() == 1
    assert [world.requests.count(f"GET /v2/actions/{n}") for n in (1, 2)] == [1, 1]


def test_a_gap_that_nobody_remembers_is_found_and_mended(store):
    """Where the ids in hand are fewer than they should be, the whole list is read until they are not."""
    world = World(actions=finished_actions(700))
    with reading(world) as client:
        refresh(client, store)
        fuller = open_store(":memory:", "mine")
        store_rows = store.read()
        kept = store_rows[~store_rows["id"].isin([150, 400, 401])]
        fuller.upsert(*as_readings(kept), notes={"covered": [[0, 700]]})

        result = refresh(client, fuller, names=False)

    assert (result.complete, result.new) == (True, 3)
    assert fuller.ids().tolist() == ids_in(world)


def as_readings(rows):
    """Rows of a frame as records and times."""
    records = [
        Record(row.id, row.status, row.type, row.started_at.isoformat(), row.completed_at.isoformat())
        for row in rows.itertuples()
    ]
    return records, [START] * len(records)


def test_actions_that_left_the_list_are_kept_and_named(store):
    """An id that the API no longer lists stays in the history, is reported, and does not spoil the proof."""
    world = World(actions=finished_actions(500))
    with reading(world) as client:
        refresh(client, store)
        store.upsert([Record(7, "completed", "reboot", "2020-01-01T00:00:00Z", "2020-01-01T00:00:05Z")], [START])

        result = refresh(client, store, names=False)
        again = refresh(client, store, names=False)

    assert (result.complete, result.vanished) == (True, (7,))
    assert (again.complete, again.vanished, again.requests) == (True, (), 1)
    assert "have left the API's list" in str(result)
    assert 7 in store.ids()


def test_rows_that_another_process_wrote_are_not_taken_for_read_ones(store):
    """Where the history holds more than the last read knew of, the list is read whole before it is called complete."""
    world = World(actions=finished_actions(500))
    with reading(world) as client:
        refresh(client, store, names=False)
        world.arrive(2)
        world.advance(600)
        newest = max(ids_in(world))
        store.upsert([Record(newest, "completed", "create", "2026-11-23T12:00:02Z")], [START])
        world.requests.clear()

        result = refresh(client, store, names=False)

    assert (result.complete, store.ids().tolist()) == (True, ids_in(world))
    assert len(asked_for_actions(world)) >= 3


def test_a_full_refresh_reads_everything_and_counts_what_differed(store):
    """What changed behind the history's back is found by reading it all."""
    world = World(actions=finished_actions(500))
    with reading(world) as client:
        refresh(client, store)
        before, changed = finished_actions(500), finished_actions(500, outcome="errored")
        world.log = ActionLog([*before[:50], changed[50], *before[51:]])

        result = refresh(client, store, full=True, names=False)

    assert (result.complete, result.new, result.updated) == (True, 0, 1)
    assert store.sql("SELECT status FROM actions WHERE id = 150")["status"].tolist() == ["errored"]


def test_an_incomplete_list_is_said_with_its_reason(store):
    """A total that the pages never add up to leaves the history incomplete, and the reason is stored with it."""
    world = World(actions=finished_actions(50))
    world.log.total = lambda _now: 51
    with reading(world) as client:
        result = refresh(client, store, names=False)

    assert not result.complete
    assert "INCOMPLETE: 50 of 51 actions (the list does not add up" in str(result)
    assert stored_proof(store) == result.proof
    assert len(world.requests) <= 24 + 10, "two for each page and twenty, and ten lists of names"


def test_a_tenth_of_the_hour_is_left_to_others():
    """Before the hourly limit is met, reading slows down to what leaves a tenth of it."""
    world, hourglass, left = World(actions=finished_actions(60 * 5), hourly=50), Hourglass(), []

    with reading(world, clock=hourglass) as client:
        world.clock.follow(lambda: hourglass.time)
        listing = read_actions(
            client,
            per_page=5,
            in_flight=1,
            on_progress=lambda _: left.append(int(world.limits.headers(DEMO_TOKEN, world.now)["ratelimit-remaining"])),
        )

    assert listing.proof.complete
    assert min(left) >= 4
    assert hourglass.waited >= 3000


def test_a_long_read_is_estimated(store):
    """The result has the requests and minutes that the read took at the least."""
    with reading(World(actions=finished_actions(1000))) as client:
        result = refresh(client, store)

    assert (result.estimate.requests, result.estimate.minutes) == (6, 6 / 250)
    assert "6 requests to read, about a minute" in str(result.estimate)
