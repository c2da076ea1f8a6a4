"""
List of what was planted in the history of a simulated company, so that whatever looks for it can be measured.

Only what is in the actions is listed: a small account begins later, and lacks what happened before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from doaudit.demo.company.history import ACTIONS, make_company
from doaudit.demo.company.inventory import droplets_of
from doaudit.demo.company.routine import DRIFT, DRIFTING, INCIDENT
from doaudit.demo.company.whole_schedule import SPAN_S
from doaudit.demo.world.clock import START

if TYPE_CHECKING:
    from doaudit.demo.company.history import Company
    from doaudit.demo.world.records import Action

__all__ = ["Drift", "Incident", "MassDestroy", "Planted", "PowerOff", "RetryChain", "planted"]


@dataclass(frozen=True)
class Incident:
    """
    A region in which most actions failed for some hours.

    Attributes:
        region: Its slug.
        began, ended: The hours in which the actions started.
        failures: The ids of the actions that failed for it.
        slow: The ids of the snapshots that took far longer than usual.
    """

    region: str
    began: datetime
    ended: datetime
    failures: tuple[int, ...]
    slow: tuple[int, ...]


@dataclass(frozen=True)
class Drift:
    """
    A type of action that gets slower from month to month.

    Attributes:
        type: The type.
        factor: What its durations are multiplied by from its first action to its last.
    """

    type: str
    factor: float


@dataclass(frozen=True)
class PowerOff:
    """
    A droplet that was switched off and stayed off.

    Attributes:
        droplet: Its id.
        action: The id of the action that switched it off.
        began: When that had ended.
        ended: When it was switched on again, or destroyed; None if it is still off.
    """

    droplet: int
    action: int
    began: datetime
    ended: datetime | None


@dataclass(frozen=True)
class RetryChain:
    """
    An action that failed and was tried again until it worked.

    Attributes:
        resource: The key of what it was tried on.
        type: The type.
        actions: The ids of the attempts, the first one first; only the last one worked.
    """

    resource: str
    type: str
    actions: tuple[int, ...]


@dataclass(frozen=True)
class MassDestroy:
    """
    Droplets that were destroyed within half an hour on a Sunday night.

    Attributes:
        began, ended: When the first and the last of the actions started.
        actions: The ids of the actions, the first one first.
        droplets: The ids of the droplets, in the same order.
    """

    began: datetime
    ended: datetime
    actions: tuple[int, ...]
    droplets: tuple[int, ...]


@dataclass(frozen=True)
class Planted:
    """
    Everything that was planted in a history; None or empty where there is nothing of the kind.

    Attributes:
        incident: The regional incident.
        drift: The type that gets slower.
        stuck: The ids of the actions that never end, the oldest first.
        power_offs: The droplets that stayed off.
        without_backup: The ids of existing droplets of which no action made a backup or a snapshot.
        retry_chain: The action that was retried.
        mass_destroy: The droplets destroyed in one night.
    """

    incident: Incident | None
    drift: Drift | None
    stuck: tuple[int, ...]
    power_offs: tuple[PowerOff, ...]
    without_backup: tuple[int, ...]
    retry_chain: RetryChain | None
    mass_destroy: MassDestroy | None


def planted(seed: int = 7, *, start: int = START, actions: int | None = None, quiet: bool = False) -> Planted:
    """
    List what was planted in a simulated account; the arguments are those of `company_world`.

    Raises:
        ValueError: The three years do not make as many *actions*, or there are to be none.

    Example:
        >>> chain = planted().retry_chain
        >>> chain.type, len(chain.actions)
        ('snapshot', 4)
    """
    company = make_company(seed, start=start, actions=ACTIONS if actions is None else actions, quiet=quiet)
    known = {action.id: action for action in company.history}
    found = {kind: [known[id_] for id_ in ids if id_ in known] for kind, ids in company.planted.items()}
    return Planted(
        incident=_incident(found.get("incident", []), found.get("incident_slow", []), start),
        drift=None if quiet else _drift(company, start),
        stuck=_ids(found.get("stuck", [])),
        power_offs=tuple(_power_off(action, company.history) for action in found.get("power_off", [])),
        without_backup=_without_backup(company, start),
        retry_chain=_retry_chain(found.get("retry", [])),
        mass_destroy=_mass_destroy(found.get("destroy", [])),
    )


def _incident(failures: list[Action], slow: list[Action], start: int) -> Incident | None:
    region, began_s, ended_s = INCIDENT
    began, ended = _moment(start - began_s), _moment(start - ended_s)
    return Incident(region, began, ended, _ids(failures), _ids(slow)) if failures else None


def _drift(company: Company, start: int) -> Drift | None:
    """Return by how much the type gets slower within the history."""
    ages = [(action.started_at - start + SPAN_S) / SPAN_S for action in company.history if action.type == DRIFTING]
    if not ages:
        return None
    first, last = (1.0 + (DRIFT - 1.0) * age for age in (min(ages), max(ages)))
    return Drift(DRIFTING, last / first)


def _power_off(action: Action, history: list[Action]) -> PowerOff:
    later = (
        other.ends_at
        for other in history
        if other.resource == action.resource
        and other.started_at > action.started_at
        and other.type in ("power_on", "destroy")
        and other.outcome == "completed"
    )
    ended = next(later, None)
    began = _moment(action.ends_at or action.started_at)
    return PowerOff(action.resource_id or 0, action.id, began, None if ended is None else _moment(ended))


def _without_backup(company: Company, start: int) -> tuple[int, ...]:
    backed_up = {
        action.resource_id
        for action in company.history
        if action.type in ("backup", "snapshot") and action.outcome == "completed" and action.finished(start)
    }
    droplets = droplets_of(company.fleet, company.full_history, start)
    return tuple(sorted(droplet.id for droplet in droplets if droplet.id not in backed_up))


def _retry_chain(attempts: list[Action]) -> RetryChain | None:
    if len(attempts) < 2:  # noqa: PLR2004 -- one attempt is no chain
        return None
    return RetryChain(attempts[0].resource, attempts[0].type, _ids(attempts))


def _mass_destroy(destroyed: list[Action]) -> MassDestroy | None:
    if not destroyed:
        return None
    began, ended = (_moment(destroyed[place].started_at) for place in (0, -1))
    return MassDestroy(began, ended, _ids(destroyed), tuple(action.resource_id or 0 for action in destroyed))


def _ids(actions: list[Action]) -> tuple[int, ...]:
    return tuple(action.id for action in actions)


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
