"""Open an account: your own by its token, or a simulated one."""

from __future__ import annotations

import os

import doaudit.demo as simulator
from doaudit.account import Account
from doaudit.api.address import DEFAULT_URL
from doaudit.api.client import Client
from doaudit.api.retry import FAULT_BUDGET_S
from doaudit.clock import ScaledClock
from doaudit.errors import InvalidArgument, TokenMissing
from doaudit.secret import Secret

__all__ = ["connect", "demo"]

_TOKEN_VARIABLES = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN")
_URL_VARIABLE = "DIGITALOCEAN_API_URL"
_IN_MEMORY = ":memory:"


def connect(
    *,
    token: str | None = None,
    base_url: str | None = None,
    history: str | os.PathLike[str] | None = None,
    fault_budget_s: float = FAULT_BUDGET_S,
) -> Account:
    """
    Open an account by its API token.

    Args:
        token: by default DIGITALOCEAN_TOKEN, DIGITALOCEAN_ACCESS_TOKEN or DO_TOKEN from the environment. The scope
            actions:read is enough.
        base_url: by default DIGITALOCEAN_API_URL, or https://api.digitalocean.com.
        history: the file of the local history; ":memory:" keeps nothing on disk; by default one in the user's data
            directory.
        fault_budget_s: seconds for which each request waits for faults to pass, such as a 503 or a lost network, before
            it fails; waits for a limit of requests do not count.

    Raises:
        TokenMissing: there is none, or it is not a text.
        InvalidArgument: the token has characters that no token has, or *fault_budget_s* is below 0.
        UnsafeAddress: the token would travel unencrypted.
    """
    token = _token_from_environment() if token is None else Secret(token)  # first: no frame is to have the real one
    if token is None:
        raise TokenMissing(
            f"There is no token: {', '.join(_TOKEN_VARIABLES)} are all unset. Make one with the scopes actions:read "
            "and droplet:read at https://cloud.digitalocean.com/account/api/tokens and put it into "
            "DIGITALOCEAN_TOKEN, or work without one on the simulated account: doaudit.demo()."
        )
    if not fault_budget_s >= 0:
        raise InvalidArgument(f"Faults are waited out for 0 seconds or longer; fault_budget_s is {fault_budget_s}.")
    address = base_url or os.getenv(_URL_VARIABLE) or DEFAULT_URL
    return Account(Client(token, address, fault_budget_s=fault_budget_s), history=history)


def _token_from_environment() -> Secret | None:
    # os.getenv, since a traceback with variables shows the whole environment where a line names it.
    return next(filter(None, (Secret(os.getenv(name)) for name in _TOKEN_VARIABLES)), None)


def demo(seed: int = 7, *, speed: float = 1.0, actions: int | None = None, quiet: bool = False) -> Account:
    """
    Open a simulated account: a company's three years, served on this machine, without a token or the internet.

    The same *seed* gives the same account. Its clock starts on 2026-11-23 at 12:00 UTC, and goes *speed* times as fast
    as ours: with 60, a snapshot of five minutes takes five seconds. Its history has 52,292 actions, or as many as
    *actions* says; a few hundred are read at once. Nothing is kept on disk.

    What an audit is to find is planted in it, and `from doaudit.demo import planted` lists it: an incident, actions
    that never end, droplets that are off or have no backup, and more. With *quiet* none of it is there: actions fail at
    random, at the usual rates.

    Raises:
        InvalidArgument: *speed* is not above 0, or the company cannot have so many *actions*.
        ModuleNotFoundError: Flask is missing; `pip install "doaudit[demo]"` brings it.

    Example:
        >>> with demo(actions=300) as account:
        ...     len(account.actions())
        300
    """
    if not speed > 0:
        raise InvalidArgument(f"A simulated account's clock goes forward: speed is above 0; got {speed}.")
    try:
        server = simulator.serve(seed=seed, speed=speed, actions=actions, quiet=quiet)
    except ValueError as fault:  # the simulated account stands apart and knows none of our errors
        raise InvalidArgument(str(fault)) from None
    clock = ScaledClock(lambda: server.world.now, speed)
    return Account(Client(server.token, server.url, clock=clock), history=_IN_MEMORY, server=server, clock=clock)
