"""Whether the intervals of percentiles keep their promise: days alike, open actions, and failures among them."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from doaudit.analysis.curve_values import quantile
from doaudit.analysis.design_effect import DailyDurations, quantile_design_effect
from doaudit.analysis.quantile_intervals import rank_interval
from doaudit.analysis.survival import completed_curves
from doaudit.analysis.tally import Lifetimes

pytestmark = pytest.mark.release  # thousands of simulated accounts
LOG_MEDIAN = 8.0


def lifetimes_of(group, seconds, outcome, groups):
    """Count actions as a tally does: 0 completed, 1 errored, 2 open."""
    counted = pd.DataFrame({"group": group, "seconds": seconds, "outcome": outcome})
    counts = [counted[outcome == code].groupby(["group", "seconds"]).size() for code in (0, 1, 2)]
    table = pd.concat(counts, axis="columns").fillna(0).astype(int).sort_index()
    completed, errored, running = (table[code].to_numpy() for code in table)
    at = table.index.to_frame()
    keys = pd.DataFrame(index=range(groups))
    return Lifetimes(
        keys, at["group"].to_numpy(), at["seconds"].to_numpy(), completed + errored, completed, errored, running
    )


def covered(low, high, p, spread):
    """Return in which share of accounts the interval holds the true percentile of whole seconds."""
    true = math.floor(math.exp(LOG_MEDIAN + spread * stats.norm.ppf(p)))
    return ((low <= true) & (true <= high)).mean()


@pytest.mark.parametrize("days", [10, 30, 90])
@pytest.mark.parametrize("a_day", [5, 20])
@pytest.mark.parametrize("alike", [0.0, 0.1, 0.3])
def test_days_alike_are_covered(days, a_day, alike):
    """Nominal 95 % cover at least 94 %, of ten days 92.5 %, whatever share of the variance is between days."""
    accounts, spread = 2_000, 0.8
    random = np.random.default_rng([days, a_day, int(10 * alike)])
    of_day, own = random.standard_normal((accounts, days, 1)), random.standard_normal((accounts, days, a_day))
    seconds = np.exp(LOG_MEDIAN + spread * (math.sqrt(alike) * of_day + math.sqrt(1 - alike) * own)).astype(int).ravel()
    group = np.repeat(np.arange(accounts), days * a_day)
    curves = completed_curves(lifetimes_of(group, seconds, np.zeros(len(group), dtype=int), accounts))
    daily = DailyDurations(group, np.repeat(np.arange(accounts * days), a_day), seconds, np.ones(len(group)), accounts)

    for p in (0.5, 0.9, 0.99):
        deff = quantile_design_effect(daily, quantile(curves, p))
        assert covered(*rank_interval(curves, p, 0.95, deff), p, spread) >= (0.94 if days > 10 else 0.925)
    if (a_day, alike) == (20, 0.3):
        assert covered(*rank_interval(curves, 0.5, 0.95, np.ones(accounts)), 0.5, spread) < 0.75


@pytest.mark.parametrize("count", [20, 60, 200, 1000])
@pytest.mark.parametrize("open_share", [0.0, 0.1, 0.3])
def test_completed_actions_are_covered_where_others_fail_or_are_open(count, open_share):
    """Nominal 95 % cover at least 94 % of completed actions, though a tenth fails fast and up to 30 % are open."""
    accounts, spread = 1_000, 0.8
    random = np.random.default_rng([count, int(10 * open_share)])
    fails = random.random((accounts, count)) < 0.1
    takes = np.exp(LOG_MEDIAN + spread * random.standard_normal((accounts, count)) - 3 * fails)
    # Times of last sight that are independent of the durations, so that about such a share is seen still running.
    shift = stats.norm.isf(open_share) * spread * math.sqrt(2) if open_share else 50
    seen = np.exp(LOG_MEDIAN + shift + spread * random.standard_normal((accounts, count)))
    outcome = np.where(seen < takes, 2, np.where(fails, 1, 0)).ravel()
    group = np.repeat(np.arange(accounts), count)
    curves = completed_curves(lifetimes_of(group, np.minimum(takes, seen).astype(int).ravel(), outcome, accounts))

    for p in (0.5, 0.9, 0.99):
        assert covered(*rank_interval(curves, p, 0.95, np.ones(accounts)), p, spread) >= 0.94, p
