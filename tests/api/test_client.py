"""One request: where it may go, what it carries, and the result or error of each response."""

from __future__ import annotations

import copy
import logging
import pickle
import threading
import traceback

import pytest
from hostile import good, head, hostile_server, trickled
from served import reading

from doaudit.api.address import DEFAULT_URL, checked_token, safe_address
from doaudit.api.client import Client
from doaudit.demo import Fault, World, serve
from doaudit.demo.world.records import Droplet
from doaudit.errors import (
    ApiProblem,
    ConnectionFailed,
    DoauditError,
    Forbidden,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    Refused,
    ServerFault,
    TokenMissing,
    Unauthorized,
    UnexpectedAnswer,
    UnsafeAddress,
)

PATH = "/v2/actions"
SECRET = "dop_v1_" + 64 * "7"


def get(client, path=PATH, **options):
    """Return the body of a response."""
    return client.get(path, parse=lambda response: response.body, **options)


def everything_about(fault: BaseException) -> str:
    """Return all that a log, a debugger or a report could show of an error and of those behind it."""
    seen, errors, texts = set(), [fault], []
    while errors:
        error = errors.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        errors += [error.__cause__, error.__context__]
        texts += [repr(error), str(error), repr(vars(error)), repr(error.args)]
        texts += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return "\n".join(texts)


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://api.digitalocean.com", "https://api.digitalocean.com"),
        (" https://api.digitalocean.com/v2/ ", "https://api.digitalocean.com"),
        ("https://gateway.example:8443/do/v2", "https://gateway.example:8443/do"),
        ("http://127.0.0.1:8089/", "http://127.0.0.1:8089"),
        ("http://localhost:8089/v2", "http://localhost:8089"),
        ("http://[::1]:8089", "http://[::1]:8089"),
    ],
)
def test_a_base_url_is_taken_in_each_of_its_spellings(given, used):
    """A trailing slash, a trailing /v2 and blanks make no difference."""
    assert safe_address(given) == used


@pytest.mark.parametrize(
    "unsafe",
    [
        "http://api.digitalocean.com",
        "http://10.0.0.7",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "https://user:secret@api.digitalocean.com",
        "https://api.digitalocean.com?x=1",
        "ftp://127.0.0.1",
        "api.digitalocean.com",
        "https://",
        "https://host:port",
        "",
    ],
)
def test_an_unsafe_base_url_is_refused(unsafe):
    """The token goes over https or stays on this machine; what is no address is refused, and no login is quoted."""
    with pytest.raises(UnsafeAddress) as refused:
        safe_address(unsafe)

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("bad", ["dop_v1_0 1", "dop\nv1", "dop_v1_\x00", "dop_v1_é"])
def test_a_token_with_foreign_characters_is_refused_unseen(bad):
    """The message does not quote what may be most of a token."""
    with pytest.raises(InvalidArgument) as refused:
        checked_token(bad)

    assert bad not in str(refused.value)


def test_an_empty_token_is_missing():
    """White space is no token."""
    with pytest.raises(TokenMissing, match="DIGITALOCEAN_TOKEN"):
        checked_token(" \n")


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        ("unauthorized", Unauthorized, "does not accept this token"),
        ("forbidden", Forbidden, "lacks the scope actions:read"),
        ("not_found", NotFound, "DIGITALOCEAN_API_URL"),
        ("server_error", ServerFault, "status.digitalocean.com"),
        ("unavailable", ServerFault, "after several attempts"),
        ("burst_limit", RateLimited, "limit of requests"),
        ("bad_gateway", UnexpectedAnswer, "502 and text/html"),
        ("captive_portal", UnexpectedAnswer, "login page of this network"),
        ("redirect", UnexpectedAnswer, "redirect"),
        ("invalid_json", UnexpectedAnswer, "could not be read"),
        ("truncated", ConnectionFailed, "cut"),
        ("dropped", ConnectionFailed, "cut"),
    ],
)
def test_each_fault_has_its_error(kind, error, words):
    """An error is of its own kind, one paragraph, and says what to do; it names the request."""
    world = World()
    world.faults.add(Fault(kind, times=None))

    with reading(world) as client, pytest.raises(ApiProblem) as failed:
        client.get(PATH, parse=_as_json)

    assert type(failed.value) is error
    assert words in str(failed.value)
    assert "\n" not in str(failed.value)
    assert failed.value.request == "GET /v2/actions"


def _as_json(response):
    import msgspec  # noqa: PLC0415 -- only here

    return msgspec.json.decode(response.body)


def test_an_api_error_carries_its_facts():
    """Status, DigitalOcean's word and sentence, and the id that its support asks for."""
    with reading(World()) as client, pytest.raises(NotFound) as failed:
        get(client, "/v2/actions/7")

    assert (failed.value.status, failed.value.code) == (404, "not_found")
    assert failed.value.api_message.startswith("The resource you were accessing")
    assert failed.value.request_id in str(failed.value) != ""


