"""The endpoints of the simulated account: lists, single records, tokens and errors."""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime

import pytest

from doaudit.demo import DEMO_TOKEN, World
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Droplet, Image


def _links(response):
    return {rel: url.partition("?")[2] for rel, url in response.json()["links"].get("pages", {}).items()}


def test_pages_link_only_to_pages_that_exist(served, actions):
    """The first page links last and next, a middle one all four, the last first and prev, an only page none."""
    api = served(World(actions=actions(45)))

    first, middle, last = (api.get(f"/v2/actions?page={page}") for page in (1, 2, 3))

    assert _links(first) == {"last": "page=3&per_page=20", "next": "page=2&per_page=20"}
    assert list(_links(middle)) == ["first", "prev", "last", "next"]
    assert _links(last) == {"first": "page=1&per_page=20", "prev": "page=2&per_page=20"}
    assert api.get("/v2/actions?per_page=45").json()["links"] == {}
    assert first.json()["links"]["pages"]["next"].startswith(f"{api.server.url}/v2/actions?")


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", 20),
        ("?per_page=5", 5),
        ("?per_page=200", 200),
        ("?per_page=1000", 200),
        ("?per_page=0", 20),
        ("?page=0&per_page=3", 3),
        ("?page=x&per_page=-3", 20),
        ("?page=2&per_page=200", 50),
        ("?page=3&per_page=200", 0),
    ],
)
def test_page_sizes_are_clamped_and_the_total_is_exact(served, actions, query, rows):
    """A page has 20 rows by default, 200 at most and none past the end; the total never depends on the page."""
    body = served(World(actions=actions(250))).get("/v2/actions" + query).json()

    assert (len(body["actions"]), body["meta"]["total"]) == (rows, 250)


def test_an_empty_account_has_an_empty_list(served):
    """An account without actions has no rows, no links and a total of 0."""
    assert served(World()).get("/v2/actions").json() == {"actions": [], "links": {}, "meta": {"total": 0}}


def test_actions_can_arrive_while_a_client_pages(served, actions):
    """The last row of page 1 is the first of page 2 if an action has started in between."""
    api = served(World(actions=actions(10), arrivals={2: 1}))

    first, second = (api.get(f"/v2/actions?page={page}&per_page=5").json() for page in (1, 2))

    assert (first["meta"]["total"], second["meta"]["total"]) == (10, 11)
    assert first["actions"][-1]["id"] == second["actions"][0]["id"]


