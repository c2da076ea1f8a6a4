"""Plan a snapshot: read the droplet, and say what will happen. Nothing is changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from doaudit.errors import InvalidArgument, NotPossible
from doaudit.expected_duration import ExpectedDuration, default_durations, default_snapshot
from doaudit.formatting import time_span
from doaudit.resources import resource_path
from doaudit.snapshot.run import Run, planned_steps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from doaudit.api.client import Client
    from doaudit.api.responses import Response

__all__ = ["DROPLET", "plan_snapshot"]

DROPLET = "{droplet}"
"""Stands for the droplet's name in the name of a snapshot."""

_MAX_NAME_LENGTH = 250
_MOST_EXISTING = 20  # names that a plan keeps


def plan_snapshot(
    client: Client,
    droplet_id: int,
    name: str | None = None,
    *,
    live: bool = False,
    expected: Mapping[str, ExpectedDuration] | None = None,
    now: datetime,
) -> Run:
    """
    Plan a snapshot of a droplet, step by step; nothing is changed.

    Args:
        client: the account.
        droplet_id: the droplet.
        name: the snapshot's; by default the droplet's and the time in UTC. `{droplet}` in it is the droplet's name.
        live: leave the droplet on.
        expected: expected durations by type of event. One that is missing is guessed; a snapshot's, by the disk.
        now: the time.

    Raises:
        NotFound: there is no such droplet.
        NotPossible: the droplet is locked, or neither on nor off.
        InvalidArgument: no snapshot can have this name.
        ApiProblem: the droplet could not be read.
    """
    path = resource_path(f"droplet:{droplet_id}")
    droplet = client.get(path, parse=_parse_droplet)
    droplet_name = str(droplet.get("name") or droplet_id)
    _check_droplet(droplet, droplet_id, droplet_name)
    snapshot_name = _valid_name(f"{DROPLET} {now:%Y-%m-%d %H:%M} UTC" if name is None else name, droplet_name)
    taken = client.get(f"{path}/snapshots", {"page": 1, "per_page": 200}, parse=_parse_names)
    clash = f"There is a snapshot named '{snapshot_name}' already; this would be another one of that name."
    disk_gb = float(droplet.get("disk") or 25)
    planned = Run(
        id=f"{now:%Y%m%dT%H%M%SZ}-{droplet_id}-{uuid4().hex[:8]}",
        droplet_id=droplet_id,
        droplet_name=droplet_name,
        snapshot_name=snapshot_name,
        default_name=name is None,
        live=live,
        was_on=droplet.get("status") == "active",
        created_at=now,
        notes=(clash,) if snapshot_name in taken else (),
        existing_names=taken[:_MOST_EXISTING],
        region=str((droplet.get("region") or {}).get("slug") or ""),
        expected={
            **default_durations(),
            "snapshot": default_snapshot(disk_gb),
            **(expected or {}),
        },
    )
    return replace(planned, steps=planned_steps(planned), sentence=_sentence(planned))


def _check_droplet(droplet: dict[str, Any], droplet_id: int, droplet_name: str) -> None:
    """Refuse a droplet that cannot be shut down and switched on."""
    if droplet.get("locked"):
        raise NotPossible(
            f"Droplet {droplet_name} ({droplet_id}) is locked by DigitalOcean, so that nothing can be done to it. Ask "
            "its support why."
        )
    status = str(droplet.get("status"))
    if status not in {"active", "off"}:
        raise NotPossible(
            f"Droplet {droplet_name} ({droplet_id}) is neither on nor off but '{status}'. Wait until it is, and try "
            "again."
        )


def _parse_droplet(response: Response) -> dict[str, Any]:
    return msgspec.json.decode(response.body, type=dict[str, dict[str, Any]])["droplet"]


def _parse_names(response: Response) -> tuple[str, ...]:
    body = msgspec.json.decode(response.body, type=dict[str, Any])
    return tuple(str(snapshot.get("name")) for snapshot in body["snapshots"])


def _valid_name(name: str, droplet_name: str) -> str:
    """Return a snapshot's name without blanks around it, or refuse it."""
    name = name.replace(DROPLET, droplet_name).strip()
    if not name or len(name) > _MAX_NAME_LENGTH or not re.sub(r"\s", " ", name).isprintable():
        raise InvalidArgument(
            f"A snapshot's name has 1 to {_MAX_NAME_LENGTH} characters that can be printed; this one has {len(name)}."
        )
    return name


def _sentence(planned: Run) -> str:
    """Say what will happen to the droplet's power, and for how long."""
    if not planned.was_on:
        return "The droplet is off, and stays off."
    if planned.live:
        return "The droplet stays on; a file that it writes while the snapshot is taken may be in it half-written."
    about, most = planned.off_s or (0.0, 0.0)
    return f"The droplet will be off for about {time_span(about)}, 9 of 10 within {time_span(most)}."
