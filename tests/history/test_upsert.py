from __future__ import annotations

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from stored import assign_resources, name_resources

from doaudit.actions import Record, to_frame
from doaudit.errors import FileProblem
from doaudit.history.side_tables import Anomaly
from doaudit.history.store import open_store
from doaudit.history.upsert import Upserted
from doaudit.records import merge

READABLE_TIMES = st.sampled_from(
    [None, *(f"2026-03-0{day}T10:00:00Z" for day in range(1, 6)), "1969-12-31T23:59:58.9Z"]
)
TIMES = READABLE_TIMES | st.just("not a time")
TEXTS = st.sampled_from([None, "reboot", "Resize", "", "é", "\U0001f600", "\uffff"])
STATUSES = st.sampled_from([None, "in-progress", "in-progress", "completed", "done", "errored", "paused"])
RUNNING, FINISHED = {"in-progress"}, {"completed", "done", "errored"}
FIELDS = ("status", "type", "started_at", "completed_at", "resource_id", "resource_type", "region_slug")


def readings(ids, times):
    """Records of actions, and the second each was read in."""
    records = st.builds(
        Record,
        id=ids,
        status=STATUSES,
        type=TEXTS,
        started_at=times,
        completed_at=times,
        resource_id=st.sampled_from([None, 7, 8, -1, 2**40]),
        resource_type=st.sampled_from([None, "droplet", "volume", "floating_ip"]),
        region_slug=TEXTS,
    )
    return st.tuples(records, st.integers(100, 105))


class Model:
    """The policy of `doaudit.history.upsert` over a plain dict."""

    def __init__(self):
        self.rows: dict[int, dict] = {}
        self.reopened: set[tuple[int, int]] = set()

    def add(self, record: Record, at: int) -> None:
        """Add one reading."""
        values = {field: getattr(record, field) for field in FIELDS}
        for field in ("started_at", "completed_at"):
            values[field] = None if values[field] == "not a time" else values[field]
        row = self.rows.get(record.id)
        if row is None:
            row = self.rows[record.id] = {"values": values, "read": at, "first": at, "open": None}
        else:
            self._merge(record.id, row, values, at)
        row["first"], row["read"] = min(row["first"], at), max(row["read"], at)
        if is_open(values):
            row["open"] = max(at, row["open"] or at)

    def _merge(self, action_id: int, row: dict, values: dict, at: int) -> None:
        known = row["values"]
        if known["status"] in FINISHED and values["status"] in RUNNING:
            preferred, other = known, values
            if at > row["read"]:
                self.reopened.add((action_id, at))
        elif values["status"] in FINISHED and known["status"] in RUNNING:
            preferred, other = values, known
            if row["read"] > at:
                self.reopened.add((action_id, row["read"]))
        else:
            preferred, other = (values, known) if at >= row["read"] else (known, values)
        row["values"] = {field: other[field] if preferred[field] is None else preferred[field] for field in FIELDS}


def is_open(values: dict) -> bool:
    """Whether the statistics count an action as open."""
    status, has_end = values["status"], values["completed_at"] is not None
    return status in RUNNING or (status not in FINISHED and not has_end)


