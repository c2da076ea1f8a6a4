"""Snapshot runs in the foreground: a job is started and waited for, with its log as text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from doaudit.errors import FileProblem, NotPossible, SnapshotFailed
from doaudit.formatting import count, utc_time
from doaudit.operations.console import confirmed, print_line
from doaudit.snapshot.signals import signals_received

if TYPE_CHECKING:
    from doaudit.snapshot.job import Job
    from doaudit.snapshot.run import LogLine, Run
    from doaudit.snapshot.runs import SnapshotRuns

__all__ = [
    "LogPrinter",
    "Stoppable",
    "check_not_recent",
    "print_unfinished",
    "resume_runs",
    "run_to_completion",
    "take_snapshot",
    "wait_for",
]

_POLL_S = 0.2
_SIGNALS_THAT_END = 2  # this many signals end the waiting at once


def take_snapshot(
    runs: SnapshotRuns, droplet_id: int, name: str | None, *, live: bool, confirm: bool | None, again: bool
) -> Run:
    """
    Plan a snapshot, confirm it, take it and wait for it; see `doaudit.account.Account.snapshot`.

    Raises:
        SnapshotFailed, NotFound, NotPossible, KeyboardInterrupt, SystemExit: as there.
    """
    print_unfinished(runs)
    if not again:
        check_not_recent(runs, droplet_id, name)
    plan = runs.plan(droplet_id, name, live=live)
    print_line(f"Snapshot '{plan.snapshot_name}' of droplet {plan.droplet_name} ({plan.droplet_id}).")
    for line in (plan.sentence, *plan.notes):
        print_line(line)
    if confirm is None:
        confirm = runs.simulated or confirmed("Begin? Type yes: ", how_without="confirm=True")
    if not confirm:
        raise NotPossible("Nothing was begun, because it was not confirmed.")
    return run_to_completion(runs.job(plan))


def check_not_recent(runs: SnapshotRuns, droplet_id: int, name: str | None) -> None:
    """
    Refuse a snapshot that was begun within the last hour: a cell that is run again starts no second one.

    Raises:
        NotPossible: it was.
    """
    recent = runs.recent(droplet_id, name)
    if recent is not None:
        raise NotPossible(
            f"A snapshot '{recent.snapshot_name}' of droplet {recent.droplet_name} ({recent.droplet_id}) was begun at "
            f"{utc_time(recent.created_at)} UTC: {recent.sentence} A cell that is run again starts no second one; if "
            "that is what you want, say again=True."
        )


def resume_runs(runs: SnapshotRuns) -> tuple[list[Run], list[SnapshotFailed]]:
    """Resume every unfinished run, one after the other; return those that were resumed, and what did not end well."""
    unfinished = runs.unfinished()
    ended: list[Run] = []
    failures = [SnapshotFailed(run.sentence, run) for run in unfinished if not run.readable]
    for run in unfinished:
        try:
            if run.readable:
                wanted = not run.ended and run.ending != "cancelled"
                ended.append(run_to_completion(runs.job(run), wanted=wanted))
        except NotPossible as already_driven:
            print_line(str(already_driven))
        except SnapshotFailed as failure:
            failures.append(failure)
    for ended_badly in failures:
        print_line(str(ended_badly))
    return ended, failures


def print_unfinished(runs: SnapshotRuns) -> None:
    """Print what earlier runs have left unfinished, since their droplets may be off."""
    for run in runs.unfinished():
        print_line(
            f"LEFT UNFINISHED: the snapshot '{run.snapshot_name}' of droplet {run.droplet_name} ({run.droplet_id}), "
            f"begun {run.created_at:%Y-%m-%d %H:%M} UTC. Last known: {run.sentence}"
        )
    try:
        queues = runs.unfinished_queues()
    except FileProblem as problem:
        # No reason to leave a droplet off, or to take no other snapshot.
        print_line(str(problem))
        return
    for record in queues:
        waiting = ", ".join(f"{item.droplet_name} ({item.droplet_id})" for item in record.waiting)
        print_line(
            f"LEFT UNFINISHED: a queue of {count(len(record.items), 'snapshot')}, begun "
            f"{record.created_at:%Y-%m-%d %H:%M} UTC. Not begun yet: {waiting or 'none'}."
        )


def run_to_completion(job: Job, *, wanted: bool = True) -> Run:
    """
    Start a job and wait for it, with its log as text on standard error.

    Args:
        job: from `SnapshotRuns.job`.
        wanted: whether it is a failure if the snapshot does not exist at the end.

    Raises:
        SnapshotFailed: it did not end well.
        NotPossible, FileProblem: it was not begun.
        KeyboardInterrupt: Ctrl-C, after the droplet's power was restored; the second one, at once.
        SystemExit: SIGTERM (143) or SIGHUP (129), after the droplet's power was restored; the second one, at once.
    """
    print_log = LogPrinter(job.state)
    job.listeners.append(print_log)
    with signals_received() as received:
        stopped_by = wait_for(job, received)
    run = job.state
    print_log(run)
    if job.refusal is not None:
        raise job.refusal
    if run.ok:
        return run
    if run.needs_power_on or (stopped_by is None and wanted):
        raise SnapshotFailed(run.sentence, run)
    if isinstance(stopped_by, KeyboardInterrupt):
        raise KeyboardInterrupt(run.sentence)
    if stopped_by is not None:
        raise stopped_by
    return run


class Stoppable(Protocol):
    """Work in a thread that can be told to stop: a job or a queue."""

    @property
    def running(self) -> bool:
        """True while it runs."""

    @property
    def sentence(self) -> str:
        """State in a sentence."""

    def start(self) -> None:
        """Begin."""

    def cancel(self) -> None:
        """Stop, and restore the power."""

    def abandon(self) -> None:
        """Let the process end before that."""

    def wait(self, timeout: float | None = None) -> object:
        """Wait until it is over, or for so many seconds."""


def wait_for(job: Stoppable, received: list[int]) -> BaseException | None:
    """Start it and wait until it has ended; return what to raise if it was told to stop meanwhile."""
    interrupts = 0
    stopped_by: BaseException | None = None
    while True:
        try:
            job.start()
            while job.running and interrupts + len(received) < _SIGNALS_THAT_END:
                job.wait(_POLL_S)
                if received and stopped_by is None:
                    stopped_by = SystemExit(128 + received[0])  # the status by which shells tell a signal
                    _cancel(job, f"Told to stop (signal {received[0]})", "a second signal")
        except KeyboardInterrupt as interrupt:
            interrupts += 1
            if stopped_by is None:
                stopped_by = interrupt
                _cancel(job, "Stopping", "Ctrl-C once more")
                continue
        if job.running:
            job.abandon()
            print_line(f"Left as it is, on the way back to a droplet that is on. Last known: {job.sentence}")
            raise stopped_by or KeyboardInterrupt
        return stopped_by


def _cancel(job: Stoppable, what: str, once_more: str) -> None:
    job.cancel()
    print_line(f"{what}. The droplet's power is restored first; {once_more} leaves it as it is.")


class LogPrinter:
    """
    Prints the lines of a run's log that are new since the last call.

    Args:
        run: the run as it was; its lines are known.
        prefix: stands before each line.
    """

    def __init__(self, run: Run, prefix: str = "") -> None:
        self._last: LogLine | None = run.log[-1] if run.log else None
        self._prefix = prefix

    def __call__(self, run: Run) -> None:
        """Print what is new."""
        # By the last line and not by their number: of a long log the oldest lines are dropped.
        fresh = run.log
        if self._last is not None and self._last in run.log:
            fresh = run.log[len(run.log) - run.log[::-1].index(self._last) :]
        for line in fresh:
            action = f" [action {line.action_id}]" if line.action_id else ""
            print_line(f"{utc_time(line.at)} UTC  {self._prefix}{line.text}{action}")
        self._last = run.log[-1] if run.log else None
