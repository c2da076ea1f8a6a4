from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime

import pytest
import requests

from doaudit.demo import DEMO_TOKEN, World, app
from doaudit.demo.http.fault_responses import ODD_TIME, PADDING_BYTES, Reply, spoiled
from doaudit.demo.world.faults import Fault, Faults
from doaudit.demo.world.records import Droplet


def _taken(faults, *requests):
    taken = [faults.take(method, path) for method, path in requests]
    return [fault.kind if fault else None for fault in taken]


def test_a_fault_happens_as_often_as_asked_after_what_it_spares():
    """`after` matching requests go well, the next `times` do not, and then all is well again."""
    faults = Faults()
    faults.add(Fault("server_error", path="/v2/actions", after=1, times=2))

    kinds = _taken(faults, *[("GET", "/v2/actions"), ("GET", "/v2/droplets")] * 4)

    assert kinds[0::2] == [None, "server_error", "server_error", None]
    assert kinds[1::2] == [None] * 4


def test_a_fault_without_end_always_happens():
    """`times=None` never runs out, until everything is cleared."""
    faults = Faults()
    faults.add(Fault("slow", times=None))

    assert _taken(faults, *[("GET", "/")] * 50) == ["slow"] * 50
    faults.clear()
    assert _taken(faults, ("GET", "/")) == [None]


def test_a_fault_can_be_meant_for_one_method_and_one_page():
    """The method and the query narrow it; `per_page=7` is not page 7."""
    faults = Faults()
    faults.add(Fault("dropped", method="get", path=r"[?&]page=7\b"))

    kinds = _taken(
        faults,
        ("POST", "/v2/actions?page=7"),
        ("GET", "/v2/actions?per_page=7"),
        ("GET", "/v2/actions?page=71"),
        ("GET", "/v2/actions?per_page=200&page=7"),
    )

    assert kinds == [None, None, None, "dropped"]


def test_of_two_faults_for_one_request_the_older_happens_and_the_other_waits():
    """No fault is lost because another came first."""
    faults = Faults()
    faults.add(Fault("server_error"), Fault("bad_gateway"))

    assert _taken(faults, *[("GET", "/")] * 3) == ["server_error", "bad_gateway", None]


def test_faults_of_events_leave_requests_alone():
    """What happens to an action of a type does not happen to the request that starts it."""
    faults = Faults()
    faults.add(Fault("stuck", type="snapshot"))

    assert faults.take("POST", "/v2/droplets/1/actions") is None
    assert faults.take("POST", "/v2/droplets/1/actions", "shutdown") is None
    assert faults.take("POST", "/v2/droplets/1/actions", "snapshot").kind == "stuck"


def test_an_unknown_kind_is_refused_with_those_there_are():
    """A misspelt fault is no silent success of a test."""
    with pytest.raises(ValueError, match=r"captive_portal.*got 'captiveportal'"):
        Fault("captiveportal")


def test_a_request_fault_cannot_be_narrowed_by_type():
    """A type on a fault of requests would never match; it is refused instead."""
    with pytest.raises(ValueError, match="use path"):
        Fault("server_error", type="snapshot")


def _answering():
    """The threads of this process that are answering somebody."""
    return {thread for thread in threading.enumerate() if "process_request_thread" in thread.name}


@pytest.mark.parametrize("kind", ["garbled", "oversized", "odd_times", "trickle"])
def test_an_answer_that_is_spoiled_on_its_way_has_been_carried_out(served, kind):
    """The account has done what was asked, once and with the usual status, whatever becomes of the answer."""
    talk = served(World(droplets=[Droplet(1, "web-01")]))
    talk.world.faults.add(Fault(kind, method="POST", seconds=0))

    answer = talk.post("/v2/droplets/1/actions", {"type": "snapshot"})

    assert (answer.status_code, talk.get("/v2/actions").json()["meta"]["total"]) == (201, 1)


@pytest.mark.parametrize("kind", ["garbled", "oversized", "odd_times", "trickle"])
def test_an_answer_without_content_cannot_be_spoiled(served, kind):
    """A 204 stays empty, and the connection can be used for the next request."""
    talk = served(World(droplets=[Droplet(1, "web-01")]))
    talk.world.faults.add(Fault(kind, method="DELETE"))

    gone = talk.ask("DELETE", "/v2/droplets/1")

    assert (gone.status_code, gone.content, "content-encoding" in gone.headers) == (204, b"", False)
    assert talk.get("/v2/actions").status_code == 200


