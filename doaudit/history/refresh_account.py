"""Refresh of one account as its user sees it: with a bar of its own, or beside other accounts under shared bounds."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from doaudit.history.refresh import page_1_ahead, refresh
from doaudit.progress import ReadBar

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import datetime

    from doaudit.api.client import Client
    from doaudit.api.shared import Shared
    from doaudit.clock import Clock
    from doaudit.history.refresh import Refresh
    from doaudit.history.store import Store

__all__ = ["refresh_account"]


def refresh_account(  # noqa: PLR0913 -- the account, its history, what of it, and how
    client: Client,
    path: str | os.PathLike[str] | None,
    opened: Callable[[Client], Store],
    *,
    full: bool,
    since: datetime | None,
    shared: Shared | None,
    clock: Clock,
) -> Refresh:
    """
    Refresh an account's history, and show how far it is.

    Args:
        client: the account.
        path: the file of its history, as `doaudit.history.account_identity.open_history` takes it.
        opened: opens the history.
        full: read everything again.
        since: read no further back than to this moment, where older actions were never read.
        shared: what it shares with accounts that are read beside it; then there is no bar, and they are told instead.
        clock: tells when it was begun.

    Raises:
        As `refresh` and `open_history`; Stopped, if the reads of all accounts were stopped.
    """
    with ExitStack() as stack:
        on_progress: Callable[..., None]
        if shared is None:
            on_progress = stack.enter_context(ReadBar())
        else:
            client, on_progress = stack.enter_context(closing(client.sharing(shared))), shared.on_progress
        page_1 = stack.enter_context(page_1_ahead(client, path))
        store = opened(client)
        return refresh(client, store, full=full, since=since, page_1=page_1, on_progress=on_progress, clock=clock)