@pytest.mark.parametrize(
    "kind", ["server_error", "bad_gateway", "unavailable", "dropped", "truncated", "invalid_json", "burst_limit"]
)
def test_a_passing_fault_is_survived(kind, hourglass):
    """A fault that goes away by itself is retried until it does."""
    world = World()
    world.faults.add(Fault(kind, times=3))

    with reading(world, clock=hourglass) as client:
        assert client.get(PATH, parse=_as_json)["meta"] == {"total": 0}

    assert len(world.requests) == 4
    assert hourglass.waited > 0


def test_a_hanging_server_is_a_time_out():
    """A response that does not come in time is an error that says so."""
    world = World()
    world.faults.add(Fault("hang", times=None, seconds=30))

    with reading(world, timeouts_s=(0.5, 0.05)) as client, pytest.raises(ConnectionFailed, match="no response in time"):
        get(client)


def test_a_closed_port_is_an_error():
    """The error about a port where no server listens says that there is no connection."""
    with serve(World()) as server:
        url = server.url

    with pytest.raises(ConnectionFailed, match="no connection"):
        get(Client("a" * 64, url, clock=_Now()))


def test_an_hour_limit_is_waited_out_by_every_request(hourglass):
    """The limit of the hour holds the next request back, too, until a slot is free."""
    world = World(hourly=2)

    with reading(world, clock=hourglass) as client:
        for _ in range(2):
            get(client)
        world.clock.follow(lambda: hourglass.time)
        get(client)

    assert 3600 <= hourglass.waited < 3610


def test_a_wait_ends_when_it_is_no_longer_wanted():
    """A request that waits ends when it is told to stop."""
    from doaudit.api.client import Stopped  # noqa: PLC0415

    world, stop, pauses = World(), threading.Event(), []
    world.faults.add(Fault("burst_limit", seconds=600))

    def stop_it(pause):
        pauses.append(pause.seconds)
        stop.set()

    with reading(world) as client, pytest.raises(Stopped):
        get(client, stop=stop, on_pause=stop_it)

    assert pauses == [600]


@pytest.mark.parametrize(
    "kind", ["unauthorized", "server_error", "dropped", "truncated", "redirect", "hang", "bad_gateway", "invalid_json"]
)
@pytest.mark.parametrize("ask", ["get", "post"])
def test_the_token_is_in_no_error(kind, ask, caplog):
    """Whatever fails, no text, chained error, traceback or debug log has the token."""
    caplog.set_level(logging.DEBUG)
    world = World()
    world.faults.add(Fault(kind, times=None, seconds=5))

    with serve(world, speed=0) as server:
        client = Client(server.token, server.url, clock=_Now(), timeouts_s=(1, 0.05))
        with pytest.raises(DoauditError) as failed:
            client.get(PATH, parse=_as_json) if ask == "get" else post(client)

    for text in (everything_about(failed.value), caplog.text, repr(client), repr(vars(client))):
        assert server.token not in text
    assert caplog.text


@pytest.mark.parametrize(
    "response",
    [trickled(head()), head("Content-Length: 2, 3"), head("Content-Encoding: br"), good(b'"\xff"')],
    ids=["trickled", "two lengths", "brotli", "no UTF-8"],
)
@pytest.mark.parametrize("ask", ["get", "post"])
def test_the_token_is_in_no_error_about_a_hostile_response(response, ask, caplog):
    """Exceptions of the libraries below hold the request, and none of it is kept."""
    caplog.set_level(logging.DEBUG)
    with hostile_server(response) as server:
        client = Client(SECRET, server.url, clock=_Now(), deadline_s=0.06)
        with pytest.raises(DoauditError) as failed:
            client.get(PATH, parse=_as_json) if ask == "get" else post(client)
        client.close()

    for text in (everything_about(failed.value), caplog.text):
        assert SECRET not in text


def test_a_server_that_echoes_the_token_does_not_get_it_printed():
    """An error text that holds the token is shown without it."""
    with reading(World()) as client, pytest.raises(NotFound) as failed:
        get(client, f"/v2/actions/dop_v1_{'0' * 64}")

    assert "dop_v1_" + "0" * 64 not in failed.value.api_message


EVENT = "/v2/droplets/7/actions"


def post(client, path=EVENT, kind="reboot", **options):
    """Return the response to an event."""
    return client.post(path, {"type": kind}, parse=_as_json, **options)


def one_droplet() -> World:
    """Return a world with droplet 7."""
    return World(droplets=[Droplet(7, "web-01")])


