"""Tables of a million actions and of ten million in DuckDB, in processor seconds, each against its bound."""

from __future__ import annotations

import gc
import tempfile
import time
from typing import TYPE_CHECKING, TypeVar

import duckdb
import numpy as np
import pandas as pd
from large_accounts import enlarged, simulated_actions
from measuring import Finding, at_most, seconds

import doaudit as da

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["measure"]

T = TypeVar("T")

_MILLION = 1_000_000
_RESOURCES = 20_000
_RUNS = 3


def measure(*, quick: bool) -> Iterator[Finding]:
    """
    Measure tables of a million actions on 20,000 resources, and, unless *quick*, durations of ten million in DuckDB.

    The bounds are those that the tables were built for, with the design effect of days.
    """
    small, large = simulated_actions(), _fewer_resources(enlarged(simulated_actions(), _MILLION))
    yield _table("findings, 52,292 rows", lambda: da.findings(small), 1.0)
    yield _table("durations by type, 1,000,000 rows", lambda: da.durations(large, "type"), 0.2)
    yield _table("durations by resource, 20,000 resources", lambda: da.durations(large, "resource"), 0.4)
    yield _table("durations by type and resource", lambda: da.durations(large, ["type", "resource"]), 1.5)
    yield _table("open_actions, 1,000,000 rows", lambda: da.open_actions(large), 0.4)
    yield _table("findings, 1,000,000 rows", lambda: da.findings(large), 5.0)
    with tempfile.TemporaryDirectory() as folder:
        yield _table("report, 1,000,000 rows", lambda: da.report(large, folder).findings, 20.0, wall=True)
    if not quick:
        yield from _in_duckdb()


def _in_duckdb() -> Iterator[Finding]:
    rows = _fewer_resources(enlarged(simulated_actions(), 10 * _MILLION))
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows", rows)
    connection.execute("CREATE TABLE actions AS SELECT * REPLACE (type::VARCHAR AS type) FROM rows")
    relation = connection.table("actions")
    del rows
    yield _table("durations by type, 10,000,000 rows in DuckDB", lambda: da.durations(relation, "type"), 1.5, wall=True)
    yield _table(
        "durations by resource, 10,000,000 in DuckDB", lambda: da.durations(relation, "resource"), 6.0, wall=True
    )


def _table(what: str, run: Callable[[], pd.DataFrame], limit_s: float, *, wall: bool = False) -> Finding:
    taken_s, table = _best(run, time.perf_counter if wall else time.process_time)
    unit = "s" if wall else "processor s"
    return Finding(
        f"{what}, {len(table):,} rows out",
        f"{seconds(taken_s)} {'' if wall else 'of a processor'}".strip(),
        f"its bound of {limit_s:g} s",
        f"{taken_s / limit_s:.2f} x",
        *at_most(taken_s, limit_s, unit),
    )


def _best(run: Callable[[], T], clock: Callable[[], float]) -> tuple[float, T]:
    taken = []
    for _ in range(_RUNS):
        gc.collect()
        began = clock()
        result = run()
        taken.append(clock() - began)
    return min(taken), result


def _fewer_resources(actions: pd.DataFrame) -> pd.DataFrame:
    """Spread the actions of a large account over 20,000 resources."""
    codes = actions["resource"].cat.codes.to_numpy(dtype=np.int64)
    names = pd.Index(
        [f"droplet:{number}" for number in range(_RESOURCES)], dtype=actions["resource"].cat.categories.dtype
    )
    folded = pd.Categorical.from_codes(np.where(codes < 0, -1, codes % _RESOURCES), categories=names)
    return actions.assign(resource=folded)
