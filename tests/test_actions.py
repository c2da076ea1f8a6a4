"""What a record becomes, held against records of the live API restated from public reports."""

from __future__ import annotations

import msgspec
import pandas as pd
import pytest

from doaudit.actions import COLUMNS, Action, Record, resource_key, to_frame
from doaudit.analysis.problems import problems
from doaudit.records import decode, merge

READ_AT = 1_795_435_200  # 2026-11-23T12:00:00Z
POWER_OFF = {
    "id": 3087531973,
    "status": "completed",
    "type": "power_off",
    "started_at": "2026-03-12T22:27:07Z",
    "completed_at": "2026-03-12T22:27:14Z",
    "resource_id": 557861237,
    "resource_type": "droplet",
    "region_slug": "fra1",
}


def frame(*changes: dict) -> pd.DataFrame:
    """A frame of the power_off of March 2026, once for each set of changes to it."""
    records = [decode(msgspec.json.encode({**POWER_OFF, "id": 100 + n, **change})) for n, change in enumerate(changes)]
    return to_frame(records, READ_AT)


def only_row(**change: object) -> pd.Series:
    """The one row of a frame of one record."""
    return frame(change).iloc[0]


def seconds(row: pd.Series) -> float:
    """How long the action of a row took."""
    return (row["completed_at"] - row["started_at"]).total_seconds()


def test_columns_and_dtypes():
    """Every frame, with rows or without, has the documented columns and dtypes in their order."""
    for actions in (frame({}), frame(), frame({"resource_id": None, "completed_at": None, "type": None})):
        assert {name: str(dtype) for name, dtype in actions.dtypes.items()} == COLUMNS


def test_power_off_of_seven_seconds_with_an_id_past_two_to_the_31():
    """An id past 2^31 and whole-second times arrive exactly."""
    row = only_row(id=3087531973)

    assert row["id"] == 3087531973 > 2**31
    assert seconds(row) == 7
    assert row["started_at"] == pd.Timestamp("2026-03-12T22:27:07Z")


def test_reserve_ip_of_no_time():
    """An action may end in the second in which it started."""
    row = only_row(
        id=1492489780,
        type="reserve_ip",
        started_at="2022-04-04T15:54:43Z",
        completed_at="2022-04-04T15:54:43Z",
        resource_type="reserved_ip",
        resource_id=2680918192,
    )

    assert seconds(row) == 0
    assert row["resource"] == "reserved_ip:159.203.144.176"


def test_errored_snapshot_has_an_end():
    """An errored action keeps its end and its duration."""
    row = only_row(
        id=131781197,
        type="snapshot",
        status="errored",
        started_at="2016-08-12T09:21:48Z",
        completed_at="2016-08-12T09:21:51Z",
    )

    assert (row["status"], seconds(row)) == ("errored", 3)


@pytest.mark.parametrize(
    ("fields", "slug"),
    [
        ({"region": "nyc1", "region_slug": None}, "nyc1"),
        ({"region": {"slug": "fra1", "name": "Frankfurt 1", "sizes": ["s-1vcpu-1gb"]}, "region_slug": None}, "fra1"),
        ({"region": {"slug": "fra1"}, "region_slug": "fra1"}, "fra1"),
        ({"region": None, "region_slug": "ams3"}, "ams3"),
    ],
)
def test_region_in_each_of_its_shapes(fields, slug):
    """The region is a slug, whether the API sent a slug (until 2015), an object, or a slug beside it."""
    assert only_row(**fields)["region"] == slug


def test_region_of_a_destroyed_image_is_null():
    """No region at all is null, not the text 'None'."""
    assert pd.isna(only_row(type="image_destroy", resource_type="image", region=None, region_slug=None)["region"])


@pytest.mark.parametrize(
    ("resource_type", "resource_id", "key"),
    [
        ("droplet", 3164450, "droplet:3164450"),
        ("image", 220464921, "image:220464921"),
        ("floating_ip", 2994767248, "reserved_ip:178.128.133.144"),
        ("reserved_ip", 758603823, "reserved_ip:45.55.96.47"),
        ("reserved_ip", 9946493837, None),
        ("reserved_ipv6", 0, None),
        ("volume", None, None),
        ("backend", None, None),
        ("droplet", 0, None),
        (None, 7, None),
    ],
)
def test_resource_key(resource_type, resource_id, key):
    """A resource is named by kind and id, an address by the address, and what the API cannot tell stays null."""
    assert resource_key(resource_type, resource_id) == key


def test_tie_listed_out_of_id_order_is_ordered_by_id():
    """Rows of the same second have one order in the frame, whatever the order in the answer."""
    tie = {"started_at": "2014-01-18T22:39:06Z", "completed_at": "2014-01-18T22:44:00Z"}

    actions = frame({**tie, "id": 14115948}, {**tie, "id": 14115949}, {"id": 7})

    assert actions["id"].tolist() == [7, 14115949, 14115948]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2025-10-14T11:55:31.615157397Z", "2025-10-14T11:55:31Z"),
        ("2025-10-14T11:55:31.999Z", "2025-10-14T11:55:31Z"),
        ("2025-10-14T13:55:31+02:00", "2025-10-14T11:55:31Z"),
        (1760442931, "2025-10-14T11:55:31Z"),
    ],
)
def test_times_in_each_of_their_shapes(text, read):
    """Finer times are cut to the second, other zones become UTC, Unix seconds are times."""
    assert only_row(started_at=text)["started_at"] == pd.Timestamp(read)


