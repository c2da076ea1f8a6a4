"""Waits of a request for a limit: how long they are, and that they are reported."""

from __future__ import annotations

import threading

import pytest
from hostile import good, hostile_server
from served import reading

from doaudit.api.client import Client, Stopped
from doaudit.demo import Fault, World
from doaudit.demo.world.records import Droplet
from doaudit.errors import OutcomeUnknown, RateLimited

TOKEN = "a" * 64


def get(client, **options):
    """Return the body of the response to a GET."""
    return client.get("/v2/actions", parse=lambda response: response.body, **options)


def post(client, **options):
    """Return the body of the response to a POST."""
    return client.post("/v2/droplets/7/actions", {"type": "reboot"}, parse=lambda response: response.body, **options)


def test_an_urgent_client_never_waits_long_at_a_time(hourglass):
    """Whatever a limit asks for, it tries again within two minutes, reports each wait, and fails in the end."""
    world, pauses = World(), []
    world.faults.add(Fault("burst_limit", times=None, seconds=3600))

    with reading(world, clock=hourglass) as client:
        urgent = client.urgent()
        with pytest.raises(RateLimited):
            get(urgent, on_pause=lambda pause: pauses.append(pause.seconds))
        urgent.close()

    assert pauses == [120.0] * 60
    assert hourglass.waited == pytest.approx(60 * 120)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["retry-after: 3600"], "429 Too Many Requests"),
        (["ratelimit-reset: 4000000000"], "429 Too Many Requests"),
        (["retry-after: 3600"], "503 Service Unavailable"),
        (["ratelimit-limit: 5000", "ratelimit-remaining: 0", "ratelimit-reset: 4000000000"], "200 OK"),
    ],
    ids=["burst limit", "hourly limit", "fault", "reserve"],
)
@pytest.mark.parametrize(("longest_s", "waits_s"), [(60.0, 60.0), (9999.0, 3600.0)])
def test_no_wait_is_longer_than_the_client_allows(headers, status, longest_s, waits_s, hourglass):
    """The longest wait bounds each of them, and an hour bounds the longest wait."""
    pauses = []
    with hostile_server(good(b"{}", *headers, status=status), good()) as server:
        client = Client(TOKEN, server.url, clock=hourglass, longest_wait_s=longest_s)
        for _ in range(2):
            get(client, on_pause=lambda pause: pauses.append(pause.seconds))
        client.close()

    assert pauses == [waits_s]
    assert hourglass.waited == pytest.approx(waits_s)


def test_an_urgent_client_keeps_the_bounds_it_was_made_from(hourglass):
    """The time limit of its requests, and a longest wait that is shorter, are those of the first client."""
    pauses = []
    with hostile_server(list, good(b"{}", "retry-after: 3600", status="503 Down"), good()) as server:
        client = Client(TOKEN, server.url, clock=hourglass, deadline_s=0.5, longest_wait_s=30).urgent()
        with pytest.raises(OutcomeUnknown, match=r"within 0\.5 s"):
            post(client)
        get(client, on_pause=lambda pause: pauses.append(pause.seconds))
        client.close()

    assert pauses == [30]


def test_a_wait_is_reported_once(hourglass):
    """The request that met a limit reports the wait for it before it begins, and not again as it begins."""
    world, pauses = World(), []
    world.faults.add(Fault("burst_limit", times=2, seconds=17))

    with reading(world, clock=hourglass) as client:
        get(client, on_pause=lambda pause: pauses.append((pause.seconds, hourglass.waited)))

    assert pauses == [(17, 0), (17, 17)]


@pytest.mark.parametrize("ask", [get, post])
def test_a_wait_for_a_posts_limit_is_reported_by_the_next_request(ask, hourglass):
    """A POST that met the limit does not wait itself; the request that waits reports it."""
    world, pauses = World(droplets=[Droplet(7, "web-01")]), []
    world.faults.add(Fault("burst_limit", seconds=17))

    with reading(world, clock=hourglass) as client:
        with pytest.raises(RateLimited):
            post(client, on_pause=pauses.append)
        assert pauses == []
        ask(client, on_pause=pauses.append)
        get(client, on_pause=pauses.append)

    assert [(pause.seconds, pause.reason) for pause in pauses] == [(17, "limit of requests a minute")]


def test_a_wait_for_another_requests_limit_is_reported(hourglass):
    """A request that waits for a limit another one met reports what is left of the wait."""
    world, stop, pauses = World(), threading.Event(), []
    world.faults.add(Fault("burst_limit", seconds=600))

    with reading(world, clock=hourglass) as client:
        with pytest.raises(Stopped):
            get(client, stop=stop, on_pause=lambda _: stop.set())
        hourglass.wait(100)
        get(client, on_pause=lambda pause: pauses.append(pause.seconds))

    assert pauses == [500]


def test_a_wait_that_grows_meanwhile_is_reported_again(hourglass):
    """A wait that another request's limit makes longer is reported a second time."""
    pauses = []
    with hostile_server(
        good(b"{}", "retry-after: 10", status="429 Wait"), good(b"{}", "retry-after: 60", status="429 Wait"), good()
    ) as server:
        client = Client(TOKEN, server.url, clock=hourglass)

        def note(pause):
            pauses.append(pause.seconds)
            if len(pauses) == 1:  # another request is under way at this moment, and meets the limit as well
                with pytest.raises(RateLimited):
                    post(client)

        get(client, on_pause=note)
        client.close()

    assert pauses == [10, 60]
    assert hourglass.waited == pytest.approx(60)
