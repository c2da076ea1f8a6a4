"""Changes: against loops and published tables, and what is no change."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from statistics import NormalDist, median

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis import change_series, changes
from doaudit.analysis.change_points import maximal_p
from doaudit.errors import InvalidArgument

FIRST = pd.Timestamp("2026-01-01T10:00:00Z")
DAYS = 120


def started(day):
    """Return the time at which actions of a day start."""
    return str(FIRST + pd.Timedelta(day, "D"))


def built(frame, rows, **columns):
    """Build the frame of rows of (day, resource, seconds)."""
    days, resources, seconds = map(list, zip(*rows, strict=True))
    return frame(started_at=[started(day) for day in days], resource=list(resources), seconds=list(seconds), **columns)


def stepped(since=80, factor=2.0, resources=("droplet:1", "droplet:2"), days=DAYS):
    """Two actions a day of a fast and a slow resource, which take *factor* times as long since a day."""
    spread = (7, 9, 10, 12, 8, 11)
    return [
        (day, resource, round(10**number * spread[(day * 5 + number + twice) % 6] * (factor if day >= since else 1)))
        for day in range(days)
        for number, resource in enumerate(resources)
        for twice in (0, 3)
    ]


def drawn(seed, count, days, sizes):
    """Draw rows at random: few resources, tied durations, and later ones that may be longer."""
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, days, count))
    resource = random.integers(0, 4, count)
    seconds = random.integers(0, sizes, count) + resource * 3 + np.where(day > days * random.random(), sizes // 3, 0)
    return [(int(d), f"droplet:{r}", int(s)) for d, r, s in zip(day, resource, seconds, strict=True)]


class Plain:
    """The sums of aligned ranks, day by day, by loops."""

    def __init__(self, rows):
        count = defaultdict(int)
        for _, resource, _ in rows:
            count[resource] += 1
        self.rows = [row for row in rows if count[row[1]] > 1]
        own = defaultdict(list)
        for _, resource, seconds in self.rows:
            own[resource].append(seconds)
        multiples = [math.log(max(s, 0.5) / max(median(own[r]), 0.5)) for _, r, s in self.rows]
        ranks = stats.rankdata(np.round(multiples, 9)) / (len(multiples) + 1)
        of_resource = defaultdict(list)
        for (day, resource, _), rank in zip(self.rows, ranks, strict=True):
            of_resource[resource].append((day, rank))
        self.blocks = [
            [(day, rank - np.mean([r for _, r in block])) for day, rank in block] for block in of_resource.values()
        ]
        self.days = sorted({day for day, _, _ in self.rows})
        self.most_alike = np.unique(np.round(multiples, 9), return_counts=True)[1].max() / len(multiples)
        spread = sum(self.variance(lambda d, day=day: d == day) for day in self.days)
        squares = sum(self.sum(lambda d, day=day: d == day) ** 2 for day in self.days)
        self.deff = max(1.0, squares / spread) if spread else 1.0

    def sum(self, chosen):
        """Sum the scores of chosen days."""
        return sum(score for block in self.blocks for day, score in block if chosen(day))

    def variance(self, chosen, weight=lambda k, n: k * (n - k) / n):
        """Sum the variances of a draw without replacement from each block."""
        total = 0.0
        for block in self.blocks:
            k, n = sum(chosen(day) for day, _ in block), len(block)
            total += weight(k, n) * sum(score**2 for _, score in block) / (n - 1)
        return total

    def room(self, since):
        """Return the actions on the smaller side of a split."""
        return sum(
            (k := sum(day >= since for day, _ in block)) * (len(block) - k) / len(block) for block in self.blocks
        )

    def z(self, since):
        """Return the sum since a day in standard deviations."""
        return self.sum(lambda day: day >= since) / math.sqrt(self.variance(lambda day: day >= since) * self.deff)

    def splits(self):
        """Return the days since which there may be a change."""
        inside = self.days[3:-2]
        return [day for day in inside if self.room(day) * (1 - self.most_alike) >= 10]

    def length(self):
        """Sum minus twice the logarithm of the correlation of each sum with the next."""
        total, splits = 0.0, self.splits()
        for this, following in itertools.pairwise(splits):
            if self.days.index(following) != self.days.index(this) + 1:
                continue
            both = [self.variance(lambda d, s=s: d >= s) for s in (this, following)]
            between = self.variance(lambda d, s=this: d == s)
            total -= 2 * math.log(max((both[0] + both[1] - between) / 2 / math.sqrt(both[0] * both[1]), 0.05))
        return total


def plain_p(z, length):
    """Compute the formula of Miller and Siegmund."""
    if z <= 1:
        return 1.0
    return min(1.0, NormalDist().pdf(z) * (4 / z + (z - 1 / z) * length))


@examples(60, quick=4)
@given(st.integers(0, 10_000), st.sampled_from([45, 70, 100]), st.sampled_from([12, 30]), st.sampled_from([3, 12, 60]))
def test_a_change_is_the_largest_sum_of_ranks_that_loops_find(frame, seed, count, days, sizes):
    """The day, the days between which it began, the chance and the medians are those of loops."""
    rows = drawn(seed, count, days, sizes)
    plain = Plain(rows)
    squared = {day: plain.z(day) ** 2 for day in plain.splits()}

    found = changes(built(frame, rows), max_q=0.999).to_dict("records")

    if not squared:
        assert found == []
        return
    best = max(squared, key=lambda day: (round(squared[day], 9), -day))
    p = plain_p(math.sqrt(squared[best]), plain.length())
    if p > 0.99:
        return
    [row] = found
    assert row["q"] == pytest.approx(p, rel=1e-6)
    assert row["actions"] == len(plain.rows)
    if row["shape"] == "step":
        near = [day for day in squared if squared[day] >= squared[best] - 7.35]
        before_first = plain.days[plain.days.index(min(near)) - 1]
        low, high = min(before_first + 1, best - 3), max(*near, best + 3)
        moments = [FIRST.normalize() + pd.Timedelta(day, "D") for day in (best, low, high)]
        assert [row["since"], row["since_low"], row["since_high"]] == moments
    sides = [{r for d, r, _ in plain.rows if (d >= best) is side} for side in (False, True)]
    levels = [
        median(s for d, r, s in plain.rows if (d >= best) is side and r in sides[0] & sides[1])
        for side in (False, True)
    ]
    assert [row["before_s"], row["after_s"]] == levels


@examples(20, quick=3)
@given(st.integers(0, 10_000))
def test_the_interval_holds_the_ratios_that_leave_no_change(frame, seed):
    """With later durations divided by the ratio nothing is left, and by a limit 1.96 standard deviations."""
    random = np.random.default_rng(seed)
    rows = [(d, r, max(1, round(s * random.lognormal(0, 0.3)))) for d, r, s in stepped(since=25, days=40)]

    [row] = changes(built(frame, rows)).to_dict("records")

    since = (row["since"] - FIRST.normalize()).days
    for name, z in (("ratio", 0), ("ratio_low", 1.96), ("ratio_high", -1.96)):
        z_around = [
            Plain([(d, r, s * (1000 / row[name] / around if d >= since else 1000)) for d, r, s in rows]).z(since)
            for around in (0.999, 1.001)
        ]
        assert z_around[0] >= z - 0.02, name
        assert z_around[1] <= z + 0.02, name


def failed_rows(daily):
    """Return the columns of a frame with (finished, errored) actions on each day, each in a region of its own."""
    status = [word for n, k in daily for word in ["errored"] * k + ["completed"] * (n - k)]
    days = [day for day, (n, _) in enumerate(daily) for _ in range(n)]
    regions = [f"r{number}" for n, _ in daily for number in range(n)]
    return {"status": status, "started_at": [started(day) for day in days], "region": regions, "resource": None}


@examples(40, quick=4)
@given(st.integers(0, 10_000), st.sampled_from([0.1, 0.3]), st.sampled_from([1.0, 3.0]))
def test_a_change_of_rates_is_the_largest_likelihood_that_loops_find(frame, seed, rate, factor):
    """The day, the chance and the rates before and after are those of loops over days."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 12, 40)
    errored = random.binomial(sizes, np.where(np.arange(40) < 25, rate, min(0.9, rate * factor)))
    n, k = int(sizes.sum()), int(errored.sum())
    p = k / n
    added = sum(p * (1 - p) * m * (n - m) / (n - 1) for m in sizes)
    deff = max(1.0, sum((e - p * m) ** 2 for e, m in zip(errored, sizes, strict=True)) / added)

    def gain(m, e):
        likelihood = [stats.binom.logpmf(e, m, share) for share in (e / m, p)]
        return 2 * (likelihood[0] - likelihood[1])

    squared = {}
    for day in range(3, 38):
        before, failed = int(sizes[:day].sum()), int(errored[:day].sum())
        if before * (n - before) / n * min(p, 1 - p) >= 5:
            squared[day] = (gain(before, failed) + gain(n - before, k - failed)) / deff

    columns = failed_rows(list(zip(sizes.tolist(), errored.tolist(), strict=True)))
    found = changes(frame(**columns), max_q=0.999).to_dict("records")

    if not squared:
        assert found == []
        return
    best = max(squared, key=lambda day: (round(squared[day], 9), -day))
    odds = [sizes[:day].sum() / sizes[day:].sum() for day in (min(squared), max(squared))]
    chance = plain_p(math.sqrt(squared[best]), math.log(odds[1] / odds[0]))
    if chance > 0.99:
        return
    [row] = found
    assert row["q"] == pytest.approx(chance, rel=1e-6)
    assert (row["rate_before"], row["rate_after"]) == pytest.approx(
        (errored[:best].sum() / sizes[:best].sum(), errored[best:].sum() / sizes[best:].sum())
    )