def test_a_post_is_carried_out_once():
    """The body arrives, and the response is read."""
    world = one_droplet()

    with reading(world) as client:
        body = post(client)

    assert body["action"]["type"] == "reboot"
    assert list(world.requests) == [f"POST {EVENT}"]


@pytest.mark.parametrize(
    "kind",
    """server_error bad_gateway unavailable dropped dropped_after truncated invalid_json captive_portal
    redirect""".split(),
)
def test_a_post_without_a_plain_response_is_sent_once_and_its_outcome_unknown(kind):
    """A response that does not say what was done is no reason to send it again, and none to call it failed."""
    world = one_droplet()
    world.faults.add(Fault(kind, method="POST", times=None))

    with reading(world) as client, pytest.raises(OutcomeUnknown, match="not sent again by itself") as unknown:
        post(client)

    assert len(world.requests) == 1
    assert client.sent == 1
    assert unknown.value.request == f"POST {EVENT}"


def test_a_post_whose_response_hangs_has_an_unknown_outcome():
    """A time-out says nothing about what the server did."""
    world = one_droplet()
    world.faults.add(Fault("hang", times=None, seconds=30))

    with reading(world, timeouts_s=(0.5, 0.05)) as client, pytest.raises(OutcomeUnknown, match="no response in time"):
        post(client)


@pytest.mark.parametrize(
    ("kind", "error"),
    [("unauthorized", Unauthorized), ("forbidden", Forbidden), ("not_found", NotFound), ("burst_limit", RateLimited)],
)
def test_a_post_that_was_certainly_not_carried_out_says_so(kind, error):
    """A plain no is an error of its kind, at once."""
    world = one_droplet()
    world.faults.add(Fault(kind, times=None))

    with reading(world) as client, pytest.raises(error):
        post(client)

    assert len(world.requests) == 1


def test_a_second_event_is_refused():
    """A 422 is a response, with DigitalOcean's sentence."""
    with reading(one_droplet()) as client:
        post(client)
        with pytest.raises(Refused, match="pending event"):
            post(client)


def test_after_a_limit_the_next_request_waits(hourglass):
    """A POST that met the limit is not repeated, and what comes next does not run into it."""
    world = one_droplet()
    world.faults.add(Fault("burst_limit", seconds=17))

    with reading(world, clock=hourglass) as client:
        with pytest.raises(RateLimited):
            post(client)
        get(client)

    assert 17 <= hourglass.waited < 18


def test_a_post_that_waits_is_not_sent_once_it_is_no_longer_wanted(hourglass):
    """Stopping while it waits for its turn leaves nothing behind."""
    from doaudit.api.client import Stopped  # noqa: PLC0415

    world, stop = one_droplet(), threading.Event()
    world.faults.add(Fault("burst_limit", seconds=600))

    with reading(world, clock=hourglass) as client:
        with pytest.raises(RateLimited):
            post(client)
        stop.set()
        with pytest.raises(Stopped):
            post(client, stop=stop)

    assert len(world.requests) == 1


def test_an_urgent_client_leaves_nothing_to_others(hourglass):
    """Half-way through a workflow the last tenth of the hour's requests is used, and not waited for."""
    world = World(hourly=20)

    with reading(world, clock=hourglass) as client:
        urgent = client.urgent()
        for _ in range(20):
            get(urgent)

    assert hourglass.waited == 0
    assert len(world.requests) == 20


@pytest.mark.parametrize("arguments", [("", DEFAULT_URL), ("a" * 64, "http://example.com"), ("a b", DEFAULT_URL)])
def test_a_client_that_could_not_be_made_can_be_shown(arguments):
    """A debugger or a traceback with locals may show what has no attributes yet."""
    unmade = object.__new__(Client)
    with pytest.raises(DoauditError):
        unmade.__init__(*arguments)

    assert repr(unmade).startswith("Client('")
    assert repr(object.__new__(Client)) == "Client('no address')"


def test_a_client_is_never_copied_or_pickled():
    """A pickle would be the token in a file."""
    client = Client("a" * 64)

    for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be"):
            attempt(client)


def test_a_redirect_is_not_followed():
    """The token never goes where a response points."""
    world = World()
    world.faults.add(Fault("redirect"))

    with reading(world) as client, pytest.raises(UnexpectedAnswer):
        get(client)

    assert len(world.requests) == 1


def test_a_response_is_dated_by_the_servers_clock():
    """The time, from which the age of actions is counted, is the server's."""
    with reading(World(), clock=_Now()) as client:
        assert client.get(PATH, parse=lambda response: response.date) == 1_795_435_200


class _Now:
    """A clock that stands at one moment of another year and whose waits are over at once."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        """Return the moment."""
        return self.time

    def elapsed(self) -> float:
        """Return the seconds that have passed."""
        return self.time

    def wait(self, seconds: float, stop=None) -> bool:
        """Let it pass."""
        self.time += seconds
        return False
