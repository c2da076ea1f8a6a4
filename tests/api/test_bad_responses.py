"""Responses that are too large, damaged, or not valid HTTP: each is a plain result or an error of our own."""

from __future__ import annotations

import gzip
import json
import random
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from itertools import chain
from pathlib import Path

import msgspec
import pytest
from hostile import BODY, HANG_UP, chunk, compressed, good, head, hostile_server
from served import Hourglass

from doaudit.api.body import MAX_BODY_BYTES
from doaudit.api.client import Client, Stopped
from doaudit.api.responses import Response, explain, server_time
from doaudit.errors import ApiProblem, ConnectionFailed, OutcomeUnknown, Refused, UnexpectedAnswer

PATH = "/v2/actions"
TOKEN = "a" * 64
MEGABYTE = b" " * 2**20


def as_json(response):
    """Return the body, decoded."""
    return msgspec.json.decode(response.body)


def ask(server, method="GET", parse=as_json, **options):
    """Return the result of one GET or POST, and how many requests it took."""
    client = Client(TOKEN, server.url, clock=options.pop("clock", Hourglass()), **options)
    try:
        if method == "GET":
            return client.get(PATH, parse=parse), client.sent
        return client.post(PATH, {}, parse=parse), client.sent
    finally:
        client.close()


TOO_LARGE = {
    "plain": lambda: chain([head(f"Content-Length: {65 * 2**20}")], [MEGABYTE] * 65),
    "until the end": lambda: chain([head()], [MEGABYTE] * 65, [HANG_UP]),
    "chunked": lambda: chain([head("Transfer-Encoding: chunked")], [chunk(MEGABYTE)] * 65, [b"0\r\n\r\n"]),
    "gzip": lambda: chain([head("Content-Encoding: gzip")], compressed(MEGABYTE, 65), [HANG_UP]),
    "chunked gzip": lambda: chain(
        [head("Content-Encoding: gzip", "Transfer-Encoding: chunked")],
        (chunk(piece) for piece in compressed(MEGABYTE, 65)),
        [b"0\r\n\r\n"],
    ),
    "deflate": lambda: chain([head("Content-Encoding: deflate")], compressed(MEGABYTE, 65, wbits=15), [HANG_UP]),
    "nothing, compressed to much": lambda: chain(
        [head("Content-Encoding: deflate"), b"\x78\x9c"], [b"\0\0\0\xff\xff" * 2**18] * 60, [HANG_UP]
    ),
}


@pytest.mark.parametrize("kind", TOO_LARGE)
def test_a_response_above_the_limit_is_none(kind):
    """However it is compressed or framed, it is not read on; the outcome of a POST is unknown."""
    with (
        hostile_server(TOO_LARGE[kind]) as server,
        pytest.raises(OutcomeUnknown, match="the response was larger than 64 MB"),
    ):
        ask(server, "POST")

    assert len(server.requests) == 1


def test_a_chunk_of_less_than_nothing_is_not_read_on():
    """A size of -1 does not mean all that may come; the connection is left at once."""
    start = head("Transfer-Encoding: chunked") + b"-1\r\n" + BODY
    with hostile_server(start) as server, pytest.raises(OutcomeUnknown, match="the response was cut short"):
        ask(server, "POST", deadline_s=1.0)


def test_a_get_of_too_much_is_tried_again():
    """A response above the limit counts as one that was cut short."""
    with hostile_server(TOO_LARGE["gzip"], good()) as server:
        assert ask(server) == (json.loads(BODY), 2)
        assert server.connections == 2
    with hostile_server(TOO_LARGE["gzip"]) as server, pytest.raises(ConnectionFailed, match="larger than 64 MB"):
        ask(server)


def test_a_response_at_the_limit_is_read():
    """The last byte that is allowed is allowed."""
    whole = BODY + b" " * (MAX_BODY_BYTES - len(BODY))
    with hostile_server(lambda: [head("Content-Encoding: gzip"), gzip.compress(whole, 1), HANG_UP]) as server:
        assert ask(server) == (json.loads(BODY), 1)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system does not report the peak of memory")
