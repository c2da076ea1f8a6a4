"""A client of one account: requests that are authenticated and retried, and whose failures are explained."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from contextlib import nullcontext
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import msgspec

from doaudit.api.address import DEFAULT_URL, checked_token, safe_address
from doaudit.api.responses import DamagedResponse, NoResponse, Response, explain
from doaudit.api.retry import (
    FAULT_BUDGET_S,
    LONGEST_WAIT_S,
    Attempts,
    Pause,
    RetryLimits,
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
from doaudit.formatting import one_line
from doaudit.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from doaudit.api.shared import Shared
    from doaudit.clock import Clock

__all__ = ["RESERVE", "Client", "Stopped"]

CONNECT_TIMEOUT_S, READ_TIMEOUT_S, DEADLINE_S = 5.0, 30.0, 60.0
RESERVE = 0.1
_URGENT_WAIT_S, _URGENT_FAULTS_S = 120.0, 10.0
_SUCCESSES = {HTTPStatus.OK, HTTPStatus.CREATED, HTTPStatus.ACCEPTED}
_POLL_S = 1.0  # on a simulated clock a wait moves the time for all, so requests that wait together share it
_REPORTED_FROM_S = 0.9  # shorter waits are not reported; just below the shortest wait for a limit, a second
_NEVER = float("-inf")
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Stopped(Exception):
    """The caller set the stop event while a request waited; nothing went wrong."""


class Client:
    """
    A client of one account: GET is retried as `doaudit.api.retry` says, POST is sent once, and failures are explained.

    One client serves many threads. `doaudit.api.session` sends each request.

    Args:
        token: sent in the Authorization header of each request.
        base_url: https, or http on this machine.
        clock: waits and tells the time.
        timeouts_s: seconds to wait for a connection, and for the next bytes of a response.
        deadline_s: seconds that one request may take in all, in real time, whatever *clock* says.
        longest_wait_s: the longest single wait in seconds, whatever the API asks for; an hour at most.
        reserve: the share of the hour's requests, from 0 to 1, that is left to the user's other tools.
        fault_budget_s: seconds for which faults that may pass are waited out, in each request.
        shared: what it shares with clients of other accounts.

    Attributes:
        base_url: the address.
        sent: requests sent so far.
        fingerprint: a one-way hash of address and token.
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
        fault_budget_s: float = FAULT_BUDGET_S,
        shared: Shared | None = None,
    ) -> None:
        token = Secret(token)  # first: no frame is to have the real one, whatever is raised below
        self._token = checked_token(token)
        self.base_url = safe_address(base_url)
        self.fingerprint = hashlib.sha256(self.base_url.encode() + b"\n" + self._token.encode()).hexdigest()
        self._clock = clock or SystemClock()
        self._timeouts_s, self._deadline_s = timeouts_s, deadline_s
        self._longest_wait_s = min(longest_wait_s, LONGEST_WAIT_S)
        self._reserve, self._fault_budget_s, self._shared = reserve, fault_budget_s, shared
        self._has_answered = False
        self._resume_at = _NEVER
        self._account_pause: Pause | None = None
        self.sent = 0
        self._lock = threading.Lock()
        self._session = Session(self.base_url, self._token, timeouts_s, deadline_s)

    def __repr__(self) -> str:
        """Return the address, and nothing of the token."""
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
        Send a GET, and return what *parse* makes of the response.

        Args:
            path: begins with /v2/.
            params: the query.
            parse: reads a successful response; if it raises anything but Stopped, the response counts as damaged.
            stop: once set, a waiting request ends.
            on_pause: called before each wait, also before one for another request's limit.

        Raises:
            ApiError: the API reported an error (see `doaudit.errors` for its kinds).
            ConnectionFailed: no whole response of a usable size came in time, on any attempt.
            UnexpectedAnswer: something else than the API answered, or the API sent something unreadable.
            Stopped: *stop* was set.
        """
        stop, on_pause = stop or threading.Event(), on_pause or (lambda _: None)
        request, attempts, reported_until = f"GET {path}", Attempts(), _NEVER
        while True:
            self._wait_for_limit(request, stop, on_pause, reported_until)
            began = self._clock.elapsed()
            outcome: Response | NoResponse | DamagedResponse = self._send(path, params)
            if isinstance(outcome, Response) and outcome.status == HTTPStatus.OK and outcome.says_json:
                self._keep_reserve(outcome)
                result = self._parsed(outcome, parse)
                if not isinstance(result, DamagedResponse):
                    self._has_answered = True
                    return result
                outcome = result
            pause = self._pause_after(outcome, attempts.plus_fault_s(self._clock.elapsed() - began))
            if pause is None:
                raise self._error_for(request, outcome)
            attempts = pause.attempts
            self._report_pause(request, pause, on_pause)
            if pause.account_wide:
                reported_until = self._pause_all_requests(pause)
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
        Send a POST once and never again, and return what *parse* makes of the response.

        Args:
            path: begins with /v2/.
            body: the request in values that JSON has.
            parse: reads a successful response; if it raises anything but Stopped, the response counts as lost.
            stop: once set, a request that waits to be sent is not sent.
            on_pause: called before each wait.

        Raises:
            RateLimited, Refused, NotFound, Unauthorized, Forbidden: it was certainly not carried out.
            OutcomeUnknown: no whole response came, none that can be read, or none of the API's own (5xx among them): it
                may have been.
            Stopped: *stop* was set before it was sent.
        """
        request = f"POST {path}"
        self._wait_for_limit(request, stop or threading.Event(), on_pause or (lambda _: None))
        outcome = self._send(path, body=msgspec.json.encode(body))
        if isinstance(outcome, NoResponse):
            raise self._outcome_unknown(request, outcome.reason)
        refused = HTTPStatus.BAD_REQUEST <= outcome.status < HTTPStatus.INTERNAL_SERVER_ERROR
        if not (outcome.says_json and (refused or outcome.status in _SUCCESSES)):
            raise self._outcome_unknown(request, f"the response was {outcome.status}, which can mean either")
        if refused:
            pause = self._pause_after(outcome, Attempts())
            if pause is not None:
                self._pause_all_requests(pause)
            raise self._error_for(request, outcome)
        self._keep_reserve(outcome)
        result = self._parsed(outcome, parse)
        if isinstance(result, DamagedResponse):
            raise self._outcome_unknown(request, result.reason)
        return result

    def urgent(self) -> Client:
        """
        Return another client of the same account, with connections of its own, for work that must not pause for long.

        It leaves no requests to the user's other tools, no single wait is longer than two minutes, and faults are told
        within ten seconds: who does that work waits for them itself, and says so.
        """
        return self._another(
            longest_wait_s=min(self._longest_wait_s, _URGENT_WAIT_S),
            reserve=0.0,
            fault_budget_s=min(self._fault_budget_s, _URGENT_FAULTS_S),
        )

    def sharing(self, shared: Shared) -> Client:
        """Return another client of the same account, with connections of its own, that shares bounds with others."""
        return self._another(shared=shared)

    def _another(self, **changes: Any) -> Client:  # noqa: ANN401 -- options of several types
        options = {
            "clock": self._clock,
            "timeouts_s": self._timeouts_s,
            "deadline_s": self._deadline_s,
            "longest_wait_s": self._longest_wait_s,
            "reserve": self._reserve,
            "fault_budget_s": self._fault_budget_s,
        }
        return Client(self._token, self.base_url, **{**options, **changes})

    @property
    def is_stopped(self) -> bool:
        """True once the reads that it shares bounds with are to end."""
        return self._shared is not None and self._shared.stop.is_set()

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
        self._session.close()

    def _send(
        self, path: str, params: Mapping[str, int | str] | None = None, *, body: bytes | None = None
    ) -> Response | NoResponse:
        """Send a request once, a POST if there is a *body*."""
        began, method = self._clock.elapsed(), "GET" if body is None else "POST"
        with self._lock:
            self.sent += 1
        with nullcontext() if self._shared is None else self._shared.in_flight:
            outcome = self._session.send(method, path, params, body=body, now=self._clock.now)
        result = outcome.reason if isinstance(outcome, NoResponse) else outcome.status
        took_s = self._clock.elapsed() - began
        _log.debug("%s %s %s -> %s in %.2f s", method, path, dict(params or {}), result, took_s)
        return outcome

    def _parsed(self, response: Response, parse: Callable[[Response], T]) -> T | DamagedResponse:
        try:
            return parse(response)
        except Stopped:
            raise
        except Exception as fault:  # noqa: BLE001 -- a damaged response may raise anything
            text = f"{type(fault).__name__}: {fault}"
        return DamagedResponse(f"the response could not be read ({one_line(self._token.redact(text))})")

    def _outcome_unknown(self, request: str, reason: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{request} was sent to {self.base_url}, and nothing says whether it was carried out: {reason}. It is not "
            "sent again by itself. Look at the actions of the resource before you ask for it once more.",
            request=request,
        )

    def _error_for(self, request: str, outcome: Response | NoResponse | DamagedResponse) -> ApiProblem:
        if isinstance(outcome, DamagedResponse):
            return UnexpectedAnswer(
                f"{request} was answered by {self.base_url}, but {outcome.reason}, even after several attempts. "
                "If the base URL (DIGITALOCEAN_API_URL) is right, run this again later.",
                request=request,
            )
        if isinstance(outcome, NoResponse):
            return ConnectionFailed(
                f"{request} got no usable response from {self.base_url}: {outcome.reason}, even after several "
                "attempts. Check the network, the proxy settings and the base URL (DIGITALOCEAN_API_URL), and run this "
                "again.",
                request=request,
            )
        return explain(outcome, request)

    def _pause_after(self, outcome: Response | NoResponse | DamagedResponse, attempts: Attempts) -> Pause | None:
        trusted = self._has_answered or (isinstance(outcome, Response) and outcome.says_json)
        limits = RetryLimits(self._longest_wait_s, self._fault_budget_s if trusted else None)
        jitter = random.random()  # noqa: S311 -- spreads retries, guards nothing
        if self._has_answered and isinstance(outcome, Response) and outcome.is_foreign:
            outcome = NoResponse(f"something answered {outcome.status} in the place of DigitalOcean's API")
        if not isinstance(outcome, Response):
            return pause_after_no_response(outcome.reason, attempts, jitter=jitter, limits=limits)
        return pause_after_response(
            outcome.status, outcome.headers, attempts, now=outcome.date, jitter=jitter, limits=limits
        )

    def _keep_reserve(self, response: Response) -> None:
        pause = reserve_pause(response.headers, self._reserve, now=response.date, longest_s=self._longest_wait_s)
        if pause is not None:
            self._pause_all_requests(pause)

    def _report_pause(self, request: str, pause: Pause, on_pause: Callable[[Pause], None]) -> None:
        _log.info("%s: %s; waiting %.1f s", request, pause.reason, pause.seconds)
        on_pause(pause)

    def _pause_all_requests(self, pause: Pause) -> float:
        """Let every request wait that begins before the pause is over; return when that is. Only they report it."""
        with self._lock:
            until = self._clock.elapsed() + pause.seconds
            if until > self._resume_at:
                self._resume_at, self._account_pause = until, pause
            return until

    def _wait_for_limit(
        self, request: str, stop: threading.Event, on_pause: Callable[[Pause], None], reported_until: float = _NEVER
    ) -> None:
        """Wait for a pause of the whole account, and report it first unless it was, as far as *reported_until*."""
        with self._lock:
            resume_at, pause, now = self._resume_at, self._account_pause, self._clock.elapsed()
        if pause is not None and resume_at - max(now, reported_until) >= _REPORTED_FROM_S:
            self._report_pause(request, replace(pause, seconds=resume_at - now), on_pause)
        self._wait_until(resume_at, stop)

    def _wait_until(self, moment: float, stop: threading.Event) -> None:
        while not (stop.is_set() or self.is_stopped):
            left = moment - self._clock.elapsed()
            if left <= 0:
                return
            self._clock.wait(min(left, _POLL_S), stop)
        raise Stopped
