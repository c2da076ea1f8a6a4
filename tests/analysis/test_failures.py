"""Failure rates and failures, against plain counting and scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from doaudit.analysis import failure_rates, failures
from doaudit.analysis.daily_counts import outcomes_by_day
from doaudit.analysis.intervals import clopper_pearson, wilson
from doaudit.errors import InvalidArgument


def test_open_actions_are_no_part_of_the_share(frame):
    """An action still running neither raises nor lowers the failure rate; the two bounds say what it could do."""
    table = failure_rates(frame(status=["errored", "completed", "done", "in-progress"]))

    row = table.iloc[0]
    assert row[["actions", "open", "unclear", "finished", "errored"]].tolist() == [4, 1, 0, 3, 1]
    assert row["failure_rate"] == 1 / 3
    assert (row["rate_if_open_complete"], row["rate_if_open_fail"]) == (1 / 4, 2 / 4)


def test_an_unclear_end_is_neither_success_nor_failure(frame):
    """An unknown status with an end is counted by itself and in no rate."""
    row = failure_rates(frame(status=["errored", "completed", "pending"])).iloc[0]

    assert row[["actions", "unclear", "finished", "errored"]].tolist() == [3, 1, 2, 1]
    assert row[["failure_rate", "rate_if_open_complete", "rate_if_open_fail"]].tolist() == [0.5] * 3


def test_an_untimed_action_still_has_an_outcome(frame):
    """A failure without an end is a failure."""
    assert failure_rates(frame(status=["errored"], completed_at=[None]))["errored"].tolist() == [1]


@pytest.mark.parametrize(("errored", "finished"), [(0, 5), (1, 1), (3, 812), (812, 812)])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(("method", "in_scipy"), [("wilson", "wilson"), ("clopper-pearson", "exact")])
def test_the_interval_is_that_of_the_method(frame, errored, finished, confidence, method, in_scipy):
    """The limits are scipy's."""
    oracle = stats.binomtest(errored, finished).proportion_ci(confidence, method=in_scipy)
    actions = frame(status=["errored"] * errored + ["completed"] * (finished - errored))

    row = failure_rates(actions, confidence=confidence, method=method).iloc[0]

    assert row[["low", "high"]].tolist() == pytest.approx([oracle.low, oracle.high], abs=1e-12)


def test_worst_is_what_is_surely_bad(frame):
    """Forty of fifty lead one of one; the rate, then the number of actions, then the name decide ties; NaN is last."""
    groups = {"lone": "e", "bad": "e" * 40 + "c" * 10, "fine": "c" * 9, "also fine": "c" * 9, "few": "c", "open": "o"}
    words = {"e": "errored", "c": "completed", "o": "in-progress"}
    status = [words[letter] for letters in groups.values() for letter in letters]
    kinds = [kind for kind, letters in groups.items() for _ in letters]

    table = failure_rates(frame(type=kinds, status=status))

    assert table["type"].tolist() == ["bad", "lone", "also fine", "fine", "few", "open"]


def test_one_of_one_does_not_lead_four_of_ten(frame):
    """A lone failure comes after what surely fails often; the limit it is ranked by is scipy's exact one."""
    table = failure_rates(frame(type=["lone"] + ["bad"] * 10, status=["errored"] * 5 + ["completed"] * 6))

    assert table["type"].tolist() == ["bad", "lone"]
    for errored, finished in [(1, 1), (4, 10), (0, 9), (50, 50)]:
        oracle = stats.binomtest(errored, finished).proportion_ci(0.95, method="exact")
        assert clopper_pearson([errored], [finished], 0.95)[0][0] == pytest.approx(oracle.low, abs=1e-12)


def test_nothing_finished_has_no_rate(frame):
    """A group with only running actions has bounds of 0 and 1 and no rate; with only unclear ends, not even those."""
    table = failure_rates(frame(type=["a", "b"], status=["in-progress", "pending"])).set_index("type")

    assert table.loc["a", ["rate_if_open_complete", "rate_if_open_fail"]].tolist() == [0.0, 1.0]
    assert all(math.isnan(value) for value in table.loc["a", ["failure_rate", "low", "high"]])
    assert table.loc["b"].isna().sum() == 7
    assert table["groups_tested"].tolist() == [0, 0]


def test_a_confidence_of_95_is_refused(frame):
    """A percentage where a share is meant is an error, not an interval from -inf to inf."""
    with pytest.raises(InvalidArgument, match="got 95"):
        failure_rates(frame(), confidence=95)


