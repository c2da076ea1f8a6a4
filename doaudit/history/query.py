"""Queries: the stored actions as the actions frame (see `doaudit.actions`), and SQL that only reads."""

# ruff: noqa: S608 -- statements are made of this package's own constants; values never stand in them

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd

from doaudit.actions import COLUMNS, categorical, text_dtype
from doaudit.errors import InvalidArgument
from doaudit.history.connection import is_damage

if TYPE_CHECKING:
    from datetime import datetime

    from duckdb import DuckDBPyConnection

__all__ = ["count_actions", "read_frame", "read_ids", "run_query"]

_TEXTS = ("type", "status", "resource_type", "resource", "region")
_TIMES = ("started_at", "completed_at", "observed_at")
_SELECT = """
    SELECT a.id, type, status, resource_type, resource_id, coalesce(o.key, a.resource) AS resource, region,
        started_at, completed_at, observed_at
    FROM stored.actions a LEFT JOIN stored.action_resource o ON o.id = a.id
"""
_QUERIES = {duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN}


def read_frame(connection: DuckDBPyConnection) -> pd.DataFrame:
    """
    Return the actions frame; see `doaudit.actions`.

    Texts become codes inside DuckDB: an ENUM of the texts that occur, in their order, arrives as a categorical.
    """
    connection.execute(f"CREATE TEMP VIEW chosen AS {_SELECT}")
    for column in _TEXTS:
        connection.execute(
            f"CREATE TEMP TYPE {column}_texts AS ENUM "
            f"(SELECT DISTINCT {column} FROM chosen WHERE {column} IS NOT NULL ORDER BY {column})"
        )
    coded = ", ".join(f"{column}::{column}_texts AS {column}" for column in _TEXTS)
    frame = connection.execute(f"SELECT * REPLACE ({coded}) FROM chosen").df()
    for column in _TEXTS:
        connection.execute(f"DROP TYPE {column}_texts")
    connection.execute("DROP VIEW chosen")
    # Rows were mostly stored in the order of their starts, which this sort exploits; DuckDB's takes ten times as long.
    # A null start is the smallest number there is, and so comes last.
    order = np.lexsort((frame["id"].to_numpy(), frame["started_at"].to_numpy().view("int64")))[::-1]
    frame = frame.take(order).reset_index(drop=True)
    return _actions_frame(frame, dict(connection.execute("SELECT key, name FROM stored.resources").fetchall()))


def _actions_frame(frame: pd.DataFrame, names: dict[str, str | None]) -> pd.DataFrame:
    """Give the rows the columns and dtypes of the actions frame."""
    columns: dict[str, object] = {"id": frame["id"], "resource_id": frame["resource_id"].astype("Int64")}
    for text in _TEXTS:
        codes, texts = frame[text].cat.codes, frame[text].cat.categories
        columns[text] = pd.Categorical.from_codes(codes, categories=pd.Index(texts, dtype=text_dtype()))
    # A name belongs to a resource: it is looked up once for each of them, and the rows take theirs by code.
    names_by_code = categorical([*(names.get(key) for key in frame["resource"].cat.categories), None])
    columns["resource_name"] = names_by_code.take(frame["resource"].cat.codes.to_numpy())
    for time in _TIMES:
        columns[time] = frame[time].dt.as_unit("s").dt.tz_localize("UTC")
    return pd.DataFrame({name: columns[name] for name in COLUMNS})


def read_ids(connection: DuckDBPyConnection, *, open_only: bool = False, since: datetime | None = None) -> np.ndarray:
    """Return the ids of all actions, of the open ones, or of those that started later than a moment, ascending."""
    table = (
        "stored.unsettled WHERE is_open" if open_only else "stored.actions WHERE $since IS NULL OR started_at > $since"
    )
    values = {} if open_only else {"since": since and since.astimezone(UTC).replace(tzinfo=None)}
    return np.asarray(connection.execute(f"SELECT id FROM {table} ORDER BY id", values).fetchnumpy()["id"])


def count_actions(connection: DuckDBPyConnection) -> int:
    """Return the number of stored actions."""
    [(rows,)] = connection.execute("SELECT count(*) FROM stored.actions").fetchall()
    return int(rows)


def run_query(connection: DuckDBPyConnection, query: str) -> pd.DataFrame:
    """
    Run one SQL statement that only reads; see `Store.sql`.

    Raises:
        InvalidArgument: it is not one query, is no SQL, asks for something that is not there, or would write.
        duckdb.Error: the file is damaged.
    """
    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1:
            raise InvalidArgument(f"A query is one SQL statement; this has {len(statements)}.")
        if statements[0].type not in _QUERIES:
            raise InvalidArgument(
                f"The history can only be read here, and this is a statement of the kind {statements[0].type.name}. "
                "Begin with SELECT, FROM, WITH, DESCRIBE, SUMMARIZE or EXPLAIN."
            )
        return _result(connection, statements[0])
    except duckdb.Error as fault:
        if is_damage(fault):
            raise
        raise InvalidArgument(f"The query cannot be answered. DuckDB: {fault}") from None


def _result(connection: DuckDBPyConnection, statement: duckdb.Statement) -> pd.DataFrame:
    """Return the rows of a query; times with a zone arrive in UTC."""
    result = connection.sql(statement)
    is_zoned = [str(kind) == "TIMESTAMP WITH TIME ZONE" for kind in result.types]
    # DuckDB's own conversion of times with a zone needs a pandas that is older than today's.
    plain = ", ".join(
        (f"timezone('UTC', #{position})" if zoned else f"#{position}") + f" AS {_quoted(name)}"
        for position, (name, zoned) in enumerate(zip(result.columns, is_zoned, strict=True), start=1)
    )
    table: pd.DataFrame = result.project(plain).df()
    for position, zoned in enumerate(is_zoned):
        if zoned:
            table.isetitem(position, table.iloc[:, position].dt.tz_localize("UTC"))
    return table


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
