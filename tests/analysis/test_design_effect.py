"""The design effect of days, against plain counting, and whether the intervals that it widens keep their promise."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import example, given
from hypothesis import strategies as st

from doaudit.analysis import failure_rates
from doaudit.analysis.daily_counts import outcomes_by_day
from doaudit.analysis.design_effect import design_effect, effective
from doaudit.analysis.intervals import wilson

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["resize", "reboot", None]),
        st.sampled_from(["completed", "errored", "errored", "in-progress", "odd"]),
        st.sampled_from([None, *(f"2026-03-0{day}T{hour}:00:00Z" for day in range(1, 6) for hour in ("00", "23"))]),
    ),
    min_size=1,
    max_size=60,
)


def plainly(rows, kind):
    """Compute the design effect of one group with loops over days."""
    finished, errored = Counter(), Counter()
    for type_, status, start in rows:
        if type_ == kind and status in ("completed", "errored"):
            finished[start and start[:10]] += 1
            errored[start and start[:10]] += status == "errored"
    n, k, days = sum(finished.values()), sum(errored.values()), len(finished)
    if days < 2 or k in (0, n):
        return None
    rate = k / n
    variance = days / (days - 1) * sum((errored[day] - rate * finished[day]) ** 2 for day in finished) / n**2
    return variance / (rate * (1 - rate) / n)


@examples(150)
@given(ROWS)
@example([("resize", status, start) for status in ("completed", "errored") for start in (None, "2026-03-01T00:00:00Z")])
def test_it_is_the_variance_between_days_over_that_of_independent_actions(frame, rows):
    """Each group has the figure that loops over its days give, and none where one day or one outcome tells nothing."""
    kinds, status, starts = map(list, zip(*rows, strict=True))

    table = failure_rates(frame(type=kinds, status=status, started_at=starts))

    for kind, deff in zip(table["type"].astype(object).where(table["type"].notna(), None), table["deff"], strict=True):
        expected = plainly(rows, kind)
        assert np.isnan(deff) if expected is None else deff == pytest.approx(expected)


@examples(60)
@given(ROWS)
def test_every_engine_counts_the_same_days(frame, elsewhere, rows):
    """Sums over days are whole numbers, and the same in each engine."""
    kinds, status, starts = map(list, zip(*rows, strict=True))
    actions = frame(type=kinds, status=status, started_at=starts)

    for by in ("type", (), ["type", "region"]):
        expected, found = outcomes_by_day(actions, by), outcomes_by_day(elsewhere(actions), by)
        numbers = expected.select_dtypes("number").columns
        pd.testing.assert_frame_equal(found[numbers], expected[numbers])


def test_less_than_independent_is_not_more():
    """Days that are more alike than chance would make them do not narrow an interval."""
    assert effective(pd.Series([100, 100]), np.array([0.2, 1.7])).tolist() == [100, 100 / 1.7]


@pytest.mark.release
@pytest.mark.parametrize("a_day", [20, 60])
@pytest.mark.parametrize("bad_days", [0.0, 0.01, 0.05])
def test_an_interval_of_a_year_holds_the_rate_nine_times_in_ten(a_day, bad_days):
    """Nominal 95 % cover at least 90 % where half of all fails on bad days; without the design effect fewer do."""
    random, rate, bad_rate, years = np.random.default_rng(5), 0.02, 0.5, 1_000
    true_rate = (1 - bad_days) * rate + bad_days * bad_rate
    is_bad = random.random((years, 365)) < bad_days
    errored = random.binomial(a_day, np.where(is_bad, bad_rate, rate))
    sums = {
        "completed": (a_day - errored).sum(axis=1),
        "errored": errored.sum(axis=1),
        "days": 365,
        "errored_squared": (errored**2).sum(axis=1),
        "errored_finished": (a_day * errored).sum(axis=1),
        "finished_squared": 365 * a_day**2,
    }
    counted = pd.DataFrame(sums, index=range(years))
    deff = design_effect(counted)
    finished = counted["completed"] + counted["errored"]

    low, high = wilson(effective(counted["errored"], deff), effective(finished, deff), 0.95)
    naive_low, naive_high = wilson(counted["errored"], finished, 0.95)

    assert ((low <= true_rate) & (true_rate <= high)).mean() >= 0.90
    if bad_days:
        assert ((naive_low <= true_rate) & (true_rate <= naive_high)).mean() < 0.85
