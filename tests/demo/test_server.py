from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime

import pytest
import requests

from doaudit.demo import DEMO_TOKEN, Fault, World, app, serve
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Droplet, Image


def _links(answer):
    return {rel: url.partition("?")[2] for rel, url in answer.json()["links"].get("pages", {}).items()}


def test_pages_link_only_where_there_is_something(served, actions):
    """The first page links last and next, a middle one all four, the last first and prev; with one page, nothing."""
    talk = served(World(actions=actions(45)))

    first, middle, last = (talk.get(f"/v2/actions?page={page}") for page in (1, 2, 3))

    assert _links(first) == {"last": "page=3&per_page=20", "next": "page=2&per_page=20"}
    assert list(_links(middle)) == ["first", "prev", "last", "next"]
    assert _links(last) == {"first": "page=1&per_page=20", "prev": "page=2&per_page=20"}
    assert talk.get("/v2/actions?per_page=45").json()["links"] == {}
    assert first.json()["links"]["pages"]["next"].startswith(f"{talk.server.url}/v2/actions?")


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
    """Up to 200 rows a page, 20 unless asked, none past the end; the total never depends on the page."""
    body = served(World(actions=actions(250))).get("/v2/actions" + query).json()

    assert (len(body["actions"]), body["meta"]["total"]) == (rows, 250)


def test_an_empty_account_has_an_empty_list(served):
    """No actions: no rows, no links, a total of 0."""
    assert served(World()).get("/v2/actions").json() == {"actions": [], "links": {}, "meta": {"total": 0}}


def test_actions_can_arrive_while_a_client_pages(served, actions):
    """A row that was last on page 1 is first on page 2 when one action has started in between."""
    talk = served(World(actions=actions(10), arrivals={2: 1}))

    first, second = (talk.get(f"/v2/actions?page={page}&per_page=5").json() for page in (1, 2))

    assert (first["meta"]["total"], second["meta"]["total"]) == (10, 11)
    assert first["actions"][-1]["id"] == second["actions"][0]["id"]


def test_an_action_reads_as_on_the_live_api(served, actions):
    """Keys in the live order, whole seconds with a Z, a region with its sizes, null while it runs."""
    talk = served(World(actions=actions(1), droplets=[Droplet(560_000_001, "web-01")]))
    talk.world.act_on_droplet(560_000_001, {"type": "power_off"})

    running, done = talk.get("/v2/actions").json()["actions"]

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


def test_a_droplets_own_reading_of_an_action_lacks_its_end(served, actions):
    """completed_at is null under /v2/droplets although the action is completed; the global reading has it."""
    talk = served(World(actions=actions(1), droplets=[Droplet(560_000_001, "web-01")]))
    (action,) = talk.get("/v2/droplets/560000001/actions").json()["actions"]

    own = talk.get(f"/v2/droplets/560000001/actions/{action['id']}").json()["action"]
    everywhere = talk.get(f"/v2/actions/{action['id']}").json()["action"]

    assert (own["status"], own["completed_at"]) == ("completed", None)
    assert everywhere["completed_at"] == "2026-11-23T11:59:10Z"
    talk.world.scoped_reads_lack_end = False
    assert talk.get(f"/v2/droplets/560000001/actions/{action['id']}").json()["action"] == everywhere


def test_every_answer_tells_the_rate_limit_the_date_and_its_number(served):
    """Success or error: ratelimit-*, x-request-id, and the virtual time as Date."""
    talk = served(World())
    talk.world.advance(3600)

    for path, status in (("/v2/actions", 200), ("/v2/actions/5", 404), ("/v2/nothing", 404)):
        answer = talk.get(path)

        assert answer.status_code == status
        assert answer.headers["ratelimit-limit"] == "5000"
        assert int(answer.headers["ratelimit-reset"]) == START + 2 * 3600
        assert parsedate_to_datetime(answer.headers["date"]).timestamp() == START + 3600
        assert len(answer.headers["x-request-id"]) == 36
    assert answer.headers["ratelimit-remaining"] == "4997"


