"""The API's own errors, word for word (messages as seen from the live API, or as its specification gives them)."""

from __future__ import annotations

__all__ = ["Refusal", "bad_request", "forbidden", "not_found", "pending_event", "unauthorized", "unprocessable"]


class Refusal(Exception):
    """
    An answer of the API that is an error.

    Args:
        status: The HTTP status.
        code: The word in the answer's `id`.
        message: The sentence in the answer's `message`.
        headers: Headers that come with it.
    """

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}


def bad_request() -> Refusal:
    """Build the 400 for a body that is no JSON object."""
    return Refusal(400, "bad_request", "error parsing request body")


def unauthorized() -> Refusal:
    """Build the 401 for a token that is unknown or revoked."""
    return Refusal(401, "unauthorized", "Unable to authenticate you.")


def forbidden() -> Refusal:
    """Build the 403 for a token that lacks a scope."""
    return Refusal(403, "forbidden", "You are not authorized to perform this operation")


def not_found() -> Refusal:
    """Build the 404, the same for what never was and for what is gone."""
    return Refusal(404, "not_found", "The resource you were accessing could not be found.")


def unprocessable(message: str) -> Refusal:
    """Build the 422 that says *message*."""
    return Refusal(422, "unprocessable_entity", message)


def pending_event(resource: str = "Droplet") -> Refusal:
    """Build the 422 for a second event while one is running."""
    return unprocessable(f"{resource} already has a pending event.")
