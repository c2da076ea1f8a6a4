"""A response of the simulated account, before it is sent."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Response"]

_JSON = {"content-type": "application/json; charset=utf-8"}


@dataclass(frozen=True)
class Response:
    """
    A response of the simulated account: JSON, unless its headers say otherwise.

    Args:
        status: Its HTTP status.
        body: Its body.
        headers: Its headers, with names in lower case.
        length: Its `content-length`; None for the length of the body.
        pause_s: The pause between two bytes of the body, in real seconds; None to send all at once.
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=_JSON.copy)
    length: int | None = None
    pause_s: float | None = None
