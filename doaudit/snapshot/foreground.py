"""Snapshot runs in the foreground: a job is started and waited for, with its log as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.errors import NotPossible, SnapshotFailed
from doaudit.formatting import utc_time
from doaudit.operations.console import confirmed, print_line
from doaudit.snapshot.signals import signals_received

if TYPE_CHECKING:
    from doaudit.snapshot.job import Job
    from doaudit.snapshot.run import LogLine, Run
    from doaudit.snapshot.runs import SnapshotRuns

__all__ = ["print_unfinished", "resume_all", "run_to_completion", "take_snapshot"]

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
    recent = None if again else runs.recent(droplet_id, name)
    if recent is not None:
        raise NotPossible(
            f"A snapshot '{recent.snapshot_name}' of droplet {recent.droplet_name} ({recent.droplet_id}) was begun at "
            f"{utc_time(recent.created_at)} UTC: {recent.sentence} A cell that is run again starts no second one; if "
            "that is what you want, say again=True."
        )
    plan = runs.plan(droplet_id, name, live=live)
    print_line(f"Snapshot '{plan.snapshot_name}' of droplet {plan.droplet_name} ({plan.droplet_id}).")
    for line in (plan.sentence, *plan.notes):
        print_line(line)
    if confirm is None:
        confirm = runs.simulated or confirmed("Begin? Type yes: ", how_without="confirm=True")
    if not confirm:
        raise NotPossible("Nothing was begun, because it was not confirmed.")
    return run_to_completion(runs.job(plan))


def resume_all(runs: SnapshotRuns) -> list[Run]:
    """
    Resume every unfinished run, one after the other; see `doaudit.account.Account.resume`.

    Raises:
        SnapshotFailed: one did not end well, or its journal is damaged; the others were resumed all the same.
    """
    unfinished = runs.unfinished()
    if not unfinished:
        print_line("Nothing was left unfinished.")
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
    if failures:
        raise failures[0]
    return ended


def print_unfinished(runs: SnapshotRuns) -> None:
    """Print what earlier runs have left unfinished, since their droplets may be off."""
    for run in runs.unfinished():
        print_line(
            f"LEFT UNFINISHED: the snapshot '{run.snapshot_name}' of droplet {run.droplet_name} ({run.droplet_id}), "
            f"begun {run.created_at:%Y-%m-%d %H:%M} UTC. Last known: {run.sentence}"
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
    print_log = _LogPrinter(job.state)
    job.listeners.append(print_log)
    with signals_received() as received:
        stopped_by = _wait_for(job, received)
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


def _wait_for(job: Job, received: list[int]) -> BaseException | None:
    """Start a job and wait until it has ended; return what to raise if it was told to stop meanwhile."""
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
            job.abandoned = True
            print_line(f"Left as it is, on the way back to a droplet that is on. Last known: {job.state.sentence}")
            raise stopped_by or KeyboardInterrupt
        return stopped_by


def _cancel(job: Job, what: str, once_more: str) -> None:
    job.cancel()
    print_line(f"{what}. The droplet's power is restored first; {once_more} leaves it as it is.")


class _LogPrinter:
    """Prints the lines of a run's log that are new since the last call."""

    def __init__(self, run: Run) -> None:
        self._last: LogLine | None = run.log[-1] if run.log else None

    def __call__(self, run: Run) -> None:
        # By the last line and not by their number: of a long log the oldest lines are dropped.
        fresh = run.log
        if self._last is not None and self._last in run.log:
            fresh = run.log[len(run.log) - run.log[::-1].index(self._last) :]
        for line in fresh:
            action = f" [action {line.action_id}]" if line.action_id else ""
            print_line(f"{utc_time(line.at)} UTC  {line.text}{action}")
        self._last = run.log[-1] if run.log else None
