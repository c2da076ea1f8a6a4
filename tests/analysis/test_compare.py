"""Two periods compared: against scipy, statsmodels and loops, and how often chance is taken for a difference."""

from __future__ import annotations

import math
from collections import defaultdict
from datetime import timedelta
from statistics import median

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from doaudit.analysis import compare
from doaudit.analysis.two_samples import difference_p, log_rank, median_interval, newcombe, welch_of_ranks
from doaudit.errors import InvalidArgument

FIRST = pd.Timestamp("2026-01-01T10:00:00Z")
MIDDLE = "2026-01-31"


def started(day):
    """Return the time at which actions of a day start."""
    return str(FIRST + pd.Timedelta(day, "D"))


def periods(frame, rows, **columns):
    """Build the frame of rows of (day, seconds, status); the later period begins on day 30."""
    days, seconds, status = map(list, zip(*rows, strict=True))
    return frame(started_at=[started(day) for day in days], seconds=list(seconds), status=list(status), **columns)


def drawn(seed, a_day=3, days=60, factor=1.0, rate=0.1):
    """Draw rows: durations with ties, later ones longer by a factor, some of them errored or open."""
    random = np.random.default_rng(seed)
    rows = []
    for day in range(days):
        for _ in range(random.integers(1, 2 * a_day)):
            seconds = int(random.lognormal(2, 0.6) * (factor if day >= 30 else 1))
            kind = random.random()
            rows.append((day, seconds, "errored" if kind < rate else "in-progress" if kind > 0.95 else "completed"))
    return rows


def one(table):
    """Return the only row."""
    [row] = table.to_dict("records")
    return row


@examples(40, quick=4)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 1.4]))
def test_durations_are_compared_by_the_ranks_of_days(frame, seed, factor):
    """The p-value is scipy's of Welch's test on the sums of ranks of days, among the tests that were made."""
    rows = drawn(seed, factor=factor, rate=0)
    completed = [(day, seconds) for day, seconds, status in rows if status == "completed"]
    ranks = stats.rankdata([max(seconds, 0.5) for _, seconds in completed])
    sums = defaultdict(float)
    for (day, _), rank in zip(completed, ranks, strict=True):
        sums[day] += rank - ranks.mean()
    expected = stats.ttest_ind(
        [total for day, total in sums.items() if day < 30],
        [total for day, total in sums.items() if day >= 30],
        equal_var=False,
    ).pvalue

    row = one(compare(periods(frame, rows), at=MIDDLE))

    found = [row[f"q_{name}"] for name in ("rate", "duration", "tail")]
    tail = log_rank_p(rows)
    assert row["tests"] == 3
    assert found == pytest.approx(stats.false_discovery_control([1.0, expected, tail]).tolist(), rel=1e-6)
    levels = [[s for d, s in completed if (d >= 30) is after] for after in (False, True)]
    assert [row["p50_before_s"], row["p50_after_s"]] == [median(values) for values in levels]


def log_rank_p(rows):
    """Compute the log-rank test of scipy, over the design effect of days by loops."""
    sides = [[(s, status == "completed", d) for d, s, status in rows if (d >= 30) is after] for after in (False, True)]
    data = [
        stats.CensoredData(
            uncensored=[s for s, ended, _ in side if ended], right=[s for s, ended, _ in side if not ended]
        )
        for side in sides
    ]
    everyone = sides[0] + sides[1]
    hazard = {}
    total = 0.0
    for moment in sorted({s for s, _, _ in everyone}):
        at_risk = sum(s >= moment for s, _, _ in everyone)
        total += sum(s == moment and ended for s, ended, _ in everyone) / at_risk
        hazard[moment] = total
    apart = alone = 0.0
    for side in sides:
        residuals = [ended - hazard[s] for s, ended, _ in side]
        mean = np.mean(residuals)
        of_day = defaultdict(float)
        for (_, _, day), residual in zip(side, residuals, strict=True):
            of_day[day] += residual - mean
        apart += sum(total**2 for total in of_day.values())
        alone += sum((residual - mean) ** 2 for residual in residuals)
    z = stats.logrank(*data).statistic / math.sqrt(max(1.0, apart / alone))
    return 2 * stats.norm.sf(abs(z))