def test_an_action_looks_as_on_the_live_api(served, actions):
    """Keys are in the live order, times are whole seconds with a Z, regions have sizes, the end is null while open."""
    api = served(World(actions=actions(1), droplets=[Droplet(560_000_001, "web-01")]))
    api.world.act_on_droplet(560_000_001, {"type": "power_off"})

    running, done = api.get("/v2/actions").json()["actions"]

    assert list(done) == [
        "id",
        "status",
        "type",
        "started_at",
        "completed_at",
        "resource_id",
        "resource_type",
        "region",
        "region_slug",
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", done["completed_at"])
    assert (running["status"], running["completed_at"]) == ("in-progress", None)
    assert done["region"]["slug"] == done["region_slug"] == "fra1"
    assert len(done["region"]["sizes"]) > 30
    assert 1_000 < len(json.dumps(done["region"])) < 2_000


def test_the_end_of_an_action_is_missing_under_its_droplet(served, actions):
    """completed_at is null under /v2/droplets although the action is completed; /v2/actions has it."""
    api = served(World(actions=actions(1), droplets=[Droplet(560_000_001, "web-01")]))
    (action,) = api.get("/v2/droplets/560000001/actions").json()["actions"]

    own = api.get(f"/v2/droplets/560000001/actions/{action['id']}").json()["action"]
    everywhere = api.get(f"/v2/actions/{action['id']}").json()["action"]

    assert (own["status"], own["completed_at"]) == ("completed", None)
    assert everywhere["completed_at"] == "2026-11-23T11:59:10Z"
    api.world.scoped_reads_lack_end = False
    assert api.get(f"/v2/droplets/560000001/actions/{action['id']}").json()["action"] == everywhere


def test_every_response_has_the_rate_limit_the_date_and_a_request_id(served):
    """Success or error, a response has ratelimit-*, x-request-id and the virtual time as Date."""
    api = served(World())
    api.world.advance(3600)

    for path, status in (("/v2/actions", 200), ("/v2/actions/5", 404), ("/v2/nothing", 404)):
        response = api.get(path)

        assert response.status_code == status
        assert response.headers["ratelimit-limit"] == "5000"
        assert int(response.headers["ratelimit-reset"]) == START + 2 * 3600
        assert parsedate_to_datetime(response.headers["date"]).timestamp() == START + 3600
        assert len(response.headers["x-request-id"]) == 36
    assert response.headers["ratelimit-remaining"] == "4997"


def test_both_rate_limits_are_enforced_on_the_virtual_clock(served):
    """The two 429s differ as the real ones do, and end when virtual time has passed."""
    hourly, burst = served(World(hourly=1)), served(World(burst=1))
    for api in (hourly, burst):
        assert api.get("/v2/actions").status_code == 200

    of_hour, of_minute = hourly.get("/v2/actions"), burst.get("/v2/actions")

    assert [of_hour.status_code, of_minute.status_code] == [429, 429]
    assert "retry-after" not in of_hour.headers
    assert of_hour.json()["message"] == "API Rate limit exceeded."
    assert of_minute.headers["retry-after"] == "60"
    assert of_minute.headers["ratelimit-remaining"] == "0"
    assert of_minute.json()["message"] == "Too many requests"
    burst.world.advance(60)
    assert burst.get("/v2/actions").status_code == 200


@pytest.mark.parametrize("authorization", [None, "Bearer nonsense", "Basic x", "Bearer dop_v1_" + "0" * 63])
def test_a_malformed_token_is_unauthorized(served, authorization):
    """Anything but a bearer token of the right form is a 401 with the API's message."""
    api = served(World())
    api.session.headers["authorization"] = authorization

    response = api.get("/v2/actions")

    assert response.status_code == 401
    assert (response.json()["id"], response.json()["message"]) == ("unauthorized", "Unable to authenticate you.")
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_revoked_token_is_unauthorized_and_others_stay_valid(served):
    """Revoking a token affects no other token."""
    api = served(World())
    api.world.tokens.revoke(DEMO_TOKEN)

    assert api.get("/v2/actions").status_code == 401
    api.session.headers["authorization"] = "Bearer dop_v1_" + "a" * 64
    assert api.get("/v2/actions").status_code == 200


@pytest.mark.parametrize(
    ("scopes", "method", "path", "body", "status"),
    [
        ({"actions:read"}, "GET", "/v2/actions", None, 200),
        ({"actions:read"}, "GET", "/v2/droplets", None, 403),
        ({"droplet:read"}, "GET", "/v2/actions", None, 403),
        ({"droplet:update"}, "POST", "/v2/droplets/1/actions", {"type": "snapshot"}, 403),
        ({"droplet:update", "image:create"}, "POST", "/v2/droplets/1/actions", {"type": "snapshot"}, 201),
        ({"droplet:update"}, "POST", "/v2/droplets/1/actions", {"type": "rebuild", "image": 1}, 403),
        ({"droplet:update"}, "POST", "/v2/droplets/1/actions", {"type": "reboot"}, 201),
        ({"droplet:read"}, "DELETE", "/v2/droplets/1", None, 403),
    ],
)
def test_a_request_needs_its_scopes(served, scopes, method, path, body, status):
    """A request without one of its scopes is a 403 and starts no action."""
    api = served(World(droplets=[Droplet(1, "web-01")]))
    api.world.tokens[DEMO_TOKEN] = frozenset(scopes)

    response = api.request(method, path, json=body)

    assert response.status_code == status
    if status == 403:
        assert response.json()["message"] == "You are not authorized to perform this operation"
        assert len(api.world.log) == 0


def test_sizes_are_hidden_from_a_token_without_their_scope(served, actions):
    """Without sizes:read the regions of actions have no sizes."""
    api = served(World(actions=actions(1)))
    api.world.tokens[DEMO_TOKEN] = frozenset({"actions:read"})

    assert api.get("/v2/actions").json()["actions"][0]["region"]["sizes"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/actions/1"),
        ("GET", "/v2/droplets/1"),
        ("GET", "/v2/droplets/1/actions"),
        ("DELETE", "/v2/droplets/1"),
        ("GET", "/v2/images/1/actions"),
        ("GET", "/v2/volumes/x/actions"),
        ("GET", "/v2/reserved_ips/10.0.0.1/actions"),
        ("GET", "/v2/actions/abc"),
        ("GET", "/v2/images/no-such-slug"),
        ("GET", "/v2/snapshots/1"),
        ("GET", "/v2/volumes/x"),
        ("GET", "/v2/floating_ips/10.0.0.1"),
        ("GET", "/v2/droplets/1/neighbors"),
        ("PUT", "/v2/nothing"),
        ("GET", "/"),
    ],
)
def test_unknown_resources_and_paths_are_not_found(served, method, path):
    """An unknown resource or path is a 404 with the API's message."""
    response = served(World()).request(method, path)

    assert response.status_code == 404
    assert response.json()["id"] == "not_found"
    assert response.json()["message"] == "The resource you were accessing could not be found."


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"reboot"', b"\xff"])
def test_a_body_that_is_not_an_object_is_a_bad_request(served, body):
    """A body that is not a JSON object is a 400 with the API's message."""
    response = served(World(droplets=[Droplet(1, "web-01")])).request("POST", "/v2/droplets/1/actions", data=body)

    assert (response.status_code, response.json()["message"]) == (400, "error parsing request body")


