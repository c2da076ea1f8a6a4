"""Backups: against a loop over droplets, which droplets are listed, and what an account can tell besides."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

import doaudit as da
from doaudit.analysis import backups
from doaudit.errors import InvalidArgument

START = pd.Timestamp("2026-03-02T10:00:00Z")
NOW = pd.Timestamp("2026-03-20T00:00:00Z")
DAY_S = 86_400

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["snapshot", "backup", "snapshot", "backup", "create", "destroy", "reboot", None]),
        st.sampled_from(["completed"] * 4 + ["done", "errored", "in-progress", "odd"]),
        st.sampled_from(["droplet:1", "droplet:2", "droplet:3", None]),
        st.sampled_from(["droplet"] * 5 + ["image"]),
        st.integers(0, 17 * DAY_S) | st.none(),
    ),
    max_size=40,
)


def frame_of(build, rows):
    """Build actions that start so many seconds after a moment, or have no start; a later one may end earlier."""
    kinds, status, resources, resource_types, starts = map(list, zip(*rows, strict=True)) if rows else [[]] * 5
    begun = [None if start is None else START + pd.Timedelta(start, "s") for start in starts]
    lengths = [60 + number % 3 * DAY_S for number in range(len(rows))]
    ended = [START + pd.Timedelta(length + (start or 0), "s") for start, length in zip(starts, lengths, strict=True)]
    return build(
        type=kinds, status=status, resource=resources, resource_type=resource_types, started_at=begun,
        completed_at=ended, observed_at=[NOW] * len(rows),
    )  # fmt: skip


def droplets_of(*ids, snapshots=None, named="web-{}"):
    """Build droplets as an account returns them."""
    numbers = list(ids)
    images = pd.Series([[] if snapshots is None else snapshots.get(number, []) for number in numbers], dtype=object)
    names = [named.format(number) for number in numbers]
    return pd.DataFrame(
        {"id": numbers, "name": names, "region": "ams3", "snapshot_ids": images, "backup_ids": [[] for _ in numbers]}
    )


def plainly(actions, droplets, days):
    """Go through the actions of each droplet, and note what was taken when."""
    of_droplets = [row for row in actions.itertuples() if row.resource_type == "droplet" and pd.notna(row.resource)]
    if droplets is None:
        seen = {row.resource for row in of_droplets if row.type != "create" or row.status in ("completed", "done")}
        gone = {row.resource for row in of_droplets if row.type == "destroy" and row.status in ("completed", "done")}
        listed = seen - gone
    else:
        listed = {f"droplet:{number}" for number in droplets["id"]}
    table = {}
    for droplet in listed:
        of_it = [row for row in of_droplets if row.resource == droplet and row.type in ("snapshot", "backup")]
        taken = [row for row in of_it if row.status in ("completed", "done")]
        times = sorted(
            (row.completed_at if pd.isna(row.started_at) else row.started_at, row.id, row.type) for row in taken
        )
        age = (NOW - times[-1][0]).total_seconds() if times else np.nan
        moments = [moment for moment, *_ in times]
        gaps = [(after - before).total_seconds() for before, after in zip(moments, [*moments[1:], NOW], strict=False)]
        table[droplet] = (
            times[-1][0] if times else None, times[-1][2] if times else None, age, max(gaps, default=np.nan),
            len(taken), sum(row.status == "errored" for row in of_it), not age <= days * DAY_S,
        )  # fmt: skip
    return table


@examples(200)
@given(ROWS, st.sampled_from([None, [1], [1, 2, 9], []]), st.sampled_from([1, 7, 0.5]))
def test_each_droplet_has_what_a_loop_finds(frame, rows, ids, days):
    """Which droplets are listed, and each one's last, age, longest gap and counts, are those of plain loops."""
    actions, droplets = frame_of(frame, rows), None if ids is None else droplets_of(*ids)

    table = backups(actions, droplets, days=days)

    columns = ["last_taken_at", "last_type", "age_s", "longest_gap_s", "taken", "errored", "without"]
    found = {
        name: tuple(None if value is pd.NaT else value for value in row)
        for name, row in zip(table["resource"], table[columns].itertuples(index=False), strict=True)
    }
    expected = plainly(actions, droplets, days)
    assert found.keys() == expected.keys()
    assert len(table) == len(found)
    for name, row in expected.items():
        assert [None if pd.isna(value) else value for value in found[name]] == [
            None if pd.isna(value) else value for value in row
        ]
    ages = table["age_s"].fillna(np.inf)
    assert ages.is_monotonic_decreasing