def seconds(column: pd.Series) -> list[int | None]:
    """Times with a zone as Unix seconds."""
    since = (column - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return [None if pd.isna(value) else int(value) for value in since]


@examples(30)
@given(st.lists(st.lists(readings(st.integers(1, 6), TIMES), max_size=8), max_size=4))
def test_a_store_follows_the_policy(batches):
    """Whatever is read in whatever order, the store holds what the policy says, and counts what has changed."""
    model, store = Model(), open_store(":memory:", "mine")

    for batch in batches:
        before = {action_id: row["values"] for action_id, row in model.rows.items()}
        for record, at in batch:
            model.add(record, at)
        after = {action_id: row["values"] for action_id, row in model.rows.items()}
        counts = store.upsert([record for record, _ in batch], [at for _, at in batch])

        finished = [i for i in before if is_open(before[i]) and after[i]["status"] in FINISHED]
        assert counts == Upserted(
            len(after) - len(before), sum(before[i] != after[i] for i in before), finished=len(finished)
        )

    rows = model.rows
    expected = to_frame([Record(i, **row["values"]) for i, row in rows.items()], [row["read"] for row in rows.values()])
    assert_frame_equal(store.read(), expected)
    assert store.ids().tolist() == sorted(rows)
    assert store.count() == len(rows)
    assert store.open_ids().tolist() == sorted(i for i, row in rows.items() if is_open(row["values"]))
    times = store.sql("SELECT id, first_seen_at, last_open_at FROM actions ORDER BY id")
    assert seconds(times["first_seen_at"]) == [rows[i]["first"] for i in sorted(rows)]
    assert seconds(times["last_open_at"]) == [rows[i]["open"] for i in sorted(rows)]
    anomalies = store.sql("SELECT * FROM anomalies")
    assert set(zip(anomalies["id"].tolist(), seconds(anomalies["seen_at"]), strict=True)) == model.reopened
    assert set(anomalies["kind"]) <= {"reopened"}


# A time that cannot be read is null in the store, but a text like any other to `merge`.
@examples(60)
@given(of_one_action=st.lists(readings(st.just(1), READABLE_TIMES), min_size=1, max_size=6), split=st.integers(0, 6))
def test_the_store_and_merge_follow_one_policy(of_one_action, split):
    """Readings of one action make the same row by `doaudit.records.merge` and by SQL, in one batch or in two."""
    merged, read_at = of_one_action[0]
    for record, at in of_one_action[1:]:
        merged = merge(merged, record) if at >= read_at else merge(record, merged)
        read_at = max(read_at, at)

    store = open_store(":memory:", "mine")
    for batch in (of_one_action[:split], of_one_action[split:]):
        store.upsert([record for record, _ in batch], [at for _, at in batch])

    assert_frame_equal(store.read(), to_frame([merged], [read_at]))


def test_a_first_fetch_of_more_than_one_row_group_is_stored_whole(opened, action):
    """So many actions at once that DuckDB divides them are all there, before and after the file is opened again."""
    many = [action(n, type="snapshot" if n % 2 else "reboot") for n in range(130_000)]
    store = opened()

    assert store.upsert(many, [1_773_354_500] * len(many)).new == 130_000
    assert opened().count() == 130_000
    assert_frame_equal(opened().read(), to_frame(many, 1_773_354_500))


def test_at_most_64_bytes_a_row(opened, action):
    """A frame from the store is as small as the contract says."""
    many = [action(n, resource_id=1_000_000 + n % 500) for n in range(20_000)]
    store = opened()
    store.upsert(many, [1_773_354_500] * len(many))

    assert store.read().memory_usage(deep=True).sum() / 20_000 <= 64


def test_nothing_is_kept_of_a_batch_that_fails(opened, action):
    """A batch, its notes and its anomalies are kept together or not at all."""
    store = opened()
    store.upsert([action(1)], [100], notes={"page": 1})

    with pytest.raises(TypeError):
        store.upsert([action(2)], [100], notes={"page": 2, "broken": object()})

    assert store.ids().tolist() == [1]
    assert store.recall("page") == 1


def test_an_unreadable_reading_writes_nothing(opened, action):
    """As many times as records, or nothing at all."""
    store = opened()

    with pytest.raises(ValueError, match="zip"):
        store.upsert([action(1), action(2)], [100])

    assert store.count() == 0


def test_notes_are_remembered(opened):
    """What JSON can say comes back as it was, from another store on the same file too; the last one counts."""
    opened().remember({"resume": {"page": 3, "of": [1, None, "é"]}, "proof": False})
    opened().remember({"proof": True})

    assert opened().recall("resume") == {"page": 3, "of": [1, None, "é"]}
    assert opened().recall("proof") is True
    assert opened().recall("unknown", default=0) == 0


def test_anomalies_are_kept_once(opened):
    """The same anomaly of the same second is one row."""
    store = opened()
    absent = Anomaly(7, "absent", "The API no longer knows it.", 1_773_354_500)

    store.upsert([], [], anomalies=[absent, absent])
    store.upsert([], [], anomalies=[absent])

    found = store.sql("SELECT * FROM anomalies")
    assert found["detail"].tolist() == ["The API no longer knows it."]
    assert found["seen_at"].tolist() == [pd.Timestamp("2026-03-12T22:28:20Z")]


class TestNames:
    """What resources are called."""

    def test_a_name_is_joined_and_remembered(self, opened, action):
        """A resource keeps its last known name after it is gone, and a null or an older one changes nothing."""
        store = opened()
        store.upsert([action(1, resource_id=1), action(2, resource_id=2), action(3, resource_type="volume")], [9] * 3)

        name_resources(store, "droplet", {"droplet:1": "web", "droplet:2": "db"}, 100, all_of_kind=True)
        name_resources(store, "droplet", {"droplet:1": None}, 200, all_of_kind=True)
        name_resources(store, "droplet", {"droplet:1": "too old"}, 50, all_of_kind=False)

        frame = store.read().set_index("id")
        assert frame.loc[[1, 2], "resource_name"].tolist() == ["web", "db"]
        assert pd.isna(frame.loc[3, "resource_name"])
        assert frame["resource_name"].cat.categories.tolist() == ["db", "web"]
        known = store.sql("SELECT key, seen_at, gone_at FROM resources ORDER BY key")
        assert seconds(known["seen_at"]) == [200, 100]
        assert seconds(known["gone_at"]) == [None, 200]

    def test_what_is_seen_again_is_not_gone(self, opened):
        """A resource that a token could not see for a while is there again as soon as it is seen."""
        store = opened()
        for at, names in [(100, {"droplet:1": "web"}), (200, {}), (300, {"droplet:1": "web"})]:
            name_resources(store, "droplet", names, at, all_of_kind=True)

        assert seconds(store.sql("SELECT gone_at FROM resources")["gone_at"]) == [None]

    def test_an_action_takes_the_resource_that_it_is_assigned(self, opened, action):
        """A volume's action, whose record does not say which volume, has its resource and name once that is known."""
        store = opened()
        store.upsert([action(1, resource_type="volume", resource_id=None), action(2)], [9, 9])
        assign_resources(store, {1: "volume:1f"})
        name_resources(store, "volume", {"volume:1f": "data"}, 100, all_of_kind=True)
        store.upsert([action(1, resource_type="volume", resource_id=None)], [10])

        frame = store.read().set_index("id")
        assert frame.loc[1, ["resource", "resource_name"]].tolist() == ["volume:1f", "data"]
        assert frame.loc[2, "resource"] == "droplet:557861237"
        view = store.sql("SELECT resource, resource_name FROM actions WHERE id = 1")
        assert view.iloc[0].tolist() == ["volume:1f", "data"]


def test_a_folder_is_no_history(opened, tmp_path):
    """A path that cannot be a file is an error that names it."""
    with pytest.raises(FileProblem, match=tmp_path.name):
        opened(at=tmp_path)