@pytest.mark.parametrize(("squared", "chance"), [(7.17, 0.10), (8.85, 0.05), (12.35, 0.01)])
def test_the_chance_is_that_of_published_tables(squared, chance):
    """Andrews (1993), table 1, has the quantiles of the squared maximum over the middle 70 % of a Brownian bridge."""
    length = 2 * math.log(0.85 / 0.15)

    assert maximal_p(np.array([math.sqrt(squared)]), np.array([length])) == pytest.approx(chance, rel=0.06)


def test_a_step_is_told_with_its_day_and_levels(frame):
    """The row and the sentence say what, since when, from what to what, and how sure that is."""
    [row] = changes(built(frame, stepped(factor=1.5))).to_dict("records")

    assert (row["what"], row["shape"], row["since"]) == ("duration", "step", FIRST.normalize() + pd.Timedelta(80, "D"))
    assert row["since_low"] <= row["since"] - pd.Timedelta(3, "D")
    assert row["since"] + pd.Timedelta(3, "D") <= row["since_high"]
    assert row["ratio_low"] <= 1.5 <= row["ratio_high"]
    assert row["sentence"].startswith("snapshot takes 1.5 x as long as it did (1.")
    assert "since 2026-03-22 (03-1" in row["sentence"]


def test_the_days_of_a_step_are_those_with_nearly_as_large_a_sum(frame):
    """The change began on one of the days whose squared sum is at most 7.35 below the largest, and no other."""
    random = np.random.default_rng(5)
    rows = [
        (day, "droplet:1", int(60 * random.lognormal(0.4 * (day >= 40), 0.6))) for day in range(60) for _ in range(5)
    ]
    plain = Plain(rows)
    squared = {day: plain.z(day) ** 2 for day in plain.splits()}
    near = [day for day in squared if squared[day] >= max(squared.values()) - 7.35]

    [row] = changes(built(frame, rows), max_q=0.9).to_dict("records")

    since, low, high = ((row[name] - FIRST.normalize()).days for name in ("since", "since_low", "since_high"))
    assert row["shape"] == "step"
    assert (low - 1, high) == (plain.days[plain.days.index(min(near)) - 1], max(*near, since + 3))
    assert len(near) > len([day for day in near if squared[day] >= max(squared.values()) - 5]) > 6


