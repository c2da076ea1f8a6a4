"""Lifespans and churn: against a loop over each resource's actions, and against the account."""

from __future__ import annotations

from collections import Counter, defaultdict

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

import doaudit as da
from doaudit.analysis import churn, lifespans

START = pd.Timestamp("2026-03-02T10:00:00Z")
NOW = pd.Timestamp("2026-04-15T00:00:00Z")
DAY_S = 86_400
DONE = ("completed", "done")
BEGINS, ENDS = ("create", "reserve_ip"), ("destroy", "release_ip")
OF = {
    "droplet": ("droplet", "create", "destroy"),
    "reserved_ip": ("reserved_ip", "reserve_ip", "release_ip"),
    "floating_ip": ("reserved_ip", "reserve_ip", "release_ip"),
}

ROWS = st.lists(
    st.tuples(
        st.sampled_from([*BEGINS, *ENDS, *BEGINS, *ENDS, "reboot", None]),
        st.sampled_from(["completed"] * 4 + ["done", "errored", "in-progress", "odd"]),
        st.sampled_from([1, 2, None]),
        st.sampled_from(["droplet", "reserved_ip", "floating_ip", "image", None]),
        st.integers(0, 40 * DAY_S) | st.none(),
        st.integers(-5, 60) | st.none(),
    ),
    max_size=40,
)


def frame_of(build, rows):
    """Build actions whose starts are seconds after a moment, and whose lengths are in seconds; both may be missing."""
    kinds, status, ids, resource_types, starts, lengths = map(list, zip(*rows, strict=True)) if rows else [[]] * 6
    begun = [None if start is None else START + pd.Timedelta(start, "s") for start in starts]
    ended = [
        None if length is None else START + pd.Timedelta((start or 0) + length, "s")
        for start, length in zip(starts, lengths, strict=True)
    ]
    words = [
        None if None in (id_, word) else f"{word.replace('floating', 'reserved')}:{id_}"
        for id_, word in zip(ids, resource_types, strict=True)
    ]
    return build(
        type=kinds, status=status, resource=words, resource_type=resource_types, started_at=begun,
        completed_at=ended, observed_at=[NOW] * len(rows),
    )  # fmt: skip


def plainly(actions):
    """Follow each resource from its creation to its destruction, as often as it has both."""
    of_resource, seen = defaultdict(list), set()
    for row in actions.itertuples():
        if row.resource_type not in OF or pd.isna(row.resource):
            continue
        kind, begin, end = OF[row.resource_type]
        if row.type != begin or row.status in DONE:
            seen.add((kind, row.resource))
        start, stop = row.started_at, row.completed_at
        if not (row.type == begin or (row.type == end and row.status in DONE)) or (pd.isna(start) and pd.isna(stop)):
            continue
        known = pd.notna(stop) and not (pd.notna(start) and stop < start)
        at_end, at_start = stop if known else start, stop if pd.isna(start) else start
        of_resource[kind, row.resource].append((at_end, at_start, row.type, row.id))
    lives = []
    for kind, resource in seen:
        created, open_life = None, True
        for at_end, at_start, type_, _ in sorted(of_resource[kind, resource]):
            if type_ in BEGINS:
                created = created if open_life and created is not None else at_start
                open_life = True
            else:
                lives.append((kind, resource, created, at_end))
                created, open_life = None, False
        if open_life:
            lives.append((kind, resource, created, None))
    return lives


@examples(200)
@given(ROWS)
def test_each_life_is_one_that_a_loop_finds(frame, rows):
    """Beginnings, ends and lengths of every life are those of following each resource action by action."""
    actions = frame_of(frame, rows)

    table = lifespans(actions)

    columns = ["kind", "resource", "created_at", "destroyed_at"]
    found = [
        tuple(None if pd.isna(value) else value for value in row) for row in table[columns].itertuples(index=False)
    ]
    assert sorted(found, key=str) == sorted(plainly(actions), key=str)
    assert table["lives"].equals(table["destroyed_at"].isna())
    spans = (table["destroyed_at"].fillna(NOW) - table["created_at"]).dt.total_seconds().clip(lower=0)
    pd.testing.assert_series_equal(table["lifespan_s"], spans, check_names=False)
    known = table["created_at"].dropna()
    assert known.is_monotonic_decreasing
    assert known.index.tolist() == list(range(len(known)))