@given(st.tuples(*[st.integers(0, 40)] * 2), st.tuples(*[st.integers(41, 400)] * 2))
def test_the_interval_of_a_difference_is_newcombes(errored, finished):
    """It is that of statsmodels."""
    k, n = np.array([errored], dtype=float), np.array([finished], dtype=float)

    _, low, high = newcombe(k, n)

    expected = confint_proportions_2indep(errored[1], finished[1], errored[0], finished[0], method="newcomb")
    assert (low.item(), high.item()) == pytest.approx(expected, abs=1e-9)


@given(st.tuples(*[st.integers(0, 40)] * 2), st.tuples(*[st.integers(41, 400)] * 2))
def test_the_p_value_is_that_of_the_interval_that_just_holds_nothing(errored, finished):
    """At so many standard deviations one limit is 0; a p-value of 5 % and the interval of 95 % agree."""
    k, n = np.array([errored], dtype=float), np.array([finished], dtype=float)

    p = difference_p(k, n).item()
    _, low, high = newcombe(k, n, stats.norm.isf(p / 2))

    assert (
        min(abs(low.item()), abs(high.item())) < 1e-6 if p < 1 else errored[0] / finished[0] == errored[1] / finished[1]
    )
    _, low, high = newcombe(k, n)
    assert abs(p - 0.05) < 1e-6 or (p < 0.05) == (low.item() > 0 or high.item() < 0)


def test_failures_that_come_on_the_same_days_count_for_less(frame):
    """The rates are the same, and the interval is wider, where they fail together."""
    spread = [(day, 60, "errored" if n < 1 + (day >= 30) else "completed") for day in range(60) for n in range(10)]
    bunched = [
        (day, 60, "errored" if day % 5 == 0 and n < 5 * (1 + (day >= 30)) else "completed")
        for day in range(60)
        for n in range(10)
    ]

    rows = [one(compare(periods(frame, rows), at=MIDDLE)) for rows in (spread, bunched)]

    assert [(row["rate_before"], row["rate_after"]) for row in rows] == [pytest.approx((0.1, 0.2))] * 2
    widths = [row["rate_change_high"] - row["rate_change_low"] for row in rows]
    assert widths[1] > 1.5 * widths[0]
    assert rows[0]["q_rate"] < 0.01 < rows[1]["q_rate"]


def test_a_few_that_hardly_end_are_seen_in_the_tail(frame):
    """Where one of six is still open after ten times as long, the median stays and the log-rank test tells."""
    rows = [
        (
            day,
            600 if n == 0 and day >= 30 else 50 + (day * 7 + n * 5) % 20,
            "in-progress" if n == 0 and day >= 30 else "completed",
        )
        for day in range(60)
        for n in range(6)
    ]

    row = one(compare(periods(frame, rows), at=MIDDLE))

    assert row["q_tail"] < 0.05 < row["q_duration"]
    assert 0.9 < row["ratio"] < 1.2
    assert "takes longer in the longest cases, with a median of 1 min" in row["sentence"]


def test_failures_that_end_at_once_make_nothing_faster(frame):
    """A third that fails in 0 s is a difference of failure rates, and none of durations or of their tail."""
    rows = [
        (day, 50 + (day * 7 + n * 5) % 20, "completed") if n < 6 or day < 30 else (day, 0, "errored")
        for day in range(60)
        for n in range(9)
    ]

    row = one(compare(periods(frame, rows), at=MIDDLE))

    assert row["q_rate"] < 0.05 < min(row["q_duration"], row["q_tail"])


def test_from_nothing_to_something_is_longer_without_a_ratio(frame):
    """Where the median was 0 s there is no ratio to tell, and the sentence has the medians."""
    rows = [(day, 0 if day < 30 else 5 + day % 3, "completed") for day in range(60)]

    row = one(compare(periods(frame, rows), at=MIDDLE))

    assert (row["ratio"], row["ratio_high"]) == (math.inf, math.inf)
    assert row["sentence"] == "snapshot takes longer (median 0 s before, 6 s after)"


