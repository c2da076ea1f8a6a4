"""The face of the toolkit: an account, real or simulated, and what is known of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import doaudit.demo as simulated
from doaudit.actions import to_frame
from doaudit.api.client import DEFAULT_URL, Client
from doaudit.api.paging import Listing, Proof, read_actions
from doaudit.errors import ReadIncomplete, ReadInterrupted, TokenMissing
from doaudit.progress import ReadBar

if TYPE_CHECKING:
    from types import TracebackType

    import pandas as pd

    from doaudit.demo import DemoServer

__all__ = ["Account", "Refresh", "connect", "demo"]

_TOKEN_VARIABLES = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN")
_URL_VARIABLE = "DIGITALOCEAN_API_URL"


@dataclass(frozen=True)
class Refresh:
    """What a refresh did: its proof, and how many actions were new, and had newly finished, since the last."""

    proof: Proof
    new: int
    finished: int

    @property
    def complete(self) -> bool:
        """Whether every action of the account is in hand."""
        return self.proof.complete

    def __str__(self) -> str:
        """Say it in a sentence."""
        proof = self.proof
        verdict = (
            f"complete: {proof.distinct_ids:,} distinct ids, and the API reports as many"
            if proof.complete
            else f"INCOMPLETE: {proof.distinct_ids:,} of {proof.total_reported:,} ({proof.reason})"
        )
        return f"Read {proof.distinct_ids:,} actions in {proof.pages_read:,} requests; {verdict}."


class Account:
    """
    One DigitalOcean account; made by `connect` or `demo`.

    Nothing is asked of the API before the first `refresh` or `actions`.
    """

    def __init__(self, client: Client, server: DemoServer | None = None) -> None:
        self._client = client
        self._server = server
        self._listing: Listing | None = None

    def __repr__(self) -> str:
        """Name the account and what is in hand of it, never the token."""
        held = "nothing read yet" if self._listing is None else f"{len(self._listing.records):,} actions read"
        return f"<Account: {self.source}, {held}>"

    @property
    def source(self) -> str:
        """Where the actions come from: the API's address, or 'simulated account'."""
        return self._client.base_url if self._server is None else "simulated account"

    @property
    def proof(self) -> Proof | None:
        """Whether the actions in hand are all there are, and how one can tell; None before the first refresh."""
        return None if self._listing is None else self._listing.proof

    def refresh(self) -> Refresh:
        """
        Read the account's actions from the API, with a progress bar where somebody looks.

        Raises:
            ReadIncomplete: a page could not be had. What was read is kept: `actions(refresh=False)` has it.
            ApiProblem: nothing could be had, for one of the reasons in `doaudit.errors`.
        """
        try:
            with ReadBar("actions") as bar:
                listing = read_actions(self._client, on_progress=bar)
        except (ReadIncomplete, ReadInterrupted) as stopped:
            if self._listing is None or not self._listing.proof.complete:
                self._listing = stopped.listing
            raise
        before = {record.id: record.completed_at for record in (self._listing.records if self._listing else ())}
        self._listing = listing
        return Refresh(
            proof=listing.proof,
            new=sum(record.id not in before for record in listing.records),
            finished=sum(
                record.completed_at is not None and before.get(record.id, "") is None for record in listing.records
            ),
        )

    def actions(self, *, refresh: bool = True) -> pd.DataFrame:
        """
        Give every action as a frame (see `doaudit.actions`), newest first, freshly read unless *refresh* is false.

        Raises:
            ReadIncomplete: a page could not be had. What was read is kept: `actions(refresh=False)` has it.
            ApiProblem: nothing could be had, for one of the reasons in `doaudit.errors`.

        Example:
            >>> with demo() as account:
            ...     len(account.actions())
            52292
        """
        if refresh:
            self.refresh()
        if self._listing is None:
            return to_frame([], 0)
        return to_frame(self._listing.records, self._listing.observed_at)

    def close(self) -> None:
        """Close its connections; of a simulated account, the server too."""
        self._client.close()
        if self._server is not None:
            self._server.stop()

    def __enter__(self) -> Self:
        """Close it when the block ends."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def connect(token: str | None = None, base_url: str | None = None) -> Account:
    """
    Open an account by its API token.

    Args:
        token: else DIGITALOCEAN_TOKEN, DIGITALOCEAN_ACCESS_TOKEN or DO_TOKEN from the environment. The scope
            actions:read is enough.
        base_url: else DIGITALOCEAN_API_URL, else https://api.digitalocean.com.

    Raises:
        TokenMissing: there is none.
        InvalidArgument: the token has characters that no token has.
        UnsafeAddress: the token would travel unencrypted.
    """
    found = token if token is not None else _from_environment()
    if found is None:
        raise TokenMissing(
            f"There is no token: {', '.join(_TOKEN_VARIABLES)} are all unset. Make one with the scopes actions:read "
            "and droplet:read at https://cloud.digitalocean.com/account/api/tokens and put it into "
            "DIGITALOCEAN_TOKEN, or work without one on the simulated account: doaudit.demo()."
        )
    return Account(Client(found, base_url or os.environ.get(_URL_VARIABLE) or DEFAULT_URL))


def _from_environment() -> str | None:
    return next((value for name in _TOKEN_VARIABLES if (value := os.environ.get(name, "").strip())), None)


def demo(seed: int = 7) -> Account:
    """
    Open a simulated account: a company's three years, served on this machine, without a token or the internet.

    The same *seed* gives the same history. Its clock starts on 2026-11-23 at 12:00 UTC.

    Raises:
        ModuleNotFoundError: Flask is missing; `pip install "doaudit[demo]"` brings it.
    """
    server = simulated.serve(seed=seed)
    return Account(Client(server.token, server.url), server)