def test_the_medians_are_of_resources_on_both_sides(frame):
    """A slow droplet that was there only before the step has no part in the median before."""
    gone = [(day, "droplet:9", 5_000 + day % 7) for day in range(60) for _ in range(5)]

    alone, together = (changes(built(frame, rows)) for rows in (stepped(), stepped() + gone))

    assert together[["before_s", "after_s"]].equals(alone[["before_s", "after_s"]])


def test_a_drift_has_no_day(frame):
    """What becomes slower from day to day is gradual, and nobody can say since when."""
    rows = [(d, r, round(s * 20 * (1 + d / DAYS))) for d, r, s in stepped(factor=1)]

    [row] = changes(built(frame, rows)).to_dict("records")

    assert row["shape"] == "gradual"
    assert pd.isna([row["since"], row["since_low"], row["since_high"]]).all()
    assert row["sentence"].endswith("now, gradually")


def test_what_got_worse_comes_first(frame):
    """What became faster, or fails less often, is listed after what became slower, however sure it is."""
    slower, faster, safer = stepped(factor=1.5), stepped(factor=0.4), stepped(factor=1)
    types = ["fast"] * len(faster) + ["slow"] * len(slower) + ["safe"] * len(safer)
    status = ["completed"] * (len(faster) + len(slower)) + [
        "errored" if day < 60 else "completed" for day, _, _ in safer
    ]
    regions = [f"r{number}" for number in range(len(types))]

    table = changes(built(frame, faster + slower + safer, type=types, status=status, region=regions))

    assert table["type"].tolist() == ["slow", "safe", "fast"]
    assert table["sentence"].iloc[1].startswith("safe fails 0.00 x as often as it did")
    assert table["sentence"].iloc[2].startswith("fast takes 0.4")


