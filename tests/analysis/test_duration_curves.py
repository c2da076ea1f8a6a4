"""Curves of durations and outcomes, against fractions added up second by second, and against outside estimators."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.duration.survfunc import CumIncidenceRight
from statsmodels.stats.proportion import proportion_confint

from doaudit.analysis import duration_curves, durations, outcome_curves

ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.sampled_from(["completed", "completed", "errored", "odd", "in-progress"])),
    min_size=1,
    max_size=40,
)
WORDS = {"completed": "completed", "errored": "errored", "odd": "unclear"}


@examples(80)
@given(ROWS)
def test_outcomes_are_added_up_second_by_second(frame, rows):
    """Each share is the sum over seconds of the chance to be open by then, times the share that ended so then."""
    table = outcome_curves(frame(status=[word for _, word in rows], seconds=[took for took, _ in rows]))

    still_open, shares, expected = Fraction(1), dict.fromkeys(WORDS.values(), Fraction(0)), []
    for second in sorted({took for took, word in rows if word != "in-progress"}):
        at_risk = sum(took >= second for took, _ in rows)
        ended = [WORDS[word] for took, word in rows if took == second and word != "in-progress"]
        shares = {name: share + still_open * Fraction(ended.count(name), at_risk) for name, share in shares.items()}
        still_open *= 1 - Fraction(len(ended), at_risk)
        expected.append([second, *map(float, shares.values()), float(still_open)])
    found = table[["after_s", *shares, "open"]].to_numpy(dtype=float)
    np.testing.assert_allclose(found, np.array(expected).reshape(-1, 5), atol=1e-12)
    np.testing.assert_allclose(table[[*shares, "open"]].sum(axis="columns"), 1.0)


@pytest.mark.filterwarnings("ignore:divide by zero")  # in its standard errors, which are not looked at
@pytest.mark.filterwarnings("ignore:invalid value")
def test_incidences_are_those_of_statsmodels(frame):
    """With failures as a competing risk and open actions, an outside estimator gives the same incidences."""
    random = np.random.default_rng(3)
    seconds = random.permutation(np.arange(1, 201))
    status = random.choice(["completed", "errored", "in-progress"], 200, p=[0.6, 0.2, 0.2])

    table = outcome_curves(frame(status=status.tolist(), seconds=seconds.tolist()))

    codes = pd.Series(status).map({"completed": 1, "errored": 2, "in-progress": 0}).to_numpy()
    oracle = CumIncidenceRight(seconds, codes)
    at = np.searchsorted(oracle.times, table["after_s"])
    for name, incidence in zip(("completed", "errored"), oracle.cinc, strict=True):
        np.testing.assert_allclose(table[name], incidence[at], atol=1e-12)


def test_a_curve_of_all_that_ended_is_kaplan_and_meiers(frame):
    """With open actions, the share that ended is one minus the survival function of scipy."""
    seconds, status = [*range(1, 61)] * 2, ["completed"] * 60 + ["errored"] * 20 + ["in-progress"] * 40
    is_open = np.array(status) == "in-progress"
    ended, running = np.array(seconds)[~is_open], np.array(seconds)[is_open]
    oracle = stats.ecdf(stats.CensoredData(ended, right=running)).sf

    table = duration_curves(frame(status=status, seconds=seconds), of="ended")

    np.testing.assert_allclose(table["share"], 1 - oracle.evaluate(table["after_s"]), atol=1e-12)
    assert ((table["low"] <= table["share"]) & (table["share"] <= table["high"])).all()


def test_the_interval_is_wilsons(frame):
    """Where all completed, each by itself, the band is Wilson's interval at each second."""
    table = duration_curves(frame(seconds=list(range(40))))

    low, high = proportion_confint(np.arange(1, 41), 40, method="wilson")
    np.testing.assert_allclose(table[["low", "high"]], np.stack([low, high], axis=1), atol=1e-9)


def test_a_percentile_is_read_off_the_curve(frame):
    """The first second at which a curve reaches one half is the median of the table of durations."""
    status = ["completed"] * 40 + ["errored"] * 10 + ["in-progress"] * 10
    actions = frame(status=status, seconds=list(range(60)))

    for of in ("completed", "ended"):
        curve, median = duration_curves(actions, of=of), durations(actions, of=of)["p50_s"].item()
        assert curve.loc[curve["share"] >= 0.5 - 1e-9, "after_s"].iloc[0] == median


def test_the_most_frequent_group_comes_first(frame):
    """Groups are in the order of their size, their rows by second; a group of which none ended has no row."""
    actions = frame(
        type=["a", "b", "b", "c", None, None, None], status=["completed"] * 3 + ["in-progress"] + ["completed"] * 3,
        seconds=[5, 9, 3, 7, 1, 2, 3],
    )  # fmt: skip

    for table in (duration_curves(actions), outcome_curves(actions)):
        types = table["type"].astype(object).fillna("~").tolist()
        assert (types, table["after_s"].tolist()) == (["~"] * 3 + ["b"] * 2 + ["a"], [1, 2, 3, 3, 9, 5])


@pytest.mark.parametrize("make", [duration_curves, outcome_curves])
def test_all_actions_are_one_group(frame, make):
    """With by=() there is no key column."""
    assert make(frame(seconds=[1, 2]), by=()).columns[0] == "after_s"
