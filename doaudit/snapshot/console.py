"""Act and watch from a script or a cell: blocking, with the progress as text."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, TextIO, overload

from doaudit.actions import Action
from doaudit.errors import NotPossible, SnapshotFailed, TimedOut
from doaudit.snapshot.signals import signals_received

if TYPE_CHECKING:
    from collections.abc import Iterable

    from doaudit.account import Account
    from doaudit.snapshot.job import Job
    from doaudit.snapshot.run import LogLine, Run

__all__ = ["resume", "run_to_completion", "say", "snapshot", "tell_unfinished", "wait"]

_EACH_S = 0.2
_INSISTS = 2  # so many signals end the waiting at once


@overload
def wait(account: Account, actions: Action | int) -> Action: ...
@overload
def wait(account: Account, actions: Iterable[Action | int]) -> list[Action]: ...
def wait(account: Account, actions: Action | int | Iterable[Action | int]) -> Action | list[Action]:
    """
    Wait until an action has ended, or until all of many have, and give them as they are then.

    An action that errored is no error here: look at its `outcome`. Ctrl-C gives them as they were last seen.

    Args:
        account: the account.
        actions: an action, its id, or many of either.

    Raises:
        TimedOut: one is open for far longer than its kind takes (three times the p99, and at least 10 minutes, an hour
            for snapshots). It has not failed, and may still end.
        NotFound: DigitalOcean knows no such action.
        ApiProblem: actions cannot be read at all.

    Example:
        >>> from doaudit.account import demo
        >>> with demo(speed=1000) as account:
        ...     droplet_id = account.droplets()["id"].iloc[0]
        ...     wait(account, account.act(f"droplet:{droplet_id}", "reboot")).outcome
        'completed'
    """
    one = isinstance(actions, Action | int)
    asked = [actions] if isinstance(actions, Action | int) else list(actions)
    ids = [each.id if isinstance(each, Action) else int(each) for each in asked]
    followed = account.follow(ids, on_trouble=say)
    if followed.absent:
        for absent in followed.absent:
            account.action(absent)  # raises the NotFound that it is
    if followed.timed_out:
        raise TimedOut(
            f"Not ended in time, and not failed: action {', '.join(map(str, followed.timed_out))}. Look again later "
            f"with account.action({followed.timed_out[0]}); if it stays open, ask DigitalOcean's support.",
            followed.actions,
        )
    by_id = {action.id: action for action in followed.actions}
    return by_id[ids[0]] if one else [by_id[each] for each in ids if each in by_id]


def snapshot(
    account: Account,
    droplet_id: int,
    name: str | None = None,
    *,
    live: bool = False,
    confirm: bool | None = None,
    again: bool = False,
) -> Run:
    """
    Take a snapshot of a droplet, and wait for it: shut it down, snapshot it, switch it on again.

    Ctrl-C, SIGTERM and SIGHUP cancel: the droplet is switched on again before it returns.

    Args:
        account: the account.
        droplet_id: the droplet. One that is off stays off.
        name: the snapshot's; by default the droplet's and the time in UTC.
        live: leave the droplet on; what it writes meanwhile may be in the snapshot half-way.
        confirm: begin without asking. By default a real account is asked for, in the cell or the terminal.
        again: begin although a run of the same droplet and name was begun within the last hour.

    Raises:
        SnapshotFailed: there is no snapshot, or the droplet is not as it was; the message and its `run` say which.
        NotFound, NotPossible: the droplet is not there, or cannot be worked on, or it was not confirmed, or the same
            snapshot was asked for within the last hour; nothing was changed.
        KeyboardInterrupt: Ctrl-C, after the droplet's power was restored.

    Example:
        >>> import contextlib, io
        >>> from doaudit.account import demo
        >>> with demo(speed=1000) as account, contextlib.redirect_stderr(io.StringIO()):
        ...     run = snapshot(account, account.droplets()["id"].iloc[0], "before the upgrade")
        >>> run.ok, run.power_is_as_before
        (True, True)
    """
    tell_unfinished(account)
    if not again:
        _refuse_to_repeat(account, droplet_id, name)
    plan = account.snapshot_plan(droplet_id, name, live=live)
    say(f"Snapshot '{plan.snapshot_name}' of droplet {plan.droplet_name} ({plan.droplet_id}).")
    for line in (plan.sentence, *plan.notes):
        say(line)
    if not (account.is_simulated if confirm is None else confirm) and not _agreed(confirm):
        raise NotPossible("Nothing was begun, because it was not confirmed.")
    return run_to_completion(account.snapshot_job(plan))


def resume(account: Account) -> list[Run]:
    """
    Take up the snapshot runs that a lost kernel or machine has left, and see that their droplets are on.

    Returns:
        The runs, as they ended; none if nothing was left.

    Raises:
        SnapshotFailed: one did not end well, or its journal is damaged; the others were taken up all the same.
    """
    left = account.unfinished()
    if not left:
        say("Nothing was left unfinished.")
    ended: list[Run] = []
    failures = [SnapshotFailed(run.sentence, run) for run in left if not run.readable]
    for run in left:
        try:
            if run.readable:
                wanted = not run.ended and run.ending != "cancelled"
                ended.append(run_to_completion(account.resume_job(run), wanted=wanted))
        except NotPossible as over:  # somebody else was faster
            say(str(over))
        except SnapshotFailed as fault:
            failures.append(fault)
    for failure in failures:
        say(str(failure))
    if failures:
        raise failures[0]
    return ended


def tell_unfinished(account: Account) -> None:
    """Say first thing what an earlier run has left, since its droplet may be off."""
    for run in account.unfinished():
        say(
            f"LEFT UNFINISHED: the snapshot '{run.snapshot_name}' of droplet {run.droplet_name} ({run.droplet_id}), "
            f"begun {run.created_at:%Y-%m-%d %H:%M} UTC. Last known: {run.sentence}"
        )


def run_to_completion(job: Job, *, wanted: bool = True) -> Run:
    """
    Start a job and wait for it, with its log as text; the portable way in Colab, plain IPython and scripts.

    Args:
        job: from `account.snapshot_job` or `account.resume_job`.
        wanted: whether it is a failure if the snapshot does not exist at the end.

    Raises:
        SnapshotFailed: it did not end well.
        NotPossible, FileProblem: it was not begun.
        KeyboardInterrupt: Ctrl-C, after the droplet's power was restored; the second one, at once.
        SystemExit: SIGTERM (143) or SIGHUP (129), after the droplet's power was restored; the second one, at once.
    """
    shown = _Shown(job.state)
    job.listeners.append(shown)
    with signals_received() as received:
        why = _wait_for(job, received)
    run = job.state
    shown(run)
    if job.refusal is not None:
        raise job.refusal
    if run.ok:
        return run
    if run.needs_power_on or (why is None and wanted):
        raise SnapshotFailed(run.sentence, run)
    if isinstance(why, KeyboardInterrupt):
        raise KeyboardInterrupt(run.sentence)
    if why is not None:
        raise why
    return run


def _wait_for(job: Job, received: list[int]) -> BaseException | None:
    """Start a job and wait until it is over; return what to raise if it was told to stop meanwhile."""
    interrupts = 0
    why: BaseException | None = None
    while True:
        try:
            job.start()
            while job.running and interrupts + len(received) < _INSISTS:
                job.wait(_EACH_S)
                if received and why is None:
                    why = SystemExit(128 + received[0])  # the status by which shells tell a signal
                    _cancel(job, f"Told to stop (signal {received[0]})", "a second signal")
        except KeyboardInterrupt as stopped:
            interrupts += 1
            if why is None:
                why = stopped
                _cancel(job, "Stopping", "Ctrl-C once more")
                continue
        if job.running:
            job.abandoned = True
            say(f"Left as it is, on the way back to a droplet that is on. Last known: {job.state.sentence}")
            raise why or KeyboardInterrupt
        return why


def _cancel(job: Job, what: str, once_more: str) -> None:
    job.cancel()
    say(f"{what}. The droplet's power is restored first; {once_more} leaves it as it is.")


def _refuse_to_repeat(account: Account, droplet_id: int, name: str | None) -> None:
    earlier = account.recent_run(droplet_id, name)
    if earlier is not None:
        raise NotPossible(
            f"A snapshot '{earlier.snapshot_name}' of droplet {earlier.droplet_name} ({earlier.droplet_id}) was begun "
            f"at {earlier.created_at:%H:%M:%S} UTC: {earlier.sentence} A cell that is run again starts no second one; "
            "if that is what you want, say again=True."
        )


def _agreed(confirm: bool | None) -> bool:  # noqa: FBT001 -- what the caller was told
    if confirm is False:
        return False
    try:
        return input("Begin? Type yes: ").strip().lower() in {"y", "yes"}
    except (EOFError, OSError, RuntimeError) as fault:  # nobody is there to answer: cron, a notebook run by a program
        raise NotPossible(
            f"Nothing was begun: this is a real account, and nobody could be asked ({type(fault).__name__}). Say "
            "confirm=True to begin without being asked."
        ) from None


class _Shown:
    """Shows what is new in the log of a run since it was last seen."""

    def __init__(self, run: Run) -> None:
        self._last: LogLine | None = run.log[-1] if run.log else None

    def __call__(self, run: Run) -> None:
        # By the last line and not by their number: of a long log the oldest lines go.
        fresh = run.log
        if self._last is not None and self._last in run.log:
            fresh = run.log[len(run.log) - run.log[::-1].index(self._last) :]
        for line in fresh:
            which = f" [action {line.action_id}]" if line.action_id else ""
            say(f"{line.at:%H:%M:%S} UTC  {line.text}{which}")
        self._last = run.log[-1] if run.log else None


def say(text: str, stream: TextIO | None = None) -> None:
    """Print a line, by default as progress; where nobody listens any more, that changes nothing in what happens."""
    with contextlib.suppress(OSError, ValueError):
        print(text, file=stream or sys.stderr, flush=True)
