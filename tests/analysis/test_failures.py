"""Failure rates and failures, against plain counting and scipy."""

from __future__ import annotations

import math

import pytest
from scipy import stats

from doaudit.analysis import failure_rates, failures
from doaudit.analysis.intervals import clopper_pearson_low
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
def test_the_interval_is_wilsons(frame, errored, finished, confidence):
    """The limits are scipy's."""
    oracle = stats.binomtest(errored, finished).proportion_ci(confidence, method="wilson")
    actions = frame(status=["errored"] * errored + ["completed"] * (finished - errored))

    row = failure_rates(actions, confidence=confidence).iloc[0]

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
        assert clopper_pearson_low([errored], [finished], 0.95)[0] == pytest.approx(oracle.low, abs=1e-12)


def test_nothing_finished_has_no_rate(frame):
    """A group with only running actions has bounds of 0 and 1 and no rate; with only unclear ends, not even those."""
    table = failure_rates(frame(type=["a", "b"], status=["in-progress", "pending"])).set_index("type")

    assert table.loc["a", ["rate_if_open_complete", "rate_if_open_fail"]].tolist() == [0.0, 1.0]
    assert all(math.isnan(value) for value in table.loc["a", ["failure_rate", "low", "high"]])
    assert table.loc["b"].isna().sum() == 5


def test_a_confidence_of_95_is_refused(frame):
    """A percentage where a share is meant is an error, not an interval from -inf to inf."""
    with pytest.raises(InvalidArgument, match="got 95"):
        failure_rates(frame(), confidence=95)


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
