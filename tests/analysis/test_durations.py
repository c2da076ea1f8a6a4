"""Percentiles, distribution and the slowest actions, against plain computations."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis import duration_distribution, durations, slowest
from doaudit.errors import InvalidArgument


def only(table):
    """Return the single row of a table."""
    assert len(table) == 1
    return table.iloc[0]


@examples(20)
@given(st.lists(st.integers(0, 5000), min_size=368, max_size=400))
def test_percentiles_of_finished_actions_are_order_statistics(frame, seconds):
    """Where all have finished, each percentile and each limit is one of the durations, of a known rank."""
    row = only(durations(frame(seconds=seconds)))

    ranked, n = sorted(seconds), len(seconds)
    for percent in (50, 90, 99):
        p = percent / 100
        lower, upper = stats.binom.ppf([0.025, 0.975], n, p).astype(int)
        assert row[f"p{percent}_s"] == np.quantile(seconds, p, method="inverted_cdf")
        assert row[f"p{percent}_low_s"] == ranked[lower - 1]
        assert row[f"p{percent}_high_s"] == ranked[upper]
    assert (row["max_s"], row["note"]) == (ranked[-1], "")


def test_an_open_action_lasts_at_least_until_it_was_last_seen(frame):
    """Open actions move the percentiles up as scipy's Kaplan-Meier does; leaving them out would not."""
    ended, running = list(range(10, 410)), [15] * 50 + [300] * 50
    status = ["completed"] * 400 + ["in-progress"] * 100
    oracle = stats.ecdf(stats.CensoredData(ended, right=running)).sf

    row = only(durations(frame(status=status, seconds=ended + running)))

    for percent in (50, 90):
        first = oracle.quantiles[oracle.probabilities <= 1 - percent / 100 + 1e-12].min()
        assert row[f"p{percent}_s"] == first > np.quantile(ended, percent / 100)
        assert row[f"p{percent}_low_s"] < first < row[f"p{percent}_high_s"]
    assert row[["actions", "open", "finished"]].tolist() == [500, 100, 400]


def test_both_ways_to_end_count_as_an_end(frame):
    """An errored action and one with an unknown status have taken their time like a completed one."""
    status = ["completed", "errored", "pending", "done"] * 2

    row = only(durations(frame(status=status, seconds=list(range(1, 9)))))

    assert row[["finished", "errored", "p50_s", "max_s"]].tolist() == [8, 2, 4.0, 8.0]


def test_untimed_actions_are_counted_and_said(frame):
    """Without an end, without a start, or ending before it: in the counts, in no percentile, in the note."""
    actions = frame(status=["completed"] * 10 + ["errored", "in-progress", "errored"], seconds=[*range(10), -5, 50, 7])
    actions.loc[11, "started_at"] = pd.NaT
    actions.loc[12, "completed_at"] = pd.NaT

    row = only(durations(actions))

    assert row[["actions", "open", "finished", "errored", "untimed"]].tolist() == [13, 1, 12, 2, 3]
    assert row[["p50_s", "max_s"]].tolist() == [4.0, 9.0]
    assert row["note"] == (
        "p90 needs 36 finished actions; p99 needs 368 finished actions; 3 without a usable duration left out"
    )


@pytest.mark.parametrize(("percent", "needed"), [(50, 6), (90, 36), (99, 368)])
def test_a_percentile_is_given_from_the_number_that_bounds_it(frame, percent, needed):
    """One action fewer: no figure, an open upper limit, and the note that says how many it takes."""
    columns = [f"p{percent}_s", f"p{percent}_low_s", f"p{percent}_high_s"]

    few, enough = (only(durations(frame(seconds=list(range(n))))) for n in (needed - 1, needed))

    assert math.isnan(few[columns[0]])
    assert math.isfinite(few[columns[1]])
    assert few[columns[2]] == math.inf
    assert f"p{percent} needs {needed} finished actions" in few["note"]
    assert np.isfinite(enough[columns].astype(float)).all()
    assert enough[columns[2]] == needed - 1
    assert f"p{percent} needs" not in enough["note"]


def test_open_actions_do_not_make_a_group_large_enough(frame):
    """Five finished and a thousand running are five; their upper limits are open although the curve has one."""
    status, seconds = ["completed"] * 5 + ["in-progress"] * 1000, [*range(1, 6)] + [0] * 1000

    row = only(durations(frame(status=status, seconds=seconds)))

    assert math.isnan(row["p50_s"])
    assert row["p50_high_s"] == math.inf


