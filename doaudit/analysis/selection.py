"""Selections: a part of the actions, by time, type, outcome, place and resource, on any engine."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

import pandas as pd

from doaudit.analysis.engines import quoted
from doaudit.analysis.selecting import count_steps, filter_rows, why_nothing
from doaudit.analysis.tally import OUTCOMES
from doaudit.errors import InvalidArgument
from doaudit.since import read_moment

if TYPE_CHECKING:
    from narwhals.typing import IntoFrame, IntoFrameT

    from doaudit.analysis.conditions import Values
    from doaudit.since import Since

__all__ = ["Conditions", "Selection", "select"]

_TIMES = ("since", "until")
_LISTS = ("type", "status", "outcome", "region", "resource_type", "resource", "account")
_HINTS = {"resource": ' A resource is named by its key, such as "droplet:3164450", or by its name.'}

OneOrMany: TypeAlias = str | Iterable[str | None] | None
"""A value, or several; None in a list stands for null."""


class Conditions(TypedDict, total=False):
    """Conditions of a `Selection`, but for the account, as arguments of another function."""

    since: Since | None
    until: Since | None
    type: OneOrMany
    status: OneOrMany
    outcome: OneOrMany
    region: OneOrMany
    resource_type: OneOrMany
    resource: OneOrMany
    text: str | None
    overlapping: bool


@dataclass(frozen=True)
class Selection:
    """
    The conditions by which actions are selected; None leaves a condition out.

    A value is given alone or in a list. `*` stands for any characters and `?` for one, as in `"web-*"`, and None in
    a list for null.

    Attributes:
        since, until: from this moment on, and before that one: a span such as "7d", which is counted back from the
            newest `observed_at` of the frame, a date, or a time with a zone (see `doaudit.since`).
        type, status, region, resource_type, account: values of the column of that name.
        outcome: "completed", "errored", "open" or "unclear".
        resource: keys, such as "droplet:3164450", or names.
        text: occurs in the type, the resource, its name, the region or the id, in capitals or not.
        overlapping: true to select what was running at any moment of the window, false what started in it.

    Raises:
        InvalidArgument: a condition is none of these, no row can fulfil it, or *overlapping* has no window.

    Example:
        >>> Selection(since="7d", type="resize").code("actions")
        'da.select(actions, since="7d", type=["resize"])'
    """

    since: Since | None = None
    until: Since | None = None
    type: OneOrMany = None
    status: OneOrMany = None
    outcome: OneOrMany = None
    region: OneOrMany = None
    resource_type: OneOrMany = None
    resource: OneOrMany = None
    text: str | None = None
    account: OneOrMany = None
    overlapping: bool = False

    def __post_init__(self) -> None:
        """Check the conditions, and bring those that mean the same into one form, so that they compare as equal."""
        forms: dict[str, Any] = {name: _moment(name, getattr(self, name)) for name in _TIMES}
        forms |= {name: _values(name, getattr(self, name)) for name in _LISTS}
        for name, form in forms.items():
            object.__setattr__(self, name, form)
        _check_window(self)
        if unknown := [word for word in forms["outcome"] or () if word not in OUTCOMES]:
            raise InvalidArgument(f"An outcome is one of {quoted(OUTCOMES)}; got {quoted(unknown)}.")
        if self.text is not None and not (isinstance(self.text, str) and self.text.strip()):
            raise InvalidArgument(f"text is what is looked for, such as a part of a name; got {self.text!r}.")

    def __repr__(self) -> str:
        """
        Write it as it is made, with the conditions that are given.

        Example:
            >>> Selection(since="7d", type="resize")
            Selection(since="7d", type=["resize"])
        """
        return f"Selection({', '.join(self.conditions().values())})"

    def code(self, actions: str = "actions") -> str:
        """
        Return the line of code that selects the same from the frame of this name.

        Example:
            >>> Selection(resource="web-*", region=["ams3", None], until="2026-06-01").code("recent")
            'da.select(recent, until="2026-06-01", region=["ams3", None], resource=["web-*"])'
        """
        return f"da.select({', '.join([actions, *self.conditions().values()])})"

    def conditions(self) -> dict[str, str]:
        """
        Return each condition as it is written in that line, by its name.

        Example:
            >>> Selection(text="db").conditions()
            {'text': 'text="db"'}
        """
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: f"{name}={_literal(value)}" for name, value in given.items() if value not in (None, False)}

    def apply(self, actions: IntoFrameT) -> IntoFrameT:
        """Return the selected rows, as `select` does."""
        return _select(self, actions)

    def explain(self, actions: IntoFrame) -> pd.DataFrame:
        """
        Count how many rows each condition leaves, one after the other.

        Returns:
            One row for all actions and one for each condition: `condition` (text), `actions` that fulfil it, `left` of
            them that fulfil those above it, too (int64), and a `note` (text): what does not occur, and what is nearest.

        Raises:
            InvalidArgument: the frame lacks a column that a condition is about.

        Example:
            >>> from doaudit.actions import Record, to_frame
            >>> actions = to_frame([Record(n, "done", "snapshot") for n in range(3)], observed_at=1632996000)
            >>> Selection(type="snapshoot").explain(actions)["note"].tolist()
            ['', 'no type is "snapshoot"; the nearest is "snapshot"']
        """
        return count_steps(self, actions)

    def why_nothing(self, actions: IntoFrame) -> str:
        """
        Say which condition leaves no row; an empty text if some are left.

        Example:
            >>> from doaudit.actions import Record, to_frame
            >>> actions = to_frame([Record(n, "done", "snapshot") for n in range(3)], observed_at=1632996000)
            >>> Selection(status="errored").why_nothing(actions)
            'Nothing is selected: status=["errored"] holds for none of 3 actions; no status is "errored".'
        """
        return why_nothing(self.explain(actions))


def select(  # noqa: PLR0913 -- one for each condition
    actions: IntoFrameT,
    *,
    since: Since | None = None,
    until: Since | None = None,
    type: OneOrMany = None,  # noqa: A002 -- the column's name
    status: OneOrMany = None,
    outcome: OneOrMany = None,
    region: OneOrMany = None,
    resource_type: OneOrMany = None,
    resource: OneOrMany = None,
    text: str | None = None,
    account: OneOrMany = None,
    overlapping: bool = False,
) -> IntoFrameT:
    """
    Select the actions that fulfil every condition, as a frame of the same kind with the same columns.

    If nothing is left, a warning says which condition it was, and what the nearest value is.

    Args:
        actions: an actions frame of any engine that narwhals reads; a lazy one stays lazy, and is asked only whether
            anything is left, and for the newest `observed_at` where a span is counted back from it.
        since: from this moment on: "7d" or "12h" before the newest `observed_at`, "2026-06-01", or a time with a zone.
        until: before this moment.
        type: one or a list; `*` stands for any characters, `?` for one, and None in a list for null.
        status: likewise, DigitalOcean's own word.
        outcome: "completed", "errored", "open" or "unclear".
        region: like *type*.
        resource_type: like *type*.
        resource: keys such as "droplet:3164450", or names such as `"web-*"`.
        text: occurs in the type, the resource, its name, the region or the id, in capitals or not.
        account: like *type*, in a frame of many accounts.
        overlapping: true to select what was running at any moment of the window; an open action runs on.

    Returns:
        The selected rows, in pandas in their order and with their index.

    Raises:
        InvalidArgument: a condition cannot be understood, or the frame lacks the column that it is about.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> taken = [Record(n, "done", kind) for n, kind in enumerate(["resize", "resize_volume", "reboot"])]
        >>> select(to_frame(taken, observed_at=1632996000), type="resize*")["id"].tolist()
        [1, 0]
    """
    chosen = Selection(since, until, type, status, outcome, region, resource_type, resource, text, account, overlapping)
    return _select(chosen, actions)


def _select(selection: Selection, actions: IntoFrameT) -> IntoFrameT:
    rows, some_left = filter_rows(selection, actions)
    if selection.conditions() and not some_left and (reason := selection.why_nothing(actions)):
        warnings.warn(reason, UserWarning, stacklevel=3)
    return rows


def _values(name: str, given: Any) -> Values | None:  # noqa: ANN401 -- whatever a caller gives is checked here
    """Return one value or many as a tuple, each once; None if there is no condition."""
    if given is None:
        return None
    values = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    values = [None if value is pd.NA or value != value else value for value in values]  # noqa: PLR0124 -- NaN is null
    if wrong := [value for value in values if not isinstance(value, str | None)]:
        raise InvalidArgument(
            f"{name} is a text or a list of texts, with None for null; got {wrong[0]!r}.{_HINTS.get(name, '')}"
        )
    if not values:
        raise InvalidArgument(f"{name} is an empty list, which no action fulfils; leave it out to select all.")
    return tuple(dict.fromkeys(values))


def _moment(name: str, given: Any) -> str | None:  # noqa: ANN401 -- see `_values`
    """Return a moment as the text that means it, after a check; None if there is no condition."""
    if given is None:
        return None
    moment = read_moment(given, name=name)
    if isinstance(given, str):
        return given.strip()
    if isinstance(moment, datetime):
        return moment.isoformat() if isinstance(given, datetime) else moment.date().isoformat()
    if moment < timedelta(0) or moment.microseconds:
        raise InvalidArgument(f"{name} counts back a whole number of seconds; got {given!r}.")
    return f"{moment // timedelta(seconds=1)}s"


def _check_window(selection: Selection) -> None:
    if selection.overlapping and selection.since is None and selection.until is None:
        raise InvalidArgument("overlapping is about a window of time: give since, until, or both.")
    if selection.since is None or selection.until is None:
        return
    since, until = (read_moment(moment) for moment in (selection.since, selection.until))
    empty = (
        since <= until
        if isinstance(since, timedelta) and isinstance(until, timedelta)
        else isinstance(since, datetime) and isinstance(until, datetime) and since >= until
    )
    if empty:
        raise InvalidArgument(
            f"until is to be later than since: the window from {selection.since} until {selection.until} has no moment."
        )


def _literal(value: object) -> str:
    """Write a value as code, texts in double quotes."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and value.isprintable() else repr(value)
