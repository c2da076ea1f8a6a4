"""Percentiles, distribution and the slowest actions, against plain computations."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

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

    row = only(durations(frame(status=status, seconds=ended + running), of="ended"))

    for percent in (50, 90):
        first = oracle.quantiles[oracle.probabilities <= 1 - percent / 100 + 1e-12].min()
        assert row[f"p{percent}_s"] == first > np.quantile(ended, percent / 100)
        assert row[f"p{percent}_low_s"] < first < row[f"p{percent}_high_s"]
    assert row[["actions", "open", "finished"]].tolist() == [500, 100, 400]


def test_both_ways_to_end_count_as_an_end(frame):
    """Of those that ended, an errored action and one with an unknown status have taken their time like any other."""
    status = ["completed", "errored", "pending", "done"] * 2

    row = only(durations(frame(status=status, seconds=list(range(1, 9))), of="ended"))

    assert row[["finished", "completed", "errored", "p50_s", "max_s"]].tolist() == [8, 4, 2, 4.0, 8.0]
    assert row["completed_share"] == 0.5


def test_what_fails_fast_does_not_make_a_group_look_fast(frame):
    """If nothing else is said, percentiles are of completed actions, and the share that completes is beside them."""
    status, seconds = ["errored"] * 550 + ["completed"] * 450, [0] * 550 + [36] * 400 + [60] * 50

    row, ended = (only(durations(frame(status=status, seconds=seconds), of=of)) for of in ("completed", "ended"))

    assert row[["p50_s", "p99_s", "completed_share"]].tolist() == [36.0, 60.0, 0.45]
    assert ended["p50_s"] == 0.0


@examples(60)
@given(
    st.lists(
        st.tuples(st.integers(0, 8), st.sampled_from(["completed", "completed", "errored", "odd", "in-progress"])),
        min_size=6,
        max_size=40,
    )
)
def test_open_actions_may_complete_or_not(frame, rows):
    """Percentiles of completed actions are those of the cumulative incidence, second by second in fractions."""
    status = [word for _, word in rows]
    row = only(durations(frame(status=status, seconds=[took for took, _ in rows])))

    alive, incidence, steps = Fraction(1), Fraction(0), []
    for second in sorted({took for took, _ in rows}):
        at_risk = sum(took >= second for took, _ in rows)
        ended = [word for took, word in rows if took == second and word != "in-progress"]
        incidence += alive * Fraction(ended.count("completed"), at_risk)
        steps.append((second, incidence))
        alive *= 1 - Fraction(len(ended), at_risk)
    if status.count("completed") >= 6:
        assert row["p50_s"] == next(second for second, share in steps if share >= incidence / 2)
    else:
        assert math.isnan(row["p50_s"])


def test_untimed_actions_are_counted_and_said(frame):
    """Without an end, without a start, or ending before it: in the counts, in no percentile, in the note."""
    actions = frame(status=["completed"] * 10 + ["errored", "in-progress", "errored"], seconds=[*range(10), -5, 50, 7])
    actions.loc[11, "started_at"] = pd.NaT
    actions.loc[12, "completed_at"] = pd.NaT

    row = only(durations(actions))

    assert row[["actions", "open", "finished", "errored", "untimed"]].tolist() == [13, 1, 12, 2, 3]
    assert row[["p50_s", "max_s"]].tolist() == [4.0, 9.0]
    assert row["note"] == (
        "p90 needs 36 completed actions; p99 needs 368 completed actions; 3 without a usable duration left out"
    )


@pytest.mark.parametrize(("percent", "needed"), [(50, 6), (90, 36), (99, 368)])
def test_a_percentile_is_given_from_the_number_that_bounds_it(frame, percent, needed):
    """One action fewer: no figure, an open upper limit, and the note that says how many it takes."""
    columns = [f"p{percent}_s", f"p{percent}_low_s", f"p{percent}_high_s"]

    few, enough = (only(durations(frame(seconds=list(range(n))))) for n in (needed - 1, needed))

    assert math.isnan(few[columns[0]])
    assert math.isfinite(few[columns[1]])
    assert few[columns[2]] == math.inf
    assert f"p{percent} needs {needed} completed actions" in few["note"]
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
    """If two thirds are still running, the median of all is later than anything seen, and the note says so."""
    status = ["completed"] * 400 + ["in-progress"] * 800

    row = only(durations(frame(status=status, seconds=[60] * 400 + [600] * 800), of="ended"))

    assert row[["p50_s", "p50_low_s", "p50_high_s"]].tolist() == [math.inf, 60.0, math.inf]
    assert row["note"] == (
        "p50 is infinite: too many are open; p90 is infinite: too many are open; p99 is infinite: too many are open"
    )


def test_every_missing_or_infinite_figure_has_a_note(frame):
    """Whatever is NaN or infinite in a row, the note names its percentile."""
    starts = [f"2026-03-{1 + n % 4:02}T00:00:00Z" for n in range(400)]
    actions = pd.concat(
        [
            frame(type="alike", seconds=[10 + 100 * (n % 4) + n // 4 for n in range(400)], started_at=starts),
            frame(type="few", seconds=list(range(40))),
            frame(type="open", status=["completed"] * 40 + ["in-progress"] * 60, seconds=[5] * 40 + [4] * 60),
        ]
    )

    for of in ("completed", "ended"):
        for row in durations(actions, of=of).to_dict("records"):
            for percent in (50, 90, 99):
                figures = [row[f"p{percent}{side}_s"] for side in ("", "_low", "_high")]
                assert np.isfinite(figures).all() == (f"p{percent} " not in row["note"]), (of, row)
            assert ("alike" in row["note"]) == (row["type"] == "alike")


def test_days_alike_widen_an_interval(frame):
    """Where all of a day take equally long, 20 days of 20 actions say as much as 20 actions."""
    starts = [f"2026-03-{1 + n // 20:02}T00:00:00Z" for n in range(400)]
    clustered, mixed = [100 + n // 20 for n in range(400)], [100 + n % 20 for n in range(400)]

    alike, apart = (only(durations(frame(seconds=each, started_at=starts))) for each in (clustered, mixed))

    assert alike["deff"] == pytest.approx(400 / 19, rel=1e-9)
    assert apart["deff"] == pytest.approx(0, abs=1e-9)
    lower, upper = stats.binom.ppf([0.025, 0.975], 19, 0.5).astype(int)
    assert alike["p50_low_s"] <= 100 + lower
    assert alike["p50_high_s"] >= 100 + upper
    lower, upper = stats.binom.ppf([0.025, 0.975], 400, 0.5).astype(int)
    assert (apart["p50_low_s"], apart["p50_high_s"]) == (sorted(mixed)[lower - 1], sorted(mixed)[upper])


def test_the_share_within_an_slo(frame):
    """With slo_s the share of completed actions that took no longer, with Wilson's interval; without it, no column."""
    actions = frame(status=["completed"] * 40 + ["errored"] * 10, seconds=list(range(1, 41)) + [0] * 10)

    row = only(durations(actions, slo_s=30))

    low, high = proportion_confint(30, 40, method="wilson")
    assert row[["within_slo", "within_slo_low", "within_slo_high"]].tolist() == pytest.approx([0.75, low, high])
    assert only(durations(actions, slo_s=30, of="ended"))["within_slo"] == pytest.approx(0.8)
    assert "within_slo" not in durations(actions)
    assert math.isnan(only(durations(frame(status=["errored"]), slo_s=1))["within_slo"])
    assert "no completed action to compare with the SLO" in only(durations(frame(status=["errored"]), slo_s=1))["note"]


@pytest.mark.parametrize(
    ("argument", "said"), [({"of": "errored"}, "of says which"), ({"slo_s": -1}, "slo_s is a number")]
)
def test_an_odd_argument_is_refused(frame, argument, said):
    """What is no choice, or no duration, is refused by its name."""
    with pytest.raises(InvalidArgument, match=said):
        durations(frame(), **argument)


def test_a_higher_confidence_asks_for_more_and_says_less(frame):
    """The confidence sets how many are needed and how wide the interval is."""
    actions = frame(seconds=list(range(7)))

    usual, strict = (only(durations(actions, confidence=confidence)) for confidence in (0.95, 0.99))

    assert usual["p50_s"] == 3.0
    assert math.isnan(strict["p50_s"])
    assert strict["note"].startswith("p50 needs 8 completed actions; p90 needs 51")


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