def test_the_hour_and_the_burst_limit_are_enforced_on_the_virtual_clock(served):
    """The 429s differ as the real ones do, and end when virtual time has passed."""
    hourly, burst = served(World(hourly=1)), served(World(burst=1))
    for talk in (hourly, burst):
        assert talk.get("/v2/actions").status_code == 200

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
def test_a_token_that_is_none_is_unauthorized(served, authorization):
    """Anything but a bearer token of the right form is a 401 with the API's words."""
    talk = served(World())
    talk.session.headers["authorization"] = authorization

    answer = talk.get("/v2/actions")

    assert answer.status_code == 401
    assert (answer.json()["id"], answer.json()["message"]) == ("unauthorized", "Unable to authenticate you.")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_a_revoked_token_is_unauthorized_and_others_go_on(served):
    """Revoking is for one token."""
    talk = served(World())
    talk.world.tokens.revoke(DEMO_TOKEN)

    assert talk.get("/v2/actions").status_code == 401
    talk.session.headers["authorization"] = "Bearer dop_v1_" + "a" * 64
    assert talk.get("/v2/actions").status_code == 200


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
def test_a_token_may_do_what_its_scopes_say(served, scopes, method, path, body, status):
    """Each request needs its scopes; without them it is a 403 and nothing has started."""
    talk = served(World(droplets=[Droplet(1, "web-01")]))
    talk.world.tokens[DEMO_TOKEN] = frozenset(scopes)

    answer = talk.ask(method, path, json=body)

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["message"] == "You are not authorized to perform this operation"
        assert len(talk.world.log) == 0


def test_sizes_are_hidden_from_a_token_without_their_scope(served, actions):
    """Without sizes:read the regions inside actions have no sizes."""
    talk = served(World(actions=actions(1)))
    talk.world.tokens[DEMO_TOKEN] = frozenset({"actions:read"})

    assert talk.get("/v2/actions").json()["actions"][0]["region"]["sizes"] == []


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
        ("POST", "/v2/actions"),
        ("PUT", "/v2/droplets"),
        ("GET", "/"),
    ],
)
def test_what_there_is_not_is_not_found(served, method, path):
    """Unknown things, paths and methods get the one 404."""
    answer = served(World()).ask(method, path)

    assert answer.status_code == 404
    assert answer.json()["id"] == "not_found"
    assert answer.json()["message"] == "The resource you were accessing could not be found."


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"reboot"', b"\xff"])
def test_a_body_that_is_no_object_is_a_bad_request(served, body):
    """What cannot be parsed is a 400 with the API's words."""
    answer = served(World(droplets=[Droplet(1, "web-01")])).ask("POST", "/v2/droplets/1/actions", data=body)

    assert (answer.status_code, answer.json()["message"]) == (400, "error parsing request body")


def test_droplets_can_be_found_by_name_and_tag(served):
    """`name` and `tag_name` narrow the list, also in its links; destroyed droplets are not in it."""
    droplets = [Droplet(n, f"web-{n % 2}", tags=["blue"] if n < 3 else []) for n in range(1, 6)]
    droplets.append(Droplet(9, "web-1", destroyed_at=0))
    talk = served(World(droplets=droplets))

    assert [one["id"] for one in talk.get("/v2/droplets?name=web-1").json()["droplets"]] == [5, 3, 1]
    assert [one["id"] for one in talk.get("/v2/droplets?tag_name=blue").json()["droplets"]] == [2, 1]
    assert _links(talk.get("/v2/droplets?name=web-1&per_page=2"))["next"] == "page=2&per_page=2&name=web-1"


def test_a_snapshots_id_is_a_number_here_and_a_text_there(served):
    """Under its droplet an image's id is a number; in /v2/snapshots it is text, and so is its resource_id."""
    talk = served(
        World(
            droplets=[Droplet(1, "web-01")],
            images=[Image(220, "one", created_at=5, droplet_id=1), Image(221, "b", 6, droplet_id=1, type="backup")],
        )
    )

    own = talk.get("/v2/droplets/1/snapshots").json()["snapshots"]
    every = talk.get("/v2/snapshots?resource_type=droplet").json()["snapshots"]

    assert [one["id"] for one in own] == [220]
    assert [(one["id"], one["resource_id"]) for one in every] == [("220", "1")]
    assert talk.get("/v2/snapshots?resource_type=volume").json()["snapshots"] == []
    assert [one["type"] for one in talk.get("/v2/images?private=true").json()["images"]] == ["backup", "snapshot"]
    droplet = talk.get("/v2/droplets/1").json()["droplet"]
    assert (droplet["snapshot_ids"], droplet["backup_ids"]) == ([220], [221])