def test_a_record_with_fields_of_the_wrong_kind_is_kept():
    """A field that cannot be read becomes null; the row and its other fields stay."""
    row = only_row(id="131781197", resource_id="x", started_at={"at": 1}, status=5, region=["fra1"], region_slug=None)

    assert row["id"] == 131781197
    assert row["status"] == "5"
    assert pd.isna(row["started_at"])
    assert pd.isna(row["resource_id"])
    assert pd.isna(row["region"])
    assert row["type"] == "power_off"


@pytest.mark.parametrize("body", [b"{}", b'{"id": null}', b'{"id": 1.5}', b'{"id": true}', b"[]", b"7"])
def test_a_record_without_an_id_is_no_record(body):
    """What cannot be told from others by an id is an error, never a silent loss."""
    with pytest.raises(msgspec.ValidationError):
        decode(body)


def test_a_later_reading_never_blanks_or_reopens():
    """A null does not replace a value, and an older answer does not reopen a finished action."""
    finished = Record(7, "completed", "snapshot", "2022-01-01T00:00:00Z", "2022-01-01T00:08:27Z", 5, "droplet")

    assert merge(finished, Record(7, "completed", "snapshot", "2022-01-01T00:00:00Z", None)) == finished
    assert merge(finished, Record(7, "in-progress", "snapshot", "2022-01-01T00:00:00Z")) == finished
    assert merge(Record(7, "in-progress"), finished) == finished


def test_problems_names_each_broken_expectation():
    """Each kind of oddity is reported under its own name, and a sound row under none."""
    odd = {
        "sound": {},
        "unknown_status": {"status": "done"},
        "unknown_type": {"type": "rotate_console_key"},
        "unknown_resource_type": {"resource_type": "teapot"},
        "start_missing": {"started_at": None},
        "finished_without_end": {"completed_at": None},
        "end_before_start": {"completed_at": "2026-03-12T22:27:06Z"},
        "open_with_end": {"status": "in-progress"},
        "ahead_of_clock": {"completed_at": "2026-11-23T12:01:01Z"},
        "region_missing": {"region_slug": None},
        "resource_missing": {"resource_id": None},
    }

    found = problems(frame(*odd.values()))

    assert {100 + n: name for n, name in enumerate(odd) if name != "sound"} == dict(
        zip(found["id"], found["problem"], strict=True)
    )
    assert "'done'" in found.set_index("problem").loc["unknown_status", "detail"]


def test_problems_reports_an_id_that_occurs_twice():
    """Frames put together by hand may repeat an id; both rows are named."""
    twice = pd.concat([frame({"id": 5}), frame({"id": 5}), frame({"id": 6})], ignore_index=True)

    assert problems(twice)[["id", "problem"]].to_numpy().tolist() == [[5, "duplicate_id"], [5, "duplicate_id"]]


def test_problems_of_a_sound_or_empty_frame_is_an_empty_table():
    """No oddities: no rows, the same columns."""
    for actions in (frame(), frame({})):
        assert problems(actions).columns.tolist() == ["id", "problem", "detail"]
        assert problems(actions).empty


@pytest.mark.parametrize(
    ("status", "completed_at", "outcome"),
    [
        ("in-progress", None, "open"),
        ("in-progress", "2026-03-12T22:27:14Z", "open"),
        ("completed", "2026-03-12T22:27:14Z", "completed"),
        ("completed", None, "completed"),
        ("done", None, "completed"),
        ("errored", "2026-03-12T22:27:14Z", "errored"),
        ("pending", None, "open"),
        ("vanished", "2026-03-12T22:27:14Z", "unclear"),
        (None, None, "open"),
    ],
)
def test_what_a_status_means(status, completed_at, outcome):
    """An unknown word is open until there is an end, and then unclear: never taken for a success."""
    action = Action.of(Record(7, status, "reboot", "2026-03-12T22:27:07Z", completed_at), 1_773_354_500)

    assert (action.outcome, action.finished) == (outcome, outcome != "open")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2025-10-14T11:55:31.615157397Z", "2025-10-14T11:55:31.615157+00:00"),
        ("2025-10-14T13:55:31+02:00", "2025-10-14T11:55:31+00:00"),
        (1_760_442_931, "2025-10-14T11:55:31+00:00"),
        ("soon", None),
        (None, None),
    ],
)
def test_a_start_is_read_in_each_spelling(text, read):
    """Fine fractions, other zones and Unix seconds are one moment in UTC; what is no time is none."""
    action = Action.of(Record(7, started_at=text), 1_773_354_500)

    assert (action.started_at and action.started_at.isoformat()) == read