@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
def test_a_bomb_takes_no_memory_to_speak_of(encoding):
    """One megabyte that decompresses to a gigabyte is refused long before."""
    script = (
        "import re, sys; from doaudit.api.client import Client; from doaudit.errors import OutcomeUnknown\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])\n"
        "client, before = Client('a' * 64, sys.argv[1]), peak()\n"
        "try: client.post('/v2/actions', {}, parse=len)\n"
        "except OutcomeUnknown: print(peak() - before)\n"
    )
    bomb = b"".join(compressed(MEGABYTE, 1024, wbits=15 if encoding == "deflate" else 31))
    bomb = bomb if encoding != "gzip, gzip" else gzip.compress(bomb)
    with hostile_server(good(bomb, f"Content-Encoding: {encoding}")) as server:
        ran = subprocess.run([sys.executable, "-c", script, server.url], timeout=300, check=True, capture_output=True)

    assert len(bomb) < 3 * 2**20
    assert int(ran.stdout) < 120 * 1024


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(BODY)),
        ("GZIP", gzip.compress(BODY[:20]) + gzip.compress(BODY[20:])),
        ("x-gzip", gzip.compress(BODY)),
        ("deflate", zlib.compress(BODY)),
        ("identity", BODY),
    ],
    ids=["gzip", "two gzip members", "x-gzip", "deflate", "identity"],
)
def test_a_compressed_response_is_decompressed(encoding, data):
    """The encodings that a request accepts are understood."""
    with hostile_server(good(data, f"Content-Encoding: {encoding}")) as server:
        assert ask(server) == (json.loads(BODY), 1)

    assert b"accept-encoding: gzip, deflate\r\n" in server.requests[0].lower() + b"\r\n"


@pytest.mark.parametrize(
    ("encoding", "data", "words"),
    [
        ("gzip", gzip.compress(BODY)[:-9], "cut short"),
        ("gzip", b"no gzip", "could not be decompressed"),
        ("gzip", gzip.compress(BODY) + b"more", "could not be decompressed"),
        ("br", BODY, "compressed in a way that was not asked for"),
        ("gzip, gzip", gzip.compress(gzip.compress(BODY)), "compressed in a way that was not asked for"),
    ],
    ids=["half a gzip", "no gzip", "gzip and more", "brotli", "gzip twice"],
)
def test_a_response_that_cannot_be_decompressed_is_none(encoding, data, words):
    """Half of it is not taken for all of it."""
    with (
        hostile_server(good(data, f"Content-Encoding: {encoding}")) as server,
        pytest.raises(ConnectionFailed, match=words),
    ):
        ask(server)

    assert len(server.requests) == 5


def test_a_redirect_is_not_read_without_bounds():
    """Its body is bounded in size like that of any response."""
    start = head("Location: http://[", "Content-Encoding: gzip", status="302 Found")
    response = lambda: chain([start], compressed(MEGABYTE, 65), [HANG_UP])  # noqa: E731 -- made anew for each attempt
    with hostile_server(response) as server, pytest.raises(ConnectionFailed, match="larger than 64 MB"):
        ask(server)


MISHAPS = [
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    OverflowError("too large"),
    KeyError("actions"),
    RecursionError("too deep"),
    ValueError("no number"),
    TypeError("no text"),
    IndexError("no row"),
    AttributeError("no attribute"),
    AssertionError(),
    MemoryError("too much"),
    msgspec.ValidationError("no object"),
]


@pytest.mark.parametrize("mishap", MISHAPS, ids=lambda mishap: type(mishap).__name__)
def test_whatever_reading_raises_the_response_is_damaged(mishap):
    """A GET is tried again and then fails with the kind and text of what was raised; a POST's outcome is unknown."""

    def parse(response):
        raise mishap

    words = f"could not be read ({type(mishap).__name__}: {mishap})".replace(": )", ":)")
    with hostile_server(good()) as server:
        with pytest.raises(UnexpectedAnswer) as failed:
            ask(server, "GET", parse)
        with pytest.raises(OutcomeUnknown) as unknown:
            ask(server, "POST", parse)

    assert words in str(failed.value)
    assert words in str(unknown.value)
    assert len(server.requests) == 5 + 1