def test_creating_and_destroying_answer_as_the_api_does(served):
    """A creation is a 202 that links its action; a destruction is an empty 204 that names none."""
    talk = served(World())

    made = talk.post("/v2/droplets", {"name": "x", "size": "s-1vcpu-1gb", "image": "ubuntu-24-04-x64"})
    (link,) = made.json()["links"]["actions"]
    talk.world.advance(300)
    gone = talk.ask("DELETE", f"/v2/droplets/{made.json()['droplet']['id']}")

    assert (made.status_code, made.json()["droplet"]["status"], link["rel"]) == (202, "new", "create")
    assert talk.session.get(link["href"]).json()["action"]["type"] == "create"
    assert (gone.status_code, gone.content) == (204, b"")
    assert [row["type"] for row in talk.get("/v2/actions").json()["actions"]] == ["destroy", "create"]


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        ("unauthorized", 401, "Unable to authenticate you."),
        ("forbidden", 403, "You are not authorized to perform this operation"),
        ("not_found", 404, "The resource you were accessing could not be found."),
        ("burst_limit", 429, "Too many requests"),
        ("hour_limit", 429, "API Rate limit exceeded."),
        ("server_error", 500, "Server was unable to give you a response."),
        ("unavailable", 503, "Service is currently unavailable."),
    ],
)
def test_a_fault_answers_in_the_apis_words_and_then_is_over(served, actions, kind, status, message):
    """An error on request looks like the real one, happens once, and starts nothing."""
    talk = served(World(actions=actions(1), droplets=[Droplet(1, "web-01")]))
    talk.world.faults.add(Fault(kind, seconds=9))

    faulty, fine = (talk.post("/v2/droplets/1/actions", {"type": "reboot"}) for _ in range(2))

    assert (faulty.status_code, faulty.json()["message"]) == (status, message)
    assert ("retry-after" in faulty.headers) == (kind == "burst_limit")
    if status == 429:
        assert faulty.headers["ratelimit-remaining"] == "0"
        assert int(faulty.headers["ratelimit-reset"]) == START + 9
    assert fine.status_code == 201
    assert len(talk.world.log) == 2


@pytest.mark.parametrize(("kind", "status"), [("bad_gateway", 502), ("captive_portal", 200)])
def test_a_page_of_html_is_no_json(served, kind, status):
    """The edge and a captive portal answer with HTML, and say so in the content type."""
    talk = served(World())
    talk.world.faults.add(Fault(kind))

    answer = talk.get("/v2/actions")

    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=UTF-8")
    assert answer.text.startswith("<!DOCTYPE html>")
    assert ("cf-ray" in answer.headers) == (kind == "bad_gateway")


def test_a_redirection_leads_to_another_host(served):
    """Where a careless client would carry its token."""
    talk = served(World())
    talk.world.faults.add(Fault("redirect"))

    answer = talk.get("/v2/actions")

    assert (answer.status_code, answer.headers["location"]) == (302, "https://elsewhere.invalid/v2/actions")


@pytest.mark.parametrize(("kind", "started"), [("dropped", 0), ("dropped_after", 1)])
def test_a_cut_connection_may_or_may_not_have_started_something(served, kind, started):
    """The client sees the same; only the account knows whether the request was carried out."""
    talk = served(World(droplets=[Droplet(1, "web-01")]))
    talk.world.faults.add(Fault(kind, method="POST"))

    with pytest.raises(requests.ConnectionError):
        talk.post("/v2/droplets/1/actions", {"type": "snapshot"})

    assert talk.get("/v2/actions").json()["meta"]["total"] == started


def test_a_truncated_body_ends_early(served, actions):
    """Half of what was promised arrives, then the connection is closed."""
    talk = served(World(actions=actions(20)))
    talk.world.faults.add(Fault("truncated"))

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        talk.get("/v2/actions")


def test_invalid_json_comes_with_a_good_status(served, actions):
    """A 200 whose body is complete, and cannot be parsed."""
    talk = served(World(actions=actions(20)))
    talk.world.faults.add(Fault("invalid_json"))

    answer = talk.get("/v2/actions")

    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_an_answer_that_does_not_come_is_a_timeout_and_holds_up_nobody(served, kind):
    """A client that gives up early sees a timeout; another one is answered meanwhile."""
    talk = served(World())
    talk.world.faults.add(Fault(kind, path="page=7", seconds=600))

    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(requests.get, talk.server.url + "/v2/actions?page=7", timeout=0.3)
        assert talk.get("/v2/actions").status_code == 200
        with pytest.raises(requests.ReadTimeout):
            waiting.result()


