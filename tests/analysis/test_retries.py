"""Retries: which actions follow a failure, what they came to, and how often they helped, against loops."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis import retries, retry_rates
from doaudit.errors import InvalidArgument

OUTCOMES = ["recovered", "failed again", "not retried", "open", "unclear"]
HOUR, ORIGIN = 3600, 1_772_409_600
NOW = ORIGIN + 400 * HOUR
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["droplet:1", "droplet:1", "droplet:2", None]),
        st.sampled_from(["resize", "resize", "reboot", None]),
        st.sampled_from(["completed", "errored", "errored", "errored", "in-progress", "odd"]),
        st.one_of(st.none(), st.integers(0, 12), st.sampled_from([390, 394, 395, 400])),
        st.sampled_from([-5, 0, 3, HOUR, 7 * HOUR]),
    ),
    min_size=1,
    max_size=30,
)


def at(hours):
    """Return the time that is so many hours after the origin."""
    return None if hours is None else pd.Timestamp(ORIGIN + hours * HOUR, unit="s", tz="UTC")


def build(frame, rows):
    """Build the actions of rows: resource, type, status, hours from the origin, seconds; an unclear one has an end."""
    resources, kinds, status, hours, seconds = map(list, zip(*rows, strict=True))
    times = {"started_at": [at(each) for each in hours], "observed_at": at(400)}
    return frame(resource=resources, type=kinds, status=status, seconds=seconds, **times)


def plainly(rows, within_s):
    """Walk through each resource's actions of a type, and collect the chains as (ids, outcome, recovery)."""
    walks, found = defaultdict(list), []
    for id_, (resource, type_, status, hours, seconds) in enumerate(rows, start=1):
        if None not in (resource, type_, hours):
            walks[resource, type_].append((hours * HOUR, id_, status, seconds))
    for walk in walks.values():
        chain, before = [], None
        for start, id_, status, seconds in sorted(walk):
            over = start + (seconds if seconds >= 0 and status != "in-progress" else 0)
            if chain and before[0] != "completed" and start - before[1] <= within_s:
                chain.append((id_, status, start, over, seconds))
            else:
                found.append(chain)
                chain = [(id_, status, start, over, seconds)] if status == "errored" else []
            before = (status, over)
        found.append(chain)
    return [outcome_of(chain, within_s) for chain in found if chain]


def outcome_of(chain, within_s):
    """Say what a chain came to."""
    _, status, _, over, seconds = chain[-1]
    recovery = None
    if status == "completed":
        outcome, recovery = "recovered", over - chain[0][2] if seconds >= 0 else None
    elif status == "in-progress" or over + ORIGIN >= NOW - within_s:
        outcome = "open"
    elif status == "odd":
        outcome = "unclear"
    else:
        outcome = "failed again" if len(chain) > 1 else "not retried"
    errored = sum(each[1] == "errored" for each in chain)
    return (", ".join(str(each[0]) for each in chain), len(chain), errored, outcome, recovery)


@examples(200)
@given(ROWS, st.sampled_from([0, HOUR, 6 * HOUR, 24 * HOUR]))
def test_chains_are_those_that_a_walk_through_each_resource_finds(frame, rows, within_s):
    """Attempts, outcome and time to recovery of each chain, whatever the statuses, gaps and overlaps."""
    table = retries(build(frame, rows), within_s=within_s)

    columns = ["ids", "attempts", "errored", "outcome", "recovery_s"]
    found = table[columns].astype(object).where(table[columns].notna(), None)
    assert sorted(found.itertuples(index=False, name=None)) == sorted(plainly(rows, within_s))
    assert table["first_failure_at"].is_monotonic_decreasing
    assert (table["outcome"].eq("recovered") | table["recovered_at"].isna()).all()


@examples(100)
@given(ROWS)
def test_rates_are_the_shares_of_the_chains(frame, rows):
    """Each type has the counts of its chains, the share that recovered, and scipy's interval of it."""
    actions = build(frame, rows)
    counted = defaultdict(Counter)
    for chain in retries(actions).itertuples():
        counted[chain.type][chain.outcome] += 1

    table = retry_rates(actions)

    assert table["failures"].is_monotonic_decreasing
    assert dict(zip(table["type"], table["failures"], strict=True)) == {t: c.total() for t, c in counted.items()}
    for row in table.itertuples():
        counts = (row.recovered, row.failed_again, row.not_retried, row.open, row.unclear)
        assert counts == tuple(counted[row.type][name] for name in OUTCOMES)
        settled = row.recovered + row.failed_again
        assert np.isnan(row.recovery_rate) if not settled else row.recovery_rate == row.recovered / settled
        if settled and not row.deff > 1:
            interval = stats.binomtest(row.recovered, settled).proportion_ci(method="wilson")
            assert (row.low, row.high) == pytest.approx(tuple(interval))


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ([("errored", 0, HOUR), ("completed", 7, 60)], [(2, "recovered")]),
        ([("errored", 0, HOUR), ("completed", 7.001, 60)], [(1, "not retried")]),
        ([("errored", 0, HOUR), ("completed", 0.5, 60)], [(2, "recovered")]),
        ([("errored", 0, 3), ("odd", 1, 3), ("completed", 2, 60)], [(3, "recovered")]),
        ([("errored", 0, 3), ("odd", 1, 3)], [(2, "unclear")]),
        ([("errored", 0, 3), ("errored", 1, -1), ("errored", 7, 3)], [(3, "failed again")]),
        ([("errored", 0, 3), ("in-progress", 1, 0), ("completed", 8, 60)], [(2, "open")]),
        ([("in-progress", 0, 0), ("errored", 1, 3), ("completed", 2, 60)], [(2, "recovered")]),
        ([("completed", 0, 3), ("completed", 1, 3)], []),
        ([("errored", 0, 3), ("completed", 1, 3), ("errored", 2, 3)], [(1, "not retried"), (2, "recovered")]),
        ([("errored", 393, HOUR)], [(1, "open")]),
        ([("errored", 393, HOUR - 1)], [(1, "not retried")]),
    ],
)
def test_what_follows_a_failure_in_time_is_its_retry(frame, tries, expected):
    """From six hours after its end on it is none; a chain goes on until one completes, and may still go on lately."""
    table = retries(build(frame, [("droplet:1", "resize", *each) for each in tries]))

    assert list(zip(table["attempts"], table["outcome"], strict=True)) == expected


