"""Plan a snapshot: look at the droplet, and say what will happen. Nothing is changed."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

from doaudit.errors import InvalidArgument, NotPossible
from doaudit.expected_duration import ExpectedDuration, default_durations, default_snapshot
from doaudit.formatting import time_span
from doaudit.snapshot.run import Run, planned_steps

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from doaudit.api.client import Client
    from doaudit.api.responses import Response

__all__ = ["plan_snapshot"]

_LONGEST_NAME = 250


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
        name: the snapshot's; by default the droplet's and the time in UTC.
        live: leave the droplet on.
        expected: by type of event, how long it takes here; what is missing is guessed, of a snapshot by the disk.
        now: the time.

    Raises:
        NotFound: there is no such droplet.
        NotPossible: the droplet is locked, or neither on nor off.
        InvalidArgument: the name cannot be one.
        ApiProblem: the droplet could not be read.
    """
    droplet = client.get(f"/v2/droplets/{droplet_id}", parse=_droplet)
    called = str(droplet.get("name") or droplet_id)
    _check(droplet, droplet_id, called)
    checked = _checked_name(f"{called} {now:%Y-%m-%d %H:%M} UTC" if name is None else name)
    taken = client.get(f"/v2/droplets/{droplet_id}/snapshots", {"page": 1, "per_page": 200}, parse=_names)
    clash = f"There is a snapshot named '{checked}' already; this would be another one of that name."
    disk_gb = float(droplet.get("disk") or 25)
    planned = Run(
        id=f"{now:%Y%m%dT%H%M%SZ}-{droplet_id}-{uuid4().hex[:8]}",
        droplet_id=droplet_id,
        droplet_name=called,
        snapshot_name=checked,
        default_name=name is None,
        live=live,
        was_on=droplet.get("status") == "active",
        created_at=now,
        notes=(clash,) if checked in taken else (),
        region=str((droplet.get("region") or {}).get("slug") or ""),
        expected={
            **default_durations(),
            "snapshot": default_snapshot(disk_gb),
            **(expected or {}),
        },
    )
    return replace(planned, steps=planned_steps(planned), sentence=_in_words(planned))


def _check(droplet: dict[str, Any], droplet_id: int, called: str) -> None:
    """Refuse a droplet that cannot be shut down and switched on."""
    if droplet.get("locked"):
        raise NotPossible(
            f"Droplet {called} ({droplet_id}) is locked by DigitalOcean, so that nothing can be done to it. Ask its "
            "support why."
        )
    if droplet.get("status") not in {"active", "off"}:
        raise NotPossible(
            f"Droplet {called} ({droplet_id}) is neither on nor off but '{droplet.get('status')}'. Wait until it is, "
            "and try again."
        )


def _droplet(answer: Response) -> dict[str, Any]:
    return msgspec.json.decode(answer.body, type=dict[str, dict[str, Any]])["droplet"]


def _names(answer: Response) -> frozenset[str]:
    body = msgspec.json.decode(answer.body, type=dict[str, Any])
    return frozenset(str(each.get("name")) for each in body["snapshots"])


def _checked_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not re.sub(r"\s", " ", name).isprintable():
        raise InvalidArgument(
            f"A snapshot's name has 1 to {_LONGEST_NAME} characters that can be printed; this one has {len(name)}."
        )
    return name


def _in_words(planned: Run) -> str:
    if not planned.was_on:
        return "The droplet is off, and will stay so."
    if planned.live:
        return "The droplet stays on; what it writes while the snapshot is taken may be in it half-way."
    about, most = planned.off_s or (0.0, 0.0)
    return f"The droplet will be off for about {time_span(about)}, 9 of 10 within {time_span(most)}."
