"""A droplet at a simulated DigitalOcean, and a clock whose waits move it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

from doaudit.api.client import Client
from doaudit.demo import World, app
from doaudit.demo.http.loopback import LoopbackServer, listen
from doaudit.demo.world.records import Droplet
from doaudit.demo.world.tokens import DEMO_TOKEN
from doaudit.snapshot.driver import drive
from doaudit.snapshot.journal import unfinished
from doaudit.snapshot.plan import plan_snapshot
from doaudit.snapshot.state_folders import StateFolders

DROPLET = 564_000_007


class Crash(BaseException):
    """The machine that drives a workflow dies."""


class WorldClock:
    """The world's own clock: waiting on it lets the world's time pass. It can call functions at given times."""

    def __init__(self, world) -> None:
        self.world = world
        self.alarms = []
        self.crash = False
        self.set_forward_s = 0.0

    def now(self) -> float:
        """Return the time of the wall clock, which may have been set forward or back."""
        return self.elapsed() + self.set_forward_s

    def elapsed(self) -> float:
        """Return the time in the world, unless the machine has just died."""
        if self.crash:
            self.crash = False
            raise Crash
        return self.world.now

    def wait(self, seconds: float, stop=None) -> bool:
        """Let time pass up to the next alarm, call it, and go on unless told to stop."""
        stop = stop or threading.Event()
        until = self.world.now + seconds
        while not stop.is_set() and self.world.now < until:
            next_alarm = min((when for when, _ in self.alarms), default=until)
            self.world.advance(max(0.0, min(until, next_alarm) - self.world.now))
            for alarm in [each for each in self.alarms if each[0] <= self.world.now]:
                self.alarms.remove(alarm)
                alarm[1]()
        return stop.is_set()


class Stage:
    """One served world after another, behind one address, for as long as the tests run."""

    def __init__(self) -> None:
        self._app = self._scene = None
        listening = listen("127.0.0.1", 0)
        self._server = LoopbackServer(self._answer, listening)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def set(self, world) -> Scene:
        """Let the address lead to this world."""
        self._clear()
        self._scene = scene = Scene(world, self.url)
        answer = app(world)

        def answered(environ, start):
            scene.posts_seen += environ["REQUEST_METHOD"] == "POST"
            result = answer(environ, start)
            if environ["REQUEST_METHOD"] == "POST" and scene.posts_seen == scene.dies_after_post:
                scene.clock.crash = True
            return result

        self._app = answered
        return scene

    def _clear(self) -> None:
        if self._scene is not None:
            self._scene.client.close()
            shutil.rmtree(self._scene.root, ignore_errors=True)

    def _answer(self, environ, start):
        return self._app(environ, start)

    def stop(self) -> None:
        """Stop serving."""
        self._clear()
        self._server.stop()


class Scene:
    """A world, a client of it whose waits move it, and a folder for journals."""

    def __init__(self, world, url) -> None:
        self.world, self.url = world, url
        self.clock = WorldClock(world)
        self.client = Client(DEMO_TOKEN, url, clock=self.clock).urgent()
        self.root = Path(tempfile.mkdtemp(prefix="doaudit-test-"))
        self.folders = StateFolders(self.root / "runs", self.root / "locks")
        self.states = []
        self.stop = threading.Event()
        self.posts_seen = self.dies_after_post = 0

    @property
    def now(self) -> datetime:
        """The time in the world."""
        return datetime.fromtimestamp(self.world.now, UTC)

    def plan(self, name="before the upgrade", **options):
        """A planned run."""
        return plan_snapshot(self.client, DROPLET, name, now=self.now, **options)

    def drive(self, planned):
        """Drive a run to its end."""
        return drive(self.client, planned, folders=self.folders, clock=self.clock, stop=self.stop, on_change=self.note)

    def note(self, run) -> None:
        """Record a state."""
        self.states.append(run)

    @property
    def journals(self):
        """The journals there are."""
        return list(self.folders.journals.glob("*.jsonl"))

    @property
    def left(self):
        """The runs that were left unfinished."""
        return unfinished(self.folders)

    def snapshot(self, name="before the upgrade", **options):
        """Plan a run and drive it to its end."""
        return self.drive(self.plan(name, **options))

    def later(self, seconds, what) -> None:
        """Let something happen so many seconds from now."""
        self.clock.alarms.append((self.world.now + seconds, what))

    @property
    def taken(self):
        """The snapshots that were started, whether they have become images or not."""
        return [
            action
            for action in self.world.log.of_resource(f"droplet:{DROPLET}", self.world.now)
            if action.type == "snapshot"
        ]

    @property
    def power(self):
        """The droplet's real status, once everything under way has ended."""
        return self.world.droplets[DROPLET].real("status", self.world.now + 86_400)

    def posts(self, kind=""):
        """The requests that changed something."""
        return [request for request in self.world.requests if request.startswith("POST") and kind in request]


def world_of(status="active", snapshot_s=35.0, images=(), **options):
    """A world with one droplet."""
    droplet = Droplet(DROPLET, "web-01", status=status, snapshot_s=snapshot_s)
    return World(droplets=[droplet], images=images, **options)
