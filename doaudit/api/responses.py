"""What an answer means: the body of a good one, the error of any other, each said in one paragraph."""

from __future__ import annotations

from dataclasses import dataclass
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

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DamagedResponse", "NoResponse", "Response", "explain", "server_time", "shortened"]

_TOKENS_PAGE = "https://cloud.digitalocean.com/account/api/tokens"
_SCOPES = {"/v2/actions": "actions:read", "/v2/droplets": "droplet:read", "/v2/account": "account:read"}
_EXCERPT = 200
_LATEST = 253_402_214_400  # the last day of the year 9999: up to here a time has a date in every time zone


@dataclass(frozen=True)
class Response:
    """
    An answer in numbers and bytes; nothing of the request that led to it is kept.

    `headers` have lower-case names; `date` is when it was given, in Unix seconds by the server's clock.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    date: int

    @property
    def says_json(self) -> bool:
        """Whether the body claims to be JSON."""
        return "json" in self.headers.get("content-type", "").lower()


@dataclass(frozen=True)
class NoResponse:
    """No whole answer came; `reason` says why, in words without anything of the request."""

    reason: str


@dataclass(frozen=True)
class DamagedResponse(NoResponse):
    """A whole answer came, and could not be read."""


def server_time(headers: Mapping[str, str], *, otherwise: float) -> int:
    """
    When an answer was given, in Unix seconds: its Date header, or *otherwise* where it has none that makes sense.

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


def explain(answer: Response, request: str) -> ApiProblem:
    """
    The error that an unsuccessful answer to *request* ('GET /v2/actions') stands for.

    Example:
        >>> gone = Response(404, {"content-type": "application/json"}, b'{"id": "not_found", "message": "No."}', 0)
        >>> type(explain(gone, "GET /v2/actions/7")).__name__
        'NotFound'
    """
    if _is_redirect(answer) or not answer.says_json:
        return _not_the_api(answer, request)
    said = _said(answer)
    facts: dict[str, Any] = {
        "request": request,
        "status": answer.status,
        "code": said.id,
        "api_message": said.message,
        "request_id": said.request_id or answer.headers.get("x-request-id", ""),
    }
    quoted = f"{answer.status} {said.id}".strip() + (f", '{said.message}'" if said.message else "")
    reference = f" Request id for DigitalOcean's support: {facts['request_id']}." if facts["request_id"] else ""
    kind, sentence = _meaning(answer.status, request)
    return kind(sentence.format(request=request, quoted=quoted) + reference, **facts)


class _Said(msgspec.Struct):
    id: str = ""
    message: str = ""
    request_id: str = ""


def _said(answer: Response) -> _Said:
    # The message has been an object at least once, so nothing about the fields is taken for granted.
    try:
        fields = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        return _Said(message=_excerpt(answer.body))
    words = {name: fields.get(name) for name in ("id", "message", "request_id")}
    return _Said(**{name: shortened(str(word)) for name, word in words.items() if word})


def _meaning(status: int, request: str) -> tuple[type[ApiError], str]:
    path = request.split(" ", 1)[-1]
    if status == HTTPStatus.UNAUTHORIZED:
        return Unauthorized, (
            "DigitalOcean does not accept this token ({quoted}; {request}). It is mistyped, expired or revoked: make a "
            f"new one at {_TOKENS_PAGE} and put it into DIGITALOCEAN_TOKEN."
        )
    if status == HTTPStatus.FORBIDDEN:
        scope = next((scope for start, scope in _SCOPES.items() if path.startswith(start)), "that it needs")
        return Forbidden, (
            "The token may not do this ({quoted}; {request}). It lacks the scope " + scope + ": make a token that has "
            f"it at {_TOKENS_PAGE} and put it into DIGITALOCEAN_TOKEN."
        )
    if status == HTTPStatus.NOT_FOUND:
        return NotFound, (
            "There is nothing at {request} ({quoted}). It is gone, or it belongs to another account, or the "
            "base URL is wrong (DIGITALOCEAN_API_URL; the usual one is https://api.digitalocean.com)."
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited, (
            "DigitalOcean's limit of requests was met again and again ({quoted}; {request}). Other tools with the same "
            "token are using it up: wait an hour, or stop them, and run this again."
        )
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFault, (
            "DigitalOcean could not answer {request} ({quoted}), not after several attempts either. "
            "See https://status.digitalocean.com and run this again later."
        )
    return Refused, "DigitalOcean refused {request} ({quoted})."


def _not_the_api(answer: Response, request: str) -> ApiProblem:
    kind = answer.headers.get("content-type", "no content type").split(";")[0]
    ray = answer.headers.get("cf-ray", "")
    reference = f" Cloudflare ray for DigitalOcean's support: {ray}." if ray else ""
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        text = (
            f"{request} was answered with {answer.status} and {kind} by something in front of DigitalOcean's API, not "
            "by the API, and so it was after several attempts. See https://status.digitalocean.com and run this again "
            "later."
        )
    elif _is_redirect(answer):
        text = (
            f"{request} was answered with a redirect ({answer.status}), which is not followed, because the token would "
            "go along. Set DIGITALOCEAN_API_URL to the address of the API itself."
        )
    else:
        text = (
            f"{request} was answered with {answer.status} and {kind} where DigitalOcean's API sends JSON: "
            f"'{_excerpt(answer.body)}'. The base URL is wrong (DIGITALOCEAN_API_URL), or a proxy or a login page of "
            "this network answers in its place."
        )
    return UnexpectedAnswer(text + reference, request=request)


def _is_redirect(answer: Response) -> bool:
    return HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST


def _excerpt(body: bytes) -> str:
    return shortened(body[: 4 * _EXCERPT].decode("utf-8", errors="replace"))


def shortened(text: str) -> str:
    r"""
    Put a text from outside into one short line.

    Example:
        >>> shortened("a\n\x00b")
        'a b'
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _EXCERPT]).split())
    return line if len(line) <= _EXCERPT else line[: _EXCERPT - 1] + "…"
