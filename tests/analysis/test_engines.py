"""Frames of other engines: what is read from them, and what is refused."""

from __future__ import annotations

import narwhals as nw
import pandas as pd
import polars as pl
import pytest

from doaudit.analysis import durations
from doaudit.analysis.engines import read_frame, to_pandas
from doaudit.errors import InvalidArgument


def test_every_engine_hands_over_the_same_values(frame, elsewhere):
    """Whole numbers beyond 2^53, words and nulls come into pandas as they are, from every engine."""
    actions = frame(id=[2**53 + 1, 2], type=["resize", None], resource_id=[None, 2**53 + 3])

    table = to_pandas(read_frame(elsewhere(actions), ["id", "type", "resource_id"]))

    assert table["id"].tolist() == [2**53 + 1, 2]
    assert table["type"].astype(object).where(table["type"].notna(), None).tolist() == ["resize", None]
    assert table["resource_id"].astype("Int64").tolist() == [pd.NA, 2**53 + 3]


def test_truth_values_of_polars_keep_their_nulls():
    """A null among truth values is no False."""
    column = to_pandas(nw.from_native(pl.DataFrame({"stuck": [True, None, False]})))["stuck"]

    assert column.dtype == "boolean"
    assert column.isna().tolist() == [False, True, False]


def test_other_things_are_no_actions(frame):
    """A frame without the columns of an action, or no frame at all, is refused with what is wrong."""
    with pytest.raises(InvalidArgument, match=r"lacks 'status', 'observed_at'\. account\.actions\(\)"):
        durations(frame().drop(columns=["status", "observed_at"]))
    with pytest.raises(InvalidArgument, match="Dask, Spark or ibis; this is of type list"):
        durations([1, 2])