def test_droplets_can_be_found_by_name_and_tag(served):
    """`name` and `tag_name` filter the list and stay in its links; destroyed droplets are not listed."""
    droplets = [Droplet(n, f"web-{n % 2}", tags=["blue"] if n < 3 else []) for n in range(1, 6)]
    droplets.append(Droplet(9, "web-1", destroyed_at=0))
    api = served(World(droplets=droplets))

    assert [droplet["id"] for droplet in api.get("/v2/droplets?name=web-1").json()["droplets"]] == [5, 3, 1]
    assert [droplet["id"] for droplet in api.get("/v2/droplets?tag_name=blue").json()["droplets"]] == [2, 1]
    assert _links(api.get("/v2/droplets?name=web-1&per_page=2"))["next"] == "page=2&per_page=2&name=web-1"


def test_the_id_of_a_snapshot_is_a_number_or_text_depending_on_the_list(served):
    """Under its droplet the id of an image is a number; in /v2/snapshots it is text, and so is its resource_id."""
    api = served(
        World(
            droplets=[Droplet(1, "web-01")],
            images=[Image(220, "one", created_at=5, droplet_id=1), Image(221, "b", 6, droplet_id=1, type="backup")],
        )
    )

    own = api.get("/v2/droplets/1/snapshots").json()["snapshots"]
    listed = api.get("/v2/snapshots?resource_type=droplet").json()["snapshots"]

    assert [snapshot["id"] for snapshot in own] == [220]
    assert [(snapshot["id"], snapshot["resource_id"]) for snapshot in listed] == [("220", "1")]
    assert api.get("/v2/snapshots?resource_type=volume").json()["snapshots"] == []
    assert [image["type"] for image in api.get("/v2/images?private=true").json()["images"]] == ["backup", "snapshot"]
    droplet = api.get("/v2/droplets/1").json()["droplet"]
    assert (droplet["snapshot_ids"], droplet["backup_ids"]) == ([220], [221])


def test_creating_and_destroying_respond_as_the_api_does(served):
    """A creation is a 202 that links its action; a destruction is an empty 204 that names none."""
    api = served(World())

    created = api.post("/v2/droplets", {"name": "x", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"})
    (link,) = created.json()["links"]["actions"]
    api.world.advance(300)
    destroyed = api.request("DELETE", f"/v2/droplets/{created.json()['droplet']['id']}")

    assert (created.status_code, created.json()["droplet"]["status"], link["rel"]) == (202, "new", "create")
    assert api.session.get(link["href"]).json()["action"]["type"] == "create"
    assert (destroyed.status_code, destroyed.content) == (204, b"")
    assert [row["type"] for row in api.get("/v2/actions").json()["actions"]] == ["destroy", "create"]
