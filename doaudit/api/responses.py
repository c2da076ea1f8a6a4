"""HTTP responses: the values that stand for one, and the error that an unsuccessful one stands for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.errors import (
    ApiError,
    ApiProblem,
    Forbidden,
    NotFound,
    RateLimited,
    Refused,
    ServerFault,
    Unauthorized,
    UnexpectedAnswer,
)
from doaudit.formatting import one_line
from doaudit.resources import required_scopes

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DamagedResponse", "NoResponse", "Response", "explain", "server_time"]

_TOKENS_PAGE = "https://cloud.digitalocean.com/account/api/tokens"
_EXCERPT = 200
_LATEST = 253_402_214_400  # the last day of the year 9999: up to here a time has a date in every time zone


@dataclass(frozen=True)
class Response:
    """
    A whole response in numbers and bytes; nothing of the request that led to it is kept.

    Attributes:
        status: the HTTP status.
        headers: with lower-case names, without the token.
        body: the whole body, decompressed, without the token.
        date: when it was sent, in Unix seconds by the server's clock.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)  # what a server sends is no text for tracebacks
    body: bytes = field(repr=False)
    date: int

    @property
    def says_json(self) -> bool:
        """True if the body claims to be JSON."""
        return "json" in self.headers.get("content-type", "").lower()

    @property
    def is_foreign(self) -> bool:
        """True if it is a page where the API sends JSON: of maintenance, of a proxy, of a login."""
        limited = self.status == HTTPStatus.TOO_MANY_REQUESTS
        return not self.says_json and not limited and self.status < HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True)
class NoResponse:
    """No whole response came; `reason` says why, in words without anything of the request."""

    reason: str


@dataclass(frozen=True)
class DamagedResponse:
    """A whole response came and could not be read; `reason` says why, in words without the token."""

    reason: str


def server_time(headers: Mapping[str, str], *, otherwise: float) -> int:
    """
    Return when a response was sent, in Unix seconds: its Date header, or *otherwise* if it has none that makes sense.

    Actions are stamped by DigitalOcean's clock, so their age is read off the same clock and not off a laptop's.

    Example:
        >>> server_time({"date": "Mon, 23 Nov 2026 12:00:00 GMT"}, otherwise=0)
        1795435200
    """
    try:
        given = parsedate_to_datetime(headers["date"])
        seconds = int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp())
    except (KeyError, ValueError, TypeError, OverflowError):
        return int(otherwise)
    return seconds if 0 <= seconds < _LATEST else int(otherwise)


def explain(response: Response, request: str) -> ApiProblem:
    """
    Return the error that an unsuccessful response to *request* ('GET /v2/actions') stands for.

    Its message is one paragraph: what happened, to what, and what to do next.

    Example:
        >>> gone = Response(404, {"content-type": "application/json"}, b'{"id": "not_found", "message": "No."}', 0)
        >>> type(explain(gone, "GET /v2/actions/7")).__name__
        'NotFound'
    """
    if _is_redirect(response) or not response.says_json:
        return _foreign_response(response, request)
    body = _error_body(response)
    facts: dict[str, Any] = {
        "request": request,
        "status": response.status,
        "code": body.id,
        "api_message": body.message,
        "request_id": body.request_id or response.headers.get("x-request-id", ""),
    }
    quoted = f"{response.status} {body.id}".strip() + (f", '{body.message}'" if body.message else "")
    reference = f" Request id for DigitalOcean's support: {facts['request_id']}." if facts["request_id"] else ""
    kind, sentence = _error_for(response.status, request)
    return kind(sentence.format(request=request, quoted=quoted) + reference, **facts)


class _ErrorBody(msgspec.Struct):
    id: str = ""
    message: str = ""
    request_id: str = ""


def _error_body(response: Response) -> _ErrorBody:
    # The message has been an object at least once, so nothing about the fields is taken for granted.
    try:
        fields = msgspec.json.decode(response.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return _ErrorBody(message=_excerpt(response.body))
    words = {name: fields.get(name) for name in ("id", "message", "request_id")}
    return _ErrorBody(**{name: one_line(str(word)) for name, word in words.items() if word})


def _error_for(status: int, request: str) -> tuple[type[ApiError], str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized, (
            "DigitalOcean does not accept this token ({quoted}; {request}). It is mistyped, expired or revoked: make a "
            f"new one at {_TOKENS_PAGE} and put it into DIGITALOCEAN_TOKEN."
        )
    if status == HTTPStatus.FORBIDDEN:
        scopes = required_scopes(request) or "that it needs"
        return Forbidden, (
            "The token may not do this ({quoted}; {request}). It lacks the scope " + scopes + ": make a token that has "
            f"it at {_TOKENS_PAGE} and put it into DIGITALOCEAN_TOKEN."
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound, (
            "There is nothing at {request} ({quoted}). It is gone, or it belongs to another account, or the "
            "base URL is wrong (DIGITALOCEAN_API_URL; the usual one is https://api.digitalocean.com)."
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited, (
            "DigitalOcean's limit of requests was reached again and again ({quoted}; {request}). Other tools with the "
            "same token are using it up: wait an hour, or stop them, and run this again."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFault, (
            "DigitalOcean could not answer {request} ({quoted}), even after several attempts. "
            "See https://status.digitalocean.com and run this again later."
        )
    return Refused, "DigitalOcean refused {request} ({quoted})."


def _foreign_response(response: Response, request: str) -> ApiProblem:
    kind = response.headers.get("content-type", "no content type").split(";")[0]
    ray = response.headers.get("cf-ray", "")
    reference = f" Cloudflare ray for DigitalOcean's support: {ray}." if ray else ""
    if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = (
            f"{request} was answered with {response.status} and {kind} by something in front of DigitalOcean's API, "
            "not by the API, even after several attempts. See https://status.digitalocean.com and run this again later."
        )
    elif _is_redirect(response):
        text = (
            f"{request} was answered with a redirect ({response.status}). It is not followed, because the token would "
            "go along. Set DIGITALOCEAN_API_URL to the address of the API itself."
        )
    else:
        text = (
            f"{request} was answered with {response.status} and {kind} where DigitalOcean's API sends JSON: "
            f"'{_excerpt(response.body)}'. The base URL is wrong (DIGITALOCEAN_API_URL), or a proxy or a login page of "
            "this network answers in its place."
        )
    return UnexpectedAnswer(text + reference, request=request)


def _is_redirect(response: Response) -> bool:
    return HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST


def _excerpt(body: bytes) -> str:
    return one_line(body[: 4 * _EXCERPT].decode("utf-8", errors="replace"))
