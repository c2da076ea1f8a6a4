"""Incidents: against plain counting and scipy, and how many are found and how many are false."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from doaudit.analysis import daily_failures, incidents
from doaudit.errors import InvalidArgument

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["fra1", "nyc3", None]),
        st.sampled_from(["resize", "reboot", None]),
        st.sampled_from(["completed", "errored", "in-progress", "odd"]),
        st.sampled_from([None, *(f"2026-03-0{day}T{hour}:00:00Z" for day in range(1, 5) for hour in ("00", "23"))]),
    ),
    min_size=1,
    max_size=60,
)


def plainly(rows):
    """Count by region and day with loops, and compute what was to be expected."""
    cells, of_type = defaultdict(lambda: defaultdict(lambda: [0, 0])), defaultdict(lambda: [0, 0])
    started = [row for row in rows if row[3] is not None]
    for region, type_, status, start in started:
        cell = cells[region, start[:10]][type_]
        for counts in (cell, of_type[type_]) if status in ("completed", "errored") else ():
            counts[0] += 1
            counts[1] += status == "errored"
    table = {}
    for (region, day), by_type in cells.items():
        finished, errored = (sum(counts[at] for counts in by_type.values()) for at in (0, 1))
        expected = sum(
            n * (of_type[type_][1] - k + 0.5) / (of_type[type_][0] - n + 1) for type_, (n, k) in by_type.items()
        )
        table[region, day] = (finished, errored, expected)
    return table


@examples(150)
@given(ROWS)
def test_each_day_has_the_failures_that_loops_count(frame, rows):
    """Counts, what was to be expected and the q of each day are those of plain loops and scipy."""
    regions, kinds, status, starts = map(list, zip(*rows, strict=True))
    expected = plainly(rows)

    table = daily_failures(frame(region=regions, type=kinds, status=status, started_at=starts))

    found = {
        (None if pd.isna(row.region) else row.region, f"{row.day:%Y-%m-%d}"): (row.finished, row.errored, row.expected)
        for row in table.itertuples()
    }
    assert found.keys() == expected.keys()
    for cell, figures in expected.items():
        assert found[cell] == pytest.approx(figures)
    tested = [figures for figures in expected.values() if figures[0]]
    p = [stats.poisson.sf(errored - 1, mean) for _, errored, mean in tested]
    q = sorted(stats.false_discovery_control(p)) if tested else []
    assert sorted(table["q"].dropna()) == pytest.approx(q)


def burst(frame, regions=("fra1", "nyc3"), days=("2026-03-15",), failed=8):
    """Four weeks of ten reboots a day and region that complete, and a burst of resizes that fail in fra1."""
    usual = [(region, "reboot", "completed", f"2026-03-{day:02}") for day in range(1, 29) for region in regions] * 10
    bad = [("fra1", "resize", "errored", day) for day in days] * failed
    elsewhere = [("nyc3", "resize", "completed", "2026-03-10")] * 600
    where, kinds, status, started = map(list, zip(*usual, *bad, *elsewhere, strict=True))
    return frame(region=where, type=kinds, status=status, started_at=[f"{day}T10:00:00Z" for day in started])


def test_a_burst_is_found_with_its_times_types_and_ids(frame):
    """One row says where, when, how many of how many, what was expected, which types, and which actions."""
    [row] = incidents(burst(frame)).to_dict("records")

    assert (row["region"], row["actions"], row["errored"], row["types"]) == ("fra1", 18, 8, "resize (8)")
    assert row["first_failure_at"] == row["last_failure_at"] == pd.Timestamp("2026-03-15T10:00:00Z")
    assert row["expected"] == pytest.approx(10 * 0.5 / 551 + 8 * 0.5 / 601)
    assert row["ids"].split(", ") == [str(number) for number in range(561, 569)]
    assert row["q"] < 1e-6


def test_days_that_follow_each_other_are_one_incident(frame):
    """A burst over midnight is one row; a second one a week later is another."""
    table = incidents(burst(frame, days=("2026-03-15", "2026-03-16", "2026-03-23")))

    assert table["errored"].tolist() == [16, 8]
    assert [f"{day:%d}" for day in table["last_failure_at"]] == ["16", "23"]


def test_a_single_failure_is_no_incident(frame):
    """One failure of a type that never failed elsewhere may be chance."""
    assert incidents(burst(frame, failed=1)).empty


@pytest.mark.parametrize("max_q", [0, 1, 5])
def test_a_share_of_false_alarms_is_a_share(frame, max_q):
    """5 for 5 % is refused."""
    with pytest.raises(InvalidArgument, match=r"such as 0\.05; got"):
        incidents(frame(), max_q=max_q)


def test_actions_without_a_start_are_of_no_day(frame):
    """They are left out, since nobody knows when they failed."""
    assert daily_failures(frame(started_at=[None] * 3, status=["errored"] * 3)).empty


@pytest.mark.release
def test_quiet_accounts_raise_no_alarm():
    """Of 200 simulated years without an incident, whose types fail by chance, at most a twentieth have a row."""
    random, alarms = np.random.default_rng(11), 0
    rates = {"snapshot": 0.012, "resize": 0.035, "reboot": 0.008, "rename": 0.0, "restore": 0.03}
    for _ in range(200):
        count = int(random.choice([300, 3_000, 20_000]))
        kinds = random.choice(list(rates), count, p=[0.3, 0.05, 0.6, 0.02, 0.03])
        failed = random.random(count) < np.array([rates[kind] for kind in kinds])
        starts = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(random.integers(0, 365 * 86_400, count), "s")
        times = pd.Series(starts).dt.as_unit("s")
        actions = pd.DataFrame(
            {
                "id": range(count),
                "type": pd.Categorical(kinds),
                "status": pd.Categorical(np.where(failed, "errored", "completed")),
                "region": pd.Categorical(random.choice(["fra1", "nyc3", "ams3"], count)),
                "started_at": times,
                "completed_at": times,
                "observed_at": times,
            }
        )
        alarms += not incidents(actions).empty

    assert alarms <= 10
