"""Concurrency: against counting the seconds one by one, and its rules at the edges."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit.analysis import concurrency, daily_concurrency
from doaudit.errors import InvalidArgument

MIDNIGHT = 1_772_409_600
SECONDS = st.integers(-20, 40)
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["resize", "resize", "reboot", None]),
        st.sampled_from(["completed", "errored", "in-progress", "odd"]),
        st.one_of(SECONDS, SECONDS, SECONDS, st.none()),
        st.sampled_from([0, 0, 1, 2, 5, 30, -1]),
    ),
    min_size=1,
    max_size=20,
)
NEWEST = 50


def at(second):
    """Return the time so many seconds from a midnight."""
    return None if second is None else pd.Timestamp(MIDNIGHT + second, unit="s", tz="UTC")


def build(frame, rows, newest=NEWEST):
    """Build the actions of rows: type, status, start in seconds from a midnight, seconds."""
    kinds, status, starts, seconds = map(list, zip(*rows, strict=True))
    times = {"started_at": [at(start) for start in starts], "observed_at": at(newest)}
    return frame(type=kinds, status=status, seconds=[max(each, -1) for each in seconds], **times)


def plainly(rows):
    """Count, second by second, how many of each type run."""
    running, spans = defaultdict(Counter), []
    for kind, status, start, seconds in rows:
        running[kind].update({})
        if start is None or (seconds < 0 and status != "in-progress"):
            continue
        end = NEWEST if status == "in-progress" else start + seconds
        spans.append((start, max(end, start + 1)))
        running[kind].update(range(start, max(end, start + 1)))
    window = range(min(start for start, _ in spans), max(NEWEST, *(end for _, end in spans))) if spans else range(0)
    return running, window


def name(kind):
    """Return the type, None where null."""
    return None if pd.isna(kind) else kind


@examples(150)
@given(ROWS)
def test_each_figure_is_that_of_counting_the_seconds(frame, rows):
    """The most, when, for how long, the 99 % of the time, the mean and the busy share, of each type."""
    running, window = plainly(rows)

    table = concurrency(build(frame, rows))

    assert {name(kind) for kind in table["type"]} == set(running)
    for row in table.itertuples():
        counts = [running[name(row.type)][second] for second in window]
        most = max(counts, default=0)
        assert (row.most, row.most_s) == (most, counts.count(most) if most else 0)
        assert pd.isna(row.most_at) if not most else row.most_at == at(window[counts.index(most)])
        if counts:
            assert row.p99 == np.quantile(counts, 0.99, method="inverted_cdf")
            assert row.mean == pytest.approx(np.mean(counts))
            assert row.busy_share == pytest.approx(np.count_nonzero(counts) / len(counts))
        else:
            assert np.isnan([row.p99, row.mean, row.busy_share]).all()


@examples(150)
@given(ROWS)
def test_each_day_is_that_of_counting_its_seconds(frame, rows):
    """The most and the mean of each day on which one ran, across midnight too."""
    running, _ = plainly(rows)
    expected = {}
    for kind, counts in running.items():
        for second, count in counts.items():
            most, total = expected.get((kind, second // 86_400), (0, 0))
            expected[kind, second // 86_400] = (max(most, count), total + count)

    table = daily_concurrency(build(frame, rows))

    days = (table["day"] - at(0)).dt.days
    found = dict(zip(zip(map(name, table["type"]), days, strict=True), table[["most", "mean"]].to_numpy(), strict=True))
    assert found.keys() == expected.keys()
    for cell, (most, total) in expected.items():
        assert tuple(found[cell]) == pytest.approx((most, total / 86_400))


@pytest.mark.parametrize(
    ("spans", "most", "most_s"),
    [
        ([(0, 10), (10, 10)], 1, 20),
        ([(0, 10), (9, 10)], 2, 1),
        ([(5, 0), (5, 0)], 2, 1),
        ([(0, 5), (5, 0)], 1, 6),
        ([(5, 0), (0, 6)], 2, 1),
    ],
)
def test_two_overlap_only_if_they_share_a_second(frame, spans, most, most_s):
    """The second of an end is not included, and an action of 0 s has that of its start."""
    table = concurrency(build(frame, [("resize", "completed", start, seconds) for start, seconds in spans]))

    assert table[["most", "most_s"]].to_numpy().tolist() == [[most, most_s]]


@pytest.mark.parametrize(("window_s", "p99"), [(199, 2), (200, 1)])
def test_two_at_once_for_more_than_a_hundredth_of_the_time(frame, window_s, p99):
    """For two seconds of 199 there are two, which is more than 1 %; of 200 it is not."""
    rows = [("resize", "completed", 0, window_s), ("resize", "completed", 70, 2)]

    assert concurrency(build(frame, rows))["p99"].tolist() == [p99]


def test_open_actions_run_until_the_newest_reading_of_all(frame):
    """Though its own row was read long before."""
    rows = [("resize", "in-progress", 0, 0), ("reboot", "completed", 90, 10)]
    actions = build(frame, rows).assign(observed_at=[at(5), at(200)])

    table = concurrency(actions, by=())

    assert table[["most", "most_s", "busy_share"]].to_numpy().tolist() == [[2, 10, 1]]


def test_the_busiest_group_comes_first(frame):
    """By the most at once, then by the share of the time in which one ran."""
    spans = {"short": [(0, 5)], "long": [(0, 9)], "twice": [(0, 2), (1, 2)]}
    rows = [(kind, "completed", *span) for kind, both in spans.items() for span in both]

    assert concurrency(build(frame, rows))["type"].tolist() == ["twice", "long", "short"]


def test_days_of_a_long_action_are_all_there(frame):
    """A day on which nothing begins or ends has a row."""
    table = daily_concurrency(build(frame, [("resize", "in-progress", 43_200, 0)], newest=3 * 86_400), by=())

    assert table[["most", "mean"]].to_numpy().tolist() == [[1, 0.5], [1, 1], [1, 1]]


def test_nothing_at_all_is_one_row_without_figures(frame):
    """Without columns to group by there is a row of an empty account too."""
    table = concurrency(frame(status=[]), by=())

    assert table[["actions", "most", "most_s"]].to_numpy().tolist() == [[0, 0, 0]]
    assert table[["most_at", "p99", "mean", "busy_share"]].isna().all(axis=None)


def test_a_column_with_the_name_of_a_figure_is_refused(frame):
    """The message names it."""
    with pytest.raises(InvalidArgument, match="cannot name 'most'"):
        concurrency(frame().assign(most=1), by="most")
