"""Faults that pass: how long they are waited out, whose they may be, and what a read keeps that they outlast."""

from __future__ import annotations

import pytest
from changing_list import ChangingList, reading_list, row
from hostile import HANG_UP, good, head, hostile_server
from served import Hourglass, reading

from doaudit.api.client import Client
from doaudit.api.paging import read_actions
from doaudit.connect import connect
from doaudit.demo import Fault, World
from doaudit.demo.world.records import Action, Droplet
from doaudit.errors import ConnectionFailed, InvalidArgument, ReadIncomplete, ServerFault, UnexpectedAnswer
from doaudit.history.refresh import refresh
from doaudit.history.store import open_store

MAINTENANCE = good(b"<h1>Back in a minute</h1>").replace(b"application/json", b"text/html")
FAULT = good(b'{"id": "unavailable", "message": "Down."}', status="503 Service Unavailable")
CUT = lambda: [head("Content-Length: 99"), b'{"actions', HANG_UP]  # noqa: E731 -- a script
PASSING = {"maintenance": MAINTENANCE, "fault": FAULT, "damaged": good(b'{"acti'), "cut": CUT}


def strictly(response):
    """Read a body that is whole."""
    if not response.body.endswith(b"}"):
        raise ValueError("cut short")
    return response.body


@pytest.mark.parametrize("kind", PASSING)
def test_an_address_that_has_answered_is_waited_for(kind):
    """Nine faults in a row, of whatever kind, are waited out after one proper answer, for less than two minutes."""
    clock = Hourglass()
    with hostile_server(good(), *[PASSING[kind]] * 9, good()) as server:
        client = Client("a" * 64, server.url, clock=clock)
        answers = [client.get("/v2/actions", parse=strictly) for _ in range(2)]
        client.close()

    assert answers[0] == answers[1]
    assert 40 < clock.waited < 120


@pytest.mark.parametrize(("kind", "error"), [("maintenance", UnexpectedAnswer), ("cut", ConnectionFailed)])
def test_an_address_that_has_never_answered_may_be_the_wrong_one(kind, error):
    """There a page that is no JSON is final, and no response is asked for five times, not for two minutes."""
    clock = Hourglass()
    with hostile_server(PASSING[kind]) as server:
        client = Client("a" * 64, server.url, clock=clock)
        with pytest.raises(error):
            client.get("/v2/actions", parse=strictly)
        client.close()

    assert len(server.requests) == (1 if kind == "maintenance" else 5)
    assert clock.waited <= 7.5


@pytest.mark.parametrize("budget_s", [0.0, 20.0, 300.0])
def test_faults_that_do_not_pass_end_within_the_budget(budget_s):
    """The error comes when the next wait would pass the budget; limits of requests do not count against it."""
    clock = Hourglass()
    limit = good(b'{"id": "too_many_requests"}', "retry-after: 50", status="429 Too Many Requests")
    with hostile_server(limit, limit, FAULT) as server:
        client = Client("a" * 64, server.url, clock=clock, fault_budget_s=budget_s)
        with pytest.raises(ServerFault):
            client.get("/v2/actions", parse=strictly)
        client.close()

    assert budget_s - 30 <= clock.waited - 100 <= budget_s


@pytest.mark.parametrize("budget_s", [-1.0, float("nan")])
def test_a_budget_below_nothing_is_refused(budget_s):
    """It is an argument of connect, and one that makes no sense is named."""
    with pytest.raises(InvalidArgument, match="fault_budget_s"):
        connect(token="a" * 64, fault_budget_s=budget_s)


def test_the_budget_is_an_argument_of_connect():
    """With a budget of nothing the first fault of the API is final."""
    with hostile_server(FAULT) as server:
        with connect(token="a" * 64, base_url=server.url, fault_budget_s=0) as account, pytest.raises(ServerFault):
            account.droplets()
        assert len(server.requests) == 1


def test_a_maintenance_page_in_the_middle_of_a_read_ends_nothing():
    """A long read goes on after two pages that are no JSON, and is complete."""
    changing = ChangingList([row(n) for n in range(100)])
    plain = changing.as_text
    changing.as_text = lambda texts, total: plain(texts, total) if len(changing.requests) not in {4, 5} else "<h1>"

    with reading_list(changing) as client:
        listing = read_actions(client, per_page=10)

    assert (listing.proof.complete, len(listing.records)) == (True, 100)


def test_faults_that_outlast_the_budget_cost_no_row_that_was_read():
    """After two minutes the read is incomplete, and what was read is kept."""
    changing = ChangingList([row(n) for n in range(100)])
    changing.fails_at = 6

    with reading_list(changing) as client, pytest.raises(ReadIncomplete, match="50 of 100 actions were read") as failed:
        read_actions(client, per_page=10, in_flight=1)

    assert len(failed.value.listing.records) == 50


@pytest.mark.parametrize("kind", ["server_error", "captive_portal", "dropped", "forbidden"])
def test_names_that_cannot_be_read_cost_no_action(kind):
    """A failing list of names is said, with its reason, and every action is in the history all the same."""
    at = 1_700_000_000
    actions = [Action(id=n, type="reboot", resource_id=7, started_at=at + n, ends_at=at + n + 9) for n in range(30)]
    world, store = World(actions=actions, droplets=[Droplet(7, "web-01")]), open_store(":memory:", "mine")
    world.faults.add(Fault(kind, path=r"/v2/droplets\?", times=None))
    with reading(world) as client:
        failed = refresh(client, store)
        world.faults.clear()
        passed = refresh(client, store)

    assert (failed.complete, store.count()) == (True, 30)
    assert ("Some names" in str(failed)) == (kind != "forbidden")
    assert ("Some resources have no names" in str(failed)) == (kind == "forbidden")
    assert (passed.names_problem, passed.lacking) == ("", ())
