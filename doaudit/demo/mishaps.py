"""What a fault makes of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from doaudit.demo.limits import burst_exceeded, hour_exceeded
from doaudit.demo.refusals import Refusal, forbidden, not_found, unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.demo.faults import Fault

__all__ = ["Reply", "instead", "spoiled"]

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


@dataclass(frozen=True)
class Reply:
    """
    An answer on its way out.

    Args:
        status: Its HTTP status.
        body: Its body.
        headers: Its headers, in lower case.
        length: The length it claims to have, when that is not the body's own.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=_JSON.copy)
    length: int | None = None


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
    half = reply.body[: len(reply.body) // 2]
    match fault.kind:
        case "truncated":
            return replace(reply, body=half, length=len(reply.body))
        case "invalid_json":
            return replace(reply, body=half)
        case _:
            return reply
