"""One attempt at a request: the response, or the reason why there is none."""

from __future__ import annotations

import http.client
import socket
import ssl
import sys
import weakref
import zlib
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import requests
import urllib3.exceptions
from requests.auth import AuthBase

from doaudit.api.address import is_loopback
from doaudit.api.body import ACCEPTED_ENCODINGS, BodyRefused, read_body
from doaudit.api.deadline import DeadlineAdapter, Watchdog
from doaudit.api.responses import NoResponse, Response, server_time
from doaudit.api.shared import MOST_IN_FLIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from doaudit.api.deadline import Watch
    from doaudit.secret import Secret

__all__ = ["Session"]

_CUT = "no connection, or it was cut"
_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((requests.exceptions.ProxyError,), "the proxy of this network did not connect"),
    ((socket.gaierror,), "the name could not be resolved"),
    ((requests.ConnectTimeout,), "could not connect in time"),
    ((requests.Timeout, TimeoutError), "no response in time"),
    ((ssl.SSLCertVerificationError,), "the server's certificate could not be verified"),
    ((requests.exceptions.SSLError, ssl.SSLError), "no encrypted connection could be made, or it was cut"),
    ((zlib.error,), "the response could not be decompressed"),
    ((http.client.IncompleteRead,), "the response was cut short"),
    ((ConnectionError,), _CUT),
    ((http.client.HTTPException, urllib3.exceptions.InvalidHeader), "the response is not valid HTTP"),
    ((urllib3.exceptions.ProtocolError,), "the response was cut short"),
    ((requests.ConnectionError, OSError), _CUT),
)
"""Reasons for a failure: the first line with the kind of the exception, or of one inside it, is the reason."""


class _Bearer(AuthBase):
    """Authentication by the token; a header of the session instead would give way to what ~/.netrc says."""

    def __init__(self, token: Secret) -> None:
        self._value = token.after("Bearer ")

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


class Session:
    """
    Connections to one address, for many threads: each request is sent once, and bounded in time and in size.

    Redirects are not followed, cookies are not kept, and proxies are taken from the environment except for a server on
    this machine.

    Args:
        base_url: the address.
        token: sent in the header of each request, and redacted from each response.
        timeouts_s: seconds to wait for a connection, and for the next bytes of a response.
        deadline_s: seconds that a request may take in all.
    """

    def __init__(self, base_url: str, token: Secret, timeouts_s: tuple[float, float], deadline_s: float) -> None:
        self._base_url, self._timeouts_s = base_url, timeouts_s
        self._auth, self._redact = _Bearer(token), token.redact
        self.watchdog = Watchdog(deadline_s)
        weakref.finalize(self, self.watchdog.close).atexit = False  # at exit requests may still be under way
        self._session = _Unredirected()
        self._session.trust_env = not is_loopback(urlsplit(base_url).hostname or "")
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update(
            {
                "Accept": "application/json",
                "Accept-Encoding": ACCEPTED_ENCODINGS,
                "User-Agent": f"doaudit/{version('doaudit')}",
            }
        )
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, DeadlineAdapter(pool_maxsize=MOST_IN_FLIGHT))

    def send(
        self,
        method: str,
        path: str,
        params: Mapping[str, int | str] | None = None,
        *,
        body: bytes | None = None,
        now: Callable[[], float],
    ) -> Response | NoResponse:
        """
        Send a request once.

        What `requests` raises holds the request, and the frames below have the token in the bytes that they send: only
        words about it leave this method, and Ctrl-C leaves it without those frames.

        Args:
            method: of HTTP.
            path: begins with /v2/.
            params: the query.
            body: JSON.
            now: returns Unix seconds; it dates a response that has no date.
        """
        handled = sys.exception()
        with self.watchdog.watching() as watch:
            outcome: Response | NoResponse
            try:
                outcome = self._request(watch, method, path, params, body, now)
            except Exception as fault:  # noqa: BLE001 -- there is no end to what a hostile response makes libraries raise
                outcome = NoResponse(_reason(fault))
            except BaseException as stop:  # noqa: BLE001 -- whatever it is, it goes on
                raise _without_frames(stop, handled)  # noqa: B904 -- it is the same exception
        # Half a response may look like a whole one: cut among the headers, requests returns a 200 without a body.
        return NoResponse(f"no whole response within {self.watchdog.seconds:g} s") if watch.was_cut else outcome

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
        self._session.close()
        self.watchdog.close()

    def _request(
        self,
        watch: Watch,
        method: str,
        path: str,
        params: Mapping[str, int | str] | None,
        body: bytes | None,
        now: Callable[[], float],
    ) -> Response:
        response = self._session.request(
            method,
            self._base_url + path,
            params=params,
            data=body,
            headers={"Content-Type": "application/json"} if body is not None else None,
            auth=self._auth,
            timeout=self._timeouts_s,
            allow_redirects=False,
            stream=True,
        )
        raw: Any = response.raw
        try:
            whole_body = read_body(raw, watch)
        finally:
            raw.close()  # and the connection, unless the body was read to its end and it serves others already
        headers = {self._redact(name.lower()): self._redact(value) for name, value in response.headers.items()}
        sent_at = server_time(headers, otherwise=now())
        return Response(response.status_code, headers, self._redact(whole_body), sent_at)


class _Unredirected(requests.Session):
    """A session that never asks where a redirect points; the parent reads its body for that, however large."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return nothing."""
        del resp
        return None


def _without_frames(stop: BaseException, handled: BaseException | None) -> BaseException:
    """Take the frames off an exception and off those behind it, as far as one that the caller was handling before."""
    behind: list[BaseException | None] = [stop]
    seen: list[BaseException | None] = [None, handled]
    while behind:
        fault = behind.pop()
        if fault is not None and not any(fault is each for each in seen):
            seen.append(fault)
            fault.__traceback__ = None
            behind += [fault.__context__, fault.__cause__]
    return stop


def _reason(fault: BaseException) -> str:
    if isinstance(fault, BodyRefused):
        return str(fault)
    faults = list(_chain(fault))
    for kinds, reason in _REASONS:
        if any(isinstance(inner, kinds) for inner in faults):
            return reason
    return f"the request failed ({type(fault).__name__})"


def _chain(fault: BaseException) -> Iterator[BaseException]:
    # Not __context__: that may be an error of the caller's that was handled long ago.
    yield fault
    for inner in (*fault.args, getattr(fault, "reason", None), fault.__cause__):
        if isinstance(inner, BaseException):
            yield from _chain(inner)
