"""Design effects counted where the rows are: the same as out of a tally by day, whatever words the groups have."""

from __future__ import annotations

import pytest
from engine_frames import plain, to_duckdb, to_polars
from examples import examples
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import doaudit as da
from doaudit.actions import Record, categorical, to_frame

NOW = 1_795_435_200
DAY_S = 86_400
WORDS = st.none() | st.sampled_from(
    ["snapshot", "", "it's", "'); DROP TABLE actions; --", "x\x00y", "\\", '"', "\ue000", "NULL", "ü", "a" * 300]
)
ROW = st.tuples(
    WORDS,
    st.none() | st.sampled_from(["ams3", "fra1"]),
    st.sampled_from(["completed", "done", "errored", "in-progress", "odd", None]),
    st.integers(0, 6),  # the day
    st.none() | st.integers(-5, 40),  # seconds
)
BY = [(), "type", ["type", "region"], ["region", "type"]]


def frame_of(rows):
    """Return actions that started on some days and took some seconds."""
    records = [
        Record(number, status, None, NOW - day * DAY_S, None if took is None else NOW - day * DAY_S + took)
        for number, (_, _, status, day, took) in enumerate(rows, start=1)
    ]
    frame = to_frame(records, NOW + 60).sort_values("id", ignore_index=True)
    words = {"type": categorical(row[0] for row in rows), "region": categorical(row[1] for row in rows)}
    return frame.assign(**words)


@examples(40)
@given(rows=st.lists(ROW, min_size=1, max_size=60), by=st.sampled_from(BY), of=st.sampled_from(["completed", "ended"]))
def test_the_engine_counts_what_pandas_counts(rows, by, of):
    """Nulls, quotes, SQL and nothing at all in the names of groups change no figure, in DuckDB and in Polars."""
    actions = frame_of(rows)
    options = {"by": by, "of": of, "slo_s": 7.5}
    expected, curves = da.durations(actions, **options), da.duration_curves(actions, by, of=of)

    for rows_elsewhere in (to_duckdb(actions, "Asia/Kolkata"), to_polars(actions), to_polars(actions).lazy()):
        assert_frame_equal(plain(da.durations(rows_elsewhere, **options)), plain(expected))
        assert_frame_equal(plain(da.duration_curves(rows_elsewhere, by, of=of)), plain(curves))


@pytest.mark.parametrize("groups", [64, 65])
def test_where_the_limit_of_groups_lies_nothing_changes(groups):
    """With one group more than are joined, days are counted another way, with the same figures."""
    rows = [(f"type {n % groups:02d}", None, "completed", n % 7, n * n % 31) for n in range(groups * 8)]
    actions = frame_of(rows)

    expected = plain(da.durations(actions))

    assert_frame_equal(plain(da.durations(to_duckdb(actions, "UTC"))), expected)
    assert_frame_equal(plain(da.durations(to_polars(actions).lazy())), expected)
