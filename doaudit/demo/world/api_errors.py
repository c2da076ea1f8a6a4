"""The API's error responses, word for word as seen from the live API or as its specification gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ErrorResponse",
    "bad_request",
    "forbidden",
    "method_not_allowed",
    "not_found",
    "pending_event",
    "unauthorized",
    "unprocessable",
]


class ErrorResponse(Exception):
    """
    An error response of the API, raised where a request cannot be carried out.

    Args:
        status: The HTTP status.
        code: The word in the response's `id`.
        message: The sentence in the response's `message`.
        headers: Headers sent with it.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def bad_request() -> ErrorResponse:
    """Return the 400 for a body that is not a JSON object."""
    return ErrorResponse(400, "bad_request", "error parsing request body")


def unauthorized() -> ErrorResponse:
    """Return the 401 for a token that is unknown or revoked."""
    return ErrorResponse(401, "unauthorized", "Unable to authenticate you.")


def forbidden() -> ErrorResponse:
    """Return the 403 for a token that lacks a scope."""
    return ErrorResponse(403, "forbidden", "You are not authorized to perform this operation")


def not_found() -> ErrorResponse:
    """Return the 404, the same for a resource that never existed and for one that is gone."""
    return ErrorResponse(404, "not_found", "The resource you were accessing could not be found.")


def method_not_allowed(methods: Iterable[str]) -> ErrorResponse:
    """Return the 405 for a path that has only *methods*; its wording is our guess."""
    headers = {"allow": ", ".join(sorted(methods))}
    return ErrorResponse(405, "method_not_allowed", "The method is not allowed for this path.", headers)


def unprocessable(message: str) -> ErrorResponse:
    """Return the 422 with *message*."""
    return ErrorResponse(422, "unprocessable_entity", message)


def pending_event(resource: str = "Droplet") -> ErrorResponse:
    """Return the 422 for a second event while one is running."""
    return unprocessable(f"{resource} already has a pending event.")
