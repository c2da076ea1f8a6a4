"""Tests of many groups at once, against scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis.significance import benjamini_hochberg, fisher_greater

COUNTS = st.integers(0, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@examples(300)
@given(st.lists(COUNTS, min_size=1, max_size=8))
def test_fishers_test_is_scipys(groups):
    """The chance of so many failures or more in each group, given those of all, is that of scipy's distribution."""
    errored, finished = (np.array(counts) for counts in zip(*groups, strict=True))

    p = fisher_greater(errored, finished)

    for k, n, found in zip(errored, finished, p, strict=True):
        if 0 < n < finished.sum():
            oracle = stats.hypergeom.sf(k - 1, finished.sum(), errored.sum(), n)
            assert found == pytest.approx(oracle, rel=1e-9, abs=1e-12)
        else:
            assert math.isnan(found)


def test_a_tiny_chance_is_told_from_none():
    """Far out in the tail the value has the right size, not 0."""
    [found, _] = fisher_greater([253, 279], [13_078, 39_204])

    assert found == pytest.approx(stats.hypergeom.sf(252, 52_282, 532, 13_078), rel=1e-6)
    assert 0 < found < 1e-20


def test_a_million_actions_a_group_are_tested():
    """Counts of the size of the largest histories keep seven digits."""
    errored, finished = np.array([10_400, 9_800, 19_000]), np.array([1_000_000, 1_000_000, 2_000_000])

    found = fisher_greater(errored, finished)

    expected = [stats.hypergeom.sf(k - 1, 4_000_000, 39_200, n) for k, n in zip(errored, finished, strict=True)]
    assert found.tolist() == pytest.approx(expected, rel=1e-6)


@examples(200)
@given(st.lists(st.one_of(st.floats(0, 1), st.just(math.nan)), min_size=1, max_size=20))
def test_q_values_are_scipys(p):
    """What was not tested has no q, and does not count as a test."""
    q = benjamini_hochberg(p)

    tested = ~np.isnan(p)
    assert np.isnan(q[~tested]).all()
    if tested.any():
        assert q[tested].tolist() == pytest.approx(stats.false_discovery_control(np.array(p)[tested]).tolist())


def test_no_tests_have_no_q():
    """An empty table of groups is no error."""
    assert benjamini_hochberg([]).size == fisher_greater([], []).size == 0
