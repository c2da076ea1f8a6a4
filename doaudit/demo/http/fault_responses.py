"""What a fault makes of an answer."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from doaudit.demo.world.api_errors import Refusal, forbidden, not_found, unauthorized
from doaudit.demo.world.limits import burst_exceeded, hour_exceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.demo.world.faults import Fault

__all__ = ["ODD_TIME", "PADDING_BYTES", "Reply", "instead", "spoiled"]

ODD_TIME = "0001-01-01T00:00:00+01:00"
"""A well-formed time whose UTC lies before the first year there is."""
PADDING_BYTES = 80_000_000
"""How much white space follows an oversized answer, once it is unpacked."""

_JSON = {"content-type": "application/json; charset=utf-8"}
_HTML = {"content-type": "text/html; charset=UTF-8"}
_BAD_GATEWAY = b"""<!DOCTYPE html>
<html><head><title>api.digitalocean.com | 502: Bad gateway</title></head>
<body><h1>Bad gateway</h1><p>Error code 502</p><p>The web server reported a bad gateway error.</p></body></html>
"""
_CAPTIVE_PORTAL = b"""<!DOCTYPE html>
<html><head><title>Welcome to our wireless network</title></head>
<body><form action="/login" method="post"><input name="room"><button>Go online</button></form></body></html>
"""
_ELSEWHERE = "https://elsewhere.invalid/v2/actions"
_RAY = {"server": "cloudflare", "cf-ray": "9a2f61b7cd1e0f2c-FRA"}
_EDGE = _RAY | {"x-gateway": "Edge-Gateway", "x-response-from": "service"}
_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?')  # its inside, and the colon after it if it is a key
_TIME = re.compile(rb'("(?:started_at|completed_at)"\s*:\s*)"(?:[^"\\]|\\.)*"')
_NO_UTF8 = b"\xff"


@dataclass(frozen=True)
class Reply:
    """
    An answer on its way out.

    Args:
        status: Its HTTP status.
        body: Its body.
        headers: Its headers, in lower case.
        length: The length it claims to have, when that is not the body's own.
        pause_s: How long each byte of the body waits for the next, in real seconds; None where all come at once.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=_JSON.copy)
    length: int | None = None
    pause_s: float | None = None


_PAGES = {
    "bad_gateway": Reply(502, _BAD_GATEWAY, _HTML | _RAY),
    "captive_portal": Reply(200, _CAPTIVE_PORTAL, _HTML | {"server": "nginx"}),
    "redirect": Reply(302, b"", _HTML | {"location": _ELSEWHERE}),
}


def instead(fault: Fault, hourly: int, now: float) -> Reply | Refusal | None:
    """Return what is answered in place of an endpoint; None where the endpoint is asked as usual."""
    reset = round(now + fault.wait_s)
    refusals: dict[str, Callable[[], Refusal]] = {
        "unauthorized": unauthorized,
        "forbidden": forbidden,
        "not_found": not_found,
        "burst_limit": lambda: burst_exceeded(hourly, reset, max(1, round(fault.wait_s))),
        "hour_limit": lambda: hour_exceeded(hourly, reset),
        "server_error": lambda: Refusal(500, "internal_server_error", "Server was unable to give you a response."),
        "unavailable": lambda: Refusal(503, "service_unavailable", "Service is currently unavailable.", _EDGE),
    }
    if fault.kind in refusals:
        return refusals[fault.kind]()
    return _PAGES.get(fault.kind)


def spoiled(fault: Fault, reply: Reply) -> Reply:
    """Return *reply* as it arrives after *fault* has happened to it."""
    spoilt = reply
    half = reply.body[: len(reply.body) // 2]
    match fault.kind:
        case "truncated":
            spoilt = replace(reply, body=half, length=len(reply.body))
        case "invalid_json":
            spoilt = replace(reply, body=half)
        case "garbled":
            spoilt = replace(reply, body=_garbled(reply.body))
        case "oversized" if reply.body:  # where there is no content there is nothing to follow
            # Members of gzip can be strung together, so that the padding is packed once for all answers.
            packed = gzip.compress(reply.body, mtime=0) + _padding()
            spoilt = replace(reply, body=packed, headers=reply.headers | {"content-encoding": "gzip"})
        case "odd_times":
            spoilt = replace(reply, body=_TIME.sub(rb'\1"%s"' % ODD_TIME.encode(), reply.body))
        case "trickle":
            spoilt = replace(reply, pause_s=fault.wait_s)
    return spoilt


def _garbled(body: bytes) -> bytes:
    """Return *body* with one byte that is no UTF-8: in a value if there is a string, else in a key, else anywhere."""
    # At a backslash the string would end elsewhere, and the answer would be no JSON for another reason.
    strings = [found for found in _STRING.finditer(body) if found[1] and not found[1].startswith(b"\\")]
    chosen = next((found for found in strings if not found[2]), strings[0] if strings else None)
    at = chosen.start(1) if chosen else len(body) // 2
    return body[:at] + _NO_UTF8 + body[at + 1 :] if body else body


@cache
def _padding() -> bytes:
    """Return `PADDING_BYTES` of white space as a member of gzip, which is a thousandth of that."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    blank = b" " * 1_000_000
    parts = [packer.compress(blank[: PADDING_BYTES - done]) for done in range(0, PADDING_BYTES, len(blank))]
    return b"".join([*parts, packer.flush()])