@examples(100)
@given(ROWS)
def test_the_weeks_add_up(frame, rows):
    """Each week has the beginnings and ends that a loop counts, none is missing, and the last has what lives."""
    actions = frame_of(frame, rows)
    lives = plainly(actions)

    table = churn(actions)

    for kind in ("droplet", "reserved_ip"):
        weeks, of_kind = table[table["kind"] == kind], [life[2:] for life in lives if life[0] == kind]
        for name, at in (("created", 0), ("destroyed", 1)):
            mondays = Counter(
                str((life[at] - pd.Timedelta(life[at].weekday(), "D")).date()) for life in of_kind if life[at]
            )
            counted = {f"{week:%Y-%m-%d}": count for week, count in zip(weeks["week"], weeks[name], strict=True)}
            assert {week: count for week, count in counted.items() if count} == mondays
        if len(weeks):
            assert weeks["week"].diff().dropna().eq(pd.Timedelta(7, "D")).all()
            assert weeks["existed"].iloc[-1] == sum(end is None for _, end in of_kind)
            assert f"{weeks['week'].iloc[-1]:%Y-%m-%d}" == "2026-04-13"
        else:
            assert not any(begin or end for begin, end in of_kind)


def story(build, *rows):
    """Build actions on one droplet, a day apart, each of a minute."""
    kinds, status = map(list, zip(*rows, strict=True))
    starts = [str(START + pd.Timedelta(day, "D")) for day in range(len(rows))]
    return build(type=kinds, status=status, started_at=starts, seconds=60, observed_at=str(NOW))


@pytest.mark.parametrize("status", ["errored", "in-progress", "odd"])
def test_a_creation_that_nothing_followed_made_nothing(frame, status):
    """A droplet whose creation failed or goes on is none, unless something else was done to it."""
    assert lifespans(story(frame, ("create", status))).empty

    [row] = lifespans(story(frame, ("create", status), ("destroy", "completed"))).to_dict("records")

    assert (row["created_at"], row["lifespan_s"], row["lives"]) == (START, DAY_S + 60, False)


def test_a_resource_of_unknown_creation_existed_from_the_first_week_on(frame):
    """What was created before the actions begin has no length, and counts as there in every week until it ends."""
    actions = frame(
        type=["reboot", "destroy", "create"], resource=["droplet:1", "droplet:2", "droplet:3"], seconds=0,
        started_at=["2026-03-30T00:00:00Z", "2026-03-11T00:00:00Z", "2026-03-03T00:00:00Z"],
        observed_at="2026-03-19T00:00:00Z",
    )  # fmt: skip

    table, weeks = lifespans(actions), churn(actions)

    assert table["resource"].tolist()[0] == "droplet:3"
    assert table["lifespan_s"].isna().tolist() == [False, True, True]
    assert weeks[["created", "destroyed", "existed"]].to_numpy().tolist() == [[1, 0, 3], [0, 1, 2], [0, 0, 2]]


def test_an_address_that_is_reserved_again_lives_twice(frame):
    """Each time has a row of its own, whether the address was called floating or reserved."""
    kinds = ["reserve_ip", "release_ip", "reserve_ip", "assign_ip"]
    actions = frame(
        type=kinds, resource="reserved_ip:45.55.96.47", seconds=0,
        resource_type=["floating_ip", "floating_ip", "reserved_ip", "reserved_ip"],
        started_at=[f"2026-03-0{day}T00:00:00Z" for day in (1, 3, 4, 5)], observed_at="2026-03-09T00:00:00Z",
    )  # fmt: skip

    table = lifespans(actions)

    assert (table["lifespan_s"] / DAY_S).tolist() == [5, 2]
    assert table["lives"].tolist() == [True, False]


def test_a_creation_ahead_of_the_clock_has_lasted_no_time(frame):
    """A length is never negative, even where clocks differ."""
    actions = frame(type="create", started_at="2026-03-02T00:00:00Z", seconds=0, observed_at="2026-03-01T23:59:58Z")

    assert lifespans(actions)["lifespan_s"].tolist() == [0]


@pytest.mark.thorough
def test_the_account_has_the_droplets_that_live():
    """They were created when the account says, and it lacks only those whose destruction is said to have failed."""
    with da.demo() as account:
        actions, droplets = account.actions(), account.droplets()

    table = lifespans(actions)

    alive = table[table["lives"] & (table["kind"] == "droplet")].set_index("resource")
    created = droplets.set_index("droplet:" + droplets["id"].astype(str))["created_at"]
    left = set(alive.index) - set(created.index)
    failed = actions[(actions["type"] == "destroy") & (actions["status"] == "errored")]
    assert set(created.index) <= set(alive.index)
    assert left <= set(failed["resource"])
    known = alive["created_at"].dropna().drop(index=list(left), errors="ignore")
    assert (known == created.reindex(known.index)).all()
    assert len(known) > 10
