"""The face of the toolkit: an account, real or simulated, and what is known of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import pandas as pd

import doaudit.demo as simulated
from doaudit.actions import text_dtype, to_utc
from doaudit.analysis.expected import expected_durations
from doaudit.api.address import DEFAULT_URL
from doaudit.api.client import Client
from doaudit.api.resource_lists import read_list
from doaudit.clock import Clock, SystemClock
from doaudit.errors import InvalidArgument, TokenMissing
from doaudit.operations.action_requests import read_action
from doaudit.operations.submit import submit_event
from doaudit.operations.watch import WatchResult, watch
from doaudit.progress import ReadBar
from doaudit.snapshot import journal
from doaudit.snapshot.driver import drive
from doaudit.snapshot.job import Job, job_for, jobs
from doaudit.snapshot.plan import plan_snapshot
from doaudit.snapshot.state_folders import StateFolders, any_journals, state_folders

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from doaudit.actions import Action
    from doaudit.api.paging import Proof
    from doaudit.demo import DemoServer
    from doaudit.expected_duration import ExpectedDuration
    from doaudit.history.refresh import Refresh
    from doaudit.history.store import Store
    from doaudit.snapshot.run import Run

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
        self,
        client: Client,
        *,
        history: str | os.PathLike[str] | None = None,
        server: DemoServer | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._server = server
        self._clock = clock or SystemClock()
        self._path = history
        self._store: Store | None = None
        self._folders: StateFolders | None = None
        self._scratch: Path | None = None

    def __repr__(self) -> str:
        """Name the account and its history, never the token."""
        return f"<Account: {self.source}, history {self._store or 'not opened yet'}>"

    @property
    def is_simulated(self) -> bool:
        """Whether it is a simulated account of this process, in which nothing real can be changed."""
        return self._server is not None

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
        from doaudit.history.account_identity import open_history  # noqa: PLC0415 -- loads DuckDB, which `import doaudit` must not

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
            result = refresh(self._client, self.history, full=full, on_progress=bar)
        self.history.mark_started(
            (each.action_id, each.run_id, round(each.asked_at.timestamp())) for each in self._started()
        )
        return result

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
                "created_at": to_utc([row.get("created_at") for row in rows]),
            }
        )
        return table.sort_values("id", ignore_index=True)

    def act(self, resource: str, type: str, **arguments: Any) -> Action:  # noqa: A002, ANN401 -- the API's own word
        """
        Start an event at DigitalOcean, once, and give the action that it becomes.

        Args:
            resource: its key, as in the frame's column `resource`: 'droplet:3164450', 'image:7938391',
                'volume:7724db7c-e098-11e5-b522-000f53304e51', 'reserved_ip:45.55.96.47'.
            type: the event, as the API calls it: 'power_off', 'snapshot', 'transfer', 'attach', 'assign' ...
            arguments: what the event needs besides, such as name='before the upgrade'.

        Raises:
            InvalidArgument: there is no such resource, no such event of it, or the event needs another argument.
            Refused: it cannot be done now; if another event is in the way, the message says which.
            OutcomeUnknown: no answer says whether it was started; the message says what to look at.
            ApiProblem: it was not started, for another reason.

        Example:
            >>> with demo() as account:
            ...     droplet_id = account.droplets()["id"].iloc[0]
            ...     account.act(f"droplet:{droplet_id}", "reboot").status
            'in-progress'
        """
        action = submit_event(self._client, resource, type, arguments, clock=self._clock)
        journal.note_started(self._state().journals, resource, action, self.now())
        return action

    def action(self, action_id: int) -> Action:
        """
        Give one action, fresh from the API.

        Raises:
            NotFound: there is none with this id.
            ApiProblem: it could not be had.
        """
        return read_action(self._client, action_id)

    def follow(
        self,
        ids: Iterable[int],
        *,
        stop: threading.Event | None = None,
        on_change: Callable[[Action], None] = lambda _: None,
        on_trouble: Callable[[str], None] = lambda _: None,
    ) -> WatchResult:
        """
        Watch actions until each has ended or is overdue; see `doaudit.operations.follow.follow`.

        Raises:
            Unauthorized, Forbidden: the token may not read actions.
        """
        return watch(
            self._client,
            ids,
            expected=self.expected(),
            clock=self._clock,
            stop=stop,
            on_change=on_change,
            on_trouble=on_trouble,
        )

    def expected(self, resource: str = "") -> dict[str, ExpectedDuration]:
        """By type of event, how long it takes: of a droplet if a *resource* is given, as far as the history tells."""
        return expected_durations(self.history.read(), resource)

    def snapshot_plan(self, droplet_id: int, name: str | None = None, *, live: bool = False) -> Run:
        """
        What a snapshot of a droplet would take, step by step, with what is expected of each; nothing is changed.

        Args:
            droplet_id: the droplet.
            name: the snapshot's; by default the droplet's and the time in UTC.
            live: leave the droplet on.

        Raises:
            NotFound: there is no such droplet.
            NotPossible: the droplet is locked, or neither on nor off.
            InvalidArgument: the name cannot be one.
            ApiProblem: the droplet could not be read.
        """
        droplet_id = int(droplet_id)
        expected = self.expected(f"droplet:{droplet_id}")
        plan = plan_snapshot(self._client, droplet_id, name, live=live, expected=expected, now=self.now())
        left = tuple(
            f"An earlier run has left this droplet. {run.sentence}" + (" Take that up first." if run.readable else "")
            for run in self.unfinished()
            if run.droplet_id == droplet_id
        )
        return replace(plan, notes=(*left, *plan.notes))

    def snapshot_job(self, plan: Run) -> Job:
        """
        The job that does what was planned; it does nothing before its `start()`.

        If a snapshot of the droplet is being taken in this process already, that job.
        """
        return self._job(plan)

    def resume_job(self, run: Run) -> Job:
        """The job that goes on with a run of `unfinished()`; see `snapshot_job`."""
        return self._job(run)

    def jobs(self) -> list[Job]:
        """The snapshots of this account that are being taken in this process."""
        return [job for job in jobs() if job.running and job.key.startswith(self._client.fingerprint)]

    def unfinished(self) -> list[Run]:
        """
        List the snapshot runs that nobody drives and that are not over, or may have left a droplet off.

        One whose journal is damaged is in the phase 'unreadable': look at its droplet, and delete the file it names.

        Raises:
            FileProblem: their journals cannot be read.
            ApiProblem: this token is new here, and the API could not be asked whose it is.
        """
        return journal.unfinished(self._state()) if self._has_journals() else []

    def recent_run(self, droplet_id: int, name: str | None) -> Run | None:
        """
        Find the latest run of a droplet and a name that was begun within the last hour, whoever began it.

        A name that was not chosen is one name. A run that asked for nothing does not count.
        """
        if not self._has_journals():
            return None
        hour = timedelta(hours=1)
        found = [
            run
            for run in journal.runs(self._state().readable)
            if run.droplet_id == int(droplet_id)
            and (run.default_name if name is None else run.snapshot_name == name.strip())
            and (run.asked_for_anything or not run.ended)
            and abs(self.now() - run.created_at) < hour
        ]
        return found[-1] if found else None

    def started(self) -> pd.DataFrame:
        """
        The actions that doaudit started in this account, from this machine; the API itself names no actor.

        Returns:
            `id` (int64), `type`, `resource`, `run` (text; null for single events), `asked_at` (datetime64[s, UTC]).
        """
        found = self._started()
        columns = {
            "type": [each.type for each in found],
            "resource": [each.resource for each in found],
            "run": [each.run_id for each in found],
        }
        return pd.DataFrame(
            {
                "id": pd.Series([each.action_id for each in found], dtype="int64"),
                **{name: pd.Series(values, dtype=text_dtype()) for name, values in columns.items()},
                "asked_at": to_utc([each.asked_at.isoformat() for each in found]),
            }
        )

    def now(self) -> datetime:
        """The time on this account's clock; of a simulated account, its own."""
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def _job(self, run: Run) -> Job:
        key = f"{self._client.fingerprint} droplet:{run.droplet_id}"
        known = job_for(key)
        if known is not None and known.running:
            return known
        folders = self._state()

        def work(begun: Run, stop: threading.Event, on_change: Callable[[Run], None]) -> Run:
            client = self._client.urgent()
            try:
                return drive(client, begun, folders=folders, clock=self._clock, stop=stop, on_change=on_change)
            finally:
                client.close()

        return Job(work, run, key=key)

    def _started(self) -> list[journal.Started]:
        return journal.started(self._state().readable) if self._has_journals() else []

    def _has_journals(self) -> bool:
        # Whose token this is need not be asked where nothing was ever written down.
        return self._folders is not None or any_journals() or any(path.is_dir() for path in self._earlier_journals())

    def _earlier_journals(self) -> tuple[Path, ...]:
        from doaudit.history.account_identity import known_file  # noqa: PLC0415 -- see `history`

        file = known_file(self._client, self._path)
        return () if file is None else (file.with_suffix(".runs"),)

    def _state(self) -> StateFolders:
        if self._folders is None:
            if self.is_simulated:
                self._scratch = Path(tempfile.mkdtemp(prefix="doaudit-"))
                self._folders = StateFolders(self._scratch / "runs", self._scratch / "locks")
            else:
                self._folders = state_folders(self._client, earlier=self._earlier_journals())
        return self._folders

    def close(self) -> None:
        """Close its connections; of a simulated account, the server too."""
        self._client.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
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


class _SimulatedClock:
    """The clock of a simulated account, which may go faster than ours."""

    def __init__(self, server: DemoServer, speed: float) -> None:
        self._server, self._speed, self._real = server, speed, SystemClock()

    def now(self) -> float:
        return self._server.world.now

    def elapsed(self) -> float:
        return self._real.elapsed() * self._speed

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        return self._real.wait(seconds / self._speed, stop)


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
    server = simulated.serve(seed=seed, speed=speed)
    clock = _SimulatedClock(server, speed)
    return Account(Client(server.token, server.url, clock=clock), history=_IN_MEMORY, server=server, clock=clock)
