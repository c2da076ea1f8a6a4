"""The stored actions as the actions frame; see `doaudit.actions`."""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from doaudit.actions import COLUMNS, text_dtype, words

if TYPE_CHECKING:
    import duckdb
    from duckdb import DuckDBPyConnection

__all__ = ["read_frame", "run_query"]

_WORDS = ("type", "status", "resource_type", "resource", "region")
_TIMES = ("started_at", "completed_at", "observed_at")
_ROWS = """
    SELECT a.id, type, status, resource_type, resource_id, coalesce(o.key, a.resource) AS resource, region,
        started_at, completed_at, observed_at
    FROM stored.actions a LEFT JOIN stored.action_resource o ON o.id = a.id
"""


def read_frame(connection: DuckDBPyConnection, limit: int | None = None) -> pd.DataFrame:
    """
    The actions frame, or its first rows.

    Texts become codes inside DuckDB: an ENUM of the texts that occur, in their order, arrives as a categorical.
    """
    if limit is None:
        connection.execute(f"CREATE TEMP VIEW chosen AS {_ROWS}")
    else:
        newest = "ORDER BY a.started_at DESC NULLS LAST, a.id DESC"
        connection.execute(f"CREATE TEMP TABLE chosen AS {_ROWS} {newest} LIMIT {int(limit)}")
    for word in _WORDS:
        connection.execute(
            f"CREATE TEMP TYPE {word}_words AS ENUM "
            f"(SELECT DISTINCT {word} FROM chosen WHERE {word} IS NOT NULL ORDER BY {word})"
        )
    coded = ", ".join(f"{word}::{word}_words AS {word}" for word in _WORDS)
    frame = connection.execute(f"SELECT * REPLACE ({coded}) FROM chosen").df()
    for word in _WORDS:
        connection.execute(f"DROP TYPE {word}_words")
    connection.execute(f"DROP {'VIEW' if limit is None else 'TABLE'} chosen")
    # Rows were mostly stored in the order of their starts, which this sort exploits; DuckDB's takes ten times as long.
    # A null start is the smallest number there is, and so comes last.
    order = np.lexsort((frame["id"].to_numpy(), frame["started_at"].to_numpy().view("int64")))[::-1]
    frame = frame.take(order).reset_index(drop=True)
    return _in_contract(frame, dict(connection.execute("SELECT key, name FROM stored.resources").fetchall()))


def _in_contract(frame: pd.DataFrame, names: dict[str, str | None]) -> pd.DataFrame:
    columns: dict[str, object] = {"id": frame["id"], "resource_id": frame["resource_id"].astype("Int64")}
    for word in _WORDS:
        codes, texts = frame[word].cat.codes, frame[word].cat.categories
        columns[word] = pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=text_dtype()))
    # A name belongs to a resource: it is looked up once for each of them, and the rows take theirs by code.
    called = words([*(names.get(key) for key in frame["resource"].cat.categories), None])
    columns["resource_name"] = called.take(frame["resource"].cat.codes.to_numpy())
    for time in _TIMES:
        columns[time] = frame[time].dt.as_unit("s").dt.tz_localize("UTC")
    return pd.DataFrame({name: columns[name] for name in COLUMNS})


def run_query(connection: DuckDBPyConnection, statement: duckdb.Statement) -> pd.DataFrame:
    """What a query gives; its times with a time zone arrive as UTC."""
    result = connection.sql(statement)
    zoned = [str(kind) == "TIMESTAMP WITH TIME ZONE" for kind in result.types]
    # DuckDB's own way of giving a frame times with a zone needs a pandas that is older than today's.
    plain = ", ".join(
        (f"timezone('UTC', #{place})" if in_zone else f"#{place}") + f" AS {_quoted(name)}"
        for place, (name, in_zone) in enumerate(zip(result.columns, zoned, strict=True), start=1)
    )
    table: pd.DataFrame = result.project(plain).df()
    for place, in_zone in enumerate(zoned):
        if in_zone:
            table.isetitem(place, table.iloc[:, place].dt.tz_localize("UTC"))
    return table


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
