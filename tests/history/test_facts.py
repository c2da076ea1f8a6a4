"""Facts kept beside the actions, so that a refresh costs the same whatever their number."""

from __future__ import annotations

import duckdb
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from served import finished_actions, reading
from stored import assign_resources, name_resources

from doaudit.demo import World
from doaudit.history.refresh import refresh
from doaudit.history.schema import STEPS, migrate
from doaudit.history.store import Store, open_store
from doaudit.records import Record

ENDED = {"completed", "done", "errored"}
RECORDS = st.builds(
    Record,
    id=st.integers(1, 6),
    status=st.sampled_from([None, "in-progress", "completed", "errored", "paused"]),
    type=st.just("attach"),
    started_at=st.sampled_from([None, "2026-03-01T10:00:00Z"]),
    completed_at=st.sampled_from([None, "2026-03-02T10:00:00Z"]),
    resource_id=st.sampled_from([None, 7, 8]),
    resource_type=st.sampled_from([None, "droplet", "volume", "backend"]),
)
STEPS_TAKEN = st.one_of(
    st.tuples(st.just("upsert"), st.lists(RECORDS, max_size=6)),
    st.tuples(st.just("name"), st.sampled_from([["droplet:7"], ["droplet:7", "droplet:8"], ["volume:x"]])),
    st.tuples(st.just("assign"), st.lists(st.integers(1, 6), max_size=3)),
)


@examples(100, quick=25)
@given(st.lists(STEPS_TAKEN, max_size=6))
def test_facts_are_what_a_look_at_every_row_tells(taken):
    """Whatever is written, the facts are those that plain counting finds in the rows."""
    store, resources = open_store(":memory:", "mine"), set[str]()
    for at, (what, value) in enumerate(taken, start=100):
        if what == "upsert":
            store.upsert(value, [at] * len(value))
        elif what == "name":
            name_resources(store, "droplet", dict.fromkeys(value, "a name"), at, all_of_kind=False)
        else:
            assign_resources(store, dict.fromkeys(value, "volume:x"))
        resources |= resources_in(store)

    assert told(store) == counted(store, resources)


def test_a_history_of_an_earlier_version_gets_its_facts(tmp_path):
    """A file without facts has them as soon as it is opened."""
    path = tmp_path / "earlier.duckdb"
    with duckdb.connect(path) as connection, connection.cursor() as cursor:
        migrate(cursor, "mine", "it", STEPS[:3])
        cursor.execute(
            """
            INSERT INTO stored.actions BY NAME
            SELECT n AS id, 'attach' AS type, ['completed', 'in-progress', NULL][1 + n % 3] AS status,
                ['droplet', 'volume'][1 + n % 2] AS resource_type, if(n % 2 = 0, 'droplet:' || n, NULL) AS resource,
                if(n % 5 = 0, NULL, TIMESTAMP '2026-03-01') AS completed_at,
                TIMESTAMP '2026-03-02' AS observed_at, TIMESTAMP '2026-03-02' AS first_seen_at
            FROM range(30) rows(n)
            """
        )
        cursor.execute("INSERT INTO stored.action_resource VALUES (3, 'volume:x')")
        cursor.execute("INSERT INTO stored.resources VALUES ('droplet:4', 'db', 'droplet', '2026-03-02', NULL)")

    store = open_store(path, "mine")

    assert told(store) == counted(store, resources_in(store))
    assert len(store.facts().unsettled) > 10


def told(store: Store) -> tuple:
    """The facts."""
    facts = store.facts()
    unsettled = [(action.id, action.is_open) for action in facts.unsettled]
    return facts.actions, unsettled, facts.open_actions, facts.unnamed, facts.without_volume, facts.highest_id


def resources_in(store: Store) -> set[str]:
    """The resources that records tell."""
    return {key for (key,) in rows_of(store, "SELECT resource FROM stored.actions WHERE resource IS NOT NULL")}


def rows_of(store: Store, query: str) -> list[tuple]:
    """Rows of the tables behind the views."""
    return store._backend.run(lambda connection: connection.execute(query).fetchall())


def counted(store: Store, resources: set[str]) -> tuple:
    """The same, out of every row, and of the resources that were ever told."""
    rows = store.sql("SELECT id, status, completed_at IS NULL AS no_end, resource_type FROM actions ORDER BY id")
    unsettled = [
        (row.id, row.status not in ENDED)
        for row in rows.itertuples()
        if row.status == "in-progress" or (row.no_end and (row.status in ENDED or row.status != "in-progress"))
    ]
    named = set(store.sql("SELECT key FROM resources")["key"])
    assigned = {number for (number,) in rows_of(store, "SELECT id FROM stored.action_resource")}
    volumes = [row.id for row in rows.itertuples() if row.resource_type in ("volume", "backend")]
    return (
        len(rows),
        unsettled,
        sum(is_open for _, is_open in unsettled),
        len(resources - named),
        len(set(volumes) - assigned),
        max(rows["id"], default=0),
    )


def test_a_quiet_refresh_asks_for_no_ids_and_opens_the_file_twice(tmp_path, monkeypatch):
    """Where nothing is new, the file is opened once to know what there is, and once to write the proof and the log."""
    world, opened = World(actions=finished_actions(1000)), []
    connect = duckdb.connect
    with reading(world) as client:
        store = open_store(tmp_path / "one.duckdb", "mine")
        refresh(client, store)
        refresh(client, store)
        monkeypatch.setattr(
            duckdb, "connect", lambda *args, **options: (opened.append(1), connect(*args, **options))[1]
        )
        monkeypatch.setattr(Store, "ids", None)
        monkeypatch.setattr(Store, "held", None)

        result = refresh(client, store)

    assert (result.complete, result.requests, result.new, len(opened)) == (True, 1, 0, 2)
    assert len(store.reads()) == 3


@pytest.mark.parametrize("arrivals", [1, 150, 450, 1000])
def test_ids_are_asked_for_only_where_the_read_meets_known_ones(arrivals, monkeypatch):
    """However much is new, a refresh loads no ids of a history that still counts, and asks about one page's at most."""
    world, store, asked, held = World(actions=finished_actions(3000)), open_store(":memory:", "mine"), [], Store.held
    with reading(world) as client:
        refresh(client, store)
        world.arrive(arrivals)
        monkeypatch.setattr(Store, "ids", None)
        monkeypatch.setattr(Store, "held", lambda self, ids: (asked.append(len(ids)), held(self, ids))[1])

        result = refresh(client, store)

    assert (result.complete, result.new) == (True, arrivals)
    assert len(asked) <= 1
    assert sum(asked) <= 200
