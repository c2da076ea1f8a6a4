"""Three clients of the DigitalOcean API do an operator's work in the simulated account, over HTTP on this machine."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from contract import Recorder, read_document, unexpected

from doaudit.demo import DEMO_TOKEN, World, app
from doaudit.demo.http.loopback import LoopbackServer, listen
from doaudit.demo.world.records import Droplet, Image, Volume

DROPLET, ON_A_PAGE, WRONG_TOKEN = 560_000_001, 10, "dop_v1_" + "0" * 63


class Pydo:
    """DigitalOcean's own client."""

    def __init__(self, url, token):
        import pydo  # noqa: PLC0415 -- each client is imported where its warnings are filtered

        # It sends tokens over plain HTTP only in calls that allow it.
        self._client, self._plain = pydo.Client(token=token, endpoint=url), {"enforce_https": False}

    def list_all(self):
        """Return the ids of all actions."""
        ids, page = [], 1
        while page:
            answer = self._client.actions.list(per_page=ON_A_PAGE, page=page, **self._plain)
            ids += [row["id"] for row in answer["actions"]]
            page = page + 1 if "next" in answer["links"].get("pages", {}) else None
        return ids

    def action(self, action_id):
        """Return an action, as a dictionary; raise if there is none."""
        answer = self._client.actions.get(action_id, **self._plain)
        if "action" not in answer:  # it returns a documented error instead of raising it
            raise LookupError(answer["message"])
        return answer["action"]

    def act(self, **fields):
        """Start an event of the droplet and return the id of its action."""
        return self._client.droplet_actions.post(DROPLET, body=fields, **self._plain)["action"]["id"]

    def droplet(self):
        """Return the droplet's status and region."""
        droplet = self._client.droplets.get(DROPLET, **self._plain)["droplet"]
        return droplet["status"], droplet["region"]["slug"]

    def snapshots(self):
        """Return the names of all snapshots."""
        return [row["name"] for row in self._client.snapshots.list(**self._plain)["snapshots"]]

    def first_reads(self):
        """Read what programs ask before they do anything."""
        for part in ("regions", "sizes", "images", "volumes", "firewalls", "projects", "ssh_keys", "reserved_ips"):
            getattr(self._client, part).list(**self._plain)
        self._client.account.get(**self._plain)

    def close(self):
        """Close its connections."""
        self._client.close()


class PythonDigitalOcean:
    """A client that ends every path with a slash."""

    def __init__(self, url, token):
        import digitalocean  # noqa: PLC0415 -- as above

        self._where = {"token": token, "end_point": f"{url}/v2/"}
        self._kinds = digitalocean
        self._manager = digitalocean.Manager(**self._where)

    def list_all(self):
        """Return the ids of all actions."""
        return [row["id"] for row in self._manager.get_data("actions/", params={"per_page": ON_A_PAGE})["actions"]]

    def action(self, action_id):
        """Return an action, as a dictionary; raise if there is none."""
        action = self._kinds.Action(id=action_id, **self._where)
        action.load_directly()
        return vars(action)

    def _droplet(self):
        droplet = self._kinds.Droplet(id=DROPLET, **self._where)
        return droplet.load()

    def act(self, **fields):
        """Start an event of the droplet and return the id of its action."""
        droplet = self._kinds.Droplet(id=DROPLET, **self._where)
        match fields:
            case {"type": "snapshot", "name": name}:
                return droplet.take_snapshot(name)["action"]["id"]
            case {"type": type_}:
                return getattr(droplet, type_)()["action"]["id"]

    def droplet(self):
        """Return the droplet's status and region."""
        droplet = self._droplet()
        return droplet.status, droplet.region["slug"]

    def snapshots(self):
        """Return the names of all snapshots."""
        return [snapshot.name for snapshot in self._manager.get_all_snapshots()]

    def first_reads(self):
        """Read what programs ask before they do anything."""
        for what in ("regions", "sizes", "images", "volumes", "firewalls", "projects", "sshkeys", "floating_ips"):
            getattr(self._manager, f"get_all_{what}")()
        self._manager.get_data("account/")

    def close(self):
        """Close its connections."""
        self._manager._session.close()


