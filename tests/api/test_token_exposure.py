"""The token in frames, variables, texts and logs of whatever goes wrong with a request: it is in none of them."""

from __future__ import annotations

import http.client
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import urllib3
from exposed import TOOLS, chain, places_of, raised_by, shown
from hostile import HANG_UP, good, head, hostile_server
from hypothesis import given
from hypothesis import strategies as st
from served import Hourglass

from doaudit.account import Account
from doaudit.api.client import Client
from doaudit.connect import connect
from doaudit.errors import DoauditError, InvalidArgument, TokenMissing, Unauthorized, UnsafeAddress

TOKEN = "dop_v1_" + 16 * "3fa9"
PART = TOKEN[7:30]
ESCAPED = rf"\u0064{TOKEN[1:]}"
DEADLINE_S = 0.06
on_unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send a signal to one process")


def interrupted_after(*start):
    """Return a script: send something, press Ctrl-C, and leave the request waiting."""
    return lambda: [*start, lambda: os.kill(os.getpid(), signal.SIGINT), 60.0]


def error(status, body):
    """Return a response that is an error."""
    return good(body.encode(), status=status)


PATHS = {
    "401": error("401 Unauthorized", '{"id": "unauthorized", "message": "Unable to authenticate you"}'),
    "401 with the token": error("401 Unauthorized", f'{{"id": "unauthorized", "message": "{TOKEN} is unknown"}}'),
    "401 with an escape": error("401 Unauthorized", f'{{"id": "unauthorized", "message": "{ESCAPED} is unknown"}}'),
    "422 with an escape": error("422 Unprocessable", f'{{"id": "{ESCAPED}", "message": {{"token": "{ESCAPED}"}}}}'),
    "500": error("500 Oops", f'{{"message": "{TOKEN}", "request_id": "{ESCAPED}"}}'),
    "a page of HTML": head(f"X-Token: {TOKEN}").replace(b"json", b"html") + TOKEN.encode(),
    "garbled JSON": good(b'{"actions": [{"name": "' + TOKEN.encode()),
    "no HTTP": f"SSH-2.0-{TOKEN}\r\n".encode(),
    "a header that is none": b"HTTP/1.1 500 Oops\r\n" + TOKEN.encode() + b"\r\nX: y\r\n\r\n",
    "a response cut short": head("Content-Length: 1000") + TOKEN.encode(),
    "no response in time": lambda: [60.0],
}
INTERRUPTED = {
    "Ctrl-C before the response": interrupted_after(),
    "Ctrl-C among the headers": interrupted_after(f"HTTP/1.1 200 OK\r\nX-Token: {TOKEN}\r\n".encode()),
    "Ctrl-C in the body": interrupted_after(head("Content-Length: 1000"), TOKEN.encode()),
}


def ask(client, method):
    """Send one request, and parse its response."""
    if method == "GET":
        client.get("/v2/droplets", parse=lambda response: json.loads(response.body)["droplets"])
    client.post(
        "/v2/droplets/7/actions", {"type": "reboot"}, parse=lambda response: json.loads(response.body)["action"]
    )


def connected(url, deadline_s=DEADLINE_S):
    """Return a client whose waits between attempts take no time."""
    return Client(TOKEN, url, clock=Hourglass(), deadline_s=deadline_s)


def fault_on(path, method):
    """Return what a request raises on one of the paths."""
    ends = [HANG_UP] if path not in INTERRUPTED else []
    script = (PATHS | INTERRUPTED)[path]
    with hostile_server(script if callable(script) else lambda: [script, *ends]) as server:
        client = connected(server.url, 30 if path in INTERRUPTED else DEADLINE_S)
        fault = raised_by(lambda: ask(client, method))
        client.close()
    assert isinstance(fault, KeyboardInterrupt if path in INTERRUPTED else DoauditError)
    return fault


def assert_hidden(text, real=TOKEN):
    """Assert that neither the token is in a text, nor any larger part of it, escaped or not."""
    assert real[7:30] not in text


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [*PATHS, *(pytest.param(path, marks=on_unix) for path in INTERRUPTED)])
def test_no_frame_has_the_token_on_any_path(path, method, caplog):
    """Nothing within reach of a frame, no text of an error, and no log has the token, or its secret part."""
    caplog.set_level(logging.DEBUG)

    fault = fault_on(path, method)

    assert places_of(PART, fault) == []
    for each in chain(fault):
        assert_hidden(f"{each!r} {each} {vars(each)}")
    assert_hidden(caplog.text)
    assert_hidden(shown("traceback", fault))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", [*PATHS, *(pytest.param(path, marks=on_unix) for path in INTERRUPTED)])
