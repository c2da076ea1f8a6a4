"""HTTP transport of a snapshot run: send its commands; what comes back, also an error, is an event."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.api.client import Stopped
from doaudit.errors import (
    ApiProblem,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Unauthorized,
)
from doaudit.operations.action_requests import is_pending_event, newest_actions, post_event, read_action
from doaudit.resources import resource_path
from doaudit.snapshot.messages import (
    Accepted,
    ActionRead,
    DropletRead,
    Event,
    ListRead,
    Missing,
    ReadAction,
    ReadDroplet,
    ReadFailed,
    ReadList,
    ReadSnapshots,
    Rejected,
    ResponseLost,
    Snapshot,
    SnapshotsRead,
    Submit,
)

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from doaudit.api.client import Client
    from doaudit.api.responses import Response
    from doaudit.api.retry import Pause
    from doaudit.snapshot.run import Moment

__all__ = ["perform"]

_SNAPSHOTS_PER_PAGE = 200
_MOST_PAGES = 20


class _DropletShape(msgspec.Struct, frozen=True):
    status: str
    locked: bool = False


class _DropletResponse(msgspec.Struct, frozen=True):
    droplet: _DropletShape


class _SnapshotsResponse(msgspec.Struct, frozen=True):
    snapshots: list[Any]


def perform(  # noqa: PLR0911 -- one for each command
    client: Client,
    droplet_id: int,
    command: ReadDroplet | ReadList | ReadAction | ReadSnapshots | Submit,
    *,
    now: Callable[[], Moment],
    stop: threading.Event,
    on_pause: Callable[[Pause], None],
) -> Event:
    """
    Send a command about a droplet, and return what comes back; an error is an event, too.

    Raises:
        Stopped: *stop* was set while the request waited; nothing was sent.
    """
    path = resource_path(f"droplet:{droplet_id}")
    try:
        match command:
            case Submit():
                body = {"type": command.type} | ({} if command.name is None else {"name": command.name})
                action = post_event(client, f"{path}/actions", body, stop=stop, on_pause=on_pause)
                return Accepted(now(), action)
            case ReadDroplet():
                shape, date = client.get(path, parse=_parse_droplet, stop=stop, on_pause=on_pause)
                return DropletRead(now(), shape.status, date, shape.locked)
            case ReadList():
                actions, date = newest_actions(client, f"{path}/actions", stop=stop, on_pause=on_pause)
                return ListRead(now(), actions, date)
            case ReadAction():
                action = read_action(client, command.action_id, stop=stop, on_pause=on_pause)
                return ActionRead(now(), action)
            case ReadSnapshots():
                return SnapshotsRead(now(), _read_snapshots(client, f"{path}/snapshots", stop=stop, on_pause=on_pause))
    except Stopped:
        raise
    except ApiProblem as fault:
        return _event_of(command, fault, now())
    except Exception as fault:  # noqa: BLE001 -- a defect of ours must not leave a droplet off either
        text = f"This could not be done ({type(fault).__name__}: {fault})."
        return ResponseLost(now(), text) if isinstance(command, Submit) else ReadFailed(now(), text)


def _event_of(command: object, fault: ApiProblem, now: Moment) -> Event:
    """Return the event that an error is."""
    if isinstance(command, Submit):
        if isinstance(fault, OutcomeUnknown):
            return ResponseLost(now, str(fault))
        rate_limited = isinstance(fault, RateLimited)
        temporary = rate_limited or isinstance(fault, NotFound) or is_pending_event(fault)
        return Rejected(now, str(fault), temporary=temporary, rate_limited=rate_limited)
    if isinstance(fault, NotFound):
        return Missing(now, str(fault))
    return ReadFailed(now, str(fault), unauthorized=isinstance(fault, Unauthorized | Forbidden))


def _read_snapshots(
    client: Client, path: str, *, stop: threading.Event, on_pause: Callable[[Pause], None]
) -> tuple[Snapshot, ...]:
    found: dict[str, Snapshot] = {}
    for page in range(1, _MOST_PAGES + 1):
        query = {"page": page, "per_page": _SNAPSHOTS_PER_PAGE}
        listed = client.get(path, query, parse=_parse_snapshots, stop=stop, on_pause=on_pause)
        found |= {snapshot.id: snapshot for snapshot in listed}
        if len(listed) < _SNAPSHOTS_PER_PAGE:
            break
    return tuple(found.values())


def _parse_droplet(response: Response) -> tuple[_DropletShape, datetime]:
    shape = msgspec.json.decode(response.body, type=_DropletResponse).droplet
    return shape, datetime.fromtimestamp(response.date, UTC)


def _parse_snapshots(response: Response) -> tuple[Snapshot, ...]:
    rows = msgspec.json.decode(response.body, type=_SnapshotsResponse).snapshots
    return tuple(
        Snapshot(str(row.get("id")), str(row.get("name") or ""), _to_datetime(row.get("created_at")))
        for row in rows
        if isinstance(row, dict)
    )


def _to_datetime(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
