"""Questions that a browser may ask, each checked: what is none of them is refused, and none is ever run as code."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from doaudit.analysis.selection import Selection
from doaudit.errors import InvalidArgument
from doaudit.explore.row_order import COLUMNS

__all__ = ["KINDS", "MOST_ROWS", "Question", "read_question"]

KINDS = ("look", "rows", "findings", "find", "resource", "csv")
MOST_ROWS = 200

_CONDITIONS = frozenset(field.name for field in fields(Selection))
_LONGEST_TEXT = 300
_MOST_VALUES = 2_000
_LARGEST = 2**53


@dataclass(frozen=True)
class Question:
    """
    A question, as it was asked.

    Attributes:
        kind: 'look' at a selection, some 'rows' of it or all as 'csv', its 'findings', 'find' resources, or one
            'resource'.
        view: a word of the asking view's own, which is given back.
        number: of the question, likewise.
        selection: which actions it is about; None for those that are selected already.
        zoom: whether the timeline is to show the window of the selection only; None leaves it as it is.
        sort: the column by which rows are sorted; None for the order of the frame.
        down: whether the largest comes first.
        offset: the first row.
        limit: how many rows.
        text: what resources are looked for by.
        resource: the key of a resource.
        account: that the resource is in.
    """

    kind: str
    view: str
    number: int
    selection: Selection | None = None
    zoom: bool | None = None
    sort: str | None = None
    down: bool = False
    offset: int = 0
    limit: int = 0
    text: str = ""
    resource: str = ""
    account: str | None = None


def read_question(content: object) -> Question:
    """
    Read a question out of a message.

    Raises:
        InvalidArgument: it is no question; the message says why.

    Example:
        >>> read_question({"kind": "look", "view": "a", "number": 1, "selection": {"type": ["resize"]}}).selection.type
        ('resize',)
        >>> read_question({"kind": "sql", "view": "a", "number": 1})
        Traceback (most recent call last):
        doaudit.errors.InvalidArgument: A question is of the kind look, rows, findings, find, resource, csv; got 'sql'.
    """
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise InvalidArgument(f"A question is a JSON object; got {type(content).__name__}.")
    asked: dict[str, Any] = content
    if unknown := sorted(asked.keys() - {field.name for field in fields(Question)}):
        raise InvalidArgument(f"A question has no {unknown[0][:40]!r}.")
    if asked.get("kind") not in KINDS:
        raise InvalidArgument(f"A question is of the kind {', '.join(KINDS)}; got {_short(asked.get('kind'))}.")
    sort = asked.get("sort")
    if sort is not None and sort not in COLUMNS:
        raise InvalidArgument(f"Rows are sorted by {', '.join(COLUMNS)}; got {_short(sort)}.")
    chosen, account = asked.get("selection"), asked.get("account")
    return Question(
        kind=asked["kind"],
        view=_text(asked, "view"),
        number=_number(asked, "number", _LARGEST),
        selection=None if chosen is None else _selection(chosen),
        zoom=asked["zoom"] if isinstance(asked.get("zoom"), bool) else None,
        sort=sort,
        down=asked.get("down") is True,
        offset=_number(asked, "offset", _LARGEST),
        limit=_number(asked, "limit", MOST_ROWS),
        text=_text(asked, "text"),
        resource=_text(asked, "resource"),
        account=None if account is None else _text(asked, "account"),
    )


def _selection(chosen: Any) -> Selection:  # noqa: ANN401 -- whatever a message holds is checked here
    if not isinstance(chosen, dict) or (unknown := [name for name in chosen if name not in _CONDITIONS]):
        named = "" if not isinstance(chosen, dict) else f", and none is {_short(unknown[0])}"
        raise InvalidArgument(f"A selection is a JSON object of conditions{named}.")
    for name, value in chosen.items():
        values = value if isinstance(value, list) else [value]
        if len(values) > _MOST_VALUES:
            raise InvalidArgument(f"At most {_MOST_VALUES:,} values can be selected at once; got {len(values):,}.")
        for each in values:
            if isinstance(each, str) and len(each) > _LONGEST_TEXT:
                raise InvalidArgument(f"{name} has a text of {len(each):,} characters, more than {_LONGEST_TEXT}.")
    if not isinstance(chosen.get("overlapping", False), bool):
        raise InvalidArgument("overlapping is true or false.")
    return Selection(**chosen)


def _text(asked: dict[str, Any], name: str) -> str:
    value = asked.get(name, "")
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise InvalidArgument(f"{name} is a text of at most {_LONGEST_TEXT} characters; got {_short(value)}.")
    return value


def _number(asked: dict[str, Any], name: str, most: int) -> int:
    value = asked.get(name, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise InvalidArgument(f"{name} is a whole number from 0 to {most:,}; got {_short(value)}.")
    return value


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."  # noqa: PLR2004 -- what fits a line