def test_a_damaged_response_may_be_followed_by_a_good_one():
    """A byte that is no UTF-8 is a passing fault like any other."""
    with hostile_server(good(b'{"message": "\xff"}'), good()) as server:
        assert ask(server) == (json.loads(BODY), 2)


def test_what_reading_raises_is_shown_without_token_and_in_short():
    """Neither the token nor a page of bytes gets into an error."""

    def parse(response):
        raise ValueError(f"\x00\x1b[31m{TOKEN} " + 100_000 * "long ")

    with hostile_server(good()) as server:
        for method in ("GET", "POST"):
            with pytest.raises(ApiProblem, match=r"ValueError: \\x00\\x1b\[31m\[token\] long") as failed:
                ask(server, method, parse)
            assert len(str(failed.value)) < 700
            assert str(failed.value).isprintable()
            behind = failed.value.__context__  # nothing of ours; one of the test runner's own may stand there
            while behind is not None:
                assert not isinstance(behind, ValueError)
                behind = behind.__context__


@pytest.mark.parametrize("kind", [Stopped, KeyboardInterrupt])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_stop_while_reading_passes(kind, method):
    """Being stopped is no damage."""

    def parse(response):
        raise kind

    with hostile_server(good()) as server, pytest.raises(kind):
        ask(server, method, parse)


DATES = {
    "Mon, 23 Nov 2026 12:00:00 GMT": 1_795_435_200,
    "Mon, 23 Nov 2026 12:00:00 -0000": 1_795_435_200,
    "Mon, 23 Nov 2026 13:00:00 +0100": 1_795_435_200,
    **dict.fromkeys(
        [
            "Mon, 23 Nov 9999999999999999999999999 12:00:00 GMT",
            "Mon, 23 Nov 2026 12:00:00 +9999999999",
            "Fri, 31 Dec 9999 23:59:59 -1400",
            "Mon, 23 Nov 1969 12:00:00 GMT",
            "Mon, 99 Nov 2026 12:00:00 GMT",
            "tomorrow",
            "",
        ],
        7,
    ),
}


@pytest.fixture
def in_new_york():
    """A machine in another time zone than that of the server, where the system lets a program move."""
    with pytest.MonkeyPatch.context() as moved:
        moved.setenv("TZ", "America/New_York")
        getattr(time, "tzset", int)()
        yield
    getattr(time, "tzset", int)()


@pytest.mark.parametrize("date", DATES)
def test_a_date_that_makes_no_sense_is_none(date, in_new_york):
    """A response is dated by its header if that is a time, wherever this machine is, and else by our own clock."""
    assert server_time({"date": date}, otherwise=7.5) == DATES[date]


