"""Age, stuck and remaining time of open actions, against plain counting."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis import open_actions


def account(frame, *groups):
    """Build actions of groups (how many, type, resource, status, seconds of the first, of the second, ...)."""
    rows = [
        (kind, resource, status, took) for count, kind, resource, status, seconds in groups for took in seconds[:count]
    ]
    kind, resource, status, took = (list(column) for column in zip(*rows, strict=True))
    return frame(type=kind, resource=resource, status=status, seconds=took)


def finished(count, kind="snapshot", resource="droplet:1", first=1):
    """Finished actions that took first, first + 1, ... seconds."""
    return (count, kind, resource, "completed", list(range(first, first + count)))


def running(age, kind="snapshot", resource="droplet:1"):
    """One open action of this age."""
    return (1, kind, resource, "in-progress", [age])


def test_oldest_first_and_only_the_open_ones(frame):
    """Open actions by start, equal starts by id, without a start last and without an age."""
    starts = ["2026-03-03T10:00:00Z", "2026-03-02T10:00:00Z", None, "2026-03-02T10:00:00Z", "2026-03-01T10:00:00Z"]
    status = ["in-progress", "in-progress", "in-progress", "in-progress", "completed"]

    table = open_actions(frame(id=[1, 9, 3, 4, 5], started_at=starts, status=status, seconds=[10, 20, 30, 40, 50]))

    assert table["id"].tolist() == [4, 9, 1, 3]
    assert table["age_s"].tolist()[:3] == [40.0, 20.0, 10.0]
    assert table.iloc[3][["age_s", "older_than", "p50_left_s", "p90_left_s"]].isna().all()
    assert not table["stuck"].any()


@pytest.mark.parametrize(
    ("own", "same_type", "others", "compared"),
    [(20, 30, 40, 20), (19, 30, 40, 49), (19, 0, 40, 59), (0, 20, 0, 20), (0, 0, 5, 5), (0, 0, 0, 0)],
)
def test_it_is_compared_with_the_closest_twenty(frame, own, same_type, others, compared):
    """Same type and resource if there are 20 finished ones, else same type if there are 20, else all."""
    actions = account(
        frame,
        running(10),
        finished(own),
        finished(same_type, resource="droplet:2"),
        finished(others, kind="resize"),
        running(99_999, kind="resize"),
    )

    table = open_actions(actions).set_index("type")

    assert table.loc["snapshot", "finished"] == compared


def test_a_null_is_the_same_as_no_other(frame):
    """Actions whose resource or type the API cannot tell are not of one resource or type."""
    actions = account(
        frame,
        running(50, resource=None),
        finished(30, resource=None),
        finished(30, resource="droplet:2"),
        running(50, kind=None),
        finished(30, kind=None),
    )

    table = open_actions(actions)

    assert table["finished"].tolist() == [60, 90]


@pytest.mark.parametrize(("age", "share", "is_stuck"), [(98, 0.98, False), (99, 0.99, True), (100, 1.0, True)])
def test_stuck_is_older_than_99_of_100(frame, age, share, is_stuck):
    """At least 99 % of at least 100 took no longer."""
    row = open_actions(account(frame, running(age), finished(100))).iloc[0]

    assert (row["older_than"], row["stuck"]) == (share, is_stuck)


def test_fewer_than_100_call_nothing_stuck_by_themselves(frame):
    """Of 99 actions the longest says nothing about 99 %; but the wider set, if large enough, still does."""
    few = account(frame, running(10**6), finished(99))
    wider = account(frame, running(10**6), finished(99), finished(100, kind="resize"))

    assert open_actions(few)["stuck"].tolist() == [False]
    assert open_actions(wider)["stuck"].tolist() == [True]
    assert open_actions(wider)["finished"].tolist() == [99]


def test_stuck_is_judged_by_the_closest_hundred(frame):
    """A long action is not stuck where its own kind takes long, however quick all the others are."""
    actions = account(frame, running(5000), finished(100, first=5000), finished(5000, kind="resize"))

    assert open_actions(actions)["stuck"].tolist() == [False]


@examples(50)
@given(
    ended=st.lists(st.integers(0, 60), min_size=1, max_size=60),
    ages=st.lists(st.integers(0, 70), min_size=1, max_size=8),
)
def test_what_is_left_is_conditional_on_the_age(frame, ended, ages):
    """Of those as old as this one, half end within p50_left_s, as scipy's curve of the same actions has it."""
    status = ["completed"] * len(ended) + ["in-progress"] * len(ages)
    oracle = stats.ecdf(stats.CensoredData(ended, right=ages)).sf

    table = open_actions(frame(status=status, seconds=ended + ages))

    for row in table.itertuples():
        alive = oracle.evaluate(row.age_s)
        for p, left in ((0.5, row.p50_left_s), (0.9, row.p90_left_s)):
            later = [t for t in set(ended) if t > row.age_s and oracle.evaluate(t) <= alive * (1 - p) + 1e-12]
            assert left == min(later, default=math.inf) - row.age_s
        assert row.older_than == sum(t <= row.age_s for t in ended) / len(ended)


def test_nothing_is_known_where_nothing_has_finished(frame):
    """The first action of an account has an age and nothing to be compared with."""
    row = open_actions(account(frame, running(60))).iloc[0]

    assert (row["age_s"], row["finished"], row["stuck"]) == (60.0, 0, False)
    assert row[["older_than", "p50_left_s", "p90_left_s"]].isna().all()


def test_untimed_actions_are_no_comparison(frame):
    """A finished action without an end has no duration to compare with."""
    actions = account(frame, running(5), finished(20))
    actions.loc[20, "completed_at"] = pd.NaT

    assert open_actions(actions)["finished"].tolist() == [19]
