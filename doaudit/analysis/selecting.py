"""Carrying out a selection: the rows that are left, how many each condition leaves, and why none are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import reduce
from operator import and_
from re import search
from typing import TYPE_CHECKING, Any

import narwhals as nw
import pandas as pd

from doaudit.analysis.conditions import (
    Condition,
    has_outcome,
    has_text,
    has_value,
    is_pattern,
    pattern_regex,
    started_before,
    started_from,
    was_running,
)
from doaudit.analysis.engines import TIMES, Rows, to_pandas, with_unix_seconds, wrap
from doaudit.errors import InvalidArgument
from doaudit.since import read_moment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from narwhals.typing import IntoFrame, IntoFrameT

    from doaudit.analysis.selection import Selection
    from doaudit.since import Since

__all__ = ["count_steps", "filter_rows", "moment_second", "why_nothing"]

_COLUMNS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("type", "status", "region", "resource_type", "account")},
    "resource": ("resource", "resource_name"),
    "text": ("type", "resource", "resource_name", "region", "id"),
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_START = ("started_at",)
_NEVER = 1 << 53
_MOST_COMPARED = 20_000


def filter_rows(selection: Selection, actions: IntoFrameT) -> tuple[IntoFrameT, bool]:
    """
    Return the rows that fulfil every condition, as a frame of the same kind, and whether there are any.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.selection import Selection
        >>> taken = [Record(n, "done", "reboot", region_slug=place) for n, place in enumerate(["fra1", None])]
        >>> actions = to_frame(taken, observed_at=1632996000)
        >>> rows, some_left = filter_rows(Selection(region=[None]), actions)
        >>> rows["id"].tolist(), some_left
        ([1], True)
    """
    rows, times = _with_times(selection, actions)
    conditions = _conditions(selection, rows, times)
    kept = rows.filter(_all(conditions)) if conditions else rows
    some_left = bool(len(to_pandas(kept.select("status").head(1))))
    return kept.drop(*times.values()).to_native(), some_left


def count_steps(selection: Selection, actions: IntoFrame) -> pd.DataFrame:
    """
    Count how many rows fulfil each condition, and how many are left after it; see `Selection.explain`.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.selection import Selection
        >>> actions = to_frame([Record(n, "done", "reboot") for n in range(3)], observed_at=1632996000)
        >>> count_steps(Selection(type="re*", text="2"), actions)["left"].tolist()
        [3, 3, 1]
    """
    rows, times = _with_times(selection, actions)
    conditions = _conditions(selection, rows, times)
    start = nw.col(times["started_at"])
    figures = [nw.len().alias("rows"), start.min().alias("first"), start.max().alias("last")]
    for at, condition in enumerate(conditions):
        figures.append(condition.holds.cast(nw.Int64).sum().alias(f"alone_{at}"))
        figures.append(_all(conditions[: at + 1]).cast(nw.Int64).sum().alias(f"left_{at}"))
    [counted] = to_pandas(rows.select(*figures)).to_dict("records")
    # Of no rows, SQL sums to null.
    count = {name: 0 if pd.isna(value) else int(value) for name, value in counted.items()}
    steps = [("all actions", count["rows"], count["rows"], "")]
    for at, condition in enumerate(conditions):
        alone = count[f"alone_{at}"]
        note = _absent_values(rows, condition)
        if condition.columns == _START and not alone:
            note = _span(counted["first"], counted["last"])
        steps.append((condition.code, alone, count[f"left_{at}"], note))
    table = pd.DataFrame(steps, columns=["condition", "actions", "left", "note"])
    return table.astype({"condition": "str", "actions": "int64", "left": "int64", "note": "str"})


def why_nothing(steps: pd.DataFrame) -> str:
    """
    Say which condition left no row, from the table of `count_steps`; an empty text if some are left.

    Example:
        >>> steps = pd.DataFrame({"condition": ["all actions", 'type=["reboot"]'], "actions": [5, 0], "left": [5, 0]})
        >>> why_nothing(steps.assign(note=""))
        'Nothing is selected: type=["reboot"] holds for none of 5 actions.'
    """
    emptied = steps["left"].eq(0)
    if not emptied.any():
        return ""
    at = int(emptied.to_numpy().argmax())
    if at == 0:
        return "Nothing is selected: the frame has no rows."
    rows, left, step = int(steps["left"].iloc[0]), int(steps["left"].iloc[at - 1]), steps.iloc[at]
    of = f"none of {rows:,} actions"
    if step["actions"]:
        before = ", ".join(steps["condition"].iloc[1:at])
        of = f"none of the {left:,} actions with {before}, but for {step['actions']:,} of all {rows:,}"
    note = f"; {step['note']}" if step["note"] else ""
    return f"Nothing is selected: {step['condition']} holds for {of}{note}."


def _with_times(selection: Selection, actions: IntoFrame) -> tuple[Rows, dict[str, str]]:
    """Wrap the frame, and add the seconds of its times under names that it does not have."""
    given = selection.conditions()
    rows = wrap(actions)
    names = rows.collect_schema().names()
    if "account" in given and "account" not in names:
        raise InvalidArgument("These actions have no column 'account': they are of one account. Leave account out.")
    wrap(actions, [column for name in given for column in _COLUMNS.get(name, ())])
    added = {}
    for time in TIMES:
        added[time] = f"{time}_in_unix_seconds"
        while added[time] in names:
            added[time] += "_"
    return with_unix_seconds(rows, added), added


def _conditions(selection: Selection, rows: Rows, names: Mapping[str, str]) -> list[Condition]:
    times = {time: nw.col(name) for time, name in names.items()}
    conditions = []
    for name, code in selection.conditions().items():
        value: Any = getattr(selection, name)
        columns = _COLUMNS.get(name, ())
        if name in ("since", "until"):
            conditions.append(Condition(code, _in_window(selection, name, rows, times), _START))
        elif name == "outcome":
            conditions.append(Condition(code, has_outcome(value, times["completed_at"])))
        elif name == "text":
            conditions.append(Condition(code, has_text(columns, value)))
        elif columns:
            conditions.append(Condition(code, has_value(columns, value), columns, value))
    return conditions


def moment_second(moment: Since, newest_s: int | None, *, name: str = "since") -> int:
    """
    Return the first whole second since 1970 that lies at a moment of a selection, or after it.

    Args:
        moment: as a `Selection` has it.
        newest_s: the newest `observed_at`, in Unix seconds, from which a span counts back; None if no row has one.
            Nothing lies within a span before that, or before it.
        name: the condition that it is: `since` or `until`.

    Example:
        >>> moment_second("1h", 10_000), moment_second("1970-01-02", None)
        (6400, 86400)
    """
    read = read_moment(moment, name=name)
    if isinstance(read, datetime):
        return -((_EPOCH - read) // timedelta(seconds=1))
    if newest_s is None:
        return _NEVER if name == "since" else -_NEVER
    return newest_s - read // timedelta(seconds=1)


def _in_window(selection: Selection, name: str, rows: Rows, times: Mapping[str, nw.Expr]) -> nw.Expr:
    moment, newest_s = getattr(selection, name), None
    if isinstance(read_moment(moment), timedelta):
        [newest] = to_pandas(rows.select(times["observed_at"].max().alias("newest")))["newest"]
        newest_s = None if pd.isna(newest) else int(newest)
    at = moment_second(moment, newest_s, name=name)
    if name == "until":
        return started_before(times["started_at"], at)
    return was_running(times, at) if selection.overlapping else started_from(times["started_at"], at)


def _all(conditions: Sequence[Condition]) -> nw.Expr:
    return reduce(and_, [condition.holds for condition in conditions])


def _span(first: float | None, last: float | None) -> str:
    """Say from when to when actions started, in Unix seconds, if any did."""
    if pd.isna(first) or pd.isna(last):
        return "no action has a start"
    said = [f"{datetime.fromtimestamp(int(second), UTC):%Y-%m-%d %H:%M}" for second in (first, last)]
    return f"the first starts at {said[0]} UTC, the last at {said[1]} UTC"


def _absent_values(rows: Rows, condition: Condition) -> str:
    """Say which of the values that are looked for occur nowhere in the columns, and what is nearest to them."""
    if not condition.wanted:
        return ""
    known: list[str] = []
    for column in condition.columns:
        text = rows.select(nw.col(column).cast(nw.String).alias("value")).filter(~nw.col("value").is_null())
        known += to_pandas(text.unique().sort("value").head(_MOST_COMPARED))["value"].tolist()
    noun, notes = condition.columns[0].replace("_", " "), []
    for value in condition.wanted:
        if value is None:
            continue
        if is_pattern(value):
            notes += (
                [] if any(search(pattern_regex(value), word) for word in known) else [f'no {noun} is like "{value}"']
            )
        elif value not in known:
            nearest = get_close_matches(value, known, n=1)
            notes.append(f'no {noun} is "{value}"' + (f'; the nearest is "{nearest[0]}"' if nearest else ""))
    return ", ".join(notes)
