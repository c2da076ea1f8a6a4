"""Activity by period and by hour of the week, against pandas' own calendar."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from doaudit.analysis import activity, week_pattern
from doaudit.errors import InvalidArgument

MOMENTS = st.datetimes(pd.Timestamp("2013-12-30").to_pydatetime(), pd.Timestamp("2014-03-02").to_pydatetime())
STATUS = ["completed", "done", "errored", "in-progress", "pending"]
ROWS = st.lists(st.tuples(MOMENTS, st.sampled_from(STATUS)), min_size=1, max_size=25)
# pandas has these periods too; its week is named after the day on which it ends.
PANDAS_PERIOD = {"h": "h", "D": "D", "W": "W-SUN", "MS": "M", "ME": "M"}


def in_columns(rows):
    """State starts to the second, and statuses."""
    return {"started_at": [f"{at:%Y-%m-%dT%H:%M:%S}Z" for at, _ in rows], "status": [status for _, status in rows]}


@examples(20)
@pytest.mark.parametrize("freq", PANDAS_PERIOD)
@given(rows=ROWS)
def test_every_period_is_there_and_counts_its_own(frame, rows, freq):
    """Periods run without a gap from the first start to the last, and hold what started in them, by outcome."""
    periods = pd.PeriodIndex([at for at, _ in rows], freq=PANDAS_PERIOD[freq])
    every = pd.period_range(periods.min(), periods.max())
    words = pd.Series([status for _, status in rows])

    table = activity(frame(**in_columns(rows)), freq)

    assert table["period"].tolist() == every.start_time.tz_localize("UTC").tolist()
    for outcome, spelled in {
        "actions": STATUS,
        "completed": ["completed", "done"],
        "errored": ["errored"],
        "open": ["in-progress"],
        "unclear": ["pending"],
    }.items():
        started = Counter(period.ordinal for period in periods[words.isin(spelled)])
        assert table[outcome].tolist() == [started[ordinal] for ordinal in every.astype("int64")]


def test_weeks_start_on_monday(frame):
    """Sunday's last second belongs to the week of the Monday before, the next to a new one."""
    table = activity(frame(started_at=["2026-03-08T23:59:59Z", "2026-03-09T00:00:00Z"]), "W")

    assert table["period"].dt.strftime("%a %F").tolist() == ["Mon 2026-03-02", "Mon 2026-03-09"]


def test_an_action_without_a_start_is_in_no_period(frame):
    """What cannot be placed is left out rather than put anywhere."""
    actions = frame(started_at=["2026-03-02T10:00:00Z", None])

    assert activity(actions)["actions"].tolist() == [1]
    assert week_pattern(actions)["actions"].sum() == 1


@pytest.mark.parametrize("freq", ["M", "d", "week", "", None])
def test_an_unknown_period_is_refused_with_the_known_ones(frame, freq):
    """The error lists what there is."""
    with pytest.raises(InvalidArgument, match=r"one of 'h', 'D', 'W', 'MS', 'ME'; got"):
        activity(frame(), freq)


@examples(40)
@given(rows=ROWS)
def test_the_week_has_168_hours(frame, rows):
    """Each hour of the week, Monday first, counts what started in it and the share of the finished that errored."""
    table = week_pattern(frame(**in_columns(rows)))

    assert table[["weekday", "hour"]].to_numpy().tolist() == [[day, hour] for day in range(7) for hour in range(24)]
    for row in table.itertuples():
        here = [status for at, status in rows if (at.weekday(), at.hour) == (row.weekday, row.hour)]
        finished = [status for status in here if status in ("completed", "done", "errored")]
        assert (row.actions, row.errored) == (len(here), here.count("errored"))
        assert row.failure_rate == here.count("errored") / len(finished) if finished else pd.isna(row.failure_rate)
