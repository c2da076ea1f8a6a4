"""Percentiles of durations on accounts larger than any that has been reported, and what their frames weigh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from large_accounts import enlarged, simulated_actions
from measuring import Finding, at_most, in_turns, seconds

import doaudit as da

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

__all__ = ["measure_durations", "measure_memory"]

_MILLION = 1_000_000
_PERCENTILES = [0.5, 0.9, 0.99]


def measure_durations(*, quick: bool) -> Iterator[Finding]:
    """
    `durations` by type on one and, unless *quick*, ten million rows.

    The peer takes plain percentiles of the same finished actions. It gives no intervals, and leaves out open actions.
    """
    yield _durations(_MILLION, limit_s=0.5, times=5)
    if not quick:
        yield _durations(10 * _MILLION, limit_s=5, times=3)


def _durations(rows: int, limit_s: float, times: int) -> Finding:
    actions = enlarged(simulated_actions(), rows)
    ours_s, theirs_s, table = in_turns(
        times, lambda: da.durations(actions, by="type"), lambda: _plain_percentiles(actions)
    )
    if table["actions"].sum() != rows:
        raise RuntimeError(f"durations() counted {table['actions'].sum():,} of {rows:,} actions.")
    return Finding(
        f'durations(by="type"), {rows:,} rows, {len(table)} types',
        seconds(ours_s),
        f"pandas groupby().quantile {seconds(theirs_s)}",
        f"{ours_s / theirs_s:.2f} x",
        *at_most(ours_s, limit_s, "s"),
    )


def _plain_percentiles(actions: pd.DataFrame) -> pd.Series[float]:
    taken = (actions["completed_at"] - actions["started_at"]).dt.total_seconds()
    return taken.groupby(actions["type"], observed=True).quantile(_PERCENTILES)  # type: ignore[arg-type]  # the stubs know of no list


def measure_memory(*, quick: bool) -> Iterator[Finding]:
    """Bytes a row of the simulated account's frame and of a million rows, against columns of objects."""
    del quick
    actions = simulated_actions()
    for name, frame in (("simulated account", actions), ("20 accounts in one", enlarged(actions, _MILLION))):
        ours, theirs = _bytes_a_row(frame), _bytes_a_row(frame.head(10_000).astype(object))
        yield Finding(
            f"memory, {name}, {len(frame):,} rows, {frame['resource'].nunique():,} resources",
            f"{ours:.1f} bytes/row",
            f"the same as Python objects {theirs:.0f} bytes/row",
            f"{ours / theirs:.2f} x",
            *at_most(ours, 64, "bytes/row"),
        )


def _bytes_a_row(frame: pd.DataFrame) -> float:
    return float(frame.memory_usage(deep=True).sum() / len(frame))