def test_an_unknown_method_is_refused(frame):
    """The error names those that there are."""
    with pytest.raises(InvalidArgument, match=r"'wilson', 'clopper-pearson'; got 'wald'"):
        failure_rates(frame(), method="wald")


DAYS = [f"2026-03-{day:02}T10:00:00Z" for day in range(1, 29)]


def test_failures_of_one_day_count_as_fewer(frame):
    """Ten failures of one day widen the interval to that of counts divided by deff; spread over days they do not."""
    burst = {"errored": [10] + [0] * 27, "type": "burst"}
    spread = {"errored": [0, 1, 0] * 9 + [1], "type": "spread"}
    rows = [
        (each["type"], day, "errored" if number < failed else "completed")
        for each in (burst, spread)
        for day, failed in zip(DAYS, each["errored"], strict=True)
        for number in range(10)
    ]
    kinds, starts, status = map(list, zip(*rows, strict=True))

    table = failure_rates(frame(type=kinds, started_at=starts, status=status)).set_index("type")

    assert table["errored"].tolist() == [10, 10]
    deff = table.loc["burst", "deff"]
    assert deff > 9
    assert table.loc["spread", "deff"] < 1
    for kind, divided in [("burst", deff), ("spread", 1)]:
        low, high = wilson(10 / divided, 280 / divided, 0.95)
        assert table.loc[kind, ["low", "high"]].tolist() == pytest.approx([float(low), float(high)], abs=1e-12)


def test_a_day_is_one_of_utc_and_no_start_is_a_day_of_its_own(frame):
    """Two failures a minute apart over midnight are on two days."""
    starts = ["2026-03-02T23:59:30Z", "2026-03-03T00:00:30Z", None, None] * 5
    actions = frame(started_at=starts, status=["errored", "errored", "completed", "completed"] * 5)

    counted = outcomes_by_day(actions, ())

    assert counted[["days", "errored_squared", "errored_finished", "finished_squared"]].to_numpy().tolist() == [
        [3, 50, 50, 150]
    ]


def test_a_group_is_tested_against_the_others(frame):
    """The q of each group is scipy's: Fisher's exact test against all others, after Benjamini and Hochberg."""
    counts = {"bad": (9, 40), "fine": (3, 200), "also fine": (1, 90), "few": (1, 2), "open": (0, 0)}
    status, kinds = [], []
    for kind, (errored, finished) in counts.items():
        status += ["errored"] * errored + ["completed"] * (finished - errored) + ["in-progress"] * (not finished)
        kinds += [kind] * (finished + (not finished))

    table = failure_rates(frame(type=kinds, status=status)).set_index("type")

    tested = [kind for kind, (_, finished) in counts.items() if finished]
    errored, finished = (sum(count[at] for count in counts.values()) for at in (0, 1))
    p = []
    for kind in tested:
        k, n = counts[kind]
        rest = [errored - k, finished - errored - (n - k)]
        p.append(stats.fisher_exact([[k, n - k], rest], alternative="greater").pvalue)
    assert table.loc[tested, "q"].tolist() == pytest.approx(stats.false_discovery_control(p).tolist(), rel=1e-9)
    assert math.isnan(table.loc["open", "q"])
    assert set(table["groups_tested"]) == {4}


def test_one_group_is_not_tested(frame):
    """Without others there is nothing to compare with."""
    row = failure_rates(frame(status=["errored", "completed"]), by=()).iloc[0]

    assert math.isnan(row["q"])
    assert row["groups_tested"] == 0


def test_failures_are_the_errored_newest_first(frame):
    """Only errored actions, by start, equal starts by id, without a start last; untimed ones without a duration."""
    starts = ["2026-03-02T10:00:00Z", "2026-03-04T10:00:00Z", "2026-03-03T10:00:00Z", "2026-03-04T10:00:00Z", None]
    actions = frame(
        id=[1, 2, 3, 4, 5], status=["errored", "errored", "completed", "errored", "errored"],
        started_at=starts, seconds=[3, 4, 5, -1, 0],
    )  # fmt: skip

    table = failures(actions)

    assert table["id"].tolist() == [4, 2, 1, 5]
    assert table["duration_s"].fillna(-9).tolist() == [-9, 4, 3, -9]
    assert table["started_at"].equals(actions.set_index("id").loc[[4, 2, 1, 5], "started_at"].reset_index(drop=True))
