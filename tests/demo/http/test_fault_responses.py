"""Faults of requests as a client sees them, over HTTP."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
import requests

from doaudit.demo import DEMO_TOKEN, Fault, World, app
from doaudit.demo.http.fault_responses import ODD_TIME, PADDING_BYTES, damaged
from doaudit.demo.http.response import Response
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Droplet


def _handler_threads():
    """Return the threads of this process that are handling a request."""
    return {thread for thread in threading.enumerate() if "process_request_thread" in thread.name}


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
def test_an_error_on_request_equals_the_real_one_and_happens_once(served, actions, kind, status, message):
    """A fault has the status, message and headers of the API, happens once, and starts no action."""
    api = served(World(actions=actions(1), droplets=[Droplet(1, "web-01")]))
    api.world.faults.add(Fault(kind, seconds=9))

    faulty, fine = (api.post("/v2/droplets/1/actions", {"type": "reboot"}) for _ in range(2))

    assert (faulty.status_code, faulty.json()["message"]) == (status, message)
    assert ("retry-after" in faulty.headers) == (kind == "burst_limit")
    if status == 429:
        assert faulty.headers["ratelimit-remaining"] == "0"
        assert int(faulty.headers["ratelimit-reset"]) == START + 9
    assert fine.status_code == 201
    assert len(api.world.log) == 2


@pytest.mark.parametrize(("kind", "status"), [("bad_gateway", 502), ("captive_portal", 200)])
def test_the_edge_and_a_captive_portal_send_html(served, kind, status):
    """The edge and a captive portal respond with HTML, and say so in the content type."""
    api = served(World())
    api.world.faults.add(Fault(kind))

    response = api.get("/v2/actions")

    assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=UTF-8")
    assert response.text.startswith("<!DOCTYPE html>")
    assert ("cf-ray" in response.headers) == (kind == "bad_gateway")


def test_a_redirection_leads_to_another_host(served):
    """A redirection leads to another host, to which a careless client would send its token."""
    api = served(World())
    api.world.faults.add(Fault("redirect"))

    response = api.get("/v2/actions")

    assert (response.status_code, response.headers["location"]) == (302, "https://elsewhere.invalid/v2/actions")


@pytest.mark.parametrize(("kind", "started"), [("dropped", 0), ("dropped_after", 1)])
def test_a_cut_connection_does_not_tell_whether_an_action_started(served, kind, started):
    """The client sees the same error; only the account knows whether the request was carried out."""
    api = served(World(droplets=[Droplet(1, "web-01")]))
    api.world.faults.add(Fault(kind, method="POST"))

    with pytest.raises(requests.ConnectionError):
        api.post("/v2/droplets/1/actions", {"type": "snapshot"})

    assert api.get("/v2/actions").json()["meta"]["total"] == started


def test_a_truncated_body_ends_early(served, actions):
    """Half of the announced bytes arrive, then the connection is closed."""
    api = served(World(actions=actions(20)))
    api.world.faults.add(Fault("truncated"))

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        api.get("/v2/actions")


def test_invalid_json_comes_with_status_200(served, actions):
    """A response of status 200 can have a complete body that is not JSON."""
    api = served(World(actions=actions(20)))
    api.world.faults.add(Fault("invalid_json"))

    response = api.get("/v2/actions")

    assert response.status_code == 200
    assert int(response.headers["content-length"]) == len(response.content)
    with pytest.raises(requests.JSONDecodeError):
        response.json()


@pytest.mark.parametrize("kind", ["hang", "slow"])
def test_a_missing_response_is_a_timeout_and_delays_no_other_client(served, kind):
    """A client that gives up sees a timeout; another one gets its response meanwhile."""
    api = served(World())
    api.world.faults.add(Fault(kind, path="page=7", seconds=600))

    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(requests.get, api.server.url + "/v2/actions?page=7", timeout=0.3)
        assert api.get("/v2/actions").status_code == 200
        with pytest.raises(requests.ReadTimeout):
            waiting.result()


@pytest.mark.parametrize("kind", ["garbled", "oversized", "odd_times", "trickle"])
def test_a_request_with_a_damaged_response_has_been_carried_out(served, kind):
    """The action is started once and the status is the usual one, also if the response is damaged afterwards."""
    api = served(World(droplets=[Droplet(1, "web-01")]))
    api.world.faults.add(Fault(kind, method="POST", seconds=0))

    response = api.post("/v2/droplets/1/actions", {"type": "snapshot"})

    assert (response.status_code, api.get("/v2/actions").json()["meta"]["total"]) == (201, 1)


@pytest.mark.parametrize("kind", ["garbled", "oversized", "odd_times", "trickle"])
def test_a_response_without_content_cannot_be_damaged(served, kind):
    """A 204 stays empty, and its connection serves the next request."""
    api = served(World(droplets=[Droplet(1, "web-01")]))
    api.world.faults.add(Fault(kind, method="DELETE"))

    destroyed = api.request("DELETE", "/v2/droplets/1")

    assert (destroyed.status_code, destroyed.content, "content-encoding" in destroyed.headers) == (204, b"", False)
    assert api.get("/v2/actions").status_code == 200


def test_a_garbled_response_differs_in_one_byte_that_is_not_utf8(served, actions):
    """The length is right, and the JSON is valid except for a 0xff in one of its values."""
    api = served(World(actions=actions(3)))
    api.world.faults.add(Fault("garbled"))

    garbled, clean = (api.get("/v2/actions") for _ in range(2))

    assert int(garbled.headers["content-length"]) == len(garbled.content) == len(clean.content)
    assert [byte for byte, right in zip(garbled.content, clean.content, strict=True) if byte != right] == [0xFF]
    with pytest.raises(UnicodeDecodeError):
        garbled.content.decode()
    assert json.loads(garbled.content.decode(errors="replace")) == {
        **clean.json(),
        "actions": [clean.json()["actions"][0] | {"status": "\ufffdompleted"}, *clean.json()["actions"][1:]],
    }


@pytest.mark.parametrize(
    ("body", "garbled"),
    [
        (rb'{"a": "", "b": "\"", "c:": ["x", "y"]}', b'{"a": "", "b": "\\"", "c:": ["\xff", "y"]}'),
        (b'{"actions":[],"meta":{"total":0}}', b'{"\xffctions":[],"meta":{"total":0}}'),
        (b"[1,23]", b"[1,\xff3]"),
        (b"", b""),
    ],
)
def test_garbling_prefers_a_value_to_a_key_and_a_key_to_the_rest(body, garbled):
    """The garbled byte is in a text value if there is one, never part of an escape; else in a key, else anywhere."""
    assert damaged(Fault("garbled"), Response(200, body)).body == garbled


def test_an_oversized_response_is_small_on_the_wire_and_large_when_unpacked(served, actions):
    """A few kilobytes of gzip unpack to the usual JSON followed by white space, each time."""
    api = served(World(actions=actions(3)))
    api.world.faults.add(Fault("oversized", times=2))

    first, second, clean = (api.get("/v2/actions") for _ in range(3))

    assert first.headers["content-encoding"] == second.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) < 200_000
    assert len(first.content) == len(second.content) == len(clean.content) + PADDING_BYTES
    assert first.content.startswith(clean.content)
    assert first.content[len(clean.content) :].isspace()
    assert json.loads(first.content) == json.loads(second.content) == clean.json()
    assert "content-encoding" not in clean.headers


def test_odd_times_replace_all_times_of_actions(served, actions):
    """Only times are replaced, by one that Python parses and cannot convert to UTC; null stays null."""
    api = served(World(actions=actions(2), droplets=[Droplet(1, "web-01")]))
    api.world.act_on_droplet(1, {"type": "snapshot"})
    api.world.faults.add(Fault("odd_times"))

    odd, clean = (api.get("/v2/actions").json() for _ in range(2))

    for row in clean["actions"]:
        row |= {key: ODD_TIME for key in ("started_at", "completed_at") if row[key] is not None}
    assert odd == clean
    assert [row["completed_at"] for row in odd["actions"]] == [None, ODD_TIME, ODD_TIME]
    with pytest.raises(OverflowError):
        datetime.fromisoformat(ODD_TIME).astimezone(UTC)


def test_a_trickling_response_arrives_complete_for_a_patient_client(served):
    """All bytes arrive, no faster than set, over a connection that can be used again."""
    api = served(World())
    api.world.faults.add(Fault("trickle", seconds=0.002))
    adapter = api.session.get_adapter("http://")

    since = time.monotonic()
    trickled = api.get("/v2/actions")
    took_s = time.monotonic() - since
    clean = api.get("/v2/actions")

    assert trickled.content == clean.content
    assert int(trickled.headers["content-length"]) == len(clean.content)
    assert took_s >= 0.002 * (len(clean.content) - 1)
    (pool,) = (adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys())  # noqa: SIM118
    assert (pool.num_requests, pool.num_connections) == (2, 1)


def test_a_trickling_response_delays_no_other_client_and_ends_with_its_own(served, actions):
    """The first byte comes at once, other requests are served meanwhile, and a hang-up ends the response."""
    api = served(World(actions=actions(20)))
    api.world.faults.add(Fault("trickle", path="page=7", seconds=600))
    before = _handler_threads()
    response = requests.get(api.server.url + "/v2/actions?page=7", headers=api.session.headers, stream=True, timeout=10)
    (trickling,) = _handler_threads() - before

    first = next(response.iter_content(1))
    others = [api.get("/v2/actions").status_code for _ in range(3)]
    alive_before = trickling.is_alive()
    response.close()
    trickling.join(10)

    assert (first, others, alive_before) == (b"{", [200] * 3, True)
    assert not trickling.is_alive()


def test_a_trickling_response_ends_when_the_server_stops(served, actions):
    """The client sees a cut connection, and the thread of the response ends."""
    api = served(World(actions=actions(20)))
    api.world.faults.add(Fault("trickle", seconds=600))
    before = _handler_threads()
    response = api.get("/v2/actions", stream=True)
    (trickling,) = _handler_threads() - before

    api.server.stop()
    trickling.join(10)

    assert not trickling.is_alive()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        response.content  # noqa: B018 -- reading is what fails


def test_a_trickling_response_ends_with_the_app_on_another_server(actions):
    """On a server other than ours, the app stops waiting when `stopping` is set."""
    world, stopping = World(actions=actions(3)), threading.Event()
    world.faults.add(Fault("trickle", seconds=600))
    client = app(world, stopping=stopping).test_client()
    threading.Timer(0.1, stopping.set).start()

    response = client.get("/v2/actions", headers={"Authorization": f"Bearer {DEMO_TOKEN}"})

    assert response.data == b"{"
