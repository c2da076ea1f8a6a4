"""
Histories of any size, made inside the database: an account with millions of actions, read whole a moment ago.

Each action is a finished one of the simulated company, chosen by its number, at a time and with a duration of its own.
They are spread evenly over the three years up to `READ_AT`, ids rise with the starts, and a few of the newest are open.
The notes that a complete read leaves are written, too, so a refresh goes on from it; `list_server` serves such a list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pandas as pd
from large_accounts import simulated_actions

from doaudit.api.page_planner import Read, Window
from doaudit.api.rank_anchor import newest_anchor
from doaudit.history.proof import PROOF
from doaudit.history.schema import STEPS, migrate
from doaudit.history.side_tables import write_notes
from doaudit.history.store import open_store
from doaudit.resources import resource_key

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from doaudit.history.store import Store

__all__ = ["ACCOUNT", "NEWEST_FIRST", "PER_PAGE", "READ_AT", "make_history", "make_parquet"]

ACCOUNT = "a-large-account"
READ_AT = 1_795_435_200  # the end of the simulated company's history: 2026-11-23T12:00:00Z
PER_PAGE = 200
NEWEST_FIRST = """
    SELECT id, status, type, epoch(started_at)::BIGINT, epoch(completed_at)::BIGINT, resource_id, resource_type, region
    FROM stored.actions ORDER BY started_at DESC, id DESC LIMIT ?
"""

_SEED, _SPAN_S, _FIRST_ID = 7, 3 * 365 * 86_400, 2**31
_FLEETS = 4  # so many companies, each with resources of its own: about 20,000 in all
_VERSION = 3  # of the tables that rows are inserted into; what came later is left to the package's own migration
_OPEN, _OPEN_EACH = 5, 7
_ROWS = f"""
    WITH numbered AS (
        SELECT i, hash(i, {_SEED}) AS chance,
            {READ_AT - _SPAN_S} + i * {_SPAN_S} // $rows
                + (hash(i, {_SEED + 1}) % greatest({_SPAN_S} // $rows, 1))::BIGINT AS started,
            i > $rows - {_OPEN * _OPEN_EACH} AND ($rows - i) % {_OPEN_EACH} = 1 AS is_open
        FROM range($first, $until) r(i)
    )
    SELECT {_FIRST_ID} + 3 * i + (chance % 3)::BIGINT AS id, s.type, if(is_open, 'in-progress', s.status) AS status,
        s.resource_type, s.resource_id, s.resource, s.region,
        make_timestamp(started * 1000000)::TIMESTAMP_S AS started_at,
        if(is_open, NULL, make_timestamp(
            least(started + round(s.taken * (0.9 + (chance % 1000) / 5000.0))::BIGINT, {READ_AT}) * 1000000
        )::TIMESTAMP_S) AS completed_at,
        make_timestamp({READ_AT}000000)::TIMESTAMP_S AS observed_at,
        make_timestamp({READ_AT}000000)::TIMESTAMP_S AS first_seen_at,
        if(is_open, make_timestamp({READ_AT}000000)::TIMESTAMP_S, NULL) AS last_open_at
    FROM numbered JOIN examples s ON s.number = (chance % $examples)::BIGINT
"""
_TIMES = ", ".join(f"{name}::TIMESTAMPTZ AS {name}" for name in ("started_at", "completed_at", "observed_at"))
_FRAME = f"""
    SELECT id, type, status, resource_type, resource_id, resource, 'name-of-' || resource AS resource_name, region,
        {_TIMES}
    FROM ({_ROWS}) ORDER BY id
"""
_MONTHS = 36  # of three years: as many files as an export has


def make_history(path: Path, rows: int) -> Store:
    """
    A history file of so many actions, opened: of the tables of version 3, then migrated by the package.

    A transaction of its own for the rows, as DuckDB then writes them while they are made, and keeps few in memory.
    """
    with duckdb.connect(path, config={"storage_compatibility_version": "v1.4.0"}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        migrate(connection, ACCOUNT, path.name, steps=STEPS[:_VERSION])
        examples = _examples()
        connection.register("examples", examples)
        chosen = {"rows": rows, "first": 0, "until": rows, "examples": len(examples)}
        connection.execute(f"INSERT INTO stored.actions BY NAME {_ROWS}", chosen)
        write_notes(connection, _notes(connection, rows))
    return open_store(path, ACCOUNT, wait_s=60)


def make_parquet(folder: Path, rows: int) -> None:
    """Parquet files of so many actions, about a month in each, with the columns of an actions frame."""
    folder.mkdir()
    examples = _examples()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("given", examples)
        connection.execute("CREATE TABLE examples AS FROM given")
        for month in range(_MONTHS):
            first, until = month * rows // _MONTHS, (month + 1) * rows // _MONTHS
            chosen = {"rows": rows, "first": first, "until": until, "examples": len(examples)}
            connection.execute(f"COPY ({_FRAME}) TO '{folder / f'{month:02d}.parquet'}' (FORMAT parquet)", chosen)


def _examples() -> pd.DataFrame:
    """Finished actions of the simulated company, some times over, each time with resources of its own."""
    actions = simulated_actions()
    actions = actions[actions["completed_at"].notna()]
    columns = ["type", "status", "resource_type", "region"]
    plain = pd.DataFrame({name: actions[name].astype("object").where(actions[name].notna(), None) for name in columns})
    plain["resource_id"] = actions["resource_id"]
    plain["taken"] = (actions["completed_at"] - actions["started_at"]).dt.total_seconds()
    fleets = [plain.assign(resource_id=plain["resource_id"] + 1_000_003 * fleet) for fleet in range(_FLEETS)]
    examples = pd.concat(fleets, ignore_index=True)
    pairs = zip(examples["resource_type"], examples["resource_id"].astype("object"), strict=True)
    examples["resource"] = [resource_key(kind, None if pd.isna(number) else number) for kind, number in pairs]
    examples["number"] = range(len(examples))
    return examples


def _notes(connection: DuckDBPyConnection, rows: int) -> dict[str, object]:
    """The notes of a complete read: the proof, and that every rank below the anchor was read."""
    page = connection.execute(NEWEST_FIRST, [PER_PAGE]).fetchall()
    moments = pd.to_datetime([row[3] for row in page], unit="s")
    ids = tuple(row[0] for row in page)
    anchor = newest_anchor(Read(Window(1, PER_PAGE), rows, tuple(moments.strftime("%Y-%m-%dT%H:%M:%SZ"))), ids)
    read_at = pd.Timestamp(READ_AT, unit="s", tz="UTC").isoformat()
    pages = -(-rows // PER_PAGE)
    proof = {"total_reported": rows, "distinct_ids": rows, "pages_read": pages, "pages_read_again": 0, "arrived": 0}
    proof |= {"is_newest_first": True, "complete": True, "reason": "", "started": read_at, "finished": read_at}
    coverage = {
        "held": rows,
        "spans": [[0, anchor.below]],
        "anchor": {"second": anchor.second, "below": anchor.below, "ids": list(anchor.ids)},
        "uncounted": sorted(ids[: rows - anchor.below]),
        "set_aside": [],
    }
    return {PROOF: proof, "coverage": coverage}
