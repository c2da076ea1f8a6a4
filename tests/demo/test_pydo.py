"""DigitalOcean's own client takes the simulated account for the real one."""

from __future__ import annotations

from collections import Counter

import pytest

from doaudit.demo import World
from doaudit.demo.world.records import Droplet

pydo = pytest.importorskip("pydo", reason="pydo, DigitalOcean's own client, is not installed")


@pytest.fixture
def client():
    """Make pydo's client of a server."""
    made = []

    def make(server):
        made.append(pydo.Client(token=server.token, endpoint=server.url))
        return made[-1]

    yield make
    for one in made:
        one.close()


# The client sends tokens over plain HTTP only when each call says that it may.
PLAIN = {"enforce_https": False}


def test_pydo_lists_every_action(served, actions, client):
    """Following the links, page by page, it reads each action once."""
    talk = served(World(actions=actions(450), tie_shuffle=0))
    do, page, ids = client(talk.server), 1, []

    while page:
        answer = do.actions.list(per_page=200, page=page, **PLAIN)
        ids += [action["id"] for action in answer["actions"]]
        page = page + 1 if "next" in answer["links"].get("pages", {}) else None

    assert Counter(ids) == Counter(action["id"] for action in _everything(talk))
    assert len(ids) == answer["meta"]["total"] == 450


def _everything(talk):
    return [row for page in (1, 2, 3) for row in talk.get(f"/v2/actions?per_page=200&page={page}").json()["actions"]]


def test_pydo_takes_a_snapshot(served, client):
    """Power off, wait, snapshot, wait, power on: the tutorial's whole story, on the virtual clock."""
    talk = served(World(droplets=[Droplet(560_000_001, "web-01")]))
    do = client(talk.server)

    def run(**body):
        action = do.droplet_actions.post(560_000_001, body=body, **PLAIN)["action"]
        while do.actions.get(action["id"], **PLAIN)["action"]["status"] == "in-progress":
            talk.world.advance(5)
        talk.world.advance(10)
        return do.actions.get(action["id"], **PLAIN)["action"]

    def status():
        return do.droplets.get(560_000_001, **PLAIN)["droplet"]["status"]

    run(type="power_off")
    assert status() == "off"
    taken = run(type="snapshot", name="Nifty New Snapshot")
    run(type="power_on")

    assert status() == "active"
    (snapshot,) = do.droplets.list_snapshots(560_000_001, **PLAIN)["snapshots"]
    assert (snapshot["name"], snapshot["created_at"]) == ("Nifty New Snapshot", taken["started_at"])
    assert taken["completed_at"] > taken["started_at"]


def test_pydo_understands_a_refusal(served, client):
    """A 422 arrives as its error with the API's sentence."""
    talk = served(World(droplets=[Droplet(560_000_001, "web-01")]))
    do = client(talk.server)
    do.droplet_actions.post(560_000_001, body={"type": "reboot"}, **PLAIN)

    with pytest.raises(Exception, match="Droplet already has a pending event") as refused:
        do.droplet_actions.post(560_000_001, body={"type": "reboot"}, **PLAIN)

    assert refused.value.status_code == 422
