"""Rows in the order of a column, and some of them as cells of a table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.actions import ACCOUNT
from doaudit.analysis.tally import OUTCOMES
from doaudit.explore.coded_actions import NO_TIME
from doaudit.formatting import time_span, utc_datetime, visible

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.explore.coded_actions import CodedActions

    Rows = NDArray[np.intp]

__all__ = ["COLUMNS", "page_of", "sort_rows"]

COLUMNS = (ACCOUNT, "started_at", "type", "outcome", "resource", "region", "duration_s", "id")
"""Columns of the table, in this order, where the frame has them."""

_TEXTS = ("type", "status", "region", "resource", "resource_name", ACCOUNT)


def sort_rows(actions: CodedActions, rows: Rows, column: str, *, down: bool) -> Rows:
    """
    Sort rows by a column; equal ones stay in the order of the frame, and null comes last either way.

    Args:
        actions: an actions frame as numbers.
        rows: numbers of rows, rising.
        column: one of `COLUMNS`; a resource is sorted by its name, or by its key where it has none.
        down: whether the largest comes first.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.explore.coded_actions import code_actions
        >>> taken = [Record(n, "done", kind) for n, kind in enumerate(["resize", None, "reboot"])]
        >>> actions = code_actions(to_frame(taken, observed_at=1632996060))
        >>> sort_rows(actions, np.arange(3), "type", down=True).tolist()
        [2, 0, 1]
    """
    key, null = _key(actions, column)
    values = key[rows]
    has_value = values != null
    filled, values = rows[has_value], values[has_value]
    order = np.argsort(-values if down else values, kind="stable")  # no value is the least that its type has
    return np.concatenate([filled[order], rows[~has_value]])


def _key(actions: CodedActions, column: str) -> tuple[NDArray[Any], int]:
    """Return a number for each row that sorts as its value does, and the one that stands for null."""
    if column == "started_at":
        return actions.start, NO_TIME
    if column == "duration_s":
        return actions.seconds, -1
    if column == "id":
        return actions.frame["id"].to_numpy(), NO_TIME
    if column == "outcome":
        return actions.outcome, -1
    if column == "resource":
        return _label_ranks(actions), -1
    return actions.texts[column].codes, -1  # texts are in order


def _label_ranks(actions: CodedActions) -> NDArray[np.int64]:
    keys, names = actions.texts["resource"], actions.texts["resource_name"]
    labels = sorted({text for text in (*keys.texts, *names.texts) if text is not None})
    rank: dict[str | None, int] = {text: at for at, text in enumerate(labels)} | {None: -1}
    of_key, of_name = (np.array([rank[text] for text in column.texts]) for column in (keys, names))
    by_name, by_key = of_name[names.codes], of_key[keys.codes]
    return np.where(by_name >= 0, by_name, by_key)


def page_of(actions: CodedActions, rows: Rows) -> list[dict[str, Any]]:
    """
    Return rows as cells: texts as people read them, None for null; besides the start in Unix seconds, as `started_s`.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.explore.coded_actions import code_actions
        >>> taken = Record(7, "errored", "resize", "2026-03-12T22:27:07Z", "2026-03-12T22:29:14Z")
        >>> [cells] = page_of(code_actions(to_frame([taken], observed_at=1773354900)), np.array([0]))
        >>> cells["id"], cells["outcome"], cells["started_at"], cells["duration_s"]
        ('7', 'errored', '2026-03-12 22:27:07', '2 min 7 s')
    """
    texts = {name: actions.texts[name] for name in _TEXTS if name in actions.texts}
    ids = actions.frame["id"].to_numpy()
    return [
        {
            "id": str(ids[row]),
            "started_s": None if actions.start[row] == NO_TIME else int(actions.start[row]),
            "started_at": _moment(int(actions.start[row])),
            "duration_s": _span(int(actions.seconds[row]), OUTCOMES[actions.outcome[row]]),
            "outcome": OUTCOMES[actions.outcome[row]],
            **{name: _shown(column.texts[column.codes[row]]) for name, column in texts.items()},
        }
        for row in rows.tolist()
    ]


def _moment(second: int) -> str | None:
    return None if second == NO_TIME else utc_datetime(datetime.fromtimestamp(second, UTC)).removesuffix(" UTC")


def _span(seconds: int, outcome: str) -> str | None:
    return None if seconds < 0 else time_span(seconds) + (" so far" if outcome == "open" else "")


def _shown(text: str | None) -> str | None:
    return None if text is None else visible(text)
