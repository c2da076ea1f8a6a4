"""Observations of open actions: how each compares with what is usual, what has become of it, and when to look again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from doaudit.expected_duration import ExpectedDuration, ExpectedDurations, Verdict, describe_age, find_verdict
from doaudit.formatting import time_span
from doaudit.operations.poll_schedule import next_poll_s

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from doaudit.actions import Action

__all__ = ["Baseline", "ClassifiedAction", "Observation", "classify", "next_request_s", "observe"]

_SHORTEST_S, _LONGEST_S = 4.0, 15.0  # between two requests: something new may start at any time
SHOWN_AFTER_END = timedelta(minutes=2)
_ENDS = {
    "completed": "completed",
    "errored": "failed",
    "unclear": "ended",
    "gone": "is no longer known to DigitalOcean",
}


@dataclass(frozen=True)
class ClassifiedAction:
    """
    An action compared with what is usual for its type.

    Attributes:
        name: the name of its resource, if the history knows it.
        verdict: that on its age while it is open (see `doaudit.expected_duration`); then its outcome; 'gone' if
            the API no longer knows it.
        age_s: seconds from its start until it ended or was last read; None without a start.
        usual: how long those like it take; None if nobody knows.
        sentence: its age beside what those like it took; empty once it has ended.
    """

    action: Action
    name: str | None
    verdict: Verdict | Literal["completed", "errored", "unclear", "gone"]
    age_s: float | None
    usual: ExpectedDuration | None
    sentence: str = ""


@dataclass(frozen=True)
class Observation:
    """
    The state of an account's actions when they were last read.

    Attributes:
        at: the server's time; None before the first reading.
        open: open actions, oldest first.
        ended: actions that ended while they were watched, latest first; they stay for two minutes.
        news: what has become stuck or has ended since the observation before, each in a sentence.
        error: the reason why the last attempt to read them failed; empty if it did not.
    """

    at: datetime | None = None
    open: tuple[ClassifiedAction, ...] = ()
    ended: tuple[ClassifiedAction, ...] = ()
    news: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Baseline:
    """
    Facts from the local history with which actions are compared.

    Attributes:
        expected: expected durations.
        names: names of resources by key.
        open_actions: actions that were open in the history.
    """

    expected: ExpectedDurations
    names: Mapping[str, str]
    open_actions: tuple[Action, ...] = ()


def classify(action: Action, at: datetime, baseline: Baseline, *, not_found: bool = False) -> ClassifiedAction:
    """
    Compare an action with what is usual for its type and resource.

    Args:
        action: the action, open or not.
        at: the time of reading, by the server's clock.
        baseline: what is usual.
        not_found: the API no longer knows it.

    Example:
        >>> from datetime import UTC, datetime
        >>> from doaudit.actions import Action, Record
        >>> from doaudit.expected_duration import ExpectedDuration
        >>> usual = ExpectedDuration(60, 120, 300, max_s=400, finished=150)
        >>> baseline = Baseline(ExpectedDurations({"snapshot": usual}), {})
        >>> action = Action.of(Record(1, "in-progress", "snapshot", "2026-03-12T22:00:00Z"), 0)
        >>> times = [datetime(2026, 3, 12, 22, 0, tzinfo=UTC) + timedelta(minutes=m) for m in (1, 6, 90)]
        >>> [classify(action, at, baseline).verdict for at in times]
        ['normal', 'slow', 'stuck']
    """
    expected = baseline.expected.of(action.type, action.resource)
    age_s = None if action.started_at is None else ((action.completed_at or at) - action.started_at).total_seconds()
    name = baseline.names.get(action.resource or "")
    if action.outcome != "open" or not_found:
        return ClassifiedAction(action, name, action.outcome if action.outcome != "open" else "gone", age_s, expected)
    sentence = describe_age(age_s, expected)
    return ClassifiedAction(action, name, find_verdict(age_s, expected), age_s, expected, sentence)


def observe(
    previous: Observation,
    actions: Iterable[Action],
    at: datetime,
    baseline: Baseline,
    not_found: Iterable[int] = (),
) -> Observation:
    """
    Return the observation that follows from the previous one once these actions were read.

    Args:
        previous: the previous observation; actions that are open in it stay until they are read again, and what they
            were done to stays known: the list of actions does not say which volume it was.
        actions: the actions that were read, open or not. One that has ended and was never observed open is left out.
        at: the time of reading, by the server's clock.
        baseline: what is usual.
        not_found: ids that the API no longer knows.

    Example:
        >>> from datetime import UTC, datetime
        >>> from doaudit.actions import Action, Record
        >>> record = Record(1, "in-progress", "reboot", "2026-03-12T22:00:00Z")
        >>> at, baseline = datetime(2026, 3, 12, 22, 1, tzinfo=UTC), Baseline(ExpectedDurations({}), {})
        >>> observation = observe(Observation(), [Action.of(record, 0)], at, baseline)
        >>> [(row.action.id, row.verdict, row.age_s) for row in observation.open]
        [(1, 'too few to tell', 60.0)]
    """
    read, missing = {action.id: action for action in actions}, set(not_found)
    watched = {row.action.id: row.action for row in previous.open}
    for action_id, action in read.items():
        known = watched.get(action_id)
        if known is not None and action.resource is None:
            watched[action_id] = replace(action, resource=known.resource, resource_id=known.resource_id)
        elif known is not None or not action.finished:
            watched[action_id] = action
    still_open = [
        classify(action, at, baseline) for i, action in watched.items() if not action.finished and i not in missing
    ]
    just_ended = [
        classify(action, at, baseline, not_found=True)
        for i, action in watched.items()
        if action.finished or i in missing
    ]
    recently_ended = [
        row
        for row in previous.ended
        if row.action.id not in watched and at - (row.action.completed_at or at) < SHOWN_AFTER_END
    ]
    return Observation(
        at=at,
        open=tuple(sorted(still_open, key=lambda row: (row.action.started_at or at, row.action.id))),
        ended=(*just_ended, *recently_ended),
        news=(*_became_stuck(previous, still_open), *map(_ended_sentence, just_ended)),
    )


def _became_stuck(previous: Observation, still_open: Iterable[ClassifiedAction]) -> list[str]:
    before = {row.action.id: row.verdict for row in previous.open}
    return [
        f"{_subject(row)} is stuck: {row.sentence}."
        for row in still_open
        if row.verdict == "stuck" and before.get(row.action.id, "stuck") != "stuck"
    ]


def _ended_sentence(row: ClassifiedAction) -> str:
    after = "" if row.age_s is None or row.verdict == "gone" else f" after {time_span(row.age_s)}"
    return f"{_subject(row)} {_ENDS[row.verdict]}{after}."


def _subject(row: ClassifiedAction) -> str:
    action = row.action
    what = row.name or action.resource or action.resource_type or "an unknown resource"
    return f"{action.type or 'An action'} of {what}"


def next_request_s(observation: Observation) -> float:
    """
    Return how many seconds to wait before the next request: 4 to 15, as soon as an open action is due (see `watch`).

    Example:
        >>> next_request_s(Observation())
        15.0
    """
    due = [next_poll_s(row.age_s or 0.0, row.usual) for row in observation.open]
    return max(_SHORTEST_S, min([*due, _LONGEST_S]))
