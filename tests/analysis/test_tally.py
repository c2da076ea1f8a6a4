"""The tally and the counts made from it, against plain loops and other engines."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit.analysis.tally import OUTCOMES, lifetimes, outcomes, per_slot, sum_counts, tally
from doaudit.errors import InvalidArgument

STATUS = ["completed", "done", "errored", "in-progress", "pending", None]
TIMES = [None, *(f"2026-03-02T{clock}Z" for clock in ("10:59:58", "10:59:59", "11:00:00", "11:00:02"))]
COLUMNS = {
    "type": st.sampled_from(["snapshot", "resize", None]),
    "region": st.sampled_from(["fra1", "ams3", None]),
    "status": st.sampled_from(STATUS),
    "started_at": st.sampled_from(TIMES),
    "completed_at": st.sampled_from(TIMES),
    "observed_at": st.sampled_from(TIMES[1:]),
}
ROWS = st.lists(st.fixed_dictionaries(COLUMNS), max_size=30)


def in_columns(rows):
    """Turn rows into columns, also where there are none."""
    return {name: [row[name] for row in rows] for name in COLUMNS}


def plain_outcome(row):
    """Return the outcome of a row, as the module defines it."""
    if row["status"] in ("completed", "done"):
        return "completed"
    if row["status"] == "errored":
        return "errored"
    return "open" if row["status"] == "in-progress" or row["completed_at"] is None else "unclear"


def plain_seconds(row):
    """Return the seconds that a row took, or ran until last seen; None if they are unknown."""
    end = row["observed_at"] if plain_outcome(row) == "open" else row["completed_at"]
    if end is None or row["started_at"] is None:
        return None
    seconds = (pd.Timestamp(end) - pd.Timestamp(row["started_at"])).total_seconds()
    return int(seconds) if seconds >= 0 else None


def plain_tally(rows, by):
    """Count the rows with a loop."""
    return Counter((*(row[name] for name in by), plain_outcome(row), plain_seconds(row)) for row in rows)


def as_counter(table):
    """Turn a table whose last column counts into a counter, nulls as None."""
    rows = table.astype(object).where(table.notna(), None).itertuples(index=False, name=None)
    return Counter({tuple(row[:-1]): row[-1] for row in rows})


@pytest.mark.parametrize("status", STATUS)
@pytest.mark.parametrize("completed_at", TIMES[:2])
def test_every_status_has_one_outcome(frame, status, completed_at):
    """`done` is completed; an unknown word is open until it has an end, and then unclear."""
    expected = plain_outcome({"status": status, "completed_at": completed_at})

    counted = tally(frame(status=[status], completed_at=[completed_at]), by=())

    assert counted["outcome"].tolist() == [expected]


@given(rows=ROWS, by=st.sampled_from([["type"], ["type", "region"], ["region", "status"], []]))
def test_the_tally_is_what_a_loop_counts(frame, rows, by):
    """Each row is counted once, under its group, its outcome and its seconds; null groups and unknown seconds too."""
    counted = tally(frame(**in_columns(rows)), by)

    assert as_counter(counted) == plain_tally(rows, by)
    assert counted["actions"].sum() == len(rows)
    assert not counted.duplicated([*by, "outcome", "seconds"]).any()


@examples(40)
@given(rows=ROWS, split=st.integers(0, 30))
def test_counts_add_up(frame, rows, split):
    """The tallies of two halves add up to the tally of the whole."""
    halves = [as_counter(tally(frame(**in_columns(part)), "type")) for part in (rows[:split], rows[split:])]

    assert halves[0] + halves[1] == as_counter(tally(frame(**in_columns(rows)), "type"))


@examples(50)
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_the_order_of_rows_and_categories_means_nothing(frame, rows, random):
    """The table is the same, row by row, whatever the order of the rows and of the categories' codes."""
    actions = frame(**in_columns(rows))
    shuffled = actions.sample(frac=1, random_state=random.randint(0, 99))
    shuffled["type"] = shuffled["type"].cat.set_categories(shuffled["type"].cat.categories[::-1])

    tables = [tally(rows, ["type", "region"]).astype(object) for rows in (actions, shuffled)]

    pd.testing.assert_frame_equal(*tables)


@examples(25)
@given(rows=ROWS)
def test_other_engines_count_the_same(frame, elsewhere, rows):
    """Polars, lazy or not, and DuckDB give the rows that pandas gives, in the same order."""
    actions = frame(**in_columns(rows))

    expected, counted = tally(actions, ["type", "region"]), tally(elsewhere(actions), ["type", "region"])

    pd.testing.assert_frame_equal(counted.astype(object), expected.astype(object))
    assert counted[["outcome", "seconds", "actions"]].dtypes.equals(expected[["outcome", "seconds", "actions"]].dtypes)


