"""The face of the toolkit: an account, real or simulated, and what is known of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

import pandas as pd

import doaudit.demo as simulated
from doaudit.actions import instants, text_dtype
from doaudit.api.client import DEFAULT_URL, Client
from doaudit.api.lists import read_list
from doaudit.errors import TokenMissing
from doaudit.progress import ReadBar

if TYPE_CHECKING:
    from types import TracebackType

    from doaudit.api.paging import Proof
    from doaudit.demo import DemoServer
    from doaudit.history.refresh import Refresh
    from doaudit.history.store import Store

__all__ = ["Account", "connect", "demo"]

_TOKEN_VARIABLES = ("DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN", "DO_TOKEN")
_URL_VARIABLE = "DIGITALOCEAN_API_URL"
_IN_MEMORY = ":memory:"


class Account:
    """
    One DigitalOcean account and its local history; made by `connect` or `demo`.

    Nothing is asked of the API, and no file is opened, before the first call that needs it.
    """

    def __init__(
        self, client: Client, *, history: str | os.PathLike[str] | None = None, server: DemoServer | None = None
    ) -> None:
        self._client = client
        self._server = server
        self._path = history
        self._store: Store | None = None

    def __repr__(self) -> str:
        """Name the account and its history, never the token."""
        return f"<Account: {self.source}, history {self._store or 'not opened yet'}>"

    @property
    def source(self) -> str:
        """Where the actions come from: the API's address, or 'simulated account'."""
        return self._client.base_url if self._server is None else "simulated account"

    @property
    def history(self) -> Store:
        """
        The local history: `.sql("SELECT ...")`, `.export_parquet(folder)`, `.path`; see `doaudit.history.store`.

        Raises:
            HistoryLocked, WrongAccount, NewerHistory, FileProblem: its file cannot be used.
            ApiProblem: this token is new here, and the API could not be asked whose it is.
        """
        from doaudit.history.whose import open_history  # noqa: PLC0415 -- loads DuckDB, which `import doaudit` must not

        if self._store is None:
            self._store = open_history(self._client, self._path)
        return self._store

    @property
    def proof(self) -> Proof | None:
        """Whether the actions in the history were all there were, and how one can tell; None before the first read."""
        from doaudit.history.refresh import stored_proof  # noqa: PLC0415 -- see `history`

        return stored_proof(self.history)

    def refresh(self, *, full: bool = False) -> Refresh:
        """
        Bring the history up to date: what is new, and what was open; with a progress bar where somebody looks.

        With *full*, everything is read again, and `updated` counts what differed.

        Raises:
            ReadIncomplete: a page could not be had. What was read is kept, and the next refresh goes on from there.
            ApiProblem: nothing could be had, for one of the reasons in `doaudit.errors`.
            HistoryLocked: another process has been using the history for too long.
        """
        from doaudit.history.refresh import refresh  # noqa: PLC0415 -- see `history`

        with ReadBar() as bar:
            return refresh(self._client, self.history, full=full, on_progress=bar)

    def actions(self, *, refresh: bool = True) -> pd.DataFrame:
        """
        Give every action as a frame (see `doaudit.actions`), newest first; unless *refresh* is false, up to date.

        Raises:
            ReadIncomplete: a page could not be had. What was read is kept: `actions(refresh=False)` has it.
            ApiProblem: nothing could be had, for one of the reasons in `doaudit.errors`.
            HistoryLocked: another process has been using the history for too long.

        Example:
            >>> with demo() as account:
            ...     len(account.actions())
            52292
        """
        if refresh:
            self.refresh()
        return self.history.read()

    def droplets(self) -> pd.DataFrame:
        """
        Give the droplets that exist now, as the API lists them.

        Returns:
            `id` (int64), `name`, `status`, `region`, `size` (text), `created_at` (datetime64[s, UTC]).

        Raises:
            Forbidden: the token lacks the scope droplet:read.
            ApiProblem: they could not be had for another reason.
        """
        rows, _ = read_list(self._client, "/v2/droplets", "droplets")
        table = pd.DataFrame(
            {
                "id": pd.Series([row["id"] for row in rows], dtype="int64"),
                **{name: pd.Series([row.get(name) for row in rows], dtype=text_dtype()) for name in ("name", "status")},
                "region": pd.Series([(row.get("region") or {}).get("slug") for row in rows], dtype=text_dtype()),
                "size": pd.Series([row.get("size_slug") for row in rows], dtype=text_dtype()),
                "created_at": instants([row.get("created_at") for row in rows]),
            }
        )
        return table.sort_values("id", ignore_index=True)

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


def connect(
    token: str | None = None, base_url: str | None = None, history: str | os.PathLike[str] | None = None
) -> Account:
    """
    Open an account by its API token.

    Args:
        token: else DIGITALOCEAN_TOKEN, DIGITALOCEAN_ACCESS_TOKEN or DO_TOKEN from the environment. The scope
            actions:read is enough.
        base_url: else DIGITALOCEAN_API_URL, else https://api.digitalocean.com.
        history: the file of the local history; ":memory:" keeps nothing on disk; else one in the user's data directory.

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
    return Account(Client(found, base_url or os.environ.get(_URL_VARIABLE) or DEFAULT_URL), history=history)


def _from_environment() -> str | None:
    return next((value for name in _TOKEN_VARIABLES if (value := os.environ.get(name, "").strip())), None)


def demo(seed: int = 7) -> Account:
    """
    Open a simulated account: a company's three years, served on this machine, without a token or the internet.

    The same *seed* gives the same account. Its clock starts on 2026-11-23 at 12:00 UTC; nothing is kept on disk.

    Raises:
        ModuleNotFoundError: Flask is missing; `pip install "doaudit[demo]"` brings it.
    """
    server = simulated.serve(seed=seed)
    return Account(Client(server.token, server.url), history=_IN_MEMORY, server=server)
