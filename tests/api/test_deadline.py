"""The time limit of a whole request, and what happens to its connection."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from itertools import repeat
from pathlib import Path

import pytest
import requests
from hostile import chunk, compressed, good, head, hostile_server, trickled
from served import Hourglass

from doaudit.api.client import Client
from doaudit.api.deadline import THREAD_NAME, DeadlineAdapter, Watch, Watchdog
from doaudit.errors import ConnectionFailed, OutcomeUnknown

PATH = "/v2/actions"
SUPPORT = str(Path(__file__).parents[1] / "support")
TOKEN = "a" * 64
SHORT_S = 0.06  # for what never ends: every attempt takes this long
AMPLE_S = 1.0  # where good responses must get through as well, on a busy machine too
ENOUGH_S = 30  # where nothing is to be cut
START = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
ENDLESS = {
    "nothing": list,
    "status line": trickled(b"HTTP/1.1 200 ", repeat(b"O")),
    "go on, for ever": trickled(b"", repeat(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "header line": trickled(START + b"X-Long: ", repeat(b"x")),
    "headers, as if of an empty body": trickled(START + b"Content-Length: 0\r\n", repeat(b"X-More: x\r\n")),
    "headers, as if of a body until the end": trickled(START, repeat(b"X-More: x\r\n")),
    "plain body": trickled(head("Content-Length: 1000")),
    "body until the end": trickled(head()),
    "chunked body": trickled(head("Transfer-Encoding: chunked"), repeat(chunk(b" "))),
    "chunk without an end": trickled(head("Transfer-Encoding: chunked") + b"FFFF\r\n"),
    "trailers": trickled(head("Transfer-Encoding: chunked") + b"0\r\n", repeat(b"X-More: x\r\n")),
    "gzip body": trickled(head("Content-Encoding: gzip"), compressed(b" ", 10_000)),
    "empty gzip members": trickled(head("Content-Encoding: gzip"), repeat(b"\x1f\x8b" + b"\0" * 8 + b"\3" + b"\0" * 9)),
}


def connected(url: str, deadline_s: float) -> Client:
    """Return a client whose waits between attempts take no time."""
    return Client(TOKEN, url, clock=Hourglass(), deadline_s=deadline_s)


def get(client: Client) -> bytes:
    """Return the body of a response, whatever it is."""
    return client.get(PATH, parse=lambda response: response.body)


def post(client: Client) -> bytes:
    """Return the body of the response to a POST, whatever it is."""
    return client.post(PATH, {"type": "reboot"}, parse=lambda response: response.body)


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_get_whose_response_never_ends_fails_after_its_attempts(kind):
    """Wherever a response trickles, each attempt is cut, and none is taken for a response."""
    with hostile_server(ENDLESS[kind]) as server:
        client = connected(server.url, SHORT_S)
        with pytest.raises(ConnectionFailed, match=r"no whole response within 0\.06 s"):
            get(client)
        client.close()

    assert client.sent == 5


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_post_whose_response_never_ends_has_an_unknown_outcome(kind):
    """It is cut, sent once, and nothing is said about what it did."""
    with hostile_server(ENDLESS[kind]) as server:
        client = connected(server.url, SHORT_S)
        with pytest.raises(OutcomeUnknown, match=r"no whole response within 0\.06 s"):
            post(client)
        client.close()

    assert client.sent == 1


@pytest.mark.parametrize("kind", ["plain body", "headers, as if of an empty body"])
def test_after_a_cut_the_same_client_goes_on(kind):
    """A connection that was cut is not used again, and the next one works."""
    with hostile_server(good(), ENDLESS[kind], good()) as server:
        client = connected(server.url, AMPLE_S)
        bodies = [get(client) for _ in range(3)]
        client.close()

    assert len(set(bodies)) == 1
    assert (len(server.requests), server.connections) == (4, 2)


def test_only_the_request_that_takes_too_long_is_cut():
    """Others of the same client go on meanwhile, each as often as it likes."""
    outcomes = []

    def slow():
        try:
            post(client)
        except OutcomeUnknown as unknown:
            outcomes.append(unknown)

    with hostile_server(ENDLESS["plain body"], good()) as server:
        client = connected(server.url, AMPLE_S)
        thread = threading.Thread(target=slow)
        thread.start()
        while not server.requests:
            thread.join(0.01)
        while thread.is_alive():
            get(client)
        client.close()

    assert len(outcomes) == 1
    assert len(server.requests) == client.sent
    assert server.connections == 2


@pytest.mark.parametrize(
    "response", [good(), good(b""), head("Transfer-Encoding: chunked") + chunk(b"{}") + b"0\r\n\r\n"]
)
def test_a_good_connection_is_used_again(response):
    """Requests one after the other need one connection, and the watch over one does not end the next."""
    with hostile_server(response) as server:
        client = connected(server.url, ENOUGH_S)
        for _ in range(20):
            get(client)
        client.close()

    assert (len(server.requests), server.connections) == (20, 1)


def test_one_thread_watches_over_all_requests_of_a_client():
    """It starts with the first request and ends when the client is closed."""
    before = set(threading.enumerate())
    with hostile_server(good()) as server:
        client = connected(server.url, ENOUGH_S)
        assert not _watchers(before)
        for _ in range(200):
            get(client)
        (watcher,) = _watchers(before)
        client.close()
        watcher.join(5)
        assert not watcher.is_alive()
        get(client)
        assert len(_watchers(before)) == 1
        client.close()


def test_a_client_that_is_gone_leaves_no_thread():
    """Nobody has to remember to close one."""
    before = set(threading.enumerate())
    with hostile_server(good()) as server:
        client = connected(server.url, ENOUGH_S)
        get(client)
        (watcher,) = _watchers(before)
        del client
        watcher.join(5)

    assert not watcher.is_alive()


def _watchers(before: set[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME and thread not in before]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send a signal to one process")
def test_ctrl_c_leaves_no_watch_behind():
    """Whatever ends a request ends its watch."""
    with hostile_server(lambda: [lambda: os.kill(os.getpid(), signal.SIGINT), 60.0], good()) as server:
        client = connected(server.url, ENOUGH_S)
        with pytest.raises(KeyboardInterrupt):
            get(client)
        assert len(client._session.watchdog) == 0
        get(client)
        assert len(client._session.watchdog) == 0
        client.close()

    assert server.connections == 2


def test_a_connection_that_comes_too_late_is_cut_too():
    """Resolving a name and connecting can outlast the deadline; what they bring then is of no use."""
    watchdog = Watchdog(0.05)
    with watchdog.watching() as watch:
        for _ in range(2):  # the first is cut by the watchdog, the second as soon as it is there
            ours, theirs = socket.socketpair()
            with ours, theirs:
                watch.hold(ours)
                theirs.settimeout(5)
                assert theirs.recv(1) == b""
        assert watch.was_cut
    watchdog.close()


def test_a_request_that_has_ended_is_not_cut():
    """Its connection may serve the next one by then."""
    watch = Watch(0.0)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        watch.hold(ours)
        assert watch.end()
        watch.cut()
        ours.sendall(b"x")
        assert theirs.recv(1) == b"x"
    assert not watch.was_cut


def test_a_connection_that_was_given_back_is_not_cut():
    """Once a response is whole its connection may serve another request, which has a time limit of its own."""
    watchdog, session = Watchdog(60), requests.Session()
    session.trust_env = False
    session.mount("http://", DeadlineAdapter())
    with hostile_server(good()) as server:
        with watchdog.watching() as watch:
            session.get(server.url, timeout=5)
            watch.cut()
        session.get(server.url, timeout=5)
        session.close()
    watchdog.close()

    assert not watch.was_cut
    assert server.connections == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_watches_over_its_own_requests():
    """The thread stays behind with the parent, so the child starts another."""
    script = (
        "import os, sys; sys.path[:0] = sys.argv[2:]\n"
        "from served import Hourglass; from doaudit.api.client import Client\n"
        "client = Client('a' * 64, sys.argv[1], clock=Hourglass(), deadline_s=0.3)\n"
        "client.get('/v2/actions', parse=lambda response: response.body)\n"
        "if os.fork() == 0:\n"
        "    try: client.post('/v2/actions', {}, parse=lambda response: response.body)\n"
        "    except Exception as fault: os._exit(7 * ('no whole response within' in str(fault)))\n"
        "sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))\n"
    )
    with hostile_server(good(), ENDLESS["plain body"]) as server:
        command = [sys.executable, "-W", "ignore", "-c", script, server.url, SUPPORT]
        ended = subprocess.run(command, timeout=300, check=False)

    assert ended.returncode == 7


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of api.test, signed by itself, with its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl command to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "api.test.pem"
    options = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=api.test"
    names = ["-addext", "subjectAltName=DNS:api.test", "-keyout", str(path), "-out", str(path) + ".crt"]
    subprocess.run([openssl, *options.split(), *names], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_name("api.test.pem.crt").read_text())
    return path


@pytest.fixture
def tls(certificate):
    """The TLS context of a server of api.test."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def proxied(monkeypatch, certificate):
    """A function that makes a client of https://api.test whose proxy is a given server on this machine."""

    def through(server, deadline_s):
        for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("https_proxy", server.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        return connected("https://api.test", deadline_s)

    return through


TUNNEL = [b"HTTP/1.1 200 Connected\r\n\r\n"]
# Where a connection breaks at the very moment in which TLS takes it over, Python leaves its socket to be collected.
maybe_left_behind = pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")


@maybe_left_behind
def test_a_proxy_that_trickles_its_consent_is_cut(proxied):
    """The tunnel through a proxy is part of the request's time."""
    with hostile_server(tunnel=ENDLESS["status line"]) as server:
        client = proxied(server, SHORT_S)
        with pytest.raises(OutcomeUnknown, match="no whole response within"):
            post(client)
        client.close()


@maybe_left_behind
@pytest.mark.parametrize("through_a_proxy", [False, True])
def test_a_handshake_that_stalls_is_cut(proxied, through_a_proxy):
    """Encryption that does not get under way is part of the request's time, directly and through a proxy."""
    with hostile_server(tunnel=lambda: TUNNEL if through_a_proxy else [60.0]) as server:
        client = proxied(server, SHORT_S) if through_a_proxy else connected(f"https://127.0.0.1:{server.port}", SHORT_S)
        with pytest.raises(OutcomeUnknown, match="no whole response within"):
            post(client)
        client.close()


@maybe_left_behind
@pytest.mark.parametrize("kind", ["headers, as if of an empty body", "body until the end"])
def test_an_encrypted_response_that_trickles_is_cut(proxied, tls, kind):
    """TLS is no place to trickle either, and the next response comes over a new connection."""
    with hostile_server(ENDLESS[kind], good(), tls=tls, tunnel=lambda: TUNNEL) as server:
        client = proxied(server, AMPLE_S)
        with pytest.raises(OutcomeUnknown, match="no whole response within"):
            post(client)
        for _ in range(5):
            get(client)
        client.close()

    assert server.connections == 2


@maybe_left_behind
def test_an_unknown_certificate_is_not_taken(proxied, tls, monkeypatch):
    """A server that cannot prove to be the right one gets no request."""
    with hostile_server(good(), tls=tls, tunnel=lambda: TUNNEL) as server:
        client = proxied(server, ENOUGH_S)
        monkeypatch.delenv("REQUESTS_CA_BUNDLE")
        with pytest.raises(ConnectionFailed, match="certificate could not be verified"):
            get(client)
        client.close()


@maybe_left_behind
@pytest.mark.parametrize("name", ["https_proxy", "HTTPS_PROXY"])
def test_the_proxy_and_the_certificates_of_a_company_are_used(name, proxied, tls, monkeypatch):
    """HTTPS_PROXY and REQUESTS_CA_BUNDLE are enough; the proxy is told the host, and sees nothing of the token."""
    with hostile_server(good(), tls=tls, tunnel=lambda: TUNNEL) as server:
        client = proxied(server, ENOUGH_S)
        monkeypatch.delenv("https_proxy")
        monkeypatch.setenv(name, server.url)
        get(client)
        client.close()

    assert [line[:28] for line in server.tunnelled] == [b"CONNECT api.test:443 HTTP/1."]
    assert b"authorization: bearer" in server.requests[0].lower()


def test_a_netrc_file_does_not_take_the_place_of_the_token(proxied, tls, monkeypatch, tmp_path):
    """A header of the session would be replaced by the login that ~/.netrc has for the host."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.test login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with hostile_server(good(), tls=tls, tunnel=lambda: TUNNEL) as server:
        client = proxied(server, ENOUGH_S)
        get(client)
        client.close()

    assert f"Authorization: Bearer {TOKEN}".encode() in server.requests[0]