def test_requests_in_flight_wait_side_by_side(served):
    """Eight requests are all on their way before the first is answered: latency is not spent one after the other."""
    talk = served(World(), latency_s=600)
    with ThreadPoolExecutor(8) as pool:
        underway = [pool.submit(talk.get, "/v2/actions", timeout=30) for _ in range(8)]
        breath = threading.Event()
        while len(talk.world.requests) < 8 and not any(request.done() for request in underway):
            breath.wait(0.01)
        unanswered = not any(request.done() for request in underway)
        talk.server.stop()

    assert unanswered


def test_a_connection_is_kept_open(served):
    """Request after request goes over one connection, whatever their bodies and answers."""
    talk = served(World(droplets=[Droplet(1, "web-01")]))
    adapter = talk.session.get_adapter("http://")

    for _ in range(5):
        talk.get("/v2/actions")
        talk.post("/v2/nothing", {"unread": "x" * 1000})
        talk.post("/v2/droplets/1/actions", {"type": "power_on"})

    (pool,) = (adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys())  # noqa: SIM118
    assert (pool.num_requests, pool.num_connections) == (15, 1)


def test_the_requests_are_remembered(served):
    """A test can see what a client asked for, in order, with the queries."""
    talk = served(World())

    talk.get("/v2/actions?page=2")
    talk.post("/v2/droplets/1/actions")

    assert list(talk.world.requests) == ["GET /v2/actions?page=2", "POST /v2/droplets/1/actions"]


def test_a_stopped_server_answers_nothing_more():
    """Not on a new connection, and not on one that was open; stopping again is no mistake."""
    server = serve(World(), speed=0)
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {server.token}"
        assert session.get(server.url + "/v2/actions", timeout=5).status_code == 200

        server.stop()
        server.stop()

        with pytest.raises(requests.ConnectionError):
            session.get(server.url + "/v2/actions", timeout=5)
    assert repr(server).endswith(", stopped>")


def test_a_server_tells_its_address_and_not_its_token():
    """The repr is safe to print in a notebook."""
    with serve(World(), speed=0) as server:
        assert repr(server) == f"<DemoServer {server.url}>"
        assert server.token == DEMO_TOKEN


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104 - refused is what we test
def test_only_this_machine_can_be_served(host):
    """An address that others can reach is refused, with what to do instead."""
    with pytest.raises(ValueError, match=r"can be reached from others.*127\.0\.0\.1"):
        serve(World(), host=host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_names_of_this_machine_are_fine(host):
    """Loopback by name or number."""
    with serve(World(), host=host, speed=0) as server:
        assert server.url.startswith(f"http://{host}:")
        assert requests.get(server.url + "/v2/account", timeout=5).status_code == 401


def test_a_port_in_use_is_explained():
    """The error names the port and what to do; nothing is printed and nothing exits."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match=rf"port {port} of 127\.0\.0\.1.*choose another port"):
            serve(World(), port=port)


def test_serving_says_nothing_by_itself():
    """No banner, no access log, no warning: a notebook stays clean."""
    program = (
        "import requests\n"
        "from doaudit.demo import serve, World\n"
        "with serve(World()) as server:\n"
        "    requests.get(server.url + '/v2/actions')\n"
        "    requests.get(server.url + '/nothing')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True, env=dict(os.environ)
    )

    assert done.stdout + done.stderr == ""


def test_the_app_answers_without_a_socket(actions):
    """The WSGI app can be mounted or tested by itself."""
    client = app(World(actions=actions(3))).test_client()

    answer = client.get("/v2/actions", headers={"Authorization": f"Bearer {DEMO_TOKEN}"})

    assert answer.get_json()["meta"] == {"total": 3}


def test_time_flows_while_a_world_is_served():
    """By default a second is a second, and `speed` makes it more: the clock moves by itself, and only forward."""
    with serve(World(), speed=1_000_000) as server:
        first = server.world.now
        while server.world.now < first + 1000:
            pass

    assert server.world.now > START


def test_importing_the_package_loads_no_flask():
    """`import doaudit.demo` is light; Flask comes with the first server."""
    program = "import sys, doaudit.demo; print('flask' in sys.modules, 'doaudit.demo.world.world' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == ["False", "False"]
