"""One authenticated, retried, explained request."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, NoReturn, TypeVar

import msgspec
from requests.auth import AuthBase

from doaudit.api.address import DEFAULT_URL, checked_token, safe_address
from doaudit.api.responses import DamagedResponse, NoResponse, Response, explain, shortened
from doaudit.api.retry import (
    LONGEST_WAIT_S,
    Attempts,
    Pause,
    pause_after_no_response,
    pause_after_response,
    reserve_pause,
)
from doaudit.api.session import Session
from doaudit.clock import SystemClock
from doaudit.errors import (
    ApiProblem,
    ConnectionFailed,
    OutcomeUnknown,
    UnexpectedAnswer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import requests

    from doaudit.clock import Clock

__all__ = ["RESERVE", "Client", "Stopped"]

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, DEADLINE_S = 5.0, 30.0, 60.0
RESERVE = 0.1
_URGENT_WAIT_S = 120.0
_DONE = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}
_SLICE_S = 1.0  # requests that wait for one limit share the time that passes
_UNTOLD_S = 0.9  # less than this need not be told; just below the shortest wait for a limit, a second
_NEVER = float("-inf")
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
    Requests to one account: GET is retried as `doaudit.api.retry` says, POST is sent once; what fails is explained.

    One client serves many threads. How a request is sent, `doaudit.api.session` says.

    Args:
        token: sent in the Authorization header of each request.
        base_url: https, or http on this machine.
        clock: waits and tells the time.
        timeouts_s: how long to wait for a connection and for the next bytes of an answer.
        deadline_s: how long one request may take in all, in real time, whatever *clock* says.
        longest_wait_s: no single wait is longer, whatever the API asks for; an hour at most.
        reserve: the share of the hour's requests that is left to the user's other tools.

    Attributes:
        sent: how many requests it has sent.
        fingerprint: tells this address and token from others, and cannot be turned back into them.
    """

    def __init__(  # noqa: PLR0913 -- each has a default, and only urgent() sets most of them
        self,
        token: str,
        base_url: str = DEFAULT_URL,
        *,
        clock: Clock | None = None,
        timeouts_s: tuple[float, float] = (CONNECT_TIMEOUT_S, READ_TIMEOUT_S),
        deadline_s: float = DEADLINE_S,
        longest_wait_s: float = LONGEST_WAIT_S,
        reserve: float = RESERVE,
    ) -> None:
        self.base_url = safe_address(base_url)
        token = checked_token(token)
        self._auth = _Bearer(token)
        self.fingerprint = hashlib.sha256(f"{self.base_url}\n{token}".encode()).hexdigest()
        self._clock = clock or SystemClock()
        self._timeouts_s, self._deadline_s = timeouts_s, deadline_s
        self._longest_wait_s = min(longest_wait_s, LONGEST_WAIT_S)
        self._reserve = reserve
        self._resume_at = _NEVER
        self._held_by: Pause | None = None
        self.sent = 0
        self._lock = threading.Lock()
        self._session = Session(self.base_url, self._auth, timeouts_s, deadline_s)

    def __repr__(self) -> str:
        """Where it talks to; not with what."""
        return f"Client({getattr(self, 'base_url', 'no address')!r})"  # a debugger may ask before there is one

    def __reduce__(self) -> NoReturn:
        """Refuse to be copied: a pickle would be the token in a file."""
        raise TypeError("A connection holds a token and cannot be copied or pickled; connect again where it is needed.")

    def get(
        self,
        path: str,
        params: Mapping[str, int | str] | None = None,
        *,
        parse: Callable[[Response], T],
        stop: threading.Event | None = None,
        on_pause: Callable[[Pause], None] | None = None,
    ) -> T:
        """
        What *parse* makes of the answer to a GET.

        Args:
            path: begins with /v2/.
            params: the query.
            parse: reads a successful answer; whatever it raises, except Stopped, the answer counts as damaged.
            stop: once set, a waiting request gives up.
            on_pause: told of each wait before it begins, of one for another request's limit as well.

        Raises:
            ApiError: the API reported an error (see `doaudit.errors` for its kinds).
            ConnectionFailed: no whole answer of a usable size came in time, after every attempt.
            UnexpectedAnswer: something else than the API answered, or the API sent something unreadable.
            Stopped: *stop* was set.
        """
        stop, on_pause = stop or threading.Event(), on_pause or (lambda _: None)
        request, attempts, told_until = f"GET {path}", Attempts(), _NEVER
        while True:
            self._wait_for_limit(request, stop, on_pause, told_until)
            outcome = self._send(path, params)
            if isinstance(outcome, Response) and outcome.status == HTTPStatus.OK and outcome.says_json:
                self._spare(outcome)
                result = self._parsed(outcome, parse)
                if not isinstance(result, DamagedResponse):
                    return result
                outcome = result
            pause = self._pause_after(outcome, attempts)
            if pause is None:
                raise self._failure(request, outcome)
            attempts = pause.attempts
            self._tell(request, pause, on_pause)
            if pause.account_wide:
                told_until = self._hold(pause)
            else:
                self._wait_until(self._clock.elapsed() + pause.seconds, stop)

    def post(
        self,
        path: str,
        body: Mapping[str, object],
        *,
        parse: Callable[[Response], T],
        stop: threading.Event | None = None,
        on_pause: Callable[[Pause], None] | None = None,
    ) -> T:
        """
        What *parse* makes of the answer to a POST, which is sent once and never again.

        Args:
            path: begins with /v2/.
            body: what is asked for, as JSON can say it.
            parse: reads a successful answer; whatever it raises, except Stopped, the answer counts as lost.
            stop: once set, a request that waits for its turn is not sent.
            on_pause: told of each wait before the request.

        Raises:
            RateLimited, Refused, NotFound, Unauthorized, Forbidden: it was certainly not carried out.
            OutcomeUnknown: no whole answer came, none that can be read, or none of the API's own (5xx among them): it
                may have been.
            Stopped: *stop* was set before it was sent.
        """
        request = f"POST {path}"
        self._wait_for_limit(request, stop or threading.Event(), on_pause or (lambda _: None))
        outcome = self._send(path, body=msgspec.json.encode(body))
        if isinstance(outcome, NoResponse):
            raise self._lost(request, outcome.reason)
        refused = HTTPStatus.BAD_REQUEST <= outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR
        if not (outcome.says_json and (refused or outcome.status in _DONE)):
            raise self._lost(request, f"the answer was {outcome.status}, and not the API's word on it")
        if refused:
            pause = self._pause_after(outcome, Attempts())
            if pause is not None:
                self._hold(pause)
            raise self._failure(request, outcome)
        self._spare(outcome)
        result = self._parsed(outcome, parse)
        if isinstance(result, DamagedResponse):
            raise self._lost(request, result.reason)
        return result

    def urgent(self) -> Client:
        """
        Another client of the same account, with connections of its own, that leaves no requests to the user's other
        tools and looks again at least every two minutes: for work that must not stand still for an hour half-way.
        """
        return Client(
            self._auth.reveal(),
            self.base_url,
            clock=self._clock,
            timeouts_s=self._timeouts_s,
            deadline_s=self._deadline_s,
            longest_wait_s=min(self._longest_wait_s, _URGENT_WAIT_S),
            reserve=0.0,
        )

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
        self._session.close()

    def _send(
        self, path: str, params: Mapping[str, int | str] | None = None, *, body: bytes | None = None
    ) -> Response | NoResponse:
        """One attempt, a POST if there is a *body*."""
        began, method = self._clock.elapsed(), "GET" if body is None else "POST"
        with self._lock:
            self.sent += 1
        outcome = self._session.send(method, path, params, body=body, now=self._clock.now)
        became = outcome.reason if isinstance(outcome, NoResponse) else outcome.status
        took_s = self._clock.elapsed() - began
        _log.debug("%s %s %s -> %s in %.2f s", method, path, dict(params or {}), became, took_s)
        return outcome

    def _parsed(self, answer: Response, parse: Callable[[Response], T]) -> T | DamagedResponse:
        try:
            return parse(answer)
        except Stopped:
            raise
        except Exception as fault:  # noqa: BLE001 -- a damaged answer may make anything of it
            said = f"{type(fault).__name__}: {fault}"
        return DamagedResponse(f"the answer could not be read ({shortened(self._auth.hidden_in(said))})")

    def _lost(self, request: str, silence: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{request} was sent to {self.base_url}, and nothing says whether it was carried out: {silence}. It is not "
            "sent again by itself. Look at the actions of what it was about before you ask for it once more.",
            request=request,
        )

    def _failure(self, request: str, outcome: Response | NoResponse) -> ApiProblem:
        if isinstance(outcome, DamagedResponse):
            return UnexpectedAnswer(
                f"{request} was answered by {self.base_url}, but {outcome.reason}, and so it was after several "
                "attempts. If the base URL (DIGITALOCEAN_API_URL) is right, run this again later.",
                request=request,
            )
        if isinstance(outcome, NoResponse):
            return ConnectionFailed(
                f"{request} got no usable answer from {self.base_url}: {outcome.reason}, and so it was after several "
                "attempts. Check the network, the proxy settings and the base URL (DIGITALOCEAN_API_URL), and run this "
                "again.",
                request=request,
            )
        headers = {name: self._auth.hidden_in(value) for name, value in outcome.headers.items()}
        body = self._auth.hidden_in(outcome.body.decode("utf-8", errors="replace")).encode()
        return explain(Response(outcome.status, headers, body, outcome.date), request)

    def _pause_after(self, outcome: Response | NoResponse, attempts: Attempts) -> Pause | None:
        jitter, longest_s = random.random(), self._longest_wait_s  # noqa: S311 -- spreads retries, guards nothing
        if isinstance(outcome, NoResponse):
            return pause_after_no_response(outcome.reason, attempts, jitter=jitter, longest_s=longest_s)
        return pause_after_response(
            outcome.status, outcome.headers, attempts, now=outcome.date, jitter=jitter, longest_s=longest_s
        )

    def _spare(self, answer: Response) -> None:
        pause = reserve_pause(answer.headers, self._reserve, now=answer.date, longest_s=self._longest_wait_s)
        if pause is not None:
            self._hold(pause)

    def _tell(self, request: str, pause: Pause, on_pause: Callable[[Pause], None]) -> None:
        _log.info("%s: %s; waiting %.1f s", request, pause.reason, pause.seconds)
        on_pause(pause)

    def _hold(self, pause: Pause) -> float:
        """Keep every request back for that long; return until when. Nobody waits, or is told, before the next one."""
        with self._lock:
            until = self._clock.elapsed() + pause.seconds
            if until > self._resume_at:
                self._resume_at, self._held_by = until, pause
            return until

    def _wait_for_limit(
        self, request: str, stop: threading.Event, on_pause: Callable[[Pause], None], told_until: float = _NEVER
    ) -> None:
        """Wait until no request is kept back, and tell so first, unless a wait until *told_until* has been told of."""
        with self._lock:
            resume_at, pause, now = self._resume_at, self._held_by, self._clock.elapsed()
        if pause is not None and resume_at - max(now, told_until) >= _UNTOLD_S:
            self._tell(request, replace(pause, seconds=resume_at - now), on_pause)
        self._wait_until(resume_at, stop)

    def _wait_until(self, moment: float, stop: threading.Event) -> None:
        while not stop.is_set():
            left = moment - self._clock.elapsed()
            if left <= 0:
                return
            self._clock.wait(min(left, _SLICE_S), stop)
        raise Stopped
