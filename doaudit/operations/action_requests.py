"""Requests about actions: start an event, read one action, list the newest; and which action an event became."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.actions import Action
from doaudit.errors import Refused
from doaudit.records import decode

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Collection, Iterable

    from doaudit.api.client import Client
    from doaudit.api.responses import Response
    from doaudit.api.retry import Pause

__all__ = ["SKEW", "is_pending_event", "matching_action", "newest_actions", "post_event", "read_action"]

SKEW = timedelta(seconds=5)
"""The difference that is tolerated between two times of the server for one moment."""

_STARTED_WITHIN = timedelta(minutes=10)  # a request is sent within two minutes, and answered within one
_NEWEST = {"page": 1, "per_page": 100}


class _Rows(msgspec.Struct, frozen=True):
    actions: list[msgspec.Raw]


class _Single(msgspec.Struct, frozen=True):
    action: msgspec.Raw


def is_pending_event(fault: Exception) -> bool:
    """Return whether the API refused an event because another one is pending."""
    return isinstance(fault, Refused) and "pending event" in fault.api_message.lower()


def post_event(
    client: Client,
    path: str,
    body: dict[str, Any],
    *,
    stop: threading.Event | None = None,
    on_pause: Callable[[Pause], None] | None = None,
) -> Action:
    """
    Start an event, once, and return the action that it becomes.

    Raises:
        OutcomeUnknown: no response says whether it was started.
        ApiProblem: it was not started.
    """
    return client.post(path, body, parse=_parse_single, stop=stop, on_pause=on_pause)


def read_action(
    client: Client,
    action_id: int,
    *,
    stop: threading.Event | None = None,
    on_pause: Callable[[Pause], None] | None = None,
) -> Action:
    """
    Read one action, by the address that tells when it ended.

    Raises:
        NotFound: there is none, or not yet.
        ApiProblem: it could not be read.
    """
    return client.get(f"/v2/actions/{action_id}", parse=_parse_single, stop=stop, on_pause=on_pause)


def newest_actions(
    client: Client,
    path: str,
    *,
    stop: threading.Event | None = None,
    on_pause: Callable[[Pause], None] | None = None,
) -> tuple[tuple[Action, ...], datetime]:
    """
    Read the newest actions of a list, and the server's time.

    Raises:
        ApiProblem: they could not be read.
    """
    return client.get(path, _NEWEST, parse=_parse_list, stop=stop, on_pause=on_pause)


def matching_action(
    actions: Iterable[Action], types: Collection[str], known: Collection[int], since: datetime
) -> Action | None:
    """
    Find the action that an event became whose response was lost.

    Args:
        actions: the newest actions of the resource.
        types: the types under which the event may be recorded.
        known: ids of the actions that there were before the request was sent.
        since: the server's time before the request was sent.

    Returns:
        The action of one of the types, not known, that started within ten minutes of *since*; of several the first.
    """
    fresh = [
        action
        for action in actions
        if action.type in types
        and action.id not in known
        and (action.started_at is None or since - SKEW <= action.started_at <= since + _STARTED_WITHIN)
    ]
    return min(fresh, key=lambda action: action.id, default=None)


def _parse_single(answer: Response) -> Action:
    return Action.of(decode(msgspec.json.decode(answer.body, type=_Single).action), answer.date)


def _parse_list(answer: Response) -> tuple[tuple[Action, ...], datetime]:
    rows = msgspec.json.decode(answer.body, type=_Rows).actions
    found = []
    for row in rows:
        # One row that nobody can read must not keep a droplet from being switched on.
        with suppress(msgspec.DecodeError, ValueError, RecursionError):
            found.append(Action.of(decode(row), answer.date))
    return tuple(found), datetime.fromtimestamp(answer.date, UTC)
