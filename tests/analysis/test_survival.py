"""Survival curves and what is read off them, against scipy, statsmodels and plain counting."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight

from doaudit.analysis.curve_values import max_duration, quantile, remaining, share_ended
from doaudit.analysis.intervals import finished_needed
from doaudit.analysis.quantile_intervals import quantile_interval
from doaudit.analysis.survival import kaplan_meier
from doaudit.errors import InvalidArgument

LIFETIMES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=40)
QUANTILES = st.sampled_from([0.1, 0.25, 0.5, 0.9, 0.95, 0.99])
COVERAGE_CASES = [
    (20, 0.9),
    *(
        pytest.param(n, p, marks=pytest.mark.release)
        for n, p in [(20, 0.5), (20, 0.99), (60, 0.99), (200, 0.5), (200, 0.9), (200, 0.99)]
    ),
]


def interval_of(curves, p, confidence):
    """Return the interval of a quantile of actions of which each ends by itself."""
    return quantile_interval(curves, p, confidence, np.ones(len(curves.ended)))


def curves_of(*groups):
    """Curves of groups that are lists of (seconds, has ended)."""
    counts = {}
    for number, lives in enumerate(groups):
        for seconds, has_ended in lives:
            counts.setdefault((number, seconds), [0, 0])[not has_ended] += 1
    rows = sorted((*key, *count) for key, count in counts.items())
    group, seconds, ended, running = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    return kaplan_meier(group, seconds, ended, running, groups=len(groups))


def statsmodels_curve(lives):
    """The same curve from statsmodels."""
    return SurvfuncRight([t for t, _ in lives], [int(has_ended) for _, has_ended in lives])


def plain_survival(lives):
    """The curve by its definition, in fractions: second -> share that takes longer."""
    share, curve = Fraction(1), {}
    for second in sorted({t for t, has_ended in lives if has_ended}):
        at_risk = sum(t >= second for t, _ in lives)
        share *= 1 - Fraction(sum(t == second and has_ended for t, has_ended in lives), at_risk)
        curve[second] = share
    return curve


@given(LIFETIMES)
def test_the_curve_is_kaplan_and_meiers(lives):
    """The curve has the steps and heights of scipy's."""
    assume(any(has_ended for _, has_ended in lives))
    running = [t for t, has_ended in lives if not has_ended]
    oracle = stats.ecdf(stats.CensoredData([t for t, has_ended in lives if has_ended], right=running)).sf

    curves = curves_of(lives)

    assert set(curves.seconds) == {t for t, has_ended in lives if has_ended}
    np.testing.assert_allclose(curves.survival, oracle.evaluate(curves.seconds), rtol=1e-12, atol=1e-15)


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_the_curve_of_finished_actions_is_not_rounded_on_the_way(durations):
    """Where every action has ended, each height is the correctly rounded share."""
    curves = curves_of([(t, True) for t in durations])

    longer = [sum(t > second for t in durations) / len(durations) for second in sorted(set(durations))]
    assert curves.survival.tolist() == longer


@given(LIFETIMES)
def test_the_variance_is_greenwoods(lives):
    """Greenwood's sum is the squared relative standard error that statsmodels reports."""
    assume(any(has_ended for _, has_ended in lives))
    curves, oracle = curves_of(lives), statsmodels_curve(lives)

    some = curves.survival > 0

    expected = (oracle.surv_prob_se[: some.sum()] / oracle.surv_prob[: some.sum()]) ** 2
    np.testing.assert_allclose(curves.greenwood[some], expected, rtol=1e-9)


@given(st.lists(LIFETIMES, min_size=1, max_size=6), QUANTILES)
def test_groups_do_not_touch_each_other(groups, p):
    """Many groups at once give what each gives alone, to the last bit."""
    together = curves_of(*groups)
    alone = [curves_of(lives) for lives in groups]

    assert together.survival.tolist() == [height for curves in alone for height in curves.survival]
    assert together.greenwood.tolist() == [term for curves in alone for term in curves.greenwood]
    assert quantile(together, p).tolist() == [quantile(curves, p)[0] for curves in alone]
    assert np.array_equal(max_duration(together), [max_duration(curves)[0] for curves in alone], equal_nan=True)
    low, high = interval_of(together, p, 0.95)
    assert list(zip(low, high, strict=True)) == [
        tuple(side[0] for side in interval_of(curves, p, 0.95)) for curves in alone
    ]


@given(LIFETIMES, st.sampled_from([Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)]))
def test_a_quantile_is_where_the_curve_has_fallen_so_far(lives, p):
    """The quantile is the first second at which at most 1 - p take longer, in exact arithmetic; else infinity."""
    reached = [second for second, share in plain_survival(lives).items() if share <= 1 - p]

    assert quantile(curves_of(lives), float(p)).tolist() == [min(reached, default=math.inf)]


