"""Submit one event that the API documents, once, and return the action that it becomes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from doaudit.errors import ApiProblem, InvalidArgument, OutcomeUnknown, Refused
from doaudit.operations.action_requests import is_pending_event, matching_action, newest_actions, post_event
from doaudit.resources import find_kind, recorded_types, resource_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from doaudit.actions import Action
    from doaudit.api.client import Client
    from doaudit.clock import Clock
    from doaudit.resources import Kind

__all__ = ["submit_event"]

_LOOKUPS = 4
_LOOKUP_INTERVAL_S = 5.0


@dataclass(frozen=True)
class _Request:
    """An event before it is sent, and what there was on the server's side then."""

    path: str
    event: str
    types: frozenset[str]
    known: tuple[int, ...]
    since: datetime


def submit_event(client: Client, resource: str, event: str, arguments: Mapping[str, Any], *, clock: Clock) -> Action:
    """
    Submit an event, once.

    The resource's actions are read before, so that the new action can be recognised if the response is lost.

    Args:
        client: the account.
        resource: its key, as in the frame's column `resource`: 'droplet:3164450'.
        event: the event's type, as the API calls it in requests.
        arguments: arguments of the event.
        clock: waits between look-ups of an action whose response was lost.

    Raises:
        InvalidArgument: there is no such resource, no such event of it, or the event needs another argument.
        Refused: it cannot be done now; if another event is pending, the message says which.
        OutcomeUnknown: no response came, and no action of the type has started since.
        ApiProblem: it was not started, for another reason.
    """
    path = f"{resource_path(resource)}/actions"
    kind = find_kind(resource.partition(":")[0])
    if kind is None:  # resource_path has refused it
        raise InvalidArgument(f"{resource!r} names no resource.")
    _check(kind, event, arguments)
    actions, since = newest_actions(client, path)
    request = _Request(path, event, recorded_types(kind, event), tuple(action.id for action in actions), since)
    try:
        return post_event(client, path, {"type": event, **arguments})
    except OutcomeUnknown as lost:
        return _look_up(client, request, lost, clock)
    except Refused as refused:
        raise _with_pending_action(client, path, refused) from None


def _check(kind: Kind, event: str, arguments: Mapping[str, Any]) -> None:
    if event not in kind.events:
        raise InvalidArgument(f"{event!r} is no event of a {kind.name}; there are {', '.join(sorted(kind.events))}.")
    missing = [name for name in kind.events[event].arguments if arguments.get(name) in {None, ""}]
    if missing:
        needed = ", ".join(f"{name}=" for name in missing)
        raise InvalidArgument(f"The event {event!r} of a {kind.name} needs {needed}.")


def _look_up(client: Client, request: _Request, lost: OutcomeUnknown, clock: Clock) -> Action:
    for _ in range(_LOOKUPS):
        try:
            actions, _date = newest_actions(client, request.path)
        except ApiProblem:
            break
        found = matching_action(actions, request.types, request.known, request.since)
        if found is not None:
            return found
        clock.wait(_LOOKUP_INTERVAL_S)
    raise OutcomeUnknown(
        f"{lost} There was no new {request.event} among the actions at {request.path} when they were looked at "
        "afterwards.",
        request=lost.request,
    ) from None


def _with_pending_action(client: Client, path: str, refused: Refused) -> Refused:
    """Add to a refusal which action is pending."""
    if not is_pending_event(refused):
        return refused
    try:
        actions, _ = newest_actions(client, path)
    except ApiProblem:
        return refused
    pending = [f"{action.type} (action {action.id})" for action in actions if not action.finished]
    which = f"Pending is the {', the '.join(pending)}; wait for it with account.wait." if pending else "Try again."
    return Refused(
        f"{refused} {which}",
        request=refused.request,
        status=refused.status,
        code=refused.code,
        api_message=refused.api_message,
        request_id=refused.request_id,
    )