def test_one_frame_is_compared_with_another(frame):
    """Two frames, with words that only one of them has, give the row that one frame cut in two gives."""
    actions = periods(frame, drawn(3, factor=2))
    early = actions["started_at"] < MIDDLE
    others = frame(type=["aaa"], started_at=[started(40)])

    table = compare(actions[early], pd.concat([actions[~early], others]).astype({"type": "category"}), by="type")

    assert table["type"].dtype == "category"
    assert table["presence"].tolist() == ["both", "new"]
    cut = one(compare(actions, at=MIDDLE))
    assert one(table.head(1)) | {"sentence": ""} == cut | {"sentence": ""}
    assert table["sentence"].tolist()[1] == "aaa is new: none before, 1 action after"


@pytest.mark.parametrize("last", ["30d", timedelta(30), None])
def test_the_last_days_are_compared_with_as_many_before(frame, last):
    """Each period includes its first second, and they are counted back from when the actions were last read."""
    read = pd.Timestamp("2026-03-31T12:00:00Z")
    ages = [0, 1, 30 * 86_400 - 1, 30 * 86_400, 30 * 86_400 + 1, 60 * 86_400, 60 * 86_400 + 1]
    actions = frame(started_at=[str(read - pd.Timedelta(age, "s")) for age in ages], observed_at=str(read))

    row = one(compare(actions, last=last))

    assert (row["actions_before"], row["actions_after"]) == (2, 4)


def test_the_moment_is_the_first_of_the_later_period(frame):
    """What started at that second is after it, and is counted once."""
    actions = frame(started_at=["2026-03-02T09:59:59Z", "2026-03-02T10:00:00Z", "2026-03-02T10:00:01Z", None])

    row = one(compare(actions, at="2026-03-02T10:00:00Z"))

    assert (row["actions_before"], row["actions_after"]) == (1, 2)


def test_groups_that_come_and_go_are_told(frame):
    """A type of one period alone has no ratio and no test, and its sentence says so."""
    rows = [(day, 60, "completed") for day in range(60)]

    table = compare(periods(frame, rows, type=["old"] * 30 + ["young"] * 30), at=MIDDLE).set_index("type")

    assert table["presence"].to_dict() == {"old": "vanished", "young": "new"}
    assert table[["ratio", "rate_change", "q"]].isna().all(axis=None)
    assert table.loc["old", "sentence"] == "old has vanished: 30 actions before, none after"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"at": MIDDLE, "last": "30d"}, "got at and last. Give one of them"),
        ({"at": "someday"}, "at is "),
        ({"at": "2027-01-01"}, "at says from when on"),
        ({"last": "2026-01-31"}, "last is how long a period is"),
        ({"last": timedelta(0)}, "last is how long a period is"),
        ({"at": "2025-01-01"}, "no action is in the earlier period. Give another at"),
        ({"at": "2026-03-31"}, "no action is in the later period. Give another at"),
    ],
)
def test_periods_that_cannot_be_are_refused(frame, given, message):
    """The message says what was given, and what to give."""
    actions = periods(frame, drawn(1))

    with pytest.raises(InvalidArgument, match=message):
        compare(actions, **given)


def test_two_frames_need_no_moment(frame):
    """A second frame and a moment are one too many."""
    with pytest.raises(InvalidArgument, match="got after and last"):
        compare(frame(), frame(), last="30d")


def test_an_account_that_is_younger_has_a_table_all_the_same(frame):
    """Without a period that was asked for, what is missing is no error: every group is new."""
    assert compare(frame(observed_at="2026-03-03T00:00:00Z"))["presence"].tolist() == ["new"]
    assert compare(frame(status=[])).empty