@pytest.mark.thorough
def test_no_tool_shows_the_token_on_any_path(tool, path, method):
    """A traceback with variables can be kept and sent on, whatever went wrong."""
    assert_hidden(shown(tool, fault_on(path, method)))


@on_unix
@pytest.mark.parametrize("tool", TOOLS)
def test_no_tool_shows_the_token_of_a_list_that_was_interrupted(tool):
    """Ctrl-C while an account waits leaves a traceback that can be kept."""
    with hostile_server(interrupted_after()) as server:
        account = Account(connected(server.url, 30), history=":memory:")
        fault = raised_by(account.droplets)

    assert isinstance(fault, KeyboardInterrupt)
    assert places_of(PART, fault) == []
    assert_hidden(shown(tool, fault))


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_show_a_text_that_is_not_hidden(tool):
    """What the other tests ask of the tools they could not pass by showing nothing."""

    def careless(header):
        raise ValueError(len(header))

    assert_shown = shown(tool, raised_by(lambda: careless("Bearer " + TOKEN)))

    assert PART in assert_shown


class _InterruptedAt:
    """A trace function that presses Ctrl-C at a given line of those that the libraries below run, and counts them."""

    # Of locks no line is one of these: interrupted between taking one and keeping it, nothing would ever give it back.
    within = tuple(str(Path(each.__file__).parent) for each in (requests, urllib3, http))

    def __init__(self, line):
        self.line, self.lines = line, 0

    def __call__(self, frame, event, argument):
        if event == "line" and frame.f_code.co_filename.startswith(self.within):
            self.lines += 1
            if self.lines == self.line:
                raise KeyboardInterrupt
        return self


