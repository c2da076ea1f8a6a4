from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from doaudit.actions import Record, to_frame
from doaudit.errors import FileProblem
from doaudit.history.store import Anomaly, Upserted, open_store

NO_TIMES = st.sampled_from([None, "not a time"])
TIMES = NO_TIMES | st.integers(1, 5).map("2026-03-0{}T10:00:00Z".format) | st.just("1969-12-31T23:59:58.9Z")
WORDS = st.sampled_from([None, "reboot", "Resize", "", "é", "\U0001f600", "\uffff"])
STATUSES = st.sampled_from([None, "in-progress", "in-progress", "completed", "done", "errored", "paused"])
READINGS = st.builds(
    Record,
    id=st.integers(1, 6),
    status=STATUSES,
    type=WORDS,
    started_at=TIMES,
    completed_at=TIMES,
    resource_id=st.sampled_from([None, 7, 8, -1, 2**40]),
    resource_type=st.sampled_from([None, "droplet", "volume", "floating_ip"]),
    region_slug=WORDS,
)
BATCHES = st.lists(st.lists(st.tuples(READINGS, st.integers(100, 105)), max_size=8), max_size=4)
RUNNING, FINISHED = {"in-progress"}, {"completed", "done", "errored"}
FIELDS = ("status", "type", "started_at", "completed_at", "resource_id", "resource_type", "region_slug")


class Ledger:
    """The rules of the store, said once more over a plain dict."""

    def __init__(self):
        self.rows: dict[int, dict] = {}
        self.reopened: set[tuple[int, int]] = set()

    def enter(self, record: Record, at: int) -> None:
        """One reading."""
        told = {field: getattr(record, field) for field in FIELDS}
        for field in ("started_at", "completed_at"):
            told[field] = None if told[field] == "not a time" else told[field]
        row = self.rows.get(record.id)
        if row is None:
            row = self.rows[record.id] = {"told": told, "read": at, "first": at, "open": None}
        else:
            self._merge(record.id, row, told, at)
        row["first"], row["read"] = min(row["first"], at), max(row["read"], at)
        if is_open(told):
            row["open"] = max(at, row["open"] or at)

    def _merge(self, i: int, row: dict, told: dict, at: int) -> None:
        known = row["told"]
        if known["status"] in FINISHED and told["status"] in RUNNING:
            believed, other = known, told
            if at > row["read"]:
                self.reopened.add((i, at))
        elif told["status"] in FINISHED and known["status"] in RUNNING:
            believed, other = told, known
            if row["read"] > at:
                self.reopened.add((i, row["read"]))
        else:
            believed, other = (told, known) if at >= row["read"] else (known, told)
        row["told"] = {field: other[field] if believed[field] is None else believed[field] for field in FIELDS}


def is_open(told: dict) -> bool:
    """What the statistics count as open."""
    status, ended = told["status"], told["completed_at"] is not None
    return status in RUNNING or (status not in FINISHED and not ended)


def seconds(column: pd.Series) -> list[int | None]:
    """Times with a zone as Unix seconds."""
    since = (column - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return [None if pd.isna(value) else int(value) for value in since]


@settings(max_examples=30)
@given(BATCHES)
def test_a_store_follows_the_ledger(batches):
    """Whatever is read in whatever order, the store holds what the rules say, and counts what has changed."""
    ledger, store = Ledger(), open_store(":memory:", "mine")

    for batch in batches:
        before = {i: row["told"] for i, row in ledger.rows.items()}
        for record, at in batch:
            ledger.enter(record, at)
        after = {i: row["told"] for i, row in ledger.rows.items()}
        told = store.upsert([record for record, _ in batch], [at for _, at in batch])

        known = before.keys()
        finished = [i for i in known if is_open(before[i]) and after[i]["status"] in FINISHED]
        assert told == Upserted(len(after) - len(before), sum(before[i] != after[i] for i in known), len(finished))

    rows = ledger.rows
    expected = to_frame([Record(i, **row["told"]) for i, row in rows.items()], [row["read"] for row in rows.values()])
    assert_frame_equal(store.read(), expected)
    assert_frame_equal(store.newest(3), to_frame([], []) if not rows else head(expected, 3))
    assert store.ids().tolist() == sorted(rows)
    assert store.count() == len(rows)
    assert store.open_ids().tolist() == sorted(i for i, row in rows.items() if is_open(row["told"]))
    times = store.sql("SELECT id, first_seen_at, last_open_at FROM actions ORDER BY id")
    assert seconds(times["first_seen_at"]) == [rows[i]["first"] for i in sorted(rows)]
    assert seconds(times["last_open_at"]) == [rows[i]["open"] for i in sorted(rows)]
    odd = store.sql("SELECT * FROM anomalies")
    assert set(zip(odd["id"].tolist(), seconds(odd["seen_at"]), strict=True)) == ledger.reopened
    assert set(odd["kind"]) <= {"reopened"}


def head(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    """The first rows, with the categories that occur in them."""
    first = frame.head(n).copy()
    for name in first.select_dtypes("category"):
        first[name] = first[name].cat.remove_unused_categories()
    return first


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
    gone = Anomaly(7, "absent", "The API no longer knows it.", 1_773_354_500)

    store.add_anomalies([gone, gone])
    store.add_anomalies([gone])

    found = store.sql("SELECT * FROM anomalies")
    assert found["detail"].tolist() == ["The API no longer knows it."]
    assert found["seen_at"].tolist() == [pd.Timestamp("2026-03-12T22:28:20Z")]


class TestNames:
    """What resources are called."""

    def test_a_name_is_joined_and_remembered(self, opened, action):
        """A resource keeps its last known name after it is gone, and a null or an older one changes nothing."""
        store = opened()
        store.upsert([action(1, resource_id=1), action(2, resource_id=2), action(3, resource_type="volume")], [9] * 3)

        store.name_resources("droplet", {"droplet:1": "web", "droplet:2": "db"}, 100, all_of_kind=True)
        store.name_resources("droplet", {"droplet:1": None}, 200, all_of_kind=True)
        store.name_resources("droplet", {"droplet:1": "too old"}, 50, all_of_kind=False)

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
            store.name_resources("droplet", names, at, all_of_kind=True)

        assert seconds(store.sql("SELECT gone_at FROM resources")["gone_at"]) == [None]

    def test_an_action_takes_the_resource_that_it_is_assigned(self, opened, action):
        """A volume's action, whose record does not say which volume, has its resource and name once that is known."""
        store = opened()
        store.upsert([action(1, resource_type="volume", resource_id=None), action(2)], [9, 9])
        store.assign_resources({1: "volume:1f"})
        store.name_resources("volume", {"volume:1f": "data"}, 100, all_of_kind=True)
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