@examples(50)
@given(rows=ROWS, by=st.sampled_from([["type"], ["type", "region"], []]))
def test_outcomes_are_the_tally_without_seconds(frame, rows, by):
    """Counting by outcome at once, or adding up a finer tally, is the same; the outcomes add up to the actions."""
    actions = frame(**in_columns(rows))

    at_once = outcomes(actions, by)

    pd.testing.assert_frame_equal(at_once, sum_counts(tally(actions, ["region", "type"]), by))
    assert at_once[list(OUTCOMES)].sum(axis="columns").tolist() == at_once["actions"].tolist()
    for outcome in OUTCOMES:
        assert at_once[outcome].sum() == sum(plain_outcome(row) == outcome for row in rows)


@given(rows=ROWS)
def test_lifetimes_are_the_timed_rows_of_each_group(frame, rows):
    """Ended and running actions are counted at each second, groups and seconds rising, untimed ones left out."""
    expected = {}
    for row in rows:
        if plain_seconds(row) is not None:
            counts = expected.setdefault((row["type"] or "~", plain_seconds(row)), [0, 0])
            counts[plain_outcome(row) == "open"] += 1

    times = lifetimes(tally(frame(**in_columns(rows)), ["type", "region"]), "type")

    names = times.keys["type"].astype(object).fillna("~").tolist()
    found = zip(times.group, times.seconds, times.ended, times.running, strict=True)
    assert [((names[group], second), [ended, running]) for group, second, ended, running in found] == sorted(
        expected.items()
    )


@examples(25)
@given(rows=ROWS)
def test_hours_are_those_of_the_start(frame, elsewhere, rows):
    """Each action with a start is counted in its hour since 1970, in any engine."""
    actions = frame(**in_columns(rows))
    starts = Counter(
        (int(pd.Timestamp(row["started_at"]).timestamp()) // 3600, plain_outcome(row))
        for row in rows
        if row["started_at"]
    )

    assert as_counter(per_slot(actions)) == starts
    assert as_counter(per_slot(elsewhere(actions))) == starts


def test_keys_keep_their_dtypes(frame):
    """A category stays a category, a nullable number one, a time one; groups stand in the order of their values."""
    actions = frame(type=["b", "a", None, "b"], resource_id=[2, None, 1, 2])

    counted = tally(actions, ["type", "resource_id", "started_at"])

    keys = ["type", "resource_id", "started_at"]
    assert counted.dtypes[keys].equals(actions.dtypes[keys])
    assert counted["type"].astype(object).fillna("~").tolist() == ["a", "b", "~"]
    assert counted["actions"].tolist() == [1, 2, 1]


def test_an_order_of_the_users_own_is_kept(frame):
    """Ordered categories group in their order, not by name."""
    actions = frame(type=["small", "large", "small"])
    actions["type"] = pd.Categorical(actions["type"], ["small", "large"], ordered=True)

    assert tally(actions, "type")["type"].tolist() == ["small", "large"]


def test_a_column_named_twice_groups_once(frame):
    """Naming a column again adds nothing."""
    assert tally(frame(), ["type", "type"]).columns.tolist() == ["type", "outcome", "seconds", "actions"]


@pytest.mark.parametrize("by", ["regin", ["type", "regin"]])
@pytest.mark.parametrize("count", [tally, outcomes])
def test_an_unknown_column_is_named_with_those_there_are(frame, count, by):
    """The error says which column is unknown and which exist, and is a ValueError."""
    with pytest.raises(InvalidArgument, match=r"no column 'regin'; name one of 'id', 'type', .*'region'") as raised:
        count(frame(), by)

    assert isinstance(raised.value, ValueError)


def test_a_key_cannot_take_the_name_of_a_figure(frame):
    """Grouping by a column that the table has itself is refused rather than overwritten."""
    actions = frame().assign(seconds=1, errored=2)

    with pytest.raises(InvalidArgument, match=r"by cannot name 'seconds'.*Rename it"):
        tally(actions, "seconds")
    with pytest.raises(InvalidArgument, match="by cannot name 'errored'"):
        outcomes(actions, "errored")


@examples(50)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", None]),
            st.sampled_from([None, "2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z", "1969-12-31T23:59:59Z"]),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_by_day_actions_of_different_days_are_counted_apart(frame, elsewhere, rows):
    """With by_day a tally has the day, counted with a loop, and without it the same counts together; on any engine."""
    kinds, starts, seconds = (list(column) for column in zip(*rows, strict=True))
    actions = frame(type=kinds, started_at=starts, seconds=seconds, status=["completed"] * len(rows))

    table = tally(actions, "type", by_day=True)

    expected = Counter(
        (kind, start and pd.Timestamp(start).timestamp() // 86_400, took if start else None)
        for kind, start, took in rows
    )
    found = {
        tuple(None if pd.isna(value) else value for value in (row.type, row.day, row.seconds)): row.actions
        for row in table.itertuples()
    }
    assert found == expected
    whole = tally(actions, "type")
    pd.testing.assert_series_equal(
        table.groupby(["type", "seconds"], dropna=False, observed=True)["actions"].sum().sort_index(),
        whole.groupby(["type", "seconds"], dropna=False, observed=True)["actions"].sum().sort_index(),
    )
    counts = tally(elsewhere(actions), "type", by_day=True).drop(columns="type")
    pd.testing.assert_frame_equal(counts, table.drop(columns="type"))