def test_a_fleet_that_changes_is_no_change(frame):
    """Slow resources that take the place of fast ones make every later action slower, but none of their own."""
    fast = [(day, f"droplet:{1 + day % 4}", 10 + day * 7 % 5) for day in range(60) for _ in range(4)]
    slow = [(day, f"droplet:{5 + day % 4}", 100 + day * 7 % 5) for day in range(60, DAYS) for _ in range(4)]

    assert changes(built(frame, fast + slow)).empty


@pytest.mark.parametrize("by", ["region", "resource", ()])
def test_another_mix_of_types_is_no_change(frame, by):
    """A droplet that is snapshot more often than rebooted since some day takes no longer for either."""
    rows = [
        (day, "droplet:1", 10 + day * 7 % 5 + 90 * (n < 1 + 2 * (day > 60))) for day in range(DAYS) for n in range(4)
    ]
    types = ["snapshot" if seconds > 50 else "reboot" for _, _, seconds in rows]

    assert changes(built(frame, rows, type=types), by).empty


@pytest.mark.parametrize("resource", ["each its own", None])
def test_actions_that_cannot_be_compared_with_others_of_their_resource_tell_nothing(frame, resource):
    """An only action of its resource, and one of an unknown resource, may be slow since the resource is."""
    rows = [
        (day, f"droplet:{number}" if resource else None, seconds)
        for number, (day, _, seconds) in enumerate(stepped(factor=3))
    ]

    assert changes(built(frame, rows)).empty


def test_only_completed_actions_have_durations(frame):
    """Failures that end at once, and actions that are still open, do not make a type look faster or slower."""
    rows = stepped(factor=1)
    late = [(day, resource, 1) for day, resource, _ in rows if day >= 80]
    status = ["completed"] * len(rows) + ["errored"] * len(late) + ["in-progress"] * len(late)

    table = changes(built(frame, rows + late + late, status=status))

    assert table["what"].tolist() == ["failure rate"]


