"""One authenticated, retried, explained request."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from http import HTTPStatus
from http.cookiejar import DefaultCookiePolicy
from importlib.metadata import version
from typing import TYPE_CHECKING, NoReturn, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from doaudit.api.address import DEFAULT_URL, checked_token, is_loopback, safe_address
from doaudit.api.answers import Answer, explain, server_time
from doaudit.api.pacing import Pause, Tries, after_answer, after_silence, sparing
from doaudit.clock import SystemClock
from doaudit.errors import (
    ApiProblem,
    ConnectionFailed,
    OutcomeUnknown,
    UnexpectedAnswer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from doaudit.clock import Clock

__all__ = ["RESERVE", "Client", "Stopped"]

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5.0, 30.0
RESERVE = 0.1
_MOST_IN_FLIGHT = 16
_DONE = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}
_SLICE_S = 1.0  # requests that wait for one limit share the time that passes
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Stopped(Exception):
    """Nothing went wrong: the caller set the stop event while a request waited."""


class _Bearer(AuthBase):
    """Puts the token into the header of a request, and nowhere else."""

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request

    def __repr__(self) -> str:
        return "<token, hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A token cannot be copied or pickled; connect again where it is needed.")

    def reveal(self) -> str:
        return self._token

    def hidden_in(self, text: str) -> str:
        return text.replace(self._token, "[token]")


class Client:
    """
    Requests to one account: GET is retried as `doaudit.api.pacing` says, POST is sent once; what fails is explained.

    One client serves many threads. Redirects are not followed, cookies are not kept, and proxies are taken from the
    environment except for a server on this machine.

    Args:
        token: sent in the Authorization header of each request.
        base_url: https, or http on this machine.
        clock: waits and tells the time.
        timeouts_s: how long to wait for a connection and for the next bytes of an answer.
        reserve: the share of the hour's requests that is left to the user's other tools.

    Attributes:
        sent: how many requests it has sent.
        fingerprint: tells this address and token from others, and cannot be turned back into them.
    """

    def __init__(
        self,
        token: str,
        base_url: str = DEFAULT_URL,
        *,
        clock: Clock | None = None,
        timeouts_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        reserve: float = RESERVE,
    ) -> None:
        self.base_url = safe_address(base_url)
        token = checked_token(token)
        self._auth = _Bearer(token)
        self.fingerprint = hashlib.sha256(f"{self.base_url}\n{token}".encode()).hexdigest()
        self._clock = clock or SystemClock()
        self._timeouts_s = timeouts_s
        self._reserve = reserve
        self._resume_at = float("-inf")
        self._spared: Pause | None = None
        self.sent = 0
        self._lock = threading.Lock()
        self._session = requests.Session()
        self._session.trust_env = not is_loopback(urlsplit(self.base_url).hostname or "")
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"Accept": "application/json", "User-Agent": f"doaudit/{version('doaudit')}"})
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=_MOST_IN_FLIGHT))

    def __repr__(self) -> str:
        """Where it talks to; not with what."""
        return f"Client({self.base_url!r})"

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied: a pickle would be the token in a file."""
        raise TypeError("A connection holds a token and cannot be copied or pickled; connect again where it is needed.")

    def get(
        self,
        path: str,
        params: Mapping[str, int | str] | None = None,
        *,
        parse: Callable[[Answer], T],
        stop: threading.Event | None = None,
        on_pause: Callable[[Pause], None] | None = None,
    ) -> T:
        """
        What *parse* makes of the answer to a GET.

        Args:
            path: begins with /v2/.
            params: the query.
            parse: reads a successful answer; if it raises msgspec.DecodeError, the answer counts as damaged.
            stop: once set, a waiting request gives up.
            on_pause: told of each wait before it begins.

        Raises:
            ApiError: the API reported an error (see `doaudit.errors` for its kinds).
            ConnectionFailed: no whole answer came, after every attempt.
            UnexpectedAnswer: something else than the API answered, or the API sent something unreadable.
            Stopped: *stop* was set.
        """
        stop, on_pause = stop or threading.Event(), on_pause or (lambda _: None)
        request, tries = f"GET {path}", Tries()
        while True:
            self._wait_for_limit(stop, on_pause)
            answer, silence = self._send(path, params)
            jitter = random.random()  # noqa: S311 -- spreads retries, guards nothing
            if answer is not None and answer.status == HTTPStatus.OK and answer.says_json:
                self._spare(answer)
                try:
                    return parse(answer)
                except msgspec.DecodeError as fault:
                    silence = f"the answer could not be read ({self._auth.hidden_in(str(fault))})"
                    pause = after_silence(silence, tries, jitter=jitter)
            elif answer is not None:
                pause = after_answer(answer.status, answer.headers, tries, now=answer.date, jitter=jitter)
            else:
                pause = after_silence(silence, tries, jitter=jitter)
            if pause is None:
                raise self._failure(request, answer, silence)
            tries = pause.tries
            _log.info("%s: %s; waiting %.1f s", request, pause.reason, pause.seconds)
            on_pause(pause)
            self._pause(pause, stop)

    def post(
        self,
        path: str,
        body: Mapping[str, object],
        *,
        parse: Callable[[Answer], T],
        stop: threading.Event | None = None,
        on_pause: Callable[[Pause], None] | None = None,
    ) -> T:
        """
        What *parse* makes of the answer to a POST, which is sent once and never again.

        Args:
            path: begins with /v2/.
            body: what is asked for, as JSON can say it.
            parse: reads a successful answer; if it raises msgspec.DecodeError, the answer counts as lost.
            stop: once set, a request that waits for its turn is not sent.
            on_pause: told of each wait before the request.

        Raises:
            RateLimited, Refused, NotFound, Unauthorized, Forbidden: it was certainly not carried out.
            OutcomeUnknown: no whole answer came, or none of the API's own (5xx among them): it may have been.
            Stopped: *stop* was set before it was sent.
        """
        request = f"POST {path}"
        self._wait_for_limit(stop or threading.Event(), on_pause or (lambda _: None))
        answer, silence = self._send(path, body=msgspec.json.encode(body))
        if answer is None:
            raise self._lost(request, silence)
        redirected = HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST
        if redirected or not answer.says_json or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise self._lost(request, f"the answer was {answer.status}, and not the API's word on it")
        if answer.status not in _DONE:
            pause = after_answer(answer.status, answer.headers, Tries(), now=answer.date, jitter=0.5)
            if pause is not None:
                self._hold(pause)
            raise self._failure(request, answer, "")
        self._spare(answer)
        try:
            return parse(answer)
        except msgspec.DecodeError as fault:
            raise self._lost(request, f"the answer could not be read ({self._auth.hidden_in(str(fault))})") from None

    def urgent(self) -> Client:
        """
        Another client of the same account, with connections of its own, that leaves no requests to the user's other
        tools: for work that must not stand still for an hour half-way.
        """
        return Client(self._auth.reveal(), self.base_url, clock=self._clock, timeouts_s=self._timeouts_s, reserve=0.0)

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
        self._session.close()

    def _send(
        self, path: str, params: Mapping[str, int | str] | None = None, *, body: bytes | None = None
    ) -> tuple[Answer | None, str]:
        """
        One attempt, a POST if there is a *body*: an answer, or why there is none.

        What requests raises holds the request and so the token: only words about it leave this method.
        """
        began, method = self._clock.elapsed(), "GET" if body is None else "POST"
        with self._lock:
            self.sent += 1
        try:
            response = self._session.request(
                method,
                self.base_url + path,
                params=params,
                data=body,
                headers={"Content-Type": "application/json"} if body is not None else None,
                auth=self._auth,
                timeout=self._timeouts_s,
                allow_redirects=False,
            )
            headers = {name.lower(): value for name, value in response.headers.items()}
            answer = Answer(
                response.status_code, headers, response.content, server_time(headers, otherwise=self._clock.now())
            )
        except requests.Timeout as fault:
            silence = "could not connect in time" if isinstance(fault, requests.ConnectTimeout) else "no answer in time"
        except requests.exceptions.SSLError:
            silence = "the server's certificate could not be verified"
        except requests.exceptions.ProxyError:
            silence = "the proxy of this network did not connect"
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError):
            silence = "the answer was cut short"
        except requests.ConnectionError as fault:
            silence = (
                "the name could not be resolved" if "resol" in str(fault).lower() else "no connection, or it was cut"
            )
        except requests.RequestException as fault:
            silence = f"the request could not be sent ({type(fault).__name__})"
        else:
            took_s = self._clock.elapsed() - began
            _log.debug("%s %s %s -> %s in %.2f s", method, path, dict(params or {}), answer.status, took_s)
            return answer, ""
        _log.debug("%s %s %s -> %s", method, path, dict(params or {}), silence)
        return None, silence

    def _lost(self, request: str, silence: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{request} was sent to {self.base_url}, and nothing says whether it was carried out: {silence}. It is not "
            "sent again by itself. Look at the actions of what it was about before you ask for it once more.",
            request=request,
        )

    def _failure(self, request: str, answer: Answer | None, silence: str) -> ApiProblem:
        if answer is None:
            return ConnectionFailed(
                f"{request} got no answer from {self.base_url}: {silence}, and so it was after several attempts. Check "
                "the network, the proxy settings and the base URL (DIGITALOCEAN_API_URL), and run this again.",
                request=request,
            )
        if silence:
            return UnexpectedAnswer(
                f"{request} was answered by {self.base_url}, but {silence}, and so it was after several attempts. If "
                "the base URL (DIGITALOCEAN_API_URL) is right, run this again later.",
                request=request,
            )
        headers = {name: self._auth.hidden_in(value) for name, value in answer.headers.items()}
        body = self._auth.hidden_in(answer.body.decode("utf-8", errors="replace")).encode()
        return explain(Answer(answer.status, headers, body, answer.date), request)

    def _spare(self, answer: Answer) -> None:
        # Told only once a next request really waits: after the last one there is nothing to wait for.
        self._spared = sparing(answer.headers, self._reserve, now=answer.date)
        if self._spared is not None:
            self._hold(self._spared)

    def _hold(self, pause: Pause) -> None:
        with self._lock:
            self._resume_at = max(self._resume_at, self._clock.elapsed() + pause.seconds)

    def _pause(self, pause: Pause, stop: threading.Event) -> None:
        if pause.everybody:
            self._hold(pause)
        else:
            self._wait_until(self._clock.elapsed() + pause.seconds, stop)

    def _wait_for_limit(self, stop: threading.Event, on_pause: Callable[[Pause], None]) -> None:
        with self._lock:
            resume_at, spared = self._resume_at, self._spared
        if spared is not None and resume_at > self._clock.elapsed():
            on_pause(spared)
        self._wait_until(resume_at, stop)

    def _wait_until(self, moment: float, stop: threading.Event) -> None:
        while not stop.is_set():
            left = moment - self._clock.elapsed()
            if left <= 0:
                return
            self._clock.wait(min(left, _SLICE_S), stop)
        raise Stopped
