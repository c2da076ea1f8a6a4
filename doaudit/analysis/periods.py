"""Two periods that are compared: their actions, counted by group, day, outcome and seconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pandas.api.types import union_categoricals

from doaudit.analysis.action_rows import newest_observed
from doaudit.analysis.engines import read_frame, unix_seconds
from doaudit.analysis.tally import tally
from doaudit.errors import InvalidArgument
from doaudit.since import parse_since, parse_span

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame

    from doaudit.since import Since

__all__ = ["count_periods"]

_USUAL = timedelta(days=30)
_NEEDED = ("status", "started_at", "completed_at", "observed_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def count_periods(
    actions: IntoFrame, after: IntoFrame | None, keys: list[str], *, at: Since | None, last: str | timedelta | None
) -> pd.DataFrame:
    """
    Count the actions of two periods: of two frames, before and after a moment, or of the last days and as many before.

    Args:
        actions: an actions frame, or its earlier part if *after* is given.
        after: another one, of the later period.
        keys: the columns to group by.
        at: the moment at which the later period begins.
        last: how long each of the two periods is, of which the later ends when the actions were last read.

    Returns:
        The columns of `tally` by day, and `is_after` (bool).

    Raises:
        InvalidArgument: more than one of *after*, *at* and *last* is given, one of them cannot be understood, or a
            period that was asked for holds no action.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "completed", "resize", f"2021-09-{n:02}T10:00:00Z") for n in (1, 2, 3)]
        >>> actions = to_frame(taken, observed_at=1632996000)
        >>> count_periods(actions, None, ["type"], at="2021-09-02", last=None)["is_after"].tolist()
        [False, True, True]
    """
    asked = [name for name, value in (("after", after), ("at", at), ("last", last)) if value is not None]
    if len(asked) > 1:
        raise InvalidArgument(
            f"Two periods are told by a second frame, by at, or by last; got {' and '.join(asked)}. Give one of them."
        )
    if after is None:
        actions, after = _split(actions, keys, at, last)
    before, then = (tally(period, keys, by_day=True) for period in (actions, after))
    for name, period in (("earlier", before), ("later", then)):
        if asked and period.empty:
            raise InvalidArgument(
                f"There is nothing to compare: no action is in the {name} period. Give another {asked[0]}, or actions "
                "that reach further."
            )
    return _joined(before, then)


def _split(actions: IntoFrame, keys: list[str], at: Since | None, last: str | timedelta | None) -> tuple[Any, Any]:
    rows = read_frame(actions, keys)
    newest_s = newest_observed(rows)
    read_at = _EPOCH + timedelta(seconds=0 if np.isnan(newest_s) else int(newest_s))
    long = _USUAL if last is None else parse_span(last, name="last")
    begin, middle = (
        (read_at - 2 * long, read_at - long) if at is None else (_EPOCH, parse_since(at, read_at, name="at"))
    )
    first, then = (int((moment - _EPOCH).total_seconds()) for moment in (begin, middle))
    start, columns = unix_seconds("started_at"), list(dict.fromkeys([*_NEEDED, *keys]))
    before = rows.filter(start < then) if at is not None else rows.filter(start >= first, start < then)
    return before.select(*columns), rows.filter(start >= then).select(*columns)


def _joined(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Put both into one table; a key stays a category although each has its own words."""
    joined: dict[str, Any] = {}
    for name in before.columns:
        # Column by column: pandas 2 warns where a frame is empty or has nothing but nulls in a column.
        columns = [before[name], after[name]]
        if all(isinstance(column.dtype, pd.CategoricalDtype) for column in columns):
            joined[name] = union_categoricals(columns, sort_categories=name != "outcome")
        else:
            alike = columns[0].dtype == columns[1].dtype
            joined[name] = pd.concat([each if alike else each.astype(object) for each in columns], ignore_index=True)
    return pd.DataFrame(joined).assign(is_after=np.repeat([False, True], [len(before), len(after)]))
