"""An account, real or simulated: its actions, its local history, and what can be started in it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

from doaudit.actions import Action, started_since
from doaudit.analysis.expected import comparable_durations, expected_durations
from doaudit.api.droplets import read_droplets
from doaudit.clock import Clock, SystemClock
from doaudit.operations.action_requests import newest_actions, read_action
from doaudit.operations.poller import Poller
from doaudit.operations.submit import submit_event
from doaudit.operations.wait import wait_for
from doaudit.operations.watch import WatchResult, watch
from doaudit.since import parse_since
from doaudit.snapshot.methods import SnapshotMethods
from doaudit.snapshot.runs import SnapshotRuns

if TYPE_CHECKING:
    import os
    import threading
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import pandas as pd

    from doaudit.api.client import Client
    from doaudit.api.listing import Proof
    from doaudit.api.shared import Shared
    from doaudit.demo import DemoServer
    from doaudit.expected_duration import ExpectedDuration
    from doaudit.history.check import Check
    from doaudit.history.refresh import Refresh
    from doaudit.history.store import Store
    from doaudit.since import Since

__all__ = ["Account"]


class Account(SnapshotMethods, AbstractContextManager["Account"]):
    """
    One DigitalOcean account and its local history; made by `doaudit.connect` or `doaudit.demo`.

    Nothing is asked of the API, and no file is opened, before the first call that needs it. `snapshot_runs` plans,
    starts, resumes and lists snapshot runs; see `doaudit.snapshot.runs.SnapshotRuns`.
    """

    def __init__(
        self,
        client: Client,
        *,
        history: str | os.PathLike[str] | None = None,
        server: DemoServer | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client, self._server, self._path = client, server, history
        self._clock = clock or SystemClock()
        self._store: Store | None = None
        self._poller: Poller | None = None
        earlier, simulated = self._earlier_journals, server is not None
        self.snapshot_runs = SnapshotRuns(
            client, clock=self._clock, expected=self.expected, earlier_journals=earlier, simulated=simulated
        )

    def __repr__(self) -> str:
        """Name the account and its history, never the token."""
        return f"<Account: {self.source}, history {self._store or 'not opened yet'}>"

    @property
    def is_simulated(self) -> bool:
        """True for a simulated account of this process, in which nothing real can be changed."""
        return self._server is not None

    @property
    def source(self) -> str:
        """Source of the actions: the API's address, or 'simulated account'."""
        return self._client.base_url if self._server is None else "simulated account"

    @property
    def history(self) -> Store:
        """
        The local history: `.sql("SELECT ...")`, `.export_parquet(folder)`, `.path`; see `doaudit.history.store`.

        Raises:
            HistoryLocked, WrongAccount, NewerHistory, FileProblem: its file cannot be used.
            ApiProblem: this token is new here, and the API could not be asked for its account.
        """
        return self._open_history(self._client)

    @property
    def proof(self) -> Proof | None:
        """Proof that the history held every action when it was last read; None before the first read."""
        from doaudit.history.proof import stored_proof  # noqa: PLC0415 -- see `_open_history`

        return stored_proof(self.history)

    def check(self) -> Check:
        """
        Check whose token this is, what it may read, the requests left, the local history, and what will be lacking.

        Raises:
            ApiProblem: the API does not know the token, or could not be asked.
        """
        from doaudit.history.check import check_account  # noqa: PLC0415 -- see `_open_history`

        return check_account(self._client, self._store, self._path)

    def refresh(self, *, full: bool = False, since: Since | None = None, shared: Shared | None = None) -> Refresh:
        """
        Read into the history what is new and what was open, with a progress bar in a notebook or terminal.

        Args:
            full: read everything again; `updated` then counts what differed.
            since: read no further back than to "90d" ago, or "2026-06-01" (see `doaudit.since`), where older actions
                were never read. A later refresh without it goes on from there.
            shared: what it shares with other accounts that are read beside it (see `doaudit.accounts`); then no bar.

        Raises:
            ReadIncomplete: a page could not be read. What was read is kept, and the next refresh goes on from there.
            ApiProblem, HistoryLocked: nothing could be read, or another process is using the history.
            InvalidArgument: *since* is no moment, or comes together with *full*.
        """
        from doaudit.history.refresh_account import refresh_account  # noqa: PLC0415 -- see `_open_history`

        start = None if since is None else parse_since(since, self.now())
        opened, clock = self._open_history, self._clock
        result = refresh_account(self._client, self._path, opened, full=full, since=start, shared=shared, clock=clock)
        started = self.snapshot_runs.started()
        self.history.mark_started((each.action_id, each.run_id, round(each.asked_at.timestamp())) for each in started)
        return result

    def actions(self, *, refresh: bool = True, since: Since | None = None) -> pd.DataFrame:
        """
        Return the actions that started *since* a moment, by default all, as a frame, newest first; after a refresh.

        Raises:
            As `refresh`; `actions(refresh=False)` has what was read.

        Example:
            >>> from doaudit.connect import demo
            >>> with demo() as account:
            ...     len(account.actions())
            52292
        """
        start = None if since is None else parse_since(since, self.now())
        if refresh:
            self.refresh(since=start)
        return self.history.read() if start is None else started_since(self.history.read(), start)

    def droplets(self) -> pd.DataFrame:
        """
        Return the droplets that exist now.

        Returns:
            `id` (int64), `name`, `status`, `region`, `size` (text), `created_at` (datetime64[s, UTC]), `snapshot_ids`,
            `backup_ids` (lists of int: what exists), `backups_enabled` (boolean); null where the API does not tell.

        Raises Forbidden if the token lacks the scope droplet:read, and ApiProblem if they could not be read.
        """
        return read_droplets(self._client)

    def act(self, resource: str, type: str, **arguments: Any) -> Action:  # noqa: A002, ANN401 -- the API's own word
        """
        Start an event, once, and return the action that it becomes.

        Args:
            resource: its key, as in the frame's column `resource`: 'droplet:3164450', 'image:7938391',
                'volume:7724db7c-e098-11e5-b522-000f53304e51', 'reserved_ip:45.55.96.47'.
            type: the event, as the API calls it: 'power_off', 'snapshot', 'transfer', 'attach', 'assign' ...
            arguments: what the event needs besides, such as name='before the upgrade'.

        Raises:
            InvalidArgument: there is no such resource, no such event of it, or the event needs another argument.
            Refused: it cannot be done now; if another event is pending, the message says which.
            OutcomeUnknown: no response says whether it was started; the message says what to look at.
            ApiProblem: it was not started, for another reason.
        """
        action = submit_event(self._client, resource, type, arguments, clock=self._clock)
        self.snapshot_runs.note_started(resource, action)
        return action

    def action(self, action_id: int) -> Action:
        """
        Read one action from the API.

        Raises:
            NotFound, ApiProblem: there is none with this id, or it could not be read.
        """
        return read_action(self._client, action_id)

    @overload
    def wait(self, actions: Action | int) -> Action: ...
    @overload
    def wait(self, actions: Iterable[Action | int]) -> list[Action]: ...
    def wait(self, actions: Action | int | Iterable[Action | int]) -> Action | list[Action]:
        """
        Wait until an action, or each of many, has ended, and return them as they are then.

        An action that errored is no error here: look at its `outcome`. Ctrl-C returns them as they were last seen.

        Args:
            actions: an action, its id, or many of either.

        Raises:
            TimedOut: one is open for far longer than its type takes (three times the p99, and at least 10 minutes, an
                hour for snapshots). It has not failed, and may still end.
            NotFound, ApiProblem: DigitalOcean knows no such action, or actions cannot be read at all.

        Example:
            >>> from doaudit.connect import demo
            >>> with demo(speed=1000) as account:
            ...     droplet_id = account.droplets()["id"].iloc[0]
            ...     account.wait(account.act(f"droplet:{droplet_id}", "reboot")).outcome
            'completed'
        """
        wanted = [actions] if isinstance(actions, Action | int) else actions
        expected = comparable_durations(self.history.read())
        ended = wait_for(self._client, wanted, expected=expected, clock=self._clock)
        return ended[0] if isinstance(actions, Action | int) else ended

    def watch(
        self,
        ids: Iterable[int],
        *,
        stop: threading.Event | None = None,
        on_change: Callable[[Action], None] = lambda _: None,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> WatchResult:
        """
        Watch actions until each has ended or is overdue, with the arguments of `doaudit.operations.watch.watch`.

        Raises Unauthorized or Forbidden if the token may not read actions.
        """
        expected, clock = comparable_durations(self.history.read()), self._clock
        return watch(
            self._client, ids, expected=expected, clock=clock, stop=stop, on_change=on_change, on_trouble=on_trouble
        )

    def poller(self, *, interval_s: float | None = None) -> Poller:
        """Return the one poller of open actions, to be started; the first call chooses the seconds between requests."""
        from doaudit.history.baseline import read_baseline  # noqa: PLC0415 -- see `_open_history`

        if self._poller is None:
            self._poller = Poller(
                lambda: read_baseline(self.history),
                lambda: newest_actions(self._client, "/v2/actions"),
                self.action,
                interval_s=interval_s,
            )
        return self._poller

    def expected(self, resource: str = "") -> dict[str, ExpectedDuration]:
        """
        Compute from the history how long events take, by type; see `doaudit.analysis.expected`.

        Args:
            resource: a key such as 'droplet:3164450', for its own durations where there are enough.

        Raises:
            HistoryLocked: another process has been using the history for too long.
        """
        return expected_durations(self.history.read(), resource)

    def now(self) -> datetime:
        """Return the time on this account's clock; of a simulated account, its own."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def close(self) -> None:
        """Close its connections; of a simulated account, the server too."""
        self._client.close()
        self.snapshot_runs.close()
        if self._server is not None:
            self._server.stop()

    def __exit__(self, *_: object) -> None:
        """Close it when the block ends."""
        self.close()

    def _open_history(self, client: Client) -> Store:
        from doaudit.history.account_identity import open_history  # noqa: PLC0415 -- loads DuckDB, only when it is used

        if self._store is None:
            self._store = open_history(client, self._path)
        return self._store

    def _earlier_journals(self) -> tuple[Path, ...]:
        from doaudit.history.account_identity import known_file  # noqa: PLC0415 -- see `_open_history`

        file = known_file(self._client, self._path)
        return () if file is None else (file.with_suffix(".runs"),)
