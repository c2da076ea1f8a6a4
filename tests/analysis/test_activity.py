"""Activity by period and by hour of the week, against the calendars of pandas and of Python."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

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


ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"]
AROUND_CHANGES = st.one_of(
    # Berlin, New York (both ways) and Lord Howe, which moves its clocks by half an hour.
    *(
        st.datetimes(pd.Timestamp(day).to_pydatetime(), pd.Timestamp(day).to_pydatetime() + timedelta(hours=48))
        for day in ("2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-03", "2026-10-02")
    )
)


@examples(300, quick=15)
@given(starts=st.lists(AROUND_CHANGES, min_size=1, max_size=12), tz=st.sampled_from(ZONES))
def test_the_hour_is_that_of_a_clock_in_the_zone(frame, elsewhere, starts, tz):
    """Whatever its offset and on the days that clocks are changed, each start is in the hour that the clock showed."""
    seconds = [start.replace(microsecond=0, tzinfo=UTC) for start in starts]
    shown = [second.astimezone(ZoneInfo(tz)) for second in seconds]
    actions = frame(started_at=[second.isoformat() for second in seconds])

    table = week_pattern(elsewhere(actions), tz)

    there = table[table["actions"] > 0]
    counted = dict(zip(zip(there["weekday"], there["hour"], strict=True), there["actions"], strict=True))
    assert counted == Counter((moment.weekday(), moment.hour) for moment in shown)
    assert set(table["zone"]) == {tz}


@pytest.mark.parametrize(
    ("tz", "hint"),
    [("utc", "'UTC'"), ("Berlin", "'Europe/Berlin'"), ("Asia/Calcuta", "'Asia/Calcutta'"), ("Europe", "'")],
)
def test_an_unknown_zone_is_refused_with_the_one_that_may_be_meant(frame, tz, hint):
    """A name that is nearly right gets the right one, and a folder of zones is no zone."""
    with pytest.raises(InvalidArgument, match=f"name of a time zone.*got '{tz}'. Did you mean {hint}"):
        week_pattern(frame(), tz)


@pytest.mark.parametrize("tz", ["", "../UTC", None, 5, "\0"])
def test_what_is_no_name_of_a_zone_is_refused(frame, tz):
    """Nothing outside the list of zones is looked up."""
    with pytest.raises(InvalidArgument, match="name of a time zone"):
        week_pattern(frame(), tz)


GROUPED = st.lists(st.tuples(MOMENTS, st.sampled_from(STATUS), st.sampled_from(["a", "b", None])), max_size=25)


@examples(60, quick=6)
@pytest.mark.parametrize("freq", ["D", "W", "MS"])
@given(rows=GROUPED)
def test_each_group_has_every_period(frame, elsewhere, rows, freq):
    """The rows of a group are the table of its own actions, with the periods of all, in order of the groups."""
    actions = frame(**in_columns([row[:2] for row in rows]), type=[row[2] for row in rows])
    whole = activity(actions, freq)

    table = activity(elsewhere(actions), freq, by="type")

    names = sorted({row[2] for row in rows}, key=lambda name: (name is None, name))
    assert table["type"].astype(object).fillna("~").tolist() == [name or "~" for name in names for _ in whole.index]
    summed = table.drop(columns="type").groupby("period", as_index=False).sum()
    assert summed.to_numpy().tolist() == whole.to_numpy().tolist()
    for name in names:
        own = activity(actions[actions["type"].isna() if name is None else actions["type"] == name], freq)
        part = table[table["type"].isna() if name is None else table["type"] == name].drop(columns="type")
        inside = part[part["period"].between(own["period"].min(), own["period"].max())]
        assert inside.to_numpy().tolist() == own.to_numpy().tolist()
        assert part["actions"].sum() == own["actions"].sum()


def test_more_rows_than_anybody_reads_are_refused(frame):
    """Thousands of groups in years of hours would fill the memory; the message says what to take instead."""
    starts = ["2013-01-01T00:00:00Z", "2026-01-01T00:00:00Z"] * 30
    actions = frame(started_at=starts, resource=[f"droplet:{number}" for number in range(60)])

    with pytest.raises(InvalidArgument, match="60 groups in 113,953 periods are more than 5,000,000 rows"):
        activity(actions, "h", by="resource")
    assert len(activity(actions, "MS", by="resource")) == 60 * 157


def test_a_figures_name_is_no_group(frame):
    """A column that has the name of a figure cannot be grouped by."""
    with pytest.raises(InvalidArgument, match="by cannot name 'open'"):
        activity(frame().assign(open="yes"), "D", by="open")


def test_a_resource_has_its_newest_name_beside_its_key(frame):
    """As in every table by resource, people read names, and the key says which it is."""
    actions = frame(
        resource=["droplet:1", "droplet:1", None],
        resource_name=["old", "new", None],
        started_at=["2026-03-02T10:00:00Z", "2026-03-03T10:00:00Z", "2026-03-02T10:00:00Z"],
    )

    table = activity(actions, "D", by=["resource", "type"])

    assert table.columns[:4].tolist() == ["resource", "resource_name", "type", "period"]
    assert table["resource_name"].astype(object).fillna("~").tolist() == ["new", "new", "~", "~"]