@pytest.mark.parametrize("n", [10, 100, 1000, 12_345_670])
def test_the_p90_of_ten_is_the_ninth(n):
    """A level that is met exactly is met, although 1 - 0.9 is not quite 0.1."""
    ranks = np.arange(10)
    curves = kaplan_meier(ranks * 0, ranks + 1, np.full(10, n // 10), ranks * 0, groups=1)

    assert quantile(curves, 0.9).tolist() == [9.0]


def test_a_long_curve_does_not_drift():
    """After 100,000 steps between censorings the curve still agrees with exact arithmetic to 1e-12."""
    n = 100_000
    second = np.arange(n)
    ended = (second % 3 > 0).astype(np.int64)
    logs = [math.log1p(-1 / (n - at)) for at in range(n - 1) if ended[at]]
    exact = math.exp(math.fsum(logs))

    curves = kaplan_meier(second * 0, second, ended, 1 - ended, groups=1)

    before_the_end = curves.seconds <= n - 2
    assert curves.survival[before_the_end][-1] == pytest.approx(exact, rel=1e-12)


@given(LIFETIMES, QUANTILES, st.sampled_from([0.8, 0.95]))
def test_intervals_of_censored_groups_are_brookmeyer_and_crowleys(lives, p, confidence):
    """Both ends are statsmodels' wherever its own does not rest on the longest action alone."""
    assume(any(not has_ended for _, has_ended in lives) and any(has_ended for _, has_ended in lives))
    oracle = statsmodels_curve(lives)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = oracle.quantile_ci(p, alpha=1 - confidence, method="cloglog")
    assume(not math.isnan(low))
    survivors = dict(zip(oracle.surv_times, oracle.surv_prob, strict=True))

    ours = interval_of(curves_of(lives), p, confidence)

    bounded = not math.isinf(high) and survivors[high] > 0
    assert [side[0] for side in ours] == [low, high if bounded else math.inf]


def test_the_upper_end_is_open_where_only_the_longest_action_would_bound_it():
    """Twenty actions cannot bound a p99 from above, censored or not."""
    finished = [(t, True) for t in range(1, 21)]

    for lives in (finished, [*finished, (5, False)]):
        low, high = interval_of(curves_of(lives), 0.99, 0.95)
        assert low[0] > 1
        assert math.isinf(high[0])


def test_a_level_that_is_never_near_leaves_the_longest_as_lower_limit():
    """If the curve stays high above 1 - p, the quantile lies at least at the last end that was seen."""
    lives = [(5, True)] * 20 + [(6, True)] * 20 + [(100, False)] * 960

    low, high = interval_of(curves_of(lives), 0.5, 0.95)

    assert (low[0], high[0]) == (6.0, math.inf)


def test_a_group_without_an_end_has_the_widest_interval():
    """Nothing that ended: from 0 to infinity, whether or not anything is running; no longest."""
    curves = curves_of([(5, False), (7, False)], [], [(3, True)])

    for p in (0.5, 0.99):
        low, high = interval_of(curves, p, 0.95)
        assert low.tolist()[:2] == [0.0, 0.0]
        assert high.tolist() == [math.inf] * 3
    assert quantile(curves, 0.5).tolist() == [math.inf, math.inf, 3.0]
    assert np.array_equal(max_duration(curves), [math.nan, math.nan, 3.0], equal_nan=True)


@given(st.lists(LIFETIMES, min_size=1, max_size=5), QUANTILES, st.sampled_from([0.5, 0.8, 0.95]))
def test_fewer_than_needed_have_no_upper_limit(groups, p, confidence):
    """Open actions never lend a group the upper limit for which too few of its actions have ended."""
    curves = curves_of(*groups)

    high = interval_of(curves, p, confidence)[1]

    assert np.isinf(high[curves.ended < finished_needed(p, confidence)]).all()


@given(LIFETIMES, LIFETIMES, st.integers(0, 13), st.sampled_from([Fraction(1, 2), Fraction(9, 10)]))
def test_what_remains_is_the_quantile_of_those_that_got_so_far(others, lives, age, p):
    """The remaining time is the first second at which S(t) / S(age) is at most 1 - p, less the age."""
    lives = [*lives, (age, False)]
    survival = plain_survival(lives)
    alive = min((share for second, share in survival.items() if second <= age), default=Fraction(1))
    reached = [second for second, share in survival.items() if second > age and share <= alive * (1 - p)]

    left = remaining(curves_of(others, lives), np.array([1]), np.array([age]), float(p))

    assert left.tolist() == [min(reached, default=math.inf) - age]


@given(LIFETIMES, LIFETIMES, st.integers(0, 13))
def test_the_share_ended_is_counted_among_those_that_ended(others, lives, age):
    """Running actions are neither among those that ended by then nor among all."""
    ended = [t for t, has_ended in lives if has_ended]
    expected = sum(t <= age for t in ended) / len(ended) if ended else math.nan

    share = share_ended(curves_of(others, lives), np.array([1]), np.array([age]))

    assert np.array_equal(share, [expected], equal_nan=True)


@pytest.mark.parametrize("confidence", [0, 95])
def test_a_confidence_is_a_share(confidence):
    """95 for 0.95 is refused with the value and an example."""
    with pytest.raises(InvalidArgument, match=r"between 0 and 1, such as 0\.95; got"):
        interval_of(curves_of([(1, True)]), 0.5, confidence)


@pytest.mark.parametrize("censored", [False, True])
@pytest.mark.parametrize(("n", "p"), COVERAGE_CASES)
def test_intervals_cover_what_they_promise(n, p, censored):
    """95 % intervals hold the true quantile of lognormal durations in at least 93 % of 2,000 samples."""
    runs, centre, spread = 2000, 8.0, 1.2
    random = np.random.default_rng([n, int(100 * p), censored])
    takes = np.exp(random.normal(centre, spread, (runs, n))).astype(np.int64)
    # Independent times of last sight leave about a tenth of the actions open.
    seen = np.exp(random.normal(centre + 2.2, spread, (runs, n))).astype(np.int64) if censored else takes
    true = math.floor(math.exp(centre + spread * stats.norm.ppf(p)))
    samples = [
        list(zip(np.minimum(t, s).tolist(), (t <= s).tolist(), strict=True)) for t, s in zip(takes, seen, strict=True)
    ]

    low, high = interval_of(curves_of(*samples), p, 0.95)

    assert np.mean((low <= true) & (true <= high)) >= 0.93
