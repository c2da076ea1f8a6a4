"""The snapshot runs of an account: plan one, start it, resume what is unfinished, list what is running."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pandas as pd

from doaudit.actions import text_dtype, to_utc
from doaudit.errors import InvalidArgument
from doaudit.snapshot import journal
from doaudit.snapshot.driver import drive
from doaudit.snapshot.job import Job, job_for, jobs
from doaudit.snapshot.plan import DROPLET, plan_snapshot
from doaudit.snapshot.queue import SnapshotQueue
from doaudit.snapshot.queue_record import QueuedSnapshot, QueueRecord, delete_record, load_records
from doaudit.snapshot.run import Run
from doaudit.snapshot.state_folders import StateFolders, any_journals, state_folders

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from doaudit.actions import Action
    from doaudit.api.client import Client
    from doaudit.clock import Clock
    from doaudit.expected_duration import ExpectedDuration

__all__ = ["SnapshotRuns"]

_RECENT = timedelta(hours=1)


class SnapshotRuns:
    """
    The snapshot runs of one account, as `account.snapshot_runs`. They are recorded in journals, see
    `doaudit.snapshot.journal`.

    Args:
        client: the account.
        clock: waits and tells the time.
        expected: gives the expected durations of a resource's events, by its key.
        earlier_journals: gives the folders in which earlier versions of doaudit kept journals.
        simulated: true for an account of this process, whose journals end with it.
    """

    def __init__(
        self,
        client: Client,
        *,
        clock: Clock,
        expected: Callable[[str], Mapping[str, ExpectedDuration]],
        earlier_journals: Callable[[], tuple[Path, ...]],
        simulated: bool,
    ) -> None:
        self.simulated = simulated
        self._client, self._clock = client, clock
        self._expected, self._earlier_journals = expected, earlier_journals
        self._folders: StateFolders | None = None
        self._scratch: Path | None = None
        self._queues: list[SnapshotQueue] = []

    def plan(self, droplet_id: int, name: str | None = None, *, live: bool = False) -> Run:
        """
        Plan a snapshot of a droplet, with its steps and the expected duration of each; nothing is changed.

        Args:
            droplet_id: the droplet.
            name: the snapshot's; by default the droplet's and the time in UTC. `{droplet}` in it is the droplet's name.
            live: leave the droplet on.

        Raises:
            NotFound: there is no such droplet.
            NotPossible: the droplet is locked, or neither on nor off.
            InvalidArgument: the name cannot be one.
            ApiProblem: the droplet could not be read.

        Example:
            >>> from doaudit.connect import demo
            >>> with demo() as account:
            ...     plan = account.snapshot_runs.plan(account.droplets()["id"].iloc[0])
            >>> plan.phase, plan.steps[0].name
            ('planned', 'prepare')
        """
        droplet_id = int(droplet_id)
        expected = self._expected(f"droplet:{droplet_id}")
        plan = plan_snapshot(self._client, droplet_id, name, live=live, expected=expected, now=self._now())
        notes = tuple(
            f"An earlier run has left this droplet. {run.sentence}" + (" Resume that first." if run.readable else "")
            for run in self.unfinished()
            if run.droplet_id == droplet_id
        )
        return replace(plan, notes=(*notes, *plan.notes))

    def job(self, run: Run) -> Job:
        """
        Return the job that carries out a plan or resumes an unfinished run; it does nothing before its `start()`.

        If a snapshot of the droplet is being taken in this process already, that job.
        """
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

    def start(self, plan: Run) -> Job:
        """
        Start what was planned in a thread of its own, and return its job.

        Raises:
            ApiProblem: this token is new here, and the API could not be asked for its account.
            FileProblem: the folder for journals cannot be used.
        """
        job = self.job(plan)
        job.start()
        return job

    def resume(self, run: Run) -> Job:
        """
        Resume a run of `unfinished()` in a thread of its own, and return its job.

        Raises:
            ApiProblem, FileProblem: as `start`.
        """
        return self.start(run)

    def queue(
        self, plans: Sequence[Run], *, at_once: int = 1, keep_going: bool = False, queue_id: str | None = None
    ) -> SnapshotQueue:
        """
        Return the queue of several plans; it does nothing before its `start()`.

        Args:
            plans: in the order in which they are begun.
            at_once: how many are taken at the same time.
            keep_going: whether the others are taken after one has failed.
            queue_id: of the queue of `unfinished_queues` that goes on with these.

        Raises:
            InvalidArgument: there is no plan, a droplet comes twice, or *at_once* is below 1.
            ApiProblem, FileProblem: as `start`.
        """
        droplets = [plan.droplet_id for plan in plans]
        if not droplets or len(set(droplets)) < len(droplets) or at_once < 1:
            raise InvalidArgument(
                "A queue has one snapshot or more, each of another droplet, and takes one or more at once; got the "
                f"droplets {droplets} and at_once={at_once!r}."
            )
        items = tuple(
            QueuedSnapshot(
                plan.droplet_id, plan.droplet_name, None if plan.default_name else plan.snapshot_name, plan.live
            )
            for plan in plans
        )
        name = queue_id or f"{self._now():%Y%m%dT%H%M%SZ}-{uuid4().hex[:8]}"
        record = QueueRecord(name, self._now(), items, at_once, keep_going)
        queue = SnapshotQueue(self, record, plans, self._state().queues)
        self._queues.append(queue)
        return queue

    def running_queues(self) -> list[SnapshotQueue]:
        """Return the queues of this account that are running in this process."""
        return [queue for queue in self._queues if queue.running]

    def queue_left_of(self, record: QueueRecord) -> SnapshotQueue | None:
        """
        Return the queue of what is left of an unfinished one (see `left_of`); None, and no record, if nothing is.

        Raises:
            FileProblem: the record cannot be deleted.
        """
        left = self.left_of(record)
        if not left:
            delete_record(self._state().queues, record)
            return None
        # Without an id: each droplet is looked at when its turn comes, and one that is gone is a failure of its own.
        plans = [
            Run(
                id="",
                droplet_id=item.droplet_id,
                droplet_name=item.droplet_name,
                snapshot_name=item.name or f"{item.droplet_name} and the time",
                default_name=item.name is None,
                live=item.live,
                was_on=True,
                created_at=record.created_at,
            )
            for item in left
        ]
        return self.queue(plans, at_once=record.at_once, keep_going=record.keep_going, queue_id=record.id)

    def left_of(self, record: QueueRecord) -> tuple[QueuedSnapshot, ...]:
        """
        Return what is left of an unfinished queue: what has no run, and so asked for nothing.

        Nothing is, if a run of it did not end well and that was to end the queue.
        """
        begun = {item: journal.load(self._state().readable, item.run_id) for item in record.items if item.run_id}
        if not record.keep_going and any(run is not None and not run.ok for run in begun.values()):
            return ()
        return tuple(item for item in record.items if begun.get(item) is None)

    def unfinished_queues(self) -> list[QueueRecord]:
        """
        Return the records of queues that nobody drives and that are not over.

        Raises:
            FileProblem: one cannot be read, or is damaged.
        """
        if not self._has_journals():
            return []
        folders = self._state()
        return [record for record in load_records(folders.queues) if not folders.queue_is_locked(record.id)]

    def running(self) -> list[Job]:
        """Return the jobs of this account that are running in this process."""
        return [job for job in jobs() if job.running and job.key.startswith(self._client.fingerprint)]

    def unfinished(self) -> list[Run]:
        """
        Return the runs that nobody drives and that have not ended, or may have left a droplet off.

        One whose journal is damaged is in the phase 'unreadable': look at its droplet, and delete the file it names.

        Raises:
            FileProblem: their journals cannot be read.
            ApiProblem: this token is new here, and the API could not be asked for its account.
        """
        return journal.unfinished(self._state()) if self._has_journals() else []

    def recent(self, droplet_id: int, name: str | None) -> Run | None:
        """
        Find the latest run of a droplet and a snapshot name that was begun within the last hour, by whomever.

        All names that were made up count as one name. A run that has asked for nothing does not count.
        """
        if not self._has_journals():
            return None
        found = [
            run
            for run in journal.runs(self._state().readable)
            if run.droplet_id == int(droplet_id)
            and (
                run.default_name
                if name is None
                else run.snapshot_name == name.replace(DROPLET, run.droplet_name).strip()
            )
            and (run.asked_for_anything or not run.ended)
            and abs(self._now() - run.created_at) < _RECENT
        ]
        return found[-1] if found else None

    def note_started(self, resource: str, action: Action) -> None:
        """
        Record in a journal that doaudit started a single action.

        Raises:
            FileProblem: the journal cannot be written.
            ApiProblem: this token is new here, and the API could not be asked for its account.
        """
        journal.note_started(self._state().journals, resource, action, self._now())

    def started(self) -> list[journal.Started]:
        """
        Return the actions that doaudit has started, single ones and those of runs, oldest first.

        Raises:
            FileProblem: a journal cannot be read.
            ApiProblem: this token is new here, and the API could not be asked for its account.
        """
        return journal.started(self._state().readable) if self._has_journals() else []

    def started_table(self) -> pd.DataFrame:
        """
        Return `started` as a table.

        Returns:
            `id` (int64), `type`, `resource`, `run` (text; null for single events), `asked_at` (datetime64[s, UTC]).
        """
        actions = self.started()
        columns = {
            "type": [action.type for action in actions],
            "resource": [action.resource for action in actions],
            "run": [action.run_id for action in actions],
        }
        return pd.DataFrame(
            {
                "id": pd.Series([action.action_id for action in actions], dtype="int64"),
                **{name: pd.Series(values, dtype=text_dtype()) for name, values in columns.items()},
                "asked_at": to_utc([action.asked_at.isoformat() for action in actions]),
            }
        )

    def close(self) -> None:
        """Remove the journals of a simulated account."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)

    def _has_journals(self) -> bool:
        # The account behind a token need not be asked for where nothing was ever recorded.
        return self._folders is not None or any_journals() or any(path.is_dir() for path in self._earlier_journals())

    def _state(self) -> StateFolders:
        if self._folders is None:
            if self.simulated:
                self._scratch = Path(tempfile.mkdtemp(prefix="doaudit-"))
                self._folders = StateFolders(self._scratch / "runs", self._scratch / "locks")
            else:
                self._folders = state_folders(self._client, earlier=self._earlier_journals())
        return self._folders
