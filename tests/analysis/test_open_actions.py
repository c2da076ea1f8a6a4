"""Age, verdict and remaining time of open actions, against plain counting."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis import open_actions
from doaudit.analysis.expected import comparable_durations, expected_durations
from doaudit.expected_duration import describe_age, find_verdict


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
    assert table.iloc[3][["verdict", "sentence"]].tolist() == [
        "too few to tell",
        "open since nobody knows when; the only one like it that has finished took 50 s",
    ]


@pytest.mark.parametrize(
    ("own", "same_type", "others", "compared"),
    [
        (20, 30, 40, "20 snapshot of web-1"),
        (19, 30, 40, "49 snapshot of any resource"),
        (19, 0, 40, "19 snapshot of any resource"),
        (0, 1, 40, "1 snapshot of any resource"),
        (0, 0, 40, ""),
    ],
)
def test_it_is_compared_with_its_own_resource_or_its_type_and_never_with_others(
    frame, own, same_type, others, compared
):
    """Same type and resource if there are 20 finished ones, else same type, however few; never all types."""
    actions = account(
        frame,
        running(10),
        finished(own),
        finished(same_type, resource="droplet:2"),
        finished(others, kind="resize"),
        running(99_999, kind="resize"),
    )

    row = open_actions(actions).set_index("type").loc["snapshot"]

    assert row["compared_with"] == compared
    assert row["finished"] == int(compared.partition(" ")[0] or 0)


def test_a_resource_slower_than_its_type_is_compared_with_itself(frame):
    """If half of its own are beyond the p99 of its type, the type says nothing about this resource."""
    others = finished(200, resource="droplet:2")
    slower = account(frame, running(5_000), (2, "snapshot", "droplet:1", "completed", [4_000, 3_000]), others)
    alike = account(frame, running(5_000), (2, "snapshot", "droplet:1", "completed", [4_000, 90]), others)

    assert open_actions(slower).iloc[0][["compared_with", "verdict"]].tolist() == [
        "2 snapshot of web-1",
        "too few to tell",
    ]
    assert open_actions(alike).iloc[0][["compared_with", "verdict"]].tolist() == [
        "202 snapshot of any resource in 180 days",
        "stuck",
    ]


@pytest.mark.parametrize(
    ("recent", "compared"), [(100, "100 snapshot of web-1 in 180 days"), (99, "149 snapshot of web-1")]
)
def test_what_is_usual_is_that_of_180_days_where_they_hold_100(frame, recent, compared):
    """A type that has become slower is compared with what it takes now."""
    starts = ["2025-01-01T00:00:00Z"] * 50 + ["2026-03-02T10:00:00Z"] * recent + ["2026-03-31T23:00:00Z"]
    status, seconds = ["completed"] * (50 + recent) + ["in-progress"], [5] * 50 + [60] * recent + [61]

    row = open_actions(frame(started_at=starts, status=status, seconds=seconds)).iloc[0]

    assert (row["compared_with"], row["usual_p50_s"]) == (compared, 60.0)


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

    assert table["compared_with"].tolist() == ["60 snapshot of any resource", ""]
    assert table["verdict"].tolist() == ["slow", "too few to tell"]


@pytest.mark.parametrize(
    ("age", "share", "verdict"),
    [(98, 0.98, "normal"), (99, 0.99, "normal"), (100, 1.0, "slow"), (297, 1.0, "slow"), (298, 1.0, "stuck")],
)
def test_slow_is_beyond_the_p99_and_stuck_beyond_three_times_that(frame, age, share, verdict):
    """Of actions that took 1 to 100 s the p99 is 99 s: what is older is slow, beyond 297 s stuck."""
    row = open_actions(account(frame, running(age), finished(100))).iloc[0]

    assert (row["older_than"], row["usual_p99_s"], row["verdict"]) == (share, 99.0, verdict)


@pytest.mark.parametrize(
    ("count", "age", "verdict"),
    [
        (19, 19, "normal"),
        (19, 20, "too few to tell"),
        (19, 10**6, "too few to tell"),
        (20, 21, "slow"),
        (20, 61, "stuck"),
    ],
)
def test_fewer_than_20_can_only_say_that_an_age_is_normal(frame, count, age, verdict):
    """What is older than all of 19 may be like them; one of them that took as long shows that it is."""
    row = open_actions(account(frame, running(age), finished(count))).iloc[0]

    assert row["verdict"] == verdict


def test_seconds_are_too_short_to_be_slow(frame):
    """Where nearly all take no time at all, an action is slow from 6 s on and stuck from 16 s on."""
    ages = [5, 6, 15, 16]
    actions = frame(status=["completed"] * 100 + ["in-progress"] * 4, seconds=[0] * 100 + ages)

    table = open_actions(actions).set_index("age_s")["verdict"]

    assert [table[age] for age in ages] == ["normal", "slow", "slow", "stuck"]


@pytest.mark.parametrize(
    ("count", "age", "sentence"),
    [
        (0, 3600, "open for 1 h; none like it has finished"),
        (1, 3600, "open for 1 h; the only one like it that has finished took 1 s"),
        (69, 3_567_600, "open for 41 d 7 h; the longest of 69 like it took 1 min 9 s"),
        (1_200, 600, "open for 10 min; 99 % of 1,200 like it took up to 19 min"),
    ],
)
def test_the_sentence_has_the_age_and_what_is_usual(frame, count, age, sentence):
    """Each row says in words how long it has been open, and how long others like it took."""
    assert open_actions(account(frame, running(age), finished(count)))["sentence"].item() == sentence


def test_each_verdict_of_the_monitor_is_that_of_the_table(frame):
    """What watching and the monitor are given compares every action with the set that the table compares it with."""
    groups = [
        running(age, kind, resource) for age in (3, 70, 999) for kind in ("a", "b") for resource in ("r:1", "r:2")
    ]
    ended = [
        finished(30, "a", "r:1"),
        finished(5, "a", "r:2", first=200),
        finished(400, "a", "r:3"),
        finished(3, "b", "r:1"),
    ]
    actions = account(frame, *groups, *ended)

    usual = comparable_durations(actions)

    for row in open_actions(actions).itertuples():
        expected = usual.of(row.type, row.resource)
        assert (row.verdict, row.sentence) == (find_verdict(row.age_s, expected), describe_age(row.age_s, expected))
        assert (row.finished, row.usual_p99_s) == (expected.finished, expected.p99_s)


def test_expected_durations_need_six(frame):
    """A plan uses what the history says of a type from six finished actions on."""
    assert expected_durations(account(frame, finished(5))) == {}
    assert expected_durations(account(frame, finished(6)))["snapshot"].p50_s == 3.0


@examples(50)
@given(
    ended=st.lists(st.integers(0, 60), min_size=1, max_size=120),
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
            if sum(t > row.age_s for t in ended) < 20:
                assert math.isnan(left)
            else:
                assert left == min(later, default=math.inf) - row.age_s
        assert row.older_than == sum(t <= row.age_s for t in ended) / len(ended)


def test_nothing_is_known_where_nothing_has_finished(frame):
    """The first action of an account has an age and nothing to be compared with."""
    row = open_actions(account(frame, running(60))).iloc[0]

    assert (row["age_s"], row["finished"], row["verdict"]) == (60.0, 0, "too few to tell")
    assert row[["older_than", "p50_left_s", "p90_left_s"]].isna().all()


def test_untimed_actions_are_no_comparison(frame):
    """A finished action without an end has no duration to compare with."""
    actions = account(frame, running(5), finished(20))
    actions.loc[20, "completed_at"] = pd.NaT

    assert open_actions(actions)["finished"].tolist() == [19]
