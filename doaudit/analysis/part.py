"""Rows of a part of the actions in tables that only all actions can tell: what hangs, was off, or has no backup."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pandas as pd

from doaudit.actions import ACCOUNT
from doaudit.since import parse_since, read_moment

if TYPE_CHECKING:
    from doaudit.analysis.selection import Selection

__all__ = ["end_of", "of_part", "window_of"]


def window_of(selection: Selection, actions: pd.DataFrame) -> tuple[datetime, datetime] | None:
    """
    Return the beginning and the end of what a selection spans; None if it has neither, or there are no actions.

    Args:
        selection: one without `since` begins with the first action, and one without `until` ends with the last read.
        actions: all of them.
    """
    if actions.empty or (selection.since is None and selection.until is None):
        return None
    first, newest = actions["started_at"].min().to_pydatetime(), actions["observed_at"].max().to_pydatetime()
    begin = first if selection.since is None else parse_since(selection.since, newest)
    return begin, end_of(selection, newest) or newest


def end_of(selection: Selection, newest: datetime) -> datetime | None:
    """
    Return the moment before which selected actions start; None if that does not matter.

    Args:
        selection: its `until` may be yet to come; then it is the newest time.
        newest: when actions were read last.

    Example:
        >>> from datetime import UTC, datetime
        >>> from doaudit.analysis.selection import Selection
        >>> [end_of(Selection(until=until), datetime(2026, 3, 9, tzinfo=UTC)).day for until in ("2d", "2026-04-01")]
        [7, 9]
    """
    if selection.until is None:
        return None
    moment = read_moment(selection.until, name="until")
    return min(moment, newest) if isinstance(moment, datetime) else parse_since(moment, newest, name="until")


def of_part(
    rows: pd.DataFrame, selected: pd.DataFrame, column: str, window: tuple[datetime, datetime] | None = None
) -> pd.DataFrame:
    """
    Keep the rows of a table of all actions that are about the selected ones.

    Args:
        rows: the table.
        selected: some of the actions that it was made of.
        column: by which its rows belong to actions: 'id' or 'resource'.
        window: keep only periods (`off_from`, `off_to`) that reach into it.

    Example:
        >>> table = pd.DataFrame({"id": [1, 2], "verdict": ["stuck", "normal"]})
        >>> of_part(table, pd.DataFrame({"id": [2, 3]}), "id")["verdict"].tolist()
        ['normal']
    """
    keys = [ACCOUNT, column] if ACCOUNT in selected.columns else [column]
    chosen = pd.MultiIndex.from_frame(selected[keys].astype(object))
    is_kept = pd.MultiIndex.from_frame(rows[keys].astype(object)).isin(chosen)
    if "off_from" in rows and window is not None:
        begin, end = window
        is_kept &= ((rows["off_from"] < end) & ~(rows["off_to"] < begin)).to_numpy(dtype=bool)
    return rows[is_kept].reset_index(drop=True)