def test_the_days_of_an_incident_are_left_out(frame):
    """A week in which a region was down is an incident, and no change; scattered, as many failures are one."""
    usual, bad = (
        [(DAYS - 5 - day % 100, day % 8 == 7) for day in range(800)],
        [(DAYS - 1 - n // 12, True) for n in range(84)],
    )
    scattered = [f"r{n}" for n in range(len(bad))]
    days, failed = map(list, zip(*usual, *bad, strict=True))
    columns = {
        "started_at": [started(day) for day in days],
        "status": ["errored" if is_failed else "completed" for is_failed in failed],
        "resource": None,
    }

    assert changes(frame(**columns, region=["fra1"] * len(usual) + ["ams3"] * len(bad))).empty
    assert len(changes(frame(**columns, region=["fra1"] * len(usual) + scattered))) == 1


def test_failures_that_come_on_the_same_days_count_for_less(frame):
    """Ten failures on one of ten days are as many as one a day, and much less sure a change."""
    spread = [(20, 1)] * 60 + [(20, 3)] * 60
    bunched = [(20, 8 * (day % 8 == 0)) for day in range(60)] + [(20, 12 * (day % 4 == 0)) for day in range(60)]

    found = [changes(frame(**failed_rows(daily)), max_q=0.999)["q"].min() for daily in (spread, bunched)]

    assert found[0] < 1e-4
    assert found[1] > 100 * found[0]


def test_a_rate_that_was_nothing_is_so_many_times_at_least(frame):
    """Where nothing failed before there is no ratio, but a lower limit of it."""
    [row] = changes(frame(**failed_rows([(9, 0)] * 60 + [(9, day % 3 == 0) for day in range(60)]))).to_dict("records")

    assert (row["rate_before"], row["ratio"], row["ratio_high"]) == (0, math.inf, math.inf)
    assert row["sentence"].startswith(f"snapshot fails at least {row['ratio_low']:.2g} x as often as it did: 0.00 %")


def test_every_test_made_is_counted(frame):
    """The same change is less sure among twenty types that did not change."""
    rows = [(d, r, s + d * 3 % 2) for d, r, s in stepped(factor=1.5)]
    others = [row for number in range(20) for row in stepped(factor=1)]
    types = ["resize"] * len(rows) + [f"type {number // len(rows)}" for number in range(len(others))]

    alone = changes(built(frame, rows))["q"].item()

    assert changes(built(frame, rows + others, type=types))["q"].item() == pytest.approx(21 * alone)


@pytest.mark.parametrize("max_q", [0, 1, 5])
@pytest.mark.parametrize("make", [changes, change_series])
def test_a_share_of_false_changes_is_a_share(frame, make, max_q):
    """5 for 5 % is refused."""
    with pytest.raises(InvalidArgument, match=r"such as 0\.05; got"):
        make(frame(), max_q=max_q)


def test_groups_are_named_in_the_sentence(frame):
    """All actions are one, columns are joined, and a null is said to be none."""
    actions = built(frame, stepped(), region=None)

    first = [changes(actions, by)["sentence"].item().split(" takes ")[0] for by in ((), ["type", "region"])]

    assert first == ["an action", "snapshot · (none)"]


def test_a_ratio_unlike_that_of_the_medians_says_why(frame):
    """Where each resource takes twice as long, but fast ones act more often, the sentence says what was compared."""
    few = [(d, r, s) for d, r, s in stepped() if r == "droplet:1" or d < 80 or d % 4 == 0]

    assert "as long as it did, like with like (" in changes(built(frame, few))["sentence"].item()


def test_the_series_has_the_medians_of_weeks(frame):
    """Each week from Monday on has its median, and the week of the step one before and one after it."""
    rows = stepped()

    series = change_series(built(frame, rows))

    since, weeks = changes(built(frame, rows))["since"].item(), defaultdict(list)
    for day, _, seconds in rows:
        moment = FIRST.normalize() + pd.Timedelta(day, "D")
        weeks[moment - pd.Timedelta(moment.weekday(), "D"), moment >= since].append(seconds)
    expected = [(*key, len(values), median(values)) for key, values in sorted(weeks.items())]
    assert list(series[["week", "is_after", "actions", "median_s"]].itertuples(index=False, name=None)) == expected
    assert series["week"].duplicated().sum() == (since.weekday() != 0)
    assert series["failure_rate"].isna().all()


def test_the_series_has_the_rates_of_weeks(frame):
    """A change of the failure rate has the share of each week that failed."""
    series = change_series(frame(**failed_rows([(9, 0)] * 60 + [(9, day % 3 == 0) for day in range(60)])))

    assert series["median_s"].isna().all()
    assert series["failure_rate"].iloc[-2] == pytest.approx(2 / 63, rel=0.5)
    assert (series["actions"] * series["failure_rate"]).sum() == pytest.approx(20)
