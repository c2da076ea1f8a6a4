"""
Everything that doaudit raises on purpose.

    DoauditError
    ├── InvalidArgument          an argument that cannot be meant (also a ValueError)
    ├── TokenMissing             no token was given and none is in the environment
    ├── UnsafeAddress            a base URL the token must not be sent to
    ├── FileProblem              a file or folder that cannot be read or written
    │   ├── NotOurFile           a CSV file that no report of doaudit has written
    │   ├── HistoryLocked        a history that another process has been using for too long
    │   ├── WrongAccount         a history that belongs to another account
    │   └── NewerHistory         a history that a newer doaudit or DuckDB has written
    ├── ReadIncomplete           a list could not be read to its end; carries what was read
    ├── NotPossible              what was asked cannot be done to the resource as it is now
    ├── TimedOut                 an action is still open long after it should have ended; it has not failed
    ├── SnapshotFailed           a snapshot workflow did not end well; carries the run
    └── ApiProblem               a request that did not succeed
        ├── OutcomeUnknown       a change was asked for, and no answer says whether it was made
        ├── ConnectionFailed     no answer at all: no network, a time-out, a connection cut
        ├── UnexpectedAnswer     an answer that is not DigitalOcean's API speaking
        └── ApiError             an error that the API itself reported
            ├── Unauthorized     401: the token is unknown or was revoked
            ├── Forbidden        403: the token lacks a scope
            ├── NotFound         404
            ├── Refused          409, 422 and other 4xx: the request cannot be done as asked
            ├── RateLimited      429 for longer than doaudit waits
            └── ServerFault      5xx after every retry

Beside the tree stands ReadInterrupted, a KeyboardInterrupt that carries what was read before Ctrl-C.

Each message is one paragraph: what happened, to what, and what to do next. In a notebook these
errors are shown as that paragraph alone, without the frames of the library above it.

This module stands below every other one but `doaudit.formatting`, so the values that some errors carry have no type
here; each class says what it carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.formatting import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ApiError",
    "ApiProblem",
    "ConnectionFailed",
    "DoauditError",
    "FileProblem",
    "Forbidden",
    "HistoryLocked",
    "InvalidArgument",
    "NewerHistory",
    "NotFound",
    "NotOurFile",
    "NotPossible",
    "OutcomeUnknown",
    "RateLimited",
    "ReadIncomplete",
    "ReadInterrupted",
    "Refused",
    "ServerFault",
    "SnapshotFailed",
    "TimedOut",
    "TokenMissing",
    "Unauthorized",
    "UnexpectedAnswer",
    "UnsafeAddress",
    "WrongAccount",
]


class DoauditError(Exception):
    """Something doaudit cannot do, said in one paragraph."""

    def __str__(self) -> str:
        """Return the paragraph; what a terminal would obey in a name or an answer of the API is made visible."""
        return visible(super().__str__(), keep="\n")

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this: ten frames of library code help nobody whose token has expired.
        return [f"{type(self).__name__}: {self}"]


class InvalidArgument(DoauditError, ValueError):
    """An argument has a value that cannot be meant."""


class TokenMissing(DoauditError):
    """No token was given and none is in the environment."""


class UnsafeAddress(DoauditError, ValueError):
    """The base URL is one that a token must not be sent to."""


class FileProblem(DoauditError):
    """A file or folder cannot be read or written."""


class NotOurFile(FileProblem):
    """The file is not an actions CSV that doaudit has written."""


class HistoryLocked(FileProblem):
    """Another process has been using the history for longer than doaudit waits."""


class WrongAccount(FileProblem):
    """The history belongs to another account, `owner`; two accounts never share one."""

    def __init__(self, message: str, owner: str) -> None:
        super().__init__(message)
        self.owner = owner


class NewerHistory(FileProblem):
    """A newer doaudit, or a newer DuckDB, has written the history."""


class ReadIncomplete(DoauditError):
    """A list could not be read to its end; `listing` is the `doaudit.api.listing.Listing` of what was read."""

    def __init__(self, message: str, listing: Any) -> None:  # noqa: ANN401 -- see the module
        super().__init__(message)
        self.listing = listing


class ReadInterrupted(KeyboardInterrupt):
    """Ctrl-C stopped the reading of a list; `listing` is the `doaudit.api.listing.Listing` of what was read."""

    def __init__(self, message: str, listing: Any) -> None:  # noqa: ANN401 -- see the module
        super().__init__(message)
        self.listing = listing


class NotPossible(DoauditError):
    """The resource, as it is now, does not allow what was asked; nothing was changed."""


class TimedOut(DoauditError):
    """Actions are open long after they should have ended, and have not failed; `actions` are all that were awaited."""

    def __init__(self, message: str, actions: Sequence[Any]) -> None:
        super().__init__(message)
        self.actions = tuple(actions)


class SnapshotFailed(DoauditError):
    """A snapshot workflow did not end well; `run` tells what was done and how the droplet was left."""

    def __init__(self, message: str, run: Any) -> None:  # noqa: ANN401 -- see the module
        super().__init__(message)
        self.run = run


class ApiProblem(DoauditError):
    """A request that did not succeed; `request` names it, as in 'GET /v2/actions'."""

    def __init__(self, message: str, *, request: str) -> None:
        super().__init__(message)
        self.request = request


class OutcomeUnknown(ApiProblem):
    """A change was asked for, and no answer says whether it was made. It is never asked for again by itself."""


class ConnectionFailed(ApiProblem):
    """No answer came: no network, a time-out, or a connection that was cut."""


class UnexpectedAnswer(ApiProblem):
    """An answer came that is not DigitalOcean's API speaking: HTML, broken JSON, a redirect."""


class ApiError(ApiProblem):
    """
    An error that the API itself reported.

    Attributes:
        status: the HTTP status.
        code: DigitalOcean's word for the error, such as `not_found`; empty if it sent none.
        api_message: DigitalOcean's own sentence; empty if it sent none.
        request_id: what to quote to DigitalOcean's support; empty if it sent none.
    """

    def __init__(
        self, message: str, *, request: str, status: int, code: str, api_message: str, request_id: str
    ) -> None:
        super().__init__(message, request=request)
        self.status = status
        self.code = code
        self.api_message = api_message
        self.request_id = request_id


class Unauthorized(ApiError):
    """401: DigitalOcean does not know the token, or no longer does."""


class Forbidden(ApiError):
    """403: the token lacks a scope that the request needs."""


class NotFound(ApiError):
    """404: there is nothing at that address, or it belongs to somebody else."""


class Refused(ApiError):
    """409, 422 or another 4xx: the request cannot be done as asked."""


class RateLimited(ApiError):
    """429, and the wait that it asks for is longer than doaudit waits."""


class ServerFault(ApiError):
    """5xx, and every retry met one."""
