"""Rows that fulfil the conditions of a selection, found by looking at each text once instead of at each row."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import text_dtype
from doaudit.analysis.conditions import has_text, has_value
from doaudit.analysis.selecting import moment_second
from doaudit.analysis.tally import OUTCOMES
from doaudit.explore.coded_actions import NO_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from doaudit.analysis.selection import Selection
    from doaudit.explore.coded_actions import CodedActions, CodedText

    Mask = NDArray[np.bool_]

__all__ = ["all_of", "matches"]

_SEARCHED = ("type", "resource", "resource_name", "region")
_DIGITS = frozenset("-0123456789")
_DIGITS_OF_LARGEST = 18  # of a number all of whose digits may be 9


def matches(actions: CodedActions, selection: Selection) -> dict[str, Mask]:
    """
    Return for each condition of a selection which rows fulfil it, as `doaudit.select` decides it.

    Args:
        actions: an actions frame as numbers.
        selection: one whose `account` is a condition only if the frame has that column.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.analysis.selection import Selection
        >>> from doaudit.explore.coded_actions import code_actions
        >>> taken = [Record(n, "done", kind) for n, kind in enumerate(["resize", "reboot", None])]
        >>> actions = code_actions(to_frame(taken, observed_at=1632996060))
        >>> {name: mask.tolist() for name, mask in matches(actions, Selection(type="re*", text="0")).items()}
        {'type': [False, True, True], 'text': [False, False, True]}
    """
    return {name: _match(actions, selection, name) for name in selection.conditions() if name != "overlapping"}


def all_of(masks: Iterable[Mask]) -> Mask | None:
    """
    Return which rows fulfil all conditions; None, for all rows, if there is no condition.

    Example:
        >>> all_of([np.array([True, True]), np.array([True, False])]).tolist()
        [True, False]
    """
    return reduce(lambda one, other: one & other, masks) if (masks := list(masks)) else None


def _match(actions: CodedActions, selection: Selection, name: str) -> Mask:
    if name in ("since", "until"):
        return _in_window(actions, selection, name)
    if name == "text":
        return _has_text(actions, str(selection.text))
    values = getattr(selection, name)
    if name == "outcome":
        return np.isin(np.arange(len(OUTCOMES)), [OUTCOMES.index(value) for value in values])[actions.outcome]
    found = _of_values(actions.texts[name], values)
    named = tuple(value for value in values if value is not None)
    return found | _of_values(actions.texts["resource_name"], named) if name == "resource" and named else found


def _of_values(column: CodedText, values: tuple[str | None, ...]) -> Mask:
    return _of_texts(column, has_value(("text",), values))


def _of_texts(column: CodedText, condition: nw.Expr) -> Mask:
    """Evaluate a condition on each text once, and return it for each row."""
    texts = nw.from_native(pd.DataFrame({"text": pd.Series(column.texts, dtype=text_dtype())}), eager_only=True)
    found: Mask = texts.select(found=condition)["found"].to_numpy().astype(bool)
    return found[column.codes]


def _has_text(actions: CodedActions, text: str) -> Mask:
    found = [_of_texts(actions.texts[name], has_text(("text",), text)) for name in _SEARCHED]
    return reduce(lambda one, other: one | other, [*found, _has_digits(actions.frame["id"].to_numpy(), text)])


def _has_digits(ids: NDArray[np.int64], text: str) -> Mask:
    """Return whose digits contain the text, by arithmetic: a million ids as texts would take several times as long."""
    if not set(text) <= _DIGITS:
        return np.zeros(len(ids), dtype=bool)
    if len(text) > _DIGITS_OF_LARGEST or "-" in text or bool((ids < 0).any()):
        return np.asarray(np.char.find(ids.astype(str), text) >= 0)
    wanted, width, least = int(text), 10 ** len(text), 10 ** (len(text) - 1)
    found: Mask = (ids == 0) & (text == "0")
    left = ids
    while (left >= least).any():
        found |= (left % width == wanted) & (left >= least)
        left = left // 10
    return found


def _in_window(actions: CodedActions, selection: Selection, name: str) -> Mask:
    start, at = actions.start, moment_second(getattr(selection, name), actions.newest, name=name)
    has_start: Mask = start != NO_TIME
    if name == "until":
        return has_start & (start < at)
    started: Mask = has_start & (start >= at)
    if not selection.overlapping:
        return started
    still: Mask = ((actions.end != NO_TIME) & (actions.end > at)) | (actions.outcome == OUTCOMES.index("open"))
    return started | (has_start & still)