def test_a_garbled_answer_differs_in_one_byte_that_is_no_utf8(served, actions):
    """The length is as promised, the JSON is well-formed but for the 0xff in one of its values."""
    talk = served(World(actions=actions(3)))
    talk.world.faults.add(Fault("garbled"))

    garbled, clean = (talk.get("/v2/actions") for _ in range(2))

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
    """What is garbled is a value wherever there is one, and never part of an escape; else a key, else any byte."""
    assert spoiled(Fault("garbled"), Reply(200, body)).body == garbled


def test_an_oversized_answer_is_small_on_the_wire_and_large_when_unpacked(served, actions):
    """A few kilobytes of gzip unpack to the usual JSON with white space after it, each time they are asked for."""
    talk = served(World(actions=actions(3)))
    talk.world.faults.add(Fault("oversized", times=2))

    first, second, clean = (talk.get("/v2/actions") for _ in range(3))

    assert first.headers["content-encoding"] == second.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) < 200_000
    assert len(first.content) == len(second.content) == len(clean.content) + PADDING_BYTES
    assert first.content.startswith(clean.content)
    assert first.content[len(clean.content) :].isspace()
    assert json.loads(first.content) == json.loads(second.content) == clean.json()
    assert "content-encoding" not in clean.headers


def test_odd_times_stand_in_place_of_every_time_of_an_action(served, actions):
    """Only the times are replaced, by one that Python reads and cannot turn to UTC; what has not ended stays null."""
    talk = served(World(actions=actions(2), droplets=[Droplet(1, "web-01")]))
    talk.world.act_on_droplet(1, {"type": "snapshot"})
    talk.world.faults.add(Fault("odd_times"))

    odd, clean = (talk.get("/v2/actions").json() for _ in range(2))

    for row in clean["actions"]:
        row |= {key: ODD_TIME for key in ("started_at", "completed_at") if row[key] is not None}
    assert odd == clean
    assert [row["completed_at"] for row in odd["actions"]] == [None, ODD_TIME, ODD_TIME]
    with pytest.raises(OverflowError):
        datetime.fromisoformat(ODD_TIME).astimezone(UTC)


def test_a_trickling_answer_arrives_whole_if_one_waits(served):
    """Byte after byte comes what was promised, no sooner than said, over a connection that can be used again."""
    talk = served(World())
    talk.world.faults.add(Fault("trickle", seconds=0.002))
    adapter = talk.session.get_adapter("http://")

    since = time.monotonic()
    trickled = talk.get("/v2/actions")
    took_s = time.monotonic() - since
    clean = talk.get("/v2/actions")

    assert trickled.content == clean.content
    assert int(trickled.headers["content-length"]) == len(clean.content)
    assert took_s >= 0.002 * (len(clean.content) - 1)
    (pool,) = (adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys())  # noqa: SIM118
    assert (pool.num_requests, pool.num_connections) == (2, 1)


def test_a_trickling_answer_holds_up_nobody_and_ends_when_its_client_hangs_up(served, actions):
    """The first byte is there at once; others are answered meanwhile; nothing waits for a client that has gone."""
    talk = served(World(actions=actions(20)))
    talk.world.faults.add(Fault("trickle", path="page=7", seconds=600))
    before = _answering()
    answer = requests.get(talk.server.url + "/v2/actions?page=7", headers=talk.session.headers, stream=True, timeout=10)
    (trickling,) = _answering() - before

    first = next(answer.iter_content(1))
    others = [talk.get("/v2/actions").status_code for _ in range(3)]
    still_there = trickling.is_alive()
    answer.close()
    trickling.join(10)

    assert (first, others, still_there) == (b"{", [200] * 3, True)
    assert not trickling.is_alive()


def test_a_trickling_answer_ends_when_the_server_stops(served, actions):
    """The client sees a connection that is cut, and no thread goes on."""
    talk = served(World(actions=actions(20)))
    talk.world.faults.add(Fault("trickle", seconds=600))
    before = _answering()
    answer = talk.get("/v2/actions", stream=True)
    (trickling,) = _answering() - before

    talk.server.stop()
    trickling.join(10)

    assert not trickling.is_alive()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        answer.content  # noqa: B018 -- reading is what fails


def test_a_trickling_answer_ends_without_our_own_server_too(actions):
    """Mounted elsewhere, the app waits for nothing but the word that answers are no longer wanted."""
    world, stopping = World(actions=actions(3)), threading.Event()
    world.faults.add(Fault("trickle", seconds=600))
    client = app(world, stopping=stopping).test_client()
    threading.Timer(0.1, stopping.set).start()

    answer = client.get("/v2/actions", headers={"Authorization": f"Bearer {DEMO_TOKEN}"})

    assert answer.data == b"{"