def test_what_the_data_do_not_reach_is_infinite(frame):
    """If two thirds are still running, the median is later than anything seen, and no note excuses it."""
    status = ["completed"] * 400 + ["in-progress"] * 800

    row = only(durations(frame(status=status, seconds=[60] * 400 + [600] * 800)))

    assert row[["p50_s", "p50_low_s", "p50_high_s"]].tolist() == [math.inf, 60.0, math.inf]
    assert row["note"] == ""


def test_a_higher_confidence_asks_for_more_and_says_less(frame):
    """The confidence sets how many are needed and how wide the interval is."""
    actions = frame(seconds=list(range(7)))

    usual, strict = (only(durations(actions, confidence=confidence)) for confidence in (0.95, 0.99))

    assert usual["p50_s"] == 3.0
    assert math.isnan(strict["p50_s"])
    assert strict["note"].startswith("p50 needs 8 finished actions; p90 needs 51")


def test_the_most_frequent_group_comes_first(frame):
    """Groups are sorted by their number of actions, equal ones by name, the nameless last."""
    table = durations(frame(type=["b", None, "a", "c", "c", "c"]))

    assert table["type"].astype(object).fillna("~").tolist() == ["c", "a", "b", "~"]
    assert table["actions"].tolist() == [3, 1, 1, 1]


@examples(50)
@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 100_000), st.booleans()), max_size=40),
)
def test_the_distribution_holds_every_finished_action_once(frame, rows):
    """Counting each bin with a loop gives the table; shares of a group add up to 1, open ones are in none."""
    status = ["in-progress" if running else "completed" for _, _, running in rows]
    actions = frame(type=[kind for kind, _, _ in rows], status=status, seconds=[took for _, took, _ in rows])

    table = duration_distribution(actions)

    for row in table.itertuples():
        kind = None if pd.isna(row.type) else row.type
        assert row.actions == sum(
            k == kind and not running and row.from_s <= took < row.to_s for k, took, running in rows
        )
    assert table["actions"].sum() == status.count("completed")
    shares = [
        (kind, table.loc[table["type"].isna() if kind is None else table["type"] == kind, "share"])
        for kind in {kind for kind, _, _ in rows}
    ]
    for kind, share in shares:
        finished = any(k == kind and not running for k, _, running in rows)
        assert share.sum() == pytest.approx(1.0) if finished else share.isna().all()


def test_bins_are_whole_seconds_without_gaps_and_the_same_for_all(frame):
    """Bins begin at 0, which has its own, follow one another, grow evenly, and end just above the longest."""
    table = duration_distribution(frame(type=["a", "b"], seconds=[0, 90_000]))

    bins = [list(zip(group["from_s"], group["to_s"], strict=True)) for _, group in table.groupby("type", observed=True)]
    edges = [low for low, _ in bins[0]]
    assert bins[0] == bins[1]
    assert bins[0][0] == (0, 1)
    assert edges[1:] == [high for _, high in bins[0][:-1]]
    assert bins[0][-1][0] <= 90_000 < bins[0][-1][1]
    assert {10, 100, 1000, 10_000} <= set(edges)
    assert all(1.2 < high / low < 1.5 for low, high in bins[0] if low >= 10)


@pytest.mark.parametrize("max_duration", [0, 1, 9, 10, 99, 100, 999_999, 1_000_000, 10**9])
def test_the_longest_has_a_bin_at_every_power_of_ten(frame, max_duration):
    """No duration falls off the end, and there is no empty bin behind the longest, for all that is still running."""
    table = duration_distribution(frame(status=["completed", "in-progress"], seconds=[max_duration, 5 * 10**9]))

    assert table["actions"].tolist() == [0] * (len(table) - 1) + [1]


def test_the_slowest_are_the_longest_that_finished(frame):
    """Longest first, equal ones by id; running and untimed ones are none; errored and unclear ones are."""
    actions = frame(
        id=[5, 4, 3, 2, 1, 6, 7],
        status=["completed", "done", "errored", "in-progress", "pending", "completed", "completed"],
        seconds=[50, 70, 70, 999, 60, -1, 10],
    )

    table = slowest(actions, n=6)

    assert table["id"].tolist() == [3, 4, 1, 5, 7]
    assert table["duration_s"].tolist() == [70.0, 70.0, 60.0, 50.0, 10.0]
    assert table["status"].tolist() == ["errored", "done", "pending", "completed", "completed"]
    assert slowest(actions, n=1)["id"].tolist() == [3]


def test_as_many_slowest_as_there_are(frame):
    """Asking for more than there are gives all, asking for none gives none, for fewer than none is refused."""
    assert len(slowest(frame(seconds=[1, 2]), n=10)) == 2
    assert len(slowest(frame(seconds=[1, 2]), n=0)) == 0
    with pytest.raises(InvalidArgument, match="cannot be negative; got -1"):
        slowest(frame(), n=-1)
