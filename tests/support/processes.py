"""Real processes of the command line against a simulated account that this process serves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doaudit.demo import World, serve
from doaudit.demo.world.records import Droplet
from doaudit.demo.world.tokens import DEMO_TOKEN

if TYPE_CHECKING:
    from pathlib import Path

SPEED = 20
PATIENCE_S = 400
DROPLETS = (7, 8)


@dataclass
class Stand:
    """A served world, a folder for state, and the processes that work on them."""

    folder: Path
    speed: float = SPEED
    world: World = None
    server: object = None
    children: list = field(default_factory=list)

    def __post_init__(self):
        """Begin to serve."""
        self.world = World(droplets=[Droplet(each, f"web-{each}", snapshot_s=35.0) for each in DROPLETS])
        self.server = serve(self.world, speed=self.speed)
        self.state = self.folder / "state"

    def stop(self):
        """End whatever still runs."""
        for child in self.children:
            if child.process.poll() is None:
                child.process.kill()
                child.process.wait()
        self.server.stop()

    @property
    def environment(self):
        """The environment of a process: this account, and nothing of the developer's."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DO_", "DIGITALOCEAN_"))}
        return clean | {
            "DIGITALOCEAN_API_URL": self.server.url,
            "DIGITALOCEAN_TOKEN": DEMO_TOKEN,
            "DOAUDIT_STATE_DIR": str(self.state),
            "XDG_DATA_HOME": str(self.folder / "data"),
        }

    def start(self, *words, code=None, **options):
        """Start the command line with these words, or some Python code."""
        program = ["-c", code] if code is not None else ["-m", "doaudit", *map(str, words)]
        log = self.folder / f"log-{len(self.children)}"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *program],
                env=self.environment | options.pop("env", {}),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                **({"stdout": file, "stderr": file} | options),
            )
        child = Child(process, log)
        self.children.append(child)
        return child

    def snapshot(self, droplet=7, *words, **options):
        """Start a snapshot of a droplet."""
        return self.start("snapshot", droplet, "mine", "--yes", *words, **options)

    def resume(self):
        """Take up what was left, and return the process once it is over."""
        child = self.start("resume", "--yes")
        child.ended()
        return child

    def power(self, droplet=7):
        """Whether the droplet is really on or off, once all that is under way has come to pass."""
        return self.world.droplets[droplet].real("status", self.world.now + 86_400)

    def taken(self, droplet=7):
        """The snapshots that were started of a droplet."""
        log = self.world.log.of_resource(f"droplet:{droplet}", self.world.now)
        return [action for action in log if action.type == "snapshot"]


@dataclass
class Child:
    """A process and what it has said so far."""

    process: subprocess.Popen
    log: Path

    @property
    def said(self):
        """Everything it has printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def says(self, words):
        """Wait until it has printed these words."""
        until = time.monotonic() + PATIENCE_S
        while words not in self.said:
            assert self.process.poll() is None, f"It ended without saying {words!r}:\n{self.said}"
            assert time.monotonic() < until, f"It does not say {words!r}:\n{self.said}"
            time.sleep(0.02)

    def ended(self):
        """Wait for its end, and return its exit status."""
        return self.process.wait(PATIENCE_S)