def traced(client, line):
    """Ask with Ctrl-C at a line; return what was raised, if anything, and how many lines there were."""
    interruption, before = _InterruptedAt(line), sys.gettrace()
    sys.settrace(interruption)
    try:
        client.get("/v2/droplets", parse=repr)
    except BaseException as fault:  # noqa: BLE001 -- looked at by the caller
        return fault, interruption.lines
    finally:
        sys.settrace(before)
    return None, interruption.lines


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # made, and not yet kept by anything
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # a half made response
@pytest.mark.parametrize("most", [60, pytest.param(600, marks=pytest.mark.release)])
def test_ctrl_c_at_any_line_leaves_no_token_behind(most):
    """While a request is made, sent and read, at whichever line of the libraries below Ctrl-C comes."""
    found = {}
    with hostile_server(good()) as server:
        client = connected(server.url, 1.0)
        _, lines = traced(client, None)
        step = max(1, lines // most)
        for line in range(1, lines + 1, step):
            fault, _ = traced(client, line)
            if isinstance(fault, KeyboardInterrupt):
                found[line] = places_of(PART, fault)
        client.close()

    assert len(found) > lines // step // 2
    assert {line: places for line, places in found.items() if places} == {}


def test_what_the_caller_was_handling_keeps_its_frames():
    """Only frames of the request are cut, not those of an error that was there before."""
    with hostile_server(interrupted_after()) as server:
        client = connected(server.url, 30)

        def ask_while_handling():
            try:
                int("an error before")
            except ValueError:
                ask(client, "GET")

        fault = raised_by(ask_while_handling)
        client.close()

    before = [each for each in chain(fault) if isinstance(each, ValueError)]
    assert len(before) == 1
    assert before[0].__traceback__ is not None


@given(st.lists(st.sampled_from(["plain", "lower", "upper", "twice"]), min_size=len(TOKEN), max_size=len(TOKEN)))
def test_an_echo_is_hidden_however_it_is_escaped(spellings):
    """Each character of JSON can be written as itself or by its number, also in JSON within JSON."""
    spelt = {"plain": "{0}", "lower": r"\u{1:04x}", "upper": r"\u{1:04X}", "twice": r"\\u{1:04x}"}
    echo = "".join(spelt[how].format(each, ord(each)) for how, each in zip(spellings, TOKEN, strict=True))
    with hostile_server(error("401 Unauthorized", f'{{"id": "unauthorized", "message": "no {echo}!"}}')) as server:
        client = connected(server.url, 30)
        fault = raised_by(lambda: ask(client, "GET"))
        client.close()

    assert isinstance(fault, Unauthorized)
    assert fault.api_message == "no [token]!"


def test_an_echo_in_a_good_response_is_hidden():
    """What is written to disk from a response is without the token, too."""
    body = json.dumps({"droplets": [{"name": TOKEN}]}).encode()
    with hostile_server(good(body, f"X-Echo: {TOKEN}")) as server:
        client = connected(server.url, 30)
        response = client.get("/v2/droplets", parse=lambda response: response)
        client.close()

    assert json.loads(response.body) == {"droplets": [{"name": "[token]"}]}
    assert response.headers["x-echo"] == "[token]"


@pytest.mark.parametrize("bad", [f"{TOKEN} {TOKEN}", f"{TOKEN}\n{TOKEN}", f"{TOKEN}\udc80", f"{TOKEN}é"])
@pytest.mark.parametrize("make", [lambda token: connect(token=token), Client], ids=["connect", "client"])
def test_a_refused_token_is_in_no_frame(make, bad):
    """What is most of a token is hidden like one."""
    fault = raised_by(lambda: make(bad))

    assert isinstance(fault, InvalidArgument)
    assert places_of(PART, fault) == []


@pytest.mark.parametrize("odd", [TOKEN.encode(), [TOKEN], {"token": TOKEN}, 7, b"", "", " \n"], ids=repr)
@pytest.mark.parametrize("make", [lambda token: connect(token=token), Client], ids=["connect", "client"])
def test_a_token_that_is_no_text_is_missing(make, odd):
    """Bytes or a list are no token; the error says so and shows nothing of them."""
    fault = raised_by(lambda: make(odd))

    assert isinstance(fault, TokenMissing)
    assert "not a text" in str(fault)
    assert places_of(PART, fault) == []
    assert_hidden(str(fault))


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("url", ["http://api.example", 5], ids=["unsafe", "no text"])
def test_a_failure_to_connect_shows_no_environment(tool, url, monkeypatch):
    """A line that reads the environment, as a tool shows it, would bring the token along."""
    monkeypatch.setenv("DIGITALOCEAN_TOKEN", TOKEN)

    fault = raised_by(lambda: connect(base_url=url))

    assert isinstance(fault, UnsafeAddress | AttributeError)
    assert places_of(PART, fault) == []
    assert_hidden(shown(tool, fault))


@pytest.mark.parametrize("arguments", [("",), (None,), (b"x",), ("a b",), (TOKEN, "http://example.com"), (TOKEN, 5)])
def test_a_client_is_shown_whatever_its_constructor_came_to(arguments):
    """A traceback with variables has an object that is half made, and asks for its text."""
    unmade = object.__new__(Client)

    raised_by(lambda: unmade.__init__(*arguments))

    assert repr(unmade) == "Client('no address')"


def test_the_debug_output_of_python_has_no_token(monkeypatch, capsys):
    """http.client can print each request as it is sent; ours are left out."""
    monkeypatch.setattr(http.client.HTTPConnection, "debuglevel", 1)
    with hostile_server(good()) as server:
        client = connected(server.url, 30)
        client.get("/v2/droplets", parse=repr)
        client.close()

    assert TOKEN.encode() in server.requests[0]
    assert_hidden(capsys.readouterr().out)


CASE = """
import doaudit as da

def test_droplets():
    account = da.connect(base_url={url!r}, history=":memory:")
    account.droplets()
"""


@on_unix
@pytest.mark.thorough
@pytest.mark.parametrize("path", ["401 with an escape", "no HTTP", "Ctrl-C before the response"])
def test_pytest_shows_no_token_among_local_variables(path, tmp_path):
    """A failed test of somebody's own, in the log of a build, says nothing of the token."""
    processes = []
    script = (PATHS | INTERRUPTED)[path]
    if path in INTERRUPTED:
        script = lambda: [lambda: processes[0].send_signal(signal.SIGINT), 60.0]  # noqa: E731 -- a script like others
    case = tmp_path / "test_case.py"
    with hostile_server(script) as server:
        case.write_text(CASE.format(url=server.url), encoding="utf-8")
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--showlocals", "--full-trace", str(case)]
        environment = os.environ | {"DIGITALOCEAN_TOKEN": TOKEN, "PYTHONPATH": str(Path(__file__).parents[2])}
        processes.append(
            subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
        said = processes[0].communicate(timeout=120)[0].decode()

    assert "KeyboardInterrupt" in said if path in INTERRUPTED else "account    = <Account" in said
    assert_hidden(said)
