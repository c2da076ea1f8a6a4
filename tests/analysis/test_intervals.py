"""Intervals of shares and of order statistics, against scipy and exact arithmetic."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis.intervals import (
    clopper_pearson,
    finished_needed,
    order_statistic_interval,
    ratio_interval,
    wilson,
)
from doaudit.errors import InvalidArgument

COUNTS = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(st.integers(0, 3000), st.floats(0.01, 0.99), st.sampled_from([0.5, 0.8, 0.95, 0.99]))
def test_ranks_are_the_binomial_quantiles(n, p, confidence):
    """The two ranks are those of scipy's binomial distribution."""
    tail = (1 - confidence) / 2

    lower, upper = order_statistic_interval(n, p, confidence)

    assert (lower, upper) == (stats.binom.ppf(tail, n, p), stats.binom.ppf(1 - tail, n, p) + 1)


def test_a_limit_that_is_met_exactly_is_kept():
    """One of two coins lies below the median by itself with a chance of exactly 1/4: rank 0, as counting it says."""
    assert [int(rank) for rank in order_statistic_interval(2, 0.5, 0.5)] == [0, 2]


def test_of_no_values_none_is_a_limit():
    """Nothing has rank 0 below and rank 1, one more than there are, above, at any level."""
    assert [int(rank) for rank in order_statistic_interval(0, 0.99, 0.95)] == [0, 1]


@pytest.mark.parametrize(("p", "power"), [(0.5, 29), (0.9, 15), (0.95, 14), (0.75, 3)])
def test_a_number_that_just_suffices_is_not_rounded_up(p, power):
    """If half of 1 - confidence is p to the n, n are enough, although the quotient of logarithms is a hair more."""
    assert finished_needed(p, 1 - 2 * p**power) == power


@pytest.mark.parametrize("p", [Fraction(1, 2), Fraction(9, 10), Fraction(99, 100)])
@pytest.mark.parametrize("n", [1, 5, 6, 35, 36, 60])
def test_ranks_keep_each_side_within_its_half(n, p):
    """In exact arithmetic each side errs with at most 2.5 %, and one rank further in it would err with more."""
    below = [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]

    lower, upper = (int(rank) for rank in order_statistic_interval(n, float(p), 0.95))

    half = Fraction(25, 1000)
    assert sum(below[:lower]) <= half < sum(below[: lower + 1])
    assert sum(below[upper:]) <= half < sum(below[upper - 1 :])


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.95, 0.99])
@pytest.mark.parametrize("p", [0.5, 0.9, 0.95, 0.99])
def test_so_many_are_needed_and_not_one_more(p, confidence):
    """From that many on, and not before, the longest is an upper limit."""
    n = finished_needed(p, confidence)

    upper = order_statistic_interval([n - 1, n], p, confidence)[1]

    assert upper.tolist() == [n, n]


@given(COUNTS, st.sampled_from([0.8, 0.95]))
def test_wilson_is_scipys(counts, confidence):
    """The interval of a rate is the one that scipy gives."""
    errored, finished = counts
    oracle = stats.binomtest(errored, finished).proportion_ci(confidence, method="wilson")

    low, high = wilson(errored, finished, confidence)

    assert (low, high) == (pytest.approx(oracle.low, abs=1e-12), pytest.approx(oracle.high, abs=1e-12))


def test_wilson_reaches_0_and_1_exactly_and_says_nothing_about_nothing():
    """No failure has a lower limit of 0, nothing but failures an upper one of 1; nothing finished has neither."""
    finished = np.arange(1, 500)

    for confidence in (0.5, 0.8, 0.9, 0.95, 0.99, 0.999):
        assert not wilson(0, finished, confidence)[0].any()
        assert (wilson(finished, finished, confidence)[1] == 1.0).all()
    assert np.isnan(wilson([0], [0], 0.95)).all()


@given(COUNTS, st.sampled_from([0.8, 0.95]))
def test_clopper_pearson_is_scipys(counts, confidence):
    """The limits are those of the exact interval."""
    errored, finished = counts
    oracle = stats.binomtest(errored, finished).proportion_ci(confidence, method="exact")

    low, high = clopper_pearson(errored, finished, confidence)

    assert [float(low), float(high)] == pytest.approx([oracle.low, oracle.high], abs=1e-12)


def test_clopper_pearson_says_nothing_about_nothing():
    """No failure has a lower limit of 0, no success an upper one of 1; nothing finished has none."""
    assert clopper_pearson([0], [9], 0.95)[0].tolist() == [0.0]
    assert clopper_pearson([9], [9], 0.95)[1].tolist() == [1.0]
    assert np.isnan(clopper_pearson([0], [0], 0.95)).all()


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.5, math.nan])
@pytest.mark.parametrize(
    "ask",
    [
        lambda confidence: wilson(1, 2, confidence),
        lambda confidence: order_statistic_interval(9, 0.5, confidence),
        lambda confidence: clopper_pearson(1, 2, confidence),
        lambda confidence: finished_needed(0.5, confidence),
    ],
)
def test_a_confidence_is_a_share(ask, confidence):
    """95 for 0.95 is refused with the value and an example."""
    with pytest.raises(InvalidArgument, match=r"between 0 and 1, such as 0\.95; got"):
        ask(confidence)


LIMITS = st.tuples(st.floats(0.1, 50), st.floats(0.1, 0.95), st.floats(1.05, 1.9)).map(
    lambda drawn: (drawn[0], drawn[0] * drawn[1], drawn[0] * drawn[2])
)


@given(LIMITS, LIMITS)
def test_the_limits_of_a_ratio_are_fiellers_with_the_margins_of_each_figure(numerator, denominator):
    """A limit r is where the difference of a and r times b is as far from 0 as the margins of both together."""
    (a, a_low, a_high), (b, b_low, b_high) = numerator, denominator

    low, high = ratio_interval(numerator, denominator)

    assert 0 <= low <= a / b <= high
    assert (a - low * b) ** 2 == pytest.approx((a - a_low) ** 2 + low**2 * (b_high - b) ** 2, rel=1e-6)
    if np.isfinite(high):
        assert (high * b - a) ** 2 == pytest.approx((a_high - a) ** 2 + high**2 * (b - b_low) ** 2, rel=1e-6)


@pytest.mark.parametrize(
    ("numerator", "denominator", "expected"),
    [
        ((0, 0, 0.1), (0.5, 0.4, 0.6), (0, None)),
        ((0.5, 0.4, 0.6), (0, 0, 0.1), (None, math.inf)),
        ((0, 0, 0.1), (0, 0, 0.1), (0, math.inf)),
        ((6, 5, 7), (0, 0, 0), (math.inf, math.inf)),
        ((8, 7, math.inf), (4, 3, 5), (None, math.inf)),
        ((8, 7, 9), (4, 0, math.inf), (0, math.inf)),
        ((math.nan, 0, 1), (4, 3, 5), (math.nan, math.nan)),
    ],
)
def test_a_ratio_without_a_limit_says_so(numerator, denominator, expected):
    """A denominator that may be 0 leaves no upper limit, an open interval of either no limit on that side."""
    found = ratio_interval(numerator, denominator)

    for limit, at in zip(found, expected, strict=True):
        assert (0 < limit < math.inf) if at is None else np.array_equal(limit, at, equal_nan=True)
