"""pydo, DigitalOcean's own client, works with the simulated account."""

from __future__ import annotations

from collections import Counter

import pytest

from doaudit.demo import World
from doaudit.demo.world.records import Droplet

pydo = pytest.importorskip("pydo", reason="pydo, DigitalOcean's own client, is not installed")


@pytest.fixture
def client():
    """Return a function that makes pydo's client of a server."""
    clients = []

    def make(server):
        clients.append(pydo.Client(token=server.token, endpoint=server.url))
        return clients[-1]

    yield make
    for pydo_client in clients:
        pydo_client.close()


# pydo sends tokens over plain HTTP only in calls that allow it.
PLAIN = {"enforce_https": False}


def test_pydo_lists_every_action(served, actions, client):
    """The client follows the links page by page and reads each action once."""
    api = served(World(actions=actions(450), tie_shuffle=0))
    do, page, ids = client(api.server), 1, []

    while page:
        response = do.actions.list(per_page=200, page=page, **PLAIN)
        ids += [action["id"] for action in response["actions"]]
        page = page + 1 if "next" in response["links"].get("pages", {}) else None

    assert Counter(ids) == Counter(action["id"] for action in _all_actions(api))
    assert len(ids) == response["meta"]["total"] == 450


def _all_actions(api):
    return [row for page in (1, 2, 3) for row in api.get(f"/v2/actions?per_page=200&page={page}").json()["actions"]]


def test_pydo_takes_a_snapshot(served, client):
    """The client carries out the whole workflow of the tutorial on the virtual clock: power off, snapshot, power on."""
    api = served(World(droplets=[Droplet(560_000_001, "web-01")]))
    do = client(api.server)

    def run(**body):
        action = do.droplet_actions.post(560_000_001, body=body, **PLAIN)["action"]
        while do.actions.get(action["id"], **PLAIN)["action"]["status"] == "in-progress":
            api.world.advance(5)
        api.world.advance(10)
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


def test_pydo_understands_an_error_response(served, client):
    """A 422 becomes the client's own error with the API's message."""
    api = served(World(droplets=[Droplet(560_000_001, "web-01")]))
    do = client(api.server)
    do.droplet_actions.post(560_000_001, body={"type": "reboot"}, **PLAIN)

    with pytest.raises(Exception, match="Droplet already has a pending event") as rejection:
        do.droplet_actions.post(560_000_001, body={"type": "reboot"}, **PLAIN)

    assert rejection.value.status_code == 422