def test_a_droplet_that_never_had_any_action_is_listed_for_the_account(frame):
    """With the account's droplets the table has exactly those, with their names and regions of today."""
    actions = frame(resource=["droplet:1", "droplet:2"], resource_name="old-name", region="fra1")

    table = backups(actions, droplets_of(1, 3)).sort_values("resource")

    assert table["resource"].tolist() == ["droplet:1", "droplet:3"]
    assert table["resource_name"].tolist() == ["web-1", "web-3"]
    assert table["region"].tolist() == ["ams3", "ams3"]
    assert table["taken"].tolist() == [1, 0]


def test_without_an_account_a_creation_that_failed_makes_no_droplet(frame):
    """A droplet counts if anything else was done to it, and until a destroy of it has completed."""
    rows = [
        ("create", "errored", "droplet:1"),
        ("create", "in-progress", "droplet:2"),
        ("create", "completed", "droplet:3"),
        ("create", "errored", "droplet:4"),
        ("reboot", "errored", "droplet:4"),
        ("reboot", "completed", "droplet:5"),
        ("destroy", "completed", "droplet:5"),
        ("destroy", "errored", "droplet:6"),
    ]
    kinds, status, resources = map(list, zip(*rows, strict=True))

    table = backups(frame(type=kinds, status=status, resource=resources, seconds=60))

    assert sorted(table["resource"]) == ["droplet:3", "droplet:4", "droplet:6"]
    assert table["still_exists"].isna().all()


@pytest.mark.parametrize(
    ("snapshot_ids", "backup_ids", "exists"),
    [
        ([7], [], True),
        ([], [7, 8], True),
        ([], [], False),
        (None, [7], True),
        (None, [], None),
        ([], None, None),
        (np.nan, np.nan, None),
        (np.array([7]), np.array([]), True),
    ],
)
def test_only_the_account_tells_whether_one_exists(frame, snapshot_ids, backup_ids, exists):
    """It does if either list has an id, it does not if both are empty, and otherwise nobody knows."""
    droplets = droplets_of(1)
    droplets["snapshot_ids"] = pd.Series([snapshot_ids], dtype=object)
    droplets["backup_ids"] = pd.Series([backup_ids], dtype=object)

    [told] = backups(frame(), droplets)["still_exists"]

    assert told is pd.NA if exists is None else told == exists


@pytest.mark.parametrize(("days", "without"), [(2, False), (1.999, True), (np.inf, False)])
def test_the_limit_is_the_last_of_the_days(frame, days, without):
    """One that was begun exactly so many days ago is recent enough."""
    actions = frame(started_at="2026-03-18T00:00:00Z", seconds=60, observed_at=str(NOW))

    assert backups(actions, days=days)["without"].tolist() == [without]


def test_a_snapshot_ahead_of_the_clock_is_new(frame):
    """An age is never negative, even where clocks differ."""
    actions = frame(started_at="2026-03-02T00:00:00Z", seconds=0, observed_at="2026-03-01T23:59:58Z")

    assert backups(actions)["age_s"].tolist() == [0]


@pytest.mark.parametrize("days", [0, -1, np.nan])
def test_a_limit_that_is_none_is_refused(frame, days):
    """No droplet has a snapshot of the future."""
    with pytest.raises(InvalidArgument, match="without a snapshot or backup; got"):
        backups(frame(), days=days)


def test_droplets_that_lack_a_column_are_refused(frame):
    """The error names the columns, and what has them."""
    with pytest.raises(InvalidArgument, match=r"no 'snapshot_ids', 'backup_ids'; give what account\.droplets"):
        backups(frame(), droplets_of(1).drop(columns=["snapshot_ids", "backup_ids"]))


def test_nulls_among_the_droplets_are_kept(frame):
    """A droplet without a name or region is one all the same."""
    droplets = droplets_of(1, 2)
    droplets["name"] = pd.Series(["web", None])
    droplets["region"] = pd.Series([None, "fra1"])

    table = backups(frame(), droplets).sort_values("resource")

    assert [value if pd.notna(value) else None for value in table["resource_name"]] == ["web", None]
    assert [value if pd.notna(value) else None for value in table["region"]] == [None, "fra1"]


@pytest.mark.thorough
def test_fifty_droplets_of_the_simulated_account_have_had_none_for_a_week():
    """Told with the account's droplets; the actions alone also show two whose destruction failed."""
    with da.demo() as account:
        actions, droplets = account.actions(), account.droplets()

    told, alone = backups(actions, droplets), backups(actions)

    assert (len(told), int(told["without"].sum())) == (64, 50)
    assert (len(alone), int(alone["without"].sum())) == (66, 52)
    others = set(alone["resource"]) - set(told["resource"])
    destroyed = actions[(actions["type"] == "destroy") & actions["resource"].isin(others)]
    assert (len(others), set(destroyed["status"])) == (2, {"errored"})
    assert (told["still_exists"] == (told["taken"] > 0)).all()
