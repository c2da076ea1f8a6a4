"""Changes in simulated fleets: how many are found, how many are false, and how often their day and size are right."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import doaudit as da
from doaudit.analysis import changes
from doaudit.analysis.change_points import find_splits
from doaudit.analysis.change_scores import failure_scores, rank_scores

pytestmark = pytest.mark.release  # hundreds of simulated years
KINDS = {  # median in seconds, spread of its logarithm, failure rate, share of actions
    "snapshot": (95, 0.5, 0.012, 0.45),
    "reboot": (12, 0.45, 0.008, 0.3),
    "resize": (62, 0.6, 0.035, 0.05),
    "attach_volume": (6.5, 0.4, 0.008, 0.1),
    "create": (28, 0.4, 0.007, 0.05),
    "rename": (1, 0.4, 0.0, 0.03),
    "reserve_ip": (0.1, 0.3, 0.0, 0.02),
}
MEDIANS, SPREADS, FAILURES, SHARES = np.array(list(KINDS.values())).T
BEGIN_S = 19_723 * 86_400


def fleet(random, count, days, *, resources, lasting=False, since=None, factor=1.0, only=None, days_differ=0.0):
    """
    Simulate the actions of resources that differ in speed by a factor of 12, come and go, and are more and more slow.

    From the day *since* on, everything takes *factor* times as long.
    """
    born = np.zeros(resources) if lasting else random.integers(-days // 3, days - 20, resources)
    life = np.full(resources, days) if lasting else random.integers(15, days, resources)
    speed = np.exp(random.uniform(-1.24, 1.24, resources) + np.clip(born, 0, None) / days)
    kind = random.choice(len(KINDS), count, p=SHARES) if only is None else np.full(count, list(KINDS).index(only))
    which = random.integers(0, resources, count)
    first = np.clip(born[which], 0, days - 1)
    last = np.clip(born[which] + life[which], first + 1, days)
    start = ((first + random.random(count) * (last - first)) * 86_400).astype(int)
    day = start // 86_400
    slower = np.exp(days_differ * random.standard_normal((len(KINDS), days)))[kind, day]
    slower = slower * (factor if since is None else np.where(day >= since, factor, 1))
    noise = np.exp(SPREADS[kind] * random.standard_normal(count))
    seconds = np.rint(MEDIANS[kind] * noise * speed[which] * slower).astype(int)
    is_first = np.isin(np.array(list(KINDS))[kind], ["create", "reserve_ip"])
    return pd.DataFrame(
        {
            "id": np.arange(count),
            "type": pd.Categorical.from_codes(kind, list(KINDS)),
            "status": np.where(random.random(count) < FAILURES[kind], "errored", "completed"),
            "region": np.array(["fra1", "nyc3"])[which % 2],
            "resource": np.where(is_first, 10_000 + np.arange(count), which).astype(str),
            "started_at": moments(start),
            "completed_at": moments(start + seconds),
            "observed_at": moments(np.full(count, days * 86_400)),
        }
    )


def moments(seconds):
    """Return the times so many seconds after the begin."""
    return pd.DatetimeIndex((BEGIN_S + seconds).astype("datetime64[s]"), tz="UTC")


def test_the_drift_of_each_simulated_company_is_found_and_hardly_anything_else():
    """Of twenty companies each has its drift found, from 8 s to 13 s or so, and at most three have another row."""
    others = 0
    for seed in range(1, 21):
        with da.demo(seed=seed) as account:
            table = changes(account.actions())
        drift = table[(table["type"] == "attach_volume") & (table["what"] == "duration")]
        assert drift["shape"].tolist() == ["gradual"], seed
        assert (8 <= drift["before_s"].item() <= 9, 12 <= drift["after_s"].item() <= 15) == (True, True), seed
        assert drift["q"].item() < 1e-50, seed
        others += len(table) > 1

    assert others <= 3


@pytest.mark.parametrize("days", [90, 365, 1096])
@pytest.mark.parametrize("days_differ", [0.0, 0.3])
def test_quiet_fleets_raise_no_alarm(days, days_differ):
    """Of a hundred accounts that grow, shrink and change, also with slow days and fast ones, few have a row."""
    random = np.random.default_rng(17)
    alarms = sum(
        not changes(
            fleet(
                random,
                int(random.choice([500, 3_000, 12_000])),
                days,
                resources=int(random.choice([5, 40, 300])),
                days_differ=days_differ,
            )
        ).empty
        for _ in range(100)
    )

    assert alarms <= 9


@pytest.mark.parametrize(("count", "factor", "share"), [(2_000, 1.25, 1.0), (240, 2.0, 1.0), (250, 1.25, 0.25)])
def test_a_step_is_found_with_its_day_and_size(count, factor, share):
    """A quarter longer for 90 days is found among 2,000 actions, twice as long among 240; day and size are right."""
    random, found = np.random.default_rng(23), []
    for _ in range(60):
        actions = fleet(random, count, 365, resources=12, lasting=True, since=275, factor=factor, only="snapshot")
        found.append(changes(actions).query("what == 'duration'"))
    table = pd.concat(found)

    assert len(table) >= share * 60
    if share == 1:
        assert (table["shape"] == "gradual").mean() <= 0.05
        steps, since = table[table["shape"] == "step"], moments(np.array([275 * 86_400]))[0]
        assert ((steps["since_low"] <= since) & (since <= steps["since_high"])).mean() >= 0.9
        assert (steps["since"] - since).abs().median() <= pd.Timedelta(7, "D")
        assert ((table["ratio_low"] <= factor) & (factor <= table["ratio_high"])).mean() >= 0.85


@pytest.mark.parametrize(
    ("a_day", "rate", "factor", "share"), [(16, 0.012, 3, 0.9), (16, 0.012, 1.5, 0.0), (5, 0.01, 6, 0.9)]
)
def test_more_failures_need_patience(a_day, rate, factor, share):
    """Three times as many failures show within 90 days among some 5,900 actions a year, and the day is right."""
    random, accounts, days, since = np.random.default_rng(29), 400, 365, 275
    finished = random.poisson(a_day, (accounts, days)) + 1
    errored = random.binomial(finished, np.where(np.arange(days) < since, rate, rate * factor))
    group, day = (axis.ravel() for axis in np.meshgrid(np.arange(accounts), np.arange(days), indexing="ij"))

    splits = find_splits(failure_scores(group, day, errored.ravel(), finished.ravel()))

    found = splits.p < 0.05 / 25
    assert found.mean() >= share
    if share:
        assert ((splits.since_low <= since) & (since <= splits.since_high))[found].mean() >= 0.93


@pytest.mark.parametrize("resources", [1, 10, 60])
@pytest.mark.parametrize("a_day", [1, 8])
def test_the_chance_of_a_change_is_what_it_says(resources, a_day):
    """Of years without a change at most five in a hundred have a p below 5 %, also where resources come and go."""
    random, accounts, days = np.random.default_rng(31), 300, 365
    count = a_day * days
    group = np.repeat(np.arange(accounts), count)
    which = random.integers(0, resources, len(group))
    length = days if resources == 1 else 60
    day = (which * (days - length)) // max(resources - 1, 1) + random.integers(0, length, len(group))
    _, block = np.unique(group * resources + which, return_inverse=True)
    seconds = np.rint(20 * random.lognormal(which % 5, 0.5))

    splits = find_splits(rank_scores(group, block, day, seconds, np.ones_like(group)))

    assert 0.005 <= (splits.p < 0.05).mean() <= 0.07


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_the_chance_of_a_change_of_rates_is_what_it_says(rate):
    """Of years in which failures come by chance, at most five in a hundred have a p below 5 %."""
    random, accounts, days = np.random.default_rng(37), 1_000, 365
    finished = random.poisson(20, (accounts, days)) + 1
    errored = random.binomial(finished, rate)
    group, day = (axis.ravel() for axis in np.meshgrid(np.arange(accounts), np.arange(days), indexing="ij"))

    splits = find_splits(failure_scores(group, day, errored.ravel(), finished.ravel()))

    assert 0.02 <= (splits.p < 0.05).mean() <= 0.07