def test_what_got_worse_comes_first(frame):
    """Slower before faster, and both before what does not differ; each with its sentence."""
    rows = {"slow": drawn(1, factor=2), "fast": drawn(2, factor=0.2), "same": drawn(4)}
    types = [name for name, some in rows.items() for _ in some]

    table = compare(periods(frame, [row for some in rows.values() for row in some], type=types), at=MIDDLE)

    assert table["type"].tolist() == ["slow", "fast", "same"]
    assert table["q"].iloc[1] < table["q"].iloc[0] < 0.05 < table["q"].iloc[2]
    words = [sentence.split(" x as long")[0] for sentence in table["sentence"]]
    assert words[0].startswith(("slow takes 1.", "slow takes 2."))
    assert words[1].startswith("fast takes 0.")
    assert words[2].startswith("same: no difference beyond chance, median ")


def test_more_failures_are_told_in_points(frame):
    """The sentence has both rates and the interval of their difference."""
    rows = [
        (d, 60 + (d * 7 + n) % 9, "errored" if n < (d >= 30) * 4 else "completed") for d in range(60) for n in range(9)
    ]

    row = one(compare(periods(frame, rows), at=MIDDLE))

    low, high = 100 * row["rate_change_low"], 100 * row["rate_change_high"]
    assert f"fails more often: 0.00 % before, 44.44 % after ({low:+.2f} to {high:+.2f} points)" in row["sentence"]


def test_days_that_are_all_alike_are_as_sure_as_their_number(frame):
    """Where nothing varies, the p-value is that of a permutation of days and never 0."""
    day, one_ = np.arange(8), np.zeros(8, dtype=np.int64)
    seconds = np.where(day < 4, 5.0, 9.0)

    t, p = welch_of_ranks(one_, (day >= 4).astype(int), day, seconds, one_ + 2)

    assert t.item() > 0
    assert p.item() == pytest.approx(2 / math.comb(8, 4))
    assert welch_of_ranks(one_, (day >= 4).astype(int), day, 0 * seconds, one_ + 2)[1].item() == 1


@pytest.mark.release
@pytest.mark.parametrize("a_day", [1, 5, 20])
@pytest.mark.parametrize("days_differ", [0.0, 0.3])
def test_chance_is_taken_for_a_difference_as_often_as_it_says(a_day, days_differ):
    """With two periods of 30 days alike, also where days differ, p is below 5 % about 5 % of the time in each test."""
    random, groups, days = np.random.default_rng(41), 2_000, 60
    count = random.poisson(a_day, (groups, days)) + (a_day == 1)
    group, day = (
        np.repeat(axis.ravel(), count.ravel()) for axis in np.meshgrid(range(groups), range(days), indexing="ij")
    )
    slow = np.exp(days_differ * random.standard_normal((groups, days)))[group, day]
    seconds, is_after, one_ = (
        np.rint(60 * slow * random.lognormal(0, 0.5, len(group))),
        (day >= 30).astype(int),
        np.ones_like(group),
    )

    p_rank = welch_of_ranks(group, is_after, day, seconds, one_)[1]
    p_tail = log_rank(group, is_after, day, seconds, one_, 0 * one_)[1]
    lower, upper = median_interval(2 * group + is_after, day, seconds, one_, 2 * groups)[1:]

    assert 0.03 <= np.nanmean(p_rank < 0.05) <= 0.07
    assert 0.02 <= np.nanmean(p_tail < 0.05) <= 0.075
    assert ((lower <= 60) & (upper >= 60)).mean() >= 0.93


@pytest.mark.release
@pytest.mark.parametrize(("n", "rate"), [(100, 0.05), (1000, 0.01), (1000, 0.1), (60, 0.3)])
def test_rates_differ_by_chance_as_often_as_it_says(n, rate):
    """Of pairs of equal rates at most 6 in 100 have a p-value below 5 %, also of rare failures."""
    random = np.random.default_rng(43)
    k = random.binomial(n, rate, (20_000, 2)).astype(float)

    assert (difference_p(k, np.full(k.shape, float(n))) < 0.05).mean() <= 0.06