class Libcloud:
    """Apache's client of many clouds. It has no power-off, so that its own shutdown stands in."""

    def __init__(self, url, token):
        from libcloud.compute.providers import get_driver  # noqa: PLC0415 -- as above

        self._driver, address = get_driver("digitalocean")(token), urlsplit(url)
        self._driver.ex_per_page = ON_A_PAGE
        # It has no argument for another address.
        connection = self._driver.connection
        connection.secure, connection.host, connection.port = 0, address.hostname, address.port
        connection.connect()

    def list_all(self):
        """Return the ids of all actions."""
        return [row["id"] for row in self._driver.ex_list_events()]

    def action(self, action_id):
        """Return an action, as a dictionary; raise if there is none."""
        return self._driver.ex_get_event(action_id)

    def act(self, **fields):
        """Start an event of the droplet and return the id of its action."""
        node = self._driver.ex_get_node_details(DROPLET)
        match fields:
            case {"type": "snapshot", "name": name}:
                assert self._driver.create_image(node, name)
            case {"type": "power_on"}:
                assert self._driver.ex_power_on_node(node)
            case _:
                assert self._driver.ex_shutdown_node(node)
        return self.list_all()[0]  # it says only that an event was started, not which

    def droplet(self):
        """Return the droplet's status and region."""
        node = self._driver.ex_get_node_details(DROPLET)
        return {"running": "active", "stopped": "off"}[str(node.state)], {"Frankfurt 1": "fra1"}[node.extra["region"]]

    def snapshots(self):
        """Return the names of all snapshots."""
        return [
            image.name
            for image in self._driver.list_images()
            if image.extra["distribution"] and not image.extra["public"]
        ]

    def first_reads(self):
        """Read what programs ask before they do anything."""
        for what in ("locations", "sizes", "images", "volumes", "key_pairs", "nodes"):
            getattr(self._driver, f"list_{what}")()
        self._driver.ex_list_floating_ips()
        self._driver.ex_account_info()

    def close(self):
        """Close its connections."""
        self._driver.connection.connection.session.close()


@pytest.fixture
def account(actions):
    """An account of three pages of actions with a droplet, on a clock that stands still."""
    return World(
        actions=actions(25),
        droplets=[Droplet(DROPLET, "web-01")],
        images=[Image(220_000_001, "golden", created_at=0, droplet_id=DROPLET)],
        volumes=[Volume("506f78a4-e098-11e5-ad9f-000f53306ae1", "data")],
        tie_shuffle=0,
    )


@pytest.fixture
def recorded(account):
    """The address of the account's server, and the recorder of its responses."""
    recorder = Recorder(app(account))
    server = LoopbackServer(recorder, listen("127.0.0.1", 0))
    yield f"http://127.0.0.1:{server.port}", recorder
    server.stop()


@pytest.mark.filterwarnings("ignore")  # theirs are not ours to mend
@pytest.mark.parametrize("make_client", [Pydo, PythonDigitalOcean, Libcloud])
def test_a_client_works_with_the_simulated_account(account, recorded, make_client):
    """It lists all, switches off, snapshots, switches on and meets errors; every answer is as documented."""
    url, recorder = recorded
    client, stranger = make_client(url, DEMO_TOKEN), make_client(url, WRONG_TOKEN)

    def run(**fields):
        action_id = client.act(**fields)
        with pytest.raises(Exception, match="pending event"):
            client.act(type="power_off")
        while client.action(action_id)["status"] == "in-progress":
            account.advance(5)
        account.advance(15)
        return client.action(action_id)

    client.first_reads()
    listed = client.list_all()
    off = run(type="power_off"), client.droplet()
    taken = run(type="snapshot", name="before the upgrade"), client.droplet()
    on = run(type="power_on"), client.droplet()
    with pytest.raises(Exception):  # noqa: B017, PT011 -- each client has its own
        client.action(5)
    with pytest.raises(Exception, match="authenticate"):
        stranger.list_all()
    snapshots = client.snapshots()
    client.close()
    stranger.close()

    assert sorted(listed) == [3_300_000_000 + place for place in range(25)]
    assert [action["status"] for action, _ in (off, taken, on)] == ["completed"] * 3
    assert taken[0]["type"] == "snapshot"
    assert [droplet for _, droplet in (off, taken, on)] == [("off", "fra1"), ("off", "fra1"), ("active", "fra1")]
    assert sorted(snapshots) == ["before the upgrade", "golden"]
    assert {sent.status for sent in recorder.sent} >= {200, 201, 401, 404, 422}
    document = read_document()  # last, because it skips the rest where there is no document
    assert [odd for sent in recorder.sent for odd in unexpected(document, sent)] == []
