"""Many simulated accounts behind one address, told apart by their tokens, as a client of the real API meets them."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import dataclass, field

from served import finished_actions

from doaudit.demo import World, app, company_world
from doaudit.demo.http.loopback import LoopbackServer, listen
from doaudit.demo.world.faults import Fault

BAD, LIMITED, SLOW = "bad token", "limited", "slow"


@dataclass
class Agency:
    """
    Worlds by name, and the server of them all.

    Attributes:
        worlds: an account each.
        latency_s: of each response; those of the account "slow" take half a second.
        held_until: the first responses wait until so many requests are in flight, at most twenty seconds.
        most_in_flight: the largest number of requests that were answered at once.
    """

    worlds: dict
    latency_s: float = 0.0
    held_until: int = 0
    most_in_flight: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _enough: threading.Event = field(default_factory=threading.Event)

    def __enter__(self):
        """Begin to serve."""
        self.tokens = {name: f"dop_v1_{number:064x}" for number, name in enumerate(self.worlds, start=1)}
        self._stopping = threading.Event()
        for name, world in self.worlds.items():
            world.team = f"team of {name}"
        self._apps = {
            self.tokens[name]: app(world, latency_s=0.5 if name == SLOW else self.latency_s, stopping=self._stopping)
            for name, world in self.worlds.items()
        }
        if BAD in self.worlds:
            self.worlds[BAD].tokens.revoke(self.tokens[BAD])
        self._server = LoopbackServer(self._answer, listen("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.port}"
        return self

    def __exit__(self, *_):
        """Stop the server."""
        self._stopping.set()
        self._server.stop()

    def _answer(self, environ, start_response):
        with self._lock:
            self._now += 1
            self.most_in_flight = max(self.most_in_flight, self._now)
            if self.most_in_flight >= self.held_until:
                self._enough.set()
        self._enough.wait(20)
        try:
            return self._apps[environ["HTTP_AUTHORIZATION"].split()[-1]](environ, start_response)
        finally:
            with self._lock:
                self._now -= 1

    @property
    def requests(self):
        """The number of requests that each account has received."""
        return {name: len(world.requests) for name, world in self.worlds.items()}

    @property
    def variables(self):
        """The environment variable of each account's token."""
        return {name: f"TOKEN_{number}" for number, name in enumerate(self.tokens)}

    def write_file(self, folder):
        """Write a file that names the accounts, and return it."""
        lines = ['folder = "histories"', "[accounts]"]
        lines += [f"{json.dumps(name)} = {json.dumps(variable)}" for name, variable in self.variables.items()]
        file = folder / "accounts.toml"
        file.write_text("\n".join(lines), encoding="utf-8")
        return file

    def environment(self, folder):
        """Return the environment of a process that audits these accounts, and nothing of the developer's."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DO_", "DIGITALOCEAN_"))}
        own = {self.variables[name]: token for name, token in self.tokens.items()}
        kept = {"DOAUDIT_STATE_DIR": str(folder / "state"), "XDG_DATA_HOME": str(folder / "data")}
        return clean | own | kept | {"DIGITALOCEAN_API_URL": self.url}


def small_world(number):
    """Return an account of some thirty actions, whose ids and resources others have, too."""
    return World(actions=finished_actions(20 + number % 20, resource_id=5 + number % 3), seed=number)


def fifty_worlds():
    """Return fifty accounts: two of over a thousand actions, one bad token, one limited, one slow."""
    worlds = {f"team-{number:02d}": small_world(number) for number in range(45)}
    worlds |= {f"big-{seed}": company_world(seed, actions=1000 + 200 * seed) for seed in (1, 2)}
    worlds |= {name: small_world(number) for number, name in enumerate((BAD, LIMITED, SLOW))}
    for after in (0, 2):
        worlds[LIMITED].faults.add(Fault("burst_limit", after=after, seconds=2.0))
    return worlds
