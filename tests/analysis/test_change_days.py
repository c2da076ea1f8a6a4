"""The day of a change, against the one that ruptures finds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import ruptures
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit.analysis import changes

FIRST = pd.Timestamp("2026-01-01T10:00:00Z")
DAYS, A_DAY = 120, 6
LEAST_DAYS = 3
"""On either side of a step, as `changes` has it."""


def break_of(daily):
    """Return the one day at which ruptures breaks a series in two with the least sum of squares of all days."""
    search = ruptures.Dynp(model="l2", min_size=LEAST_DAYS, jump=1).fit(np.asarray(daily, dtype=float))
    return search.predict(n_bkps=1)[0]


def days_of(row):
    """Return the day of a step and the days between which it began, from the first of the series."""
    return [(row[name] - FIRST.normalize()).days for name in ("since", "since_low", "since_high")]


def starts():
    """Return the time of each action, so many a day."""
    return [str(FIRST + pd.Timedelta(day, "D")) for day in range(DAYS) for _ in range(A_DAY)]


@examples(40, quick=6)
@given(seed=st.integers(0, 10_000), planted=st.integers(15, DAYS - 15), factor=st.sampled_from([0.5, 1.6, 2.5]))
def test_the_day_of_slower_actions_is_that_of_ruptures(frame, seed, planted, factor):
    """Of logarithms of daily medians ruptures breaks on a day of the interval, at most three from the day named."""
    random = np.random.default_rng(seed)
    is_after = np.arange(DAYS)[:, None] >= planted
    seconds = np.rint(200 * np.where(is_after, factor, 1) * random.lognormal(0, 0.25, (DAYS, A_DAY)))
    actions = frame(started_at=starts(), seconds=seconds.ravel().tolist(), resource="droplet:1")

    [row] = changes(actions).to_dict("records")

    since, low, high = days_of(row)
    found = break_of(np.log(np.median(seconds, axis=1)))
    assert (row["what"], row["shape"]) == ("duration", "step")
    assert low <= planted <= high
    assert low <= found <= high
    assert abs(since - found) <= 3


@examples(40, quick=6)
@given(seed=st.integers(0, 10_000), planted=st.integers(25, DAYS - 25))
def test_the_day_of_more_failures_is_that_of_ruptures(frame, seed, planted):
    """Of failures a day ruptures breaks on a day of the interval, at most three from the day named."""
    random = np.random.default_rng(seed)
    failed = random.random((DAYS, A_DAY)) < np.where(np.arange(DAYS) >= planted, 0.7, 0.05)[:, None]
    actions = frame(
        started_at=starts(),
        status=np.where(failed.ravel(), "errored", "completed").tolist(),
        region=[f"r{number}" for number in range(A_DAY)] * DAYS,
        resource=None,
    )

    [row] = changes(actions).to_dict("records")

    since, low, high = days_of(row)
    found = break_of(failed.sum(axis=1))
    assert (row["what"], row["shape"]) == ("failure rate", "step")
    assert low <= planted <= high
    assert low <= found <= high
    assert abs(since - found) <= 3
