"""
The simulated account: what it holds, what can be asked of it, and what time it is.

A world is pure: no network, no threads, no real time. Its clock moves when `advance` is called, or as the source it
was told to follow says; what an answer shows is a function of that clock.
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
from doaudit.demo.world.faults import Fault, Faults
from doaudit.demo.world.limits import Limits
from doaudit.demo.world.records import Action, Droplet, Image, ReservedIp, Resource, Volume
from doaudit.demo.world.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["World"]

_ERRORED_AFTER_S = 3
# Ids are given out by DigitalOcean to everybody, so that a new one is large even in a small account.
_DROPLET_IDS_FROM = 564_000_000
_IMAGE_IDS_FROM = 226_000_000
_NEVER = float("inf")
_REQUESTS_REMEMBERED = 100_000


class World:
    """
    A small or large simulated account.

    Args:
        actions: Its history; more are added as things are done to it.
        droplets: Its droplets, destroyed ones as well if somebody may ask for them.
        images: Its snapshots and backups.
        volumes: Its volumes.
        reserved_ips: Its reserved IPs.
        seed: Decides every duration, lag and order that is left to chance.
        start: Unix seconds at which its clock begins.
        hourly: Requests an hour that a token may make.
        burst: Requests a minute that a token may make; None, the default, for no such limit. DigitalOcean's is 250,
            which a fast first reading of a large account passes.
        tie_shuffle: The share of list requests that show actions of the same second in an order of their own: 1 a
            new order for each request, 0 always one order.
        arrivals: How many actions start just before the k-th request for the list of actions is answered (the first
            request is number 1).

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
        """Whether /v2/droplets/{id}/actions/{id} leaves out when an action completed, as the live API does."""
        self.requests: deque[str] = deque(maxlen=_REQUESTS_REMEMBERED)
        """The requests that a server has answered for this world, as "GET /v2/actions?page=1"."""
        self._random = np.random.default_rng(seed)
        self._lists_read = 0

    @property
    def now(self) -> float:
        """Unix seconds on the virtual clock."""
        return self.clock.now

    def advance(self, seconds: float) -> None:
        """Let *seconds* of virtual time pass."""
        self.clock.advance(seconds)

    def arrive(self, count: int = 1, *, tied: bool = False) -> list[Action]:
        """
        Let *count* new actions start: droplets are created, as by an autoscaling pool.

        The clock moves on by a second before each; with *tied*, all start at the second it is.
        """
        started = []
        for _ in range(count):
            if not tied:
                self.advance(1)
            started.append(self._create(f"auto-{len(self.log):05d}", {"region": "fra1"})[1])
        return started

    def read_list(self, page: int, per_page: int) -> tuple[list[Action], int]:
        """Return one page of all actions, newest first, and how many there are in all."""
        self._lists_read += 1
        self.arrive(self.arrivals.get(self._lists_read, 0))
        now = self.now
        return self.log.page(page, per_page, now), self.log.total(now)

    def action(self, action_id: int, resource: Resource | None = None) -> Action:
        """Return one action, if need be only when it was done to *resource*; refuse with 404 where there is none."""
        found = self.log.get(action_id, self.now)
        if found is None or (resource is not None and found.resource != resource.key):
            raise not_found()
        return found

    def actions_of(self, resource: Resource) -> list[Action]:
        """Return the actions of one resource, newest first."""
        return self.log.of(resource.key, self.now)

    def living_droplets(self) -> list[Droplet]:
        """Return the droplets that have not been destroyed, newest first."""
        living = [droplet for droplet in self.droplets.values() if droplet.exists(self.now)]
        return sorted(living, key=lambda droplet: -droplet.id)

    def droplet(self, droplet_id: int) -> Droplet:
        """Return one droplet that exists, or refuse with 404."""
        found = self.droplets.get(droplet_id)
        if found is None or not found.exists(self.now):
            raise not_found()
        return found

    def listed_images(self, droplet_id: int | None = None, type_: str | None = None) -> list[Image]:
        """Return the snapshots and backups that lists show by now, newest first."""
        shown = [
            image
            for image in self.images.values()
            if image.listed_at <= self.now and droplet_id in {None, image.droplet_id} and type_ in {None, image.type}
        ]
        return sorted(shown, key=lambda image: (-image.created_at, -image.id))

    def create_droplets(self, body: dict[str, Any]) -> list[tuple[Droplet, Action]]:
        """Create the droplet called `name`, or those in `names`; return each with its create action."""
        names = body.get("names") or [body.get("name")]
        if not all(isinstance(name, str) and name for name in names):
            raise unprocessable("You must specify a name.")
        if body.get("size", "s-2vcpu-4gb") not in SIZES:
            raise unprocessable("You specified an invalid size for Droplet creation.")
        if not body.get("image"):
            raise unprocessable("You specified an invalid image for Droplet creation.")
        if body.get("region", "fra1") not in REGIONS:
            raise unprocessable("You specified an invalid region for Droplet creation.")
        return [self._create(name, body) for name in names]

    def destroy_droplet(self, droplet_id: int) -> Action:
        """Destroy a droplet. The API answers without naming the action."""
        droplet = self.droplet(droplet_id)
        self._refuse_if_pending(droplet, "Droplet")
        action, _ = self._start("destroy", droplet, f"/v2/droplets/{droplet_id}", "DELETE", median_s=6.5)
        if action.outcome == "completed" and action.ends_at is not None:
            droplet.destroyed_at = action.ends_at
        return action

    def act_on_droplet(self, droplet_id: int, body: dict[str, Any]) -> Action:
        """Start an event of a droplet."""
        droplet = self.droplet(droplet_id)
        self._refuse_if_pending(droplet, "Droplet")
        event = events.check(body.get("type"), body, droplet, self.now)
        type_ = body["type"]
        median_s = event.median_s * (droplet.snapshot_s if type_ == "snapshot" else 1)
        was_on = droplet.real("status", self.now) == "active"
        path = f"/v2/droplets/{droplet_id}/actions"
        action, effect_at = self._start(type_, droplet, path, median_s=median_s, spread=event.spread)
        if effect_at == _NEVER:
            return action
        if type_ == "snapshot":
            self._take_snapshot(droplet, action, effect_at, body.get("name"))
        if type_ == "shutdown" and not was_on:
            return action
        guest_s = self._random.uniform(2, 8) if type_ == "shutdown" else 0.0
        events.apply(type_, body, droplet, effect_at + guest_s, self._random.uniform(1, 5))
        return action

    def act_on_image(self, image_id: int, body: dict[str, Any]) -> Action:
        """Transfer an image to another region, or convert a backup to a snapshot."""
        image = self.image(image_id)
        self._refuse_if_pending(image, "Image")
        type_ = body.get("type")
        if type_ == "transfer" and body.get("region") not in REGIONS:
            raise unprocessable("You specified an invalid region.")
        if type_ not in {"transfer", "convert"}:
            raise unprocessable("You specified an invalid action type.")
        action, effect_at = self._start(
            type_, image, f"/v2/images/{image_id}/actions", median_s=170 if type_ == "transfer" else 4
        )
        if effect_at < _NEVER and type_ == "transfer":
            image.change(effect_at, regions=[*image.get("regions", self.now), body["region"]])
        elif effect_at < _NEVER:
            image.change(effect_at, type="snapshot")
        return action

    def act_on_volume(self, volume_id: str, body: dict[str, Any]) -> Action:
        """Attach, detach or resize a volume; what is recorded is called `attach_volume` and so on."""
        volume = self.volume(volume_id)
        self._refuse_if_pending(volume, "Volume")
        now, type_ = self.now, body.get("type")
        attached = volume.real("droplet_id", now)
        match type_:
            case "attach":
                self.droplet(body.get("droplet_id") or 0)
                if attached is not None:
                    raise unprocessable("This volume is already attached")
                change: dict[str, Any] = {"droplet_id": body["droplet_id"]}
            case "detach":
                if attached is None or attached != body.get("droplet_id", attached):
                    raise unprocessable("Attachment not found")
                change = {"droplet_id": None}
            case "resize":
                if not isinstance(body.get("size_gigabytes"), int) or body["size_gigabytes"] <= volume.get(
                    "size_gb", now
                ):
                    raise unprocessable("The size must be larger than the volume's.")
                change = {"size_gb": body["size_gigabytes"]}
            case _:
                raise unprocessable("You specified an invalid action type.")
        action, effect_at = self._start(f"{type_}_volume", volume, f"/v2/volumes/{volume_id}/actions", median_s=9)
        if effect_at < _NEVER:
            volume.change(effect_at, **change)
        return action

    def act_on_reserved_ip(self, ip: str, body: dict[str, Any]) -> Action:
        """Assign a reserved IP to a droplet, or take it off."""
        reserved = self.reserved_ip(ip)
        # The wording with which the API refuses this has outlived the old name of these addresses.
        self._refuse_if_pending(reserved, "The floating IP")
        type_ = body.get("type")
        if type_ not in {"assign", "unassign"}:
            raise unprocessable("You specified an invalid action type.")
        target = self.droplet(body.get("droplet_id") or 0).id if type_ == "assign" else None
        action, effect_at = self._start(f"{type_}_ip", reserved, f"/v2/reserved_ips/{ip}/actions", median_s=4)
        if effect_at < _NEVER:
            reserved.change(effect_at, droplet_id=target)
        return action

    def image(self, image_id: int) -> Image:
        """Return one image that lists show by now, or refuse with 404."""
        found = self.images.get(image_id)
        if found is None or found.listed_at > self.now:
            raise not_found()
        return found

    def volume(self, volume_id: str) -> Volume:
        """Return one volume, or refuse with 404."""
        if volume_id not in self.volumes:
            raise not_found()
        return self.volumes[volume_id]

    def reserved_ip(self, ip: str) -> ReservedIp:
        """Return one reserved IP, or refuse with 404."""
        if ip not in self.reserved_ips:
            raise not_found()
        return self.reserved_ips[ip]

    def _refuse_if_pending(self, resource: Resource, called: str) -> None:
        if any(not action.finished(self.now) for action in self.actions_of(resource)):
            raise pending_event(called)

    def _create(self, name: str, body: dict[str, Any]) -> tuple[Droplet, Action]:
        droplet = Droplet(
            id=max((*self.droplets, _DROPLET_IDS_FROM)) + int(self._random.integers(1, 40)),
            name=name,
            region=body.get("region", "fra1"),
            size=body.get("size", "s-2vcpu-4gb"),
            status="new",
            created_at=self.clock.second,
            tags=list(body.get("tags") or []),
        )
        self.droplets[droplet.id] = droplet
        action, effect_at = self._start("create", droplet, "/v2/droplets", median_s=28)
        if effect_at < _NEVER:
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
    ) -> tuple[Action, float]:
        """Record a new action; return it with the second at which it takes effect."""
        fault = self.faults.take(method, path, type_)
        started = self.clock.second
        takes_s = max(1, round(median_s * math.exp(spread * self._random.standard_normal())))
        ends, effect_at, outcome = _fate(fault, type_, started, takes_s)
        action = Action(
            id=self.log.next_id(int(self._random.integers(1, 60))),
            type=type_,
            resource_type=resource.key.partition(":")[0],
            resource_id=resource.shown_id,
            resource=resource.key,
            region=resource.shown_region,
            started_at=started,
            ends_at=ends,
            outcome=outcome,
        )
        self.log.add(action)
        return action, effect_at

    def _take_snapshot(self, droplet: Droplet, action: Action, done_at: float, name: object) -> None:
        image_id = max((*self.images, _IMAGE_IDS_FROM)) + int(self._random.integers(1, 40))
        self.images[image_id] = Image(
            id=image_id,
            name=str(name) if name else f"{droplet.get('name', self.now)}-{action.started_at}",
            created_at=action.started_at,
            listed_at=done_at + self._random.uniform(2, 6),
            droplet_id=droplet.id,
            regions=[droplet.region],
        )


def _fate(fault: Fault | None, type_: str, started: int, takes_s: int) -> tuple[int | None, float, str]:
    """Return when an action ends, when it takes effect, and how it ends, after what *fault* does to it."""
    ends = started + takes_s
    match fault.kind if fault else None:
        case "errored":
            return started + _ERRORED_AFTER_S, _NEVER, "errored"
        case "without_effect":
            return ends, _NEVER, "completed"
        case "stuck":
            return None, _NEVER, "completed"
        case "slow_event" if fault and type_ == "shutdown":
            # The request to shut down is soon delivered; it is the guest that takes its time.
            return ends, ends + fault.wait_s, "completed"
        case "slow_event" if fault:
            return ends + round(fault.wait_s), ends + round(fault.wait_s), "completed"
        case _:
            return ends, ends, "completed"
