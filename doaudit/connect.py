"""Open an account: your own by its token, or a simulated one."""

from __future__ import annotations

import os

import doaudit.demo as simulator
from doaudit.account import Account
from doaudit.api.address import DEFAULT_URL
from doaudit.api.client import Client
from doaudit.clock import ScaledClock
from doaudit.errors import InvalidArgument, TokenMissing

__all__ = ["connect", "demo"]

_TOKEN_VARIABLES = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN")
_URL_VARIABLE = "DIGITALOCEAN_API_URL"
_IN_MEMORY = ":memory:"


def connect(
    *, token: str | None = None, base_url: str | None = None, history: str | os.PathLike[str] | None = None
) -> Account:
    """
    Open an account by its API token.

    Args:
        token: by default DIGITALOCEAN_TOKEN, DIGITALOCEAN_ACCESS_TOKEN or DO_TOKEN from the environment. The scope
            actions:read is enough.
        base_url: by default DIGITALOCEAN_API_URL, or https://api.digitalocean.com.
        history: the file of the local history; ":memory:" keeps nothing on disk; by default one in the user's data
            directory.

    Raises:
        TokenMissing: there is none.
        InvalidArgument: the token has characters that no token has.
        UnsafeAddress: the token would travel unencrypted.
    """
    if token is None:
        token = next((value for name in _TOKEN_VARIABLES if (value := os.environ.get(name, "").strip())), None)
    if token is None:
        raise TokenMissing(
            f"There is no token: {', '.join(_TOKEN_VARIABLES)} are all unset. Make one with the scopes actions:read "
            "and droplet:read at https://cloud.digitalocean.com/account/api/tokens and put it into "
            "DIGITALOCEAN_TOKEN, or work without one on the simulated account: doaudit.demo()."
        )
    return Account(Client(token, base_url or os.environ.get(_URL_VARIABLE) or DEFAULT_URL), history=history)


def demo(seed: int = 7, *, speed: float = 1.0) -> Account:
    """
    Open a simulated account: a company's three years, served on this machine, without a token or the internet.

    The same *seed* gives the same account. Its clock starts on 2026-11-23 at 12:00 UTC, and goes *speed* times as fast
    as ours: with 60, a snapshot of five minutes takes five seconds. Nothing is kept on disk.

    Raises:
        InvalidArgument: *speed* is not above 0.
        ModuleNotFoundError: Flask is missing; `pip install "doaudit[demo]"` brings it.
    """
    if not speed > 0:
        raise InvalidArgument(f"A simulated account's clock goes forward: speed is above 0; got {speed}.")
    server = simulator.serve(seed=seed, speed=speed)
    clock = ScaledClock(lambda: server.world.now, speed)
    return Account(Client(server.token, server.url, clock=clock), history=_IN_MEMORY, server=server, clock=clock)
