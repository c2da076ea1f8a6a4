"""Serving a simulated account: addresses, connections, latency and the end of a server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from doaudit.demo import DEMO_TOKEN, World, app, serve
from doaudit.demo.world.clock import START
from doaudit.demo.world.records import Droplet


def test_concurrent_requests_wait_at_the_same_time(served):
    """Eight requests are in flight before the first response: their latencies do not add up."""
    api = served(World(), latency_s=600)
    with ThreadPoolExecutor(8) as pool:
        underway = [pool.submit(api.get, "/v2/actions", timeout=30) for _ in range(8)]
        breath = threading.Event()
        while len(api.world.requests) < 8 and not any(request.done() for request in underway):
            breath.wait(0.01)
        unanswered = not any(request.done() for request in underway)
        api.server.stop()

    assert unanswered


def test_a_connection_is_kept_open(served):
    """All requests of a session use one connection, whatever their bodies and responses."""
    api = served(World(droplets=[Droplet(1, "web-01")]))
    adapter = api.session.get_adapter("http://")

    for _ in range(5):
        api.get("/v2/actions")
        api.post("/v2/nothing", {"unread": "x" * 1000})
        api.post("/v2/droplets/1/actions", {"type": "power_on"})

    (pool,) = (adapter.poolmanager.pools[key] for key in adapter.poolmanager.pools.keys())  # noqa: SIM118
    assert (pool.num_requests, pool.num_connections) == (15, 1)


def test_requests_are_recorded(served):
    """A world records the requests in order, with their queries."""
    api = served(World())

    api.get("/v2/actions?page=2")
    api.post("/v2/droplets/1/actions")

    assert list(api.world.requests) == ["GET /v2/actions?page=2", "POST /v2/droplets/1/actions"]


def test_a_stopped_server_serves_no_more_requests():
    """Neither new nor open connections get a response after a stop; stopping again does nothing."""
    server = serve(World(), speed=0)
    with requests.Session() as session:
        session.headers["authorization"] = f"Bearer {server.token}"
        assert session.get(server.url + "/v2/actions", timeout=5).status_code == 200

        server.stop()
        server.stop()

        with pytest.raises(requests.ConnectionError):
            session.get(server.url + "/v2/actions", timeout=5)
    assert repr(server).endswith(", stopped>")


def test_the_repr_of_a_server_has_no_token():
    """The repr shows the URL and not the token, so that it is safe in a notebook."""
    with serve(World(), speed=0) as server:
        assert repr(server) == f"<DemoServer {server.url}>"
        assert server.token == DEMO_TOKEN


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])  # noqa: S104 -- they are to be rejected
def test_only_loopback_addresses_are_accepted(host):
    """An address that others can reach is rejected, with what to do instead."""
    with pytest.raises(ValueError, match=r"can be reached from others.*127\.0\.0\.1"):
        serve(World(), host=host)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_loopback_can_be_a_name_or_an_address(host):
    """A server can listen on a loopback name or address."""
    with serve(World(), host=host, speed=0) as server:
        assert server.url.startswith(f"http://{host}:")
        assert requests.get(server.url + "/v2/account", timeout=5).status_code == 401


def test_a_port_in_use_is_explained():
    """The error of a port in use names the port and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(OSError, match=rf"port {port} of 127\.0\.0\.1.*choose another port"):
            serve(World(), port=port)


def test_serving_prints_nothing():
    """A server prints no banner, no access log and no warning."""
    program = (
        "import requests\n"
        "from doaudit.demo import serve, World\n"
        "with serve(World()) as server:\n"
        "    requests.get(server.url + '/v2/actions')\n"
        "    requests.get(server.url + '/nothing')\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=300, check=True, env=dict(os.environ)
    )

    assert done.stdout + done.stderr == ""


def test_the_app_works_without_a_socket(actions):
    """The WSGI app can be mounted or tested by itself."""
    client = app(World(actions=actions(3))).test_client()

    response = client.get("/v2/actions", headers={"Authorization": f"Bearer {DEMO_TOKEN}"})

    assert response.get_json()["meta"] == {"total": 3}


def test_the_clock_of_a_served_world_runs():
    """The clock of a served world runs by itself, faster by the factor `speed`."""
    with serve(World(), speed=1_000_000) as server:
        first = server.world.now
        while server.world.now < first + 1000:
            pass

    assert server.world.now > START
