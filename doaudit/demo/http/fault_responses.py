"""The responses that faults produce: replacements of a response, and damage to it."""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from doaudit.demo.http.response import Response
from doaudit.demo.world.api_errors import ErrorResponse, forbidden, not_found, unauthorized
from doaudit.demo.world.limits import burst_exceeded, hour_exceeded

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.demo.world.faults import Fault

__all__ = ["ODD_TIME", "PADDING_BYTES", "damaged", "replacement"]

ODD_TIME = "0001-01-01T00:00:00+01:00"
"""A well-formed time that lies before the year 1 in UTC, which `datetime` cannot represent."""
PADDING_BYTES = 80_000_000
"""The bytes of white space after an oversized response, once it is unpacked."""

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
_INVALID_UTF8 = b"\xff"

_PAGES = {
    "bad_gateway": Response(502, _BAD_GATEWAY, _HTML | _RAY),
    "captive_portal": Response(200, _CAPTIVE_PORTAL, _HTML | {"server": "nginx"}),
    "redirect": Response(302, b"", _HTML | {"location": _ELSEWHERE}),
}


def replacement(fault: Fault, hourly: int, now: float) -> Response | ErrorResponse | None:
    """
    Return the response that a fault gives in place of the endpoint's.

    Args:
        fault: The fault that happens to the request.
        hourly: The hourly rate limit, as the headers of a 429 show it.
        now: Unix seconds.

    Returns:
        A response or an error response of the API; None if the request is carried out as usual.
    """
    reset = round(now + fault.wait_s)
    errors: dict[str, Callable[[], ErrorResponse]] = {
        "unauthorized": unauthorized,
        "forbidden": forbidden,
        "not_found": not_found,
        "burst_limit": lambda: burst_exceeded(hourly, reset, max(1, round(fault.wait_s))),
        "hour_limit": lambda: hour_exceeded(hourly, reset),
        "server_error": lambda: ErrorResponse(
            500, "internal_server_error", "Server was unable to give you a response."
        ),
        "unavailable": lambda: ErrorResponse(503, "service_unavailable", "Service is currently unavailable.", _EDGE),
    }
    if fault.kind in errors:
        return errors[fault.kind]()
    return _PAGES.get(fault.kind)


def damaged(fault: Fault, response: Response) -> Response:
    """Return *response* with the damage that *fault* does to it; unchanged if the fault does none."""
    result = response
    half = response.body[: len(response.body) // 2]
    match fault.kind:
        case "truncated":
            result = replace(response, body=half, length=len(response.body))
        case "invalid_json":
            result = replace(response, body=half)
        case "garbled":
            result = replace(response, body=_with_invalid_utf8(response.body))
        case "oversized" if response.body:  # where there is no content, nothing can follow it
            result = _with_padding(response)
        case "odd_times":
            result = replace(response, body=_TIME.sub(rb'\1"%s"' % ODD_TIME.encode(), response.body))
        case "trickle":
            result = replace(response, pause_s=fault.wait_s)
    return result


def _with_padding(response: Response) -> Response:
    """Return *response* as gzip, with `PADDING_BYTES` of white space after its body."""
    # The members of a gzip file can be concatenated, so that the padding is packed once for all responses.
    packed = gzip.compress(response.body, mtime=0) + _padding()
    return replace(response, body=packed, headers=response.headers | {"content-encoding": "gzip"})


def _with_invalid_utf8(body: bytes) -> bytes:
    """Return *body* with one byte that is not UTF-8: in a text value if there is one, else in a key, else anywhere."""
    # At a backslash the string would end elsewhere, and the response would be invalid JSON for another reason.
    strings = [found for found in _STRING.finditer(body) if found[1] and not found[1].startswith(b"\\")]
    chosen = next((found for found in strings if not found[2]), strings[0] if strings else None)
    at = chosen.start(1) if chosen else len(body) // 2
    return body[:at] + _INVALID_UTF8 + body[at + 1 :] if body else body


@cache
def _padding() -> bytes:
    """Return `PADDING_BYTES` of white space as a member of a gzip file, a thousandth of the size."""
    packer = zlib.compressobj(wbits=16 + zlib.MAX_WBITS)
    blank = b" " * 1_000_000
    parts = [packer.compress(blank[: PADDING_BYTES - done]) for done in range(0, PADDING_BYTES, len(blank))]
    return b"".join([*parts, packer.flush()])