def test_a_failure_without_a_resource_a_type_or_a_start_is_left_out(frame):
    """Nobody can say what it follows, and what follows it."""
    rows = [(None, "resize", "errored", 0, 3), ("droplet:1", None, "errored", 0, 3)]

    assert retries(build(frame, [*rows, ("droplet:1", "resize", "errored", None, 3)])).empty


def failing(frame, outcomes_by_day, resource="droplet:{}"):
    """Build a failure with one retry for each letter of each day: "y" for one that worked, "n" for one that did not."""
    rows, number = [], 0
    for day, letters in enumerate(outcomes_by_day):
        for letter in letters:
            number += 1
            status = "completed" if letter == "y" else "errored"
            rows += [(resource.format(number), "resize", "errored", 24 * day, 3)]
            rows += [(resource.format(number), "resize", status, 24 * day + 1, 60 * number)]
    return build(frame, rows)


def test_the_interval_is_that_of_fewer_where_days_end_alike(frame):
    """Forty failures of four days that end alike say as much as four; forty that differ within each day, as forty."""
    alike = retry_rates(failing(frame, ["y" * 10, "n" * 10, "y" * 10, "n" * 10])).iloc[0]
    mixed = retry_rates(failing(frame, ["yn" * 5] * 4)).iloc[0]

    assert (alike.recovery_rate, mixed.recovery_rate) == (0.5, 0.5)
    assert alike.deff == pytest.approx(10 * 4 / 3)
    assert mixed.deff == pytest.approx(0)
    for row, n in ((alike, 40 / alike.deff), (mixed, 40)):
        z2 = stats.norm.ppf(0.975) ** 2
        margin = np.sqrt(z2 / 4 / n + z2**2 / 4 / n**2) / (1 + z2 / n)
        assert (row.low, row.high) == pytest.approx((0.5 - margin, 0.5 + margin))


def test_the_median_time_to_recovery_needs_six_that_recovered(frame):
    """It is the lower middle one, between the first and the last of six; of five there is none."""
    columns = ["p50_recovery_s", "p50_recovery_low_s", "p50_recovery_high_s"]

    six = retry_rates(failing(frame, ["yyyyyy"]))[columns].iloc[0].tolist()
    five = retry_rates(failing(frame, ["yyyyyn"]))[columns].iloc[0]

    assert six == [HOUR + 3 * 60, HOUR + 60, HOUR + 360]
    assert five.isna().all()


def test_a_failure_is_grouped_by_what_it_was_itself(frame):
    """`by` takes any column, of the first failure; none at all makes one row, also of nothing."""
    actions = failing(frame, ["y"]).assign(region=["fra1", "nyc3"])

    assert retry_rates(actions, by="region")["region"].tolist() == ["fra1"]
    assert retry_rates(actions, by=["resource", "region"])[["failures", "recovered"]].to_numpy().tolist() == [[1, 1]]
    assert retry_rates(actions.head(0), by=())["failures"].tolist() == [0]
    with pytest.raises(InvalidArgument, match="cannot name 'ids'"):
        retry_rates(actions.assign(ids=1), by="ids")


def test_columns_of_the_callers_own_make_groups(frame):
    """A column whose name looks like that of a time, or is one of ours elsewhere, is a column like others."""
    actions = failing(frame, ["y", "n"]).assign(retired_at="never", chain=["a", "a", "b", "b"])

    assert retry_rates(actions, by="retired_at")["failures"].tolist() == [2]
    assert retry_rates(actions, by="chain")[["chain", "recovered"]].to_numpy().tolist() == [["a", 1], ["b", 0]]


@pytest.mark.parametrize("within_s", [-1, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(frame, within_s):
    """The message says what it has to be."""
    with pytest.raises(InvalidArgument, match="within_s is a time in seconds"):
        retries(frame(), within_s=within_s)
