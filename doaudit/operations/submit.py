"""Start any one event that the API documents, and get the action that it becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.errors import ApiProblem, InvalidArgument, OutcomeUnknown, Refused
from doaudit.snapshot.messages import matching_action
from doaudit.snapshot.run import Submission
from doaudit.snapshot.transport import is_pending_event, newest_actions, post_event, resource_path

if TYPE_CHECKING:
    from doaudit.actions import Action
    from doaudit.api.client import Client
    from doaudit.clock import Clock

__all__ = ["EVENTS", "start"]

# By kind of resource: the types that the API documents, each with the arguments it must have.
EVENTS: dict[str, dict[str, tuple[str, ...]]] = {
    "droplet": {
        **dict.fromkeys(("power_on", "power_off", "power_cycle", "reboot", "shutdown"), ()),
        **dict.fromkeys(("enable_ipv6", "enable_backups", "disable_backups", "password_reset", "snapshot"), ()),
        "restore": ("image",),
        "rebuild": ("image",),
        "resize": ("size",),
        "rename": ("name",),
        "change_kernel": ("kernel",),
        "change_backup_policy": ("backup_policy",),
    },
    "image": {"transfer": ("region",), "convert": ()},
    "volume": {"attach": ("droplet_id",), "detach": ("droplet_id",), "resize": ("size_gigabytes",)},
    "reserved_ip": {"assign": ("droplet_id",), "unassign": ()},
}
_LOOKUPS = 4
_LOOKUP_EVERY_S = 5.0


def start(client: Client, resource: str, kind: str, arguments: dict[str, Any], *, clock: Clock) -> Action:
    """
    Start an event, once.

    Its actions are read before, so that if the answer is lost the action can be told from those there were.

    Args:
        client: the account.
        resource: its key, as in the frame's column `resource`: 'droplet:3164450'.
        kind: the event's type, as the API calls it in requests.
        arguments: what the event needs besides.
        clock: waits between looks for an action whose answer was lost.

    Raises:
        InvalidArgument: there is no such resource, no such event of it, or the event needs another argument.
        Refused: it cannot be done now; if another event is in the way, the message says which.
        OutcomeUnknown: no answer came, and no action of the kind has started since.
        ApiProblem: it was not started, for another reason.
    """
    path = f"{resource_path(resource)}/actions"
    _check(resource, kind, arguments)
    before, since = newest_actions(client, path)
    asked = Submission(kind, sent_at=since, since=since, known=tuple(action.id for action in before))
    try:
        return post_event(client, path, {"type": kind, **arguments})
    except OutcomeUnknown as lost:
        return _adopted(client, path, asked, lost, clock)
    except Refused as refused:
        raise _with_what_is_in_the_way(client, path, refused) from None


def _check(resource: str, kind: str, arguments: dict[str, Any]) -> None:
    sort = resource.partition(":")[0].replace("floating_ip", "reserved_ip")
    if kind not in EVENTS[sort]:
        raise InvalidArgument(f"{kind!r} is no event of a {sort}; there are {', '.join(sorted(EVENTS[sort]))}.")
    missing = [name for name in EVENTS[sort][kind] if arguments.get(name) in {None, ""}]
    if missing:
        raise InvalidArgument(f"The event {kind!r} of a {sort} needs {', '.join(f'{name}=' for name in missing)}.")


def _adopted(client: Client, path: str, asked: Submission, lost: OutcomeUnknown, clock: Clock) -> Action:
    for _ in range(_LOOKUPS):
        try:
            actions, _date = newest_actions(client, path)
        except ApiProblem:
            break
        found = matching_action(actions, asked.type, asked.known, asked.since)
        if found is not None:
            return found
        clock.wait(_LOOKUP_EVERY_S)
    raise OutcomeUnknown(
        f"{lost} There was no new {asked.type} among the actions at {path} when they were looked at afterwards.",
        request=lost.request,
    ) from None


def _with_what_is_in_the_way(client: Client, path: str, refused: Refused) -> Refused:
    if not is_pending_event(refused):
        return refused
    try:
        actions, _ = newest_actions(client, path)
    except ApiProblem:
        return refused
    pending = [f"{action.type} (action {action.id})" for action in actions if not action.finished]
    which = f"In the way is the {', the '.join(pending)}; wait for it with doaudit.wait." if pending else "Try again."
    return Refused(
        f"{refused} {which}",
        request=refused.request,
        status=refused.status,
        code=refused.code,
        api_message=refused.api_message,
        request_id=refused.request_id,
    )
