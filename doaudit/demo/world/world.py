"""
The simulated account: its records, the requests it carries out, and its clock.

A world is pure: no network, no threads, no real time. Its clock moves when `advance` is called, or with the source that
it follows; every result is a function of that clock.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.demo.world import events
from doaudit.demo.world.action_log import ActionLog
from doaudit.demo.world.api_errors import not_found, pending_event, unprocessable
from doaudit.demo.world.catalogue import REGIONS, SIZES
from doaudit.demo.world.clock import START, Clock
from doaudit.demo.world.faults import Faults, course
from doaudit.demo.world.limits import Limits
from doaudit.demo.world.records import Action, Droplet, Image, ReservedIp, Resource, Volume
from doaudit.demo.world.resource_events import image_event, reserved_ip_event, volume_event
from doaudit.demo.world.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from doaudit.demo.world.resource_events import ResourceEvent

__all__ = ["World"]

# DigitalOcean numbers the resources of all accounts together, so that a new id is large even in a small account.
_DROPLET_IDS_FROM = 564_000_000
_IMAGE_IDS_FROM = 226_000_000
_REQUESTS_KEPT = 100_000
_REGION, _SIZE = "fra1", "s-2vcpu-4gb"


class World:
    """
    A simulated account, small or large.

    Args:
        actions: Its history; requests that start actions add to it.
        droplets: Its droplets; destroyed ones as well, where requests for them matter.
        images: Its snapshots and backups.
        volumes: Its volumes.
        reserved_ips: Its reserved IPs.
        seed: The seed of all random durations, lags and orders.
        start: Unix seconds that its clock shows first.
        hourly: The requests that a token may make within an hour.
        burst: The requests that a token may make within a minute; None, the default, for no such limit.
            DigitalOcean's is 250, which a fast first read of a large account exceeds.
        tie_shuffle: The share of list requests, between 0 and 1, that order the actions of a second anew: 1 for a new
            order in each request, 0 for one fixed order.
        arrivals: The number of actions that start just before the response to the k-th request for the list of
            actions, by k (the first request is number 1).

    Example:
        >>> world = World(droplets=[Droplet(1, "web-01")], seed=7)
        >>> action = world.act_on_droplet(1, {"type": "power_off"})
        >>> action.status(world.now)
        'in-progress'
        >>> world.advance(60)
        >>> action.status(world.now), world.droplet(1).get("status", world.now)
        ('completed', 'off')
    """

    def __init__(  # noqa: PLR0913 -- every part of an account may be given, none has to be
        self,
        *,
        actions: Iterable[Action] = (),
        droplets: Iterable[Droplet] = (),
        images: Iterable[Image] = (),
        volumes: Iterable[Volume] = (),
        reserved_ips: Iterable[ReservedIp] = (),
        seed: int = 7,
        start: float = START,
        hourly: int = 5000,
        burst: int | None = None,
        tie_shuffle: float = 1.0,
        arrivals: Mapping[int, int] | None = None,
    ) -> None:
        self.clock = Clock(start)
        self.log = ActionLog(actions, seed=seed, tie_shuffle=tie_shuffle)
        self.droplets = {droplet.id: droplet for droplet in droplets}
        self.images = {image.id: image for image in images}
        self.volumes = {volume.id: volume for volume in volumes}
        self.reserved_ips = {reserved.ip: reserved for reserved in reserved_ips}
        self.faults = Faults()
        self.limits = Limits(hourly, burst)
        self.tokens = Tokens()
        self.arrivals = dict(arrivals or {})
        self.scoped_reads_lack_end = True
        """True if /v2/droplets/{id}/actions/{id} leaves out when an action completed, as the live API does."""
        self.power_on_twice = True
        """True if a power-on of a droplet that is on is accepted and changes nothing; False if it is rejected."""
        self.team = "5df3e3004a17e242b7c20ca6c9fc25b701a47ece"
        """The uuid of its team, by which accounts are told apart."""
        self.requests: deque[str] = deque(maxlen=_REQUESTS_KEPT)
        """The requests that a server has received for this world, as "GET /v2/actions?page=1"."""
        self.list_reads = 0
        """The number of requests for the list of actions so far."""
        self._random = np.random.default_rng(seed)

    @property
    def now(self) -> float:
        """The time on the virtual clock, in Unix seconds."""
        return self.clock.now

    def advance(self, seconds: float) -> None:
        """Move the virtual clock forward by *seconds*."""
        self.clock.advance(seconds)

    def arrive(self, count: int = 1, *, tied: bool = False) -> list[Action]:
        """
        Start *count* new actions: create droplets, as an autoscaling pool does.

        The clock moves forward by a second before each; with *tied*, all start in the current second.
        """
        started = []
        for _ in range(count):
            if not tied:
                self.advance(1)
            started.append(self._create(f"auto-{len(self.log):05d}", {"region": "fra1"})[1])
        return started

    def list_actions(self, page: int, per_page: int) -> tuple[list[Action], int]:
        """Return a page of the list of all actions, newest first, and the total number of actions."""
        self.list_reads += 1
        self.arrive(self.arrivals.get(self.list_reads, 0))
        now = self.now
        return self.log.page(page, per_page, now), self.log.total(now)

    def action(self, action_id: int, resource: Resource | None = None) -> Action:
        """Return an action, with *resource* only if it is one of that resource; raise the 404 if there is none."""
        found = self.log.get(action_id, self.now)
        if found is None or (resource is not None and found.resource != resource.key):
            raise not_found()
        return found

    def actions_of(self, resource: Resource) -> list[Action]:
        """Return the actions of a resource, newest first."""
        return self.log.of_resource(resource.key, self.now)

    def listed_droplets(self) -> list[Droplet]:
        """Return the droplets that have not been destroyed, newest first."""
        existing = [droplet for droplet in self.droplets.values() if droplet.exists(self.now)]
        return sorted(existing, key=lambda droplet: -droplet.id)

    def droplet(self, droplet_id: int) -> Droplet:
        """Return a droplet; raise the 404 if it does not exist."""
        found = self.droplets.get(droplet_id)
        if found is None or not found.exists(self.now):
            raise not_found()
        return found

    def listed_images(self, droplet_id: int | None = None, type_: str | None = None) -> list[Image]:
        """Return the snapshots and backups that lists show at this time, newest first."""
        listed = [
            image
            for image in self.images.values()
            if image.listed_at <= self.now and droplet_id in {None, image.droplet_id} and type_ in {None, image.type}
        ]
        return sorted(listed, key=lambda image: (-image.created_at, -image.id))

    def create_droplets(self, body: dict[str, Any]) -> list[tuple[Droplet, Action]]:
        """Create a droplet called `name`, or one for each of `names`; return each with its create action."""
        names = body.get("names") or [body.get("name")]
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise unprocessable("You must specify a name.")
        if (body.get("size") or _SIZE) not in SIZES:
            raise unprocessable("You specified an invalid size for Droplet creation.")
        if not body.get("image"):
            raise unprocessable("You specified an invalid image for Droplet creation.")
        if (body.get("region") or _REGION) not in REGIONS:
            raise unprocessable("You specified an invalid region for Droplet creation.")
        return [self._create(name, body) for name in names]

    def destroy_droplet(self, droplet_id: int) -> Action:
        """Destroy a droplet and return the action, which the API's response does not name."""
        droplet = self.droplet(droplet_id)
        self._reject_if_pending(droplet, "Droplet")
        action, _ = self._start("destroy", droplet, f"/v2/droplets/{droplet_id}", "DELETE", median_s=6.5)
        if action.outcome == "completed" and action.ends_at is not None:
            droplet.destroyed_at = action.ends_at
        return action

    def act_on_droplet(self, droplet_id: int, body: dict[str, Any]) -> Action:
        """Start an event of a droplet and return its action."""
        droplet = self.droplet(droplet_id)
        self._reject_if_pending(droplet, "Droplet")
        event = events.validate(body, droplet, self.now, power_on_twice=self.power_on_twice)
        type_ = body["type"]
        median_s = event.median_s * (droplet.snapshot_s if type_ == "snapshot" else 1)
        was_on = droplet.real("status", self.now) == "active"
        path = f"/v2/droplets/{droplet_id}/actions"
        action, effect_at = self._start(type_, droplet, path, median_s=median_s, spread=event.spread)
        if effect_at is None:
            return action
        if type_ == "snapshot":
            self._add_snapshot(droplet, action, effect_at, body.get("name"))
        if type_ == ("power_on" if was_on else "shutdown"):
            return action  # there is nothing to change
        guest_s = self._random.uniform(2, 8) if type_ == "shutdown" else 0.0
        events.apply(type_, body, droplet, effect_at + guest_s, self._random.uniform(1, 5))
        return action

    def act_on_tagged(self, tag: str, body: dict[str, Any]) -> list[Action]:
        """Start an event of each droplet with a tag, or of none if one of them would reject it; return the actions."""
        if body.get("type") not in events.BY_TAG:
            raise unprocessable("You specified an invalid action type.")
        droplets = [droplet for droplet in self.listed_droplets() if tag in droplet.tags]
        if not droplets:
            raise not_found()
        for droplet in droplets:
            self._reject_if_pending(droplet, "Droplet")
            events.validate(body, droplet, self.now, power_on_twice=self.power_on_twice)
        return [self.act_on_droplet(droplet.id, body) for droplet in droplets]

    def act_on_image(self, image_id: int, body: dict[str, Any]) -> Action:
        """Transfer an image to another region, or convert a backup to a snapshot; return the action."""
        image = self.image(image_id)
        self._reject_if_pending(image, "Image")
        event = image_event(body, image, self.now)
        return self._start_event(event, image, f"/v2/images/{image_id}/actions")

    def act_on_volume(self, volume_id: str, body: dict[str, Any]) -> Action:
        """Attach, detach or resize a volume; return the action, whose type is `attach_volume` and so on."""
        volume = self.volume(volume_id)
        self._reject_if_pending(volume, "Volume")
        event = volume_event(body, volume, self._target_id(body, "attach"), self.now)
        return self._start_event(event, volume, f"/v2/volumes/{volume_id}/actions")

    def act_on_reserved_ip(self, ip: str, body: dict[str, Any]) -> Action:
        """Assign a reserved IP to a droplet, or unassign it; return the action."""
        reserved_ip = self.reserved_ip(ip)
        # This error of the API still has the old name of reserved IPs.
        self._reject_if_pending(reserved_ip, "The floating IP")
        event = reserved_ip_event(body, self._target_id(body, "assign"))
        return self._start_event(event, reserved_ip, f"/v2/reserved_ips/{ip}/actions")

    def image(self, image_id: int) -> Image:
        """Return an image that lists show at this time; raise the 404 if there is none."""
        found = self.images.get(image_id)
        if found is None or found.listed_at > self.now:
            raise not_found()
        return found

    def volume(self, volume_id: str) -> Volume:
        """Return a volume; raise the 404 if there is none."""
        if volume_id not in self.volumes:
            raise not_found()
        return self.volumes[volume_id]

    def reserved_ip(self, ip: str) -> ReservedIp:
        """Return a reserved IP; raise the 404 if there is none."""
        if ip not in self.reserved_ips:
            raise not_found()
        return self.reserved_ips[ip]

    def _reject_if_pending(self, resource: Resource, name: str) -> None:
        """Raise the 422 if an action of *resource* is running; *name* is what the message calls the resource."""
        if any(not action.finished(self.now) for action in self.actions_of(resource)):
            raise pending_event(name)

    def _target_id(self, body: dict[str, Any], type_: str) -> int | None:
        """Return the id of the droplet that a request of *type_* names, or raise the 404; None for other types."""
        if body.get("type") != type_:
            return None
        target = body.get("droplet_id")
        return self.droplet(target if isinstance(target, int) else 0).id

    def _create(self, name: str, body: dict[str, Any]) -> tuple[Droplet, Action]:
        """Create a droplet as *body* describes it; return it with its create action."""
        droplet = Droplet(
            id=max((*self.droplets, _DROPLET_IDS_FROM)) + int(self._random.integers(1, 40)),
            name=name,
            region=body.get("region") or _REGION,
            size=body.get("size") or _SIZE,
            status="new",
            created_at=self.clock.second,
            tags=list(body.get("tags") or []),
        )
        self.droplets[droplet.id] = droplet
        action, effect_at = self._start("create", droplet, "/v2/droplets", median_s=28)
        if effect_at is not None:
            droplet.change(effect_at, self._random.uniform(1, 5), status="active")
        return droplet, action

    def _start(
        self,
        type_: str,
        resource: Resource,
        path: str,
        method: str = "POST",
        *,
        median_s: float,
        spread: float = 0.3,
    ) -> tuple[Action, float | None]:
        """
        Add a new action to the log, with a lognormal duration and the fault that is due.

        Returns:
            The action, and the Unix second at which it changes its resource; None for never.
        """
        fault = self.faults.take(method, path, type_)
        started_at = self.clock.second
        duration_s = max(1, round(median_s * math.exp(spread * self._random.standard_normal())))
        ends_at, effect_at, outcome = course(fault, type_, started_at, duration_s)
        action = Action(
            id=self.log.next_id(int(self._random.integers(1, 60))),
            type=type_,
            resource_type=resource.key.partition(":")[0],
            resource_id=resource.shown_id,
            resource=resource.key,
            region=resource.shown_region,
            started_at=started_at,
            ends_at=ends_at,
            outcome=outcome,
        )
        self.log.add(action)
        return action, effect_at

    def _start_event(self, event: ResourceEvent, resource: Resource, path: str) -> Action:
        """Start an event of a resource that is not a droplet, and let it take effect."""
        action, effect_at = self._start(event.type, resource, path, median_s=event.median_s)
        if effect_at is not None:
            resource.change(effect_at, **event.changes)
        return action

    def _add_snapshot(self, droplet: Droplet, action: Action, done_at: float, name: object) -> None:
        """Add the image of a snapshot that is done at *done_at*; lists show it seconds later."""
        image_id = max((*self.images, _IMAGE_IDS_FROM)) + int(self._random.integers(1, 40))
        self.images[image_id] = Image(
            id=image_id,
            name=str(name) if name else f"{droplet.get('name', self.now)}-{action.started_at}",
            created_at=action.started_at,
            listed_at=done_at + self._random.uniform(2, 6),
            droplet_id=droplet.id,
            regions=[droplet.region],
        )