NO_RESPONSE, NOT_OURS = (ConnectionFailed, OutcomeUnknown), (UnexpectedAnswer, OutcomeUnknown)
ODD = {
    "nothing": (b"", NO_RESPONSE),
    "noise": (bytes(range(256)) * 10, NO_RESPONSE),
    "a bad status": (b"HTTP/1.1 abc OK\r\n\r\n", NO_RESPONSE),
    "a status out of range": (b"HTTP/1.1 1000 OK\r\n\r\n", NO_RESPONSE),
    "another protocol": (b"SSH-2.0-OpenSSH_9.6\r\n", NO_RESPONSE),
    "a version to come": (b"HTTP/9.9 200 OK\r\n\r\n", NO_RESPONSE),
    "too long a status": (b"HTTP/1.1 200 " + b"O" * 70_000, NO_RESPONSE),
    "too long a header": (head("X: " + "x" * 70_000), NO_RESPONSE),
    "too many headers": (head(*["X: x"] * 200), NO_RESPONSE),
    "two lengths": (head("Content-Length: 2, 3") + b"{}", NO_RESPONSE),
    "a length beyond the end": (head("Content-Length: 99999999999999999999999") + b"{}", NO_RESPONSE),
    "a chunk of no size": (head("Transfer-Encoding: chunked") + b"zz\r\n{}\r\n0\r\n\r\n", NO_RESPONSE),
    "a chunk of less than nothing": (head("Transfer-Encoding: chunked") + b"-5\r\n{}\r\n0\r\n\r\n", NO_RESPONSE),
    "an endless chunk": (head("Transfer-Encoding: chunked") + b"F" * 30 + b"\r\n{}", NO_RESPONSE),
    "too long a chunk size": (head("Transfer-Encoding: chunked") + b"2;" + b"x" * 70_000, NO_RESPONSE),
    "too many encodings": (head("Content-Encoding: " + ", ".join(["gzip"] * 9)) + b"{}", NO_RESPONSE),
    "a redirect nowhere": (head("Location: http://[\xff", status="302 Found") + b"{}", NOT_OURS),
    "a redirect to no port": (head("Location: //host:port", status="301 Moved") + b"{}", NOT_OURS),
    "a header without a name": (b"HTTP/1.1 200 OK\r\n: x\r\n\r\n{}", NOT_OURS),
    "no headers": (b"HTTP/1.1 200 OK\r\n\r\n{}", NOT_OURS),
    "an ancient protocol": (b"HTTP/1.0 200\r\n\r\n{}", NOT_OURS),
    "no content": (head(status="204 No Content"), (Refused, OutcomeUnknown)),
    "an early hint": (head(status="103 Early Hints"), (Refused, OutcomeUnknown)),
    "an error of much depth": (head(status="400 Bad Request") + b"[" * 200_000, (Refused, Refused)),
    "an error that is no UTF-8": (head(status="400 Bad Request") + b'{"id": "\xff"}', (Refused, Refused)),
    "a negative length": (head("Content-Length: -1") + BODY, None),
    "a length in words": (head("Content-Length: two") + BODY, None),
    "control characters": (head("X: \x00\x01\x7f", "Date: \x00", "Content-Type: text/json\x00") + BODY, None),
    "a cookie of nonsense": (head("Set-Cookie: =;;;expires=x;domain=[;path=\xff;version=x;max-age=x") + BODY, None),
    "a date of nonsense": (head("Date: Mon, 23 Nov 99999999999999999999 12:00:00 GMT") + BODY, None),
    "limits of nonsense": (
        head("ratelimit-limit: nan", "ratelimit-remaining: -inf", "ratelimit-reset: 1e999") + BODY,
        None,
    ),
}


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize(("method", "which"), [("GET", 0), ("POST", 1)])
def test_odd_http_is_a_response_or_an_error_of_our_own(kind, method, which):
    """Nothing that a server sends raises what a caller does not expect."""
    response, errors = ODD[kind]
    with hostile_server(lambda: [response, HANG_UP]) as server:
        if errors is None:
            assert ask(server, method) == (json.loads(BODY), 1)
        else:
            with pytest.raises(errors[which]) as failed:
                ask(server, method)
            assert TOKEN not in str(failed.value)


@pytest.mark.parametrize("seed", range(5))
def test_noise_among_the_headers_is_a_response_or_an_error_of_our_own(seed):
    """Nor does anything in between."""
    source = random.Random(seed)  # noqa: S311 -- noise need not be secret
    for _ in range(20):
        response = bytearray(good(BODY, "Date: Mon, 23 Nov 2026 12:00:00 GMT", "Content-Encoding: identity"))
        for _ in range(source.randrange(1, 8)):
            response[source.randrange(len(response))] = source.randrange(256)
        with hostile_server(lambda response=bytes(response): [response, HANG_UP]) as server, suppress(ApiProblem):
            assert ask(server)[1] >= 1


@pytest.mark.parametrize(
    "body",
    [b"[" * 200_000, b'"\xff"', b"9" * 6000, b'{"id": [[[{}]]], "message": 1e300}', b"\x00"],
    ids=["depth", "no UTF-8", "a large number", "other types", "a zero"],
)
def test_an_error_of_nonsense_is_explained(body):
    """The body of an error may be anything."""
    error = explain(Response(400, {"content-type": "application/json"}, body, 0), "GET /v2/actions")

    assert len(str(error)) < 700
    assert str(error).isprintable()
