"""Act and watch from a script or a cell: blocking, with the progress as text."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, overload

from doaudit.actions import Action
from doaudit.errors import SnapshotFailed, TimedOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from doaudit.account import Account
    from doaudit.workflow.run import Run
    from doaudit.workflow.runner import Job

__all__ = ["resume", "run_to_completion", "snapshot", "wait"]

_EACH_S = 0.2


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
    followed = account.follow(ids, on_trouble=_say)
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


def snapshot(account: Account, droplet_id: int, name: str | None = None, *, live: bool = False) -> Run:
    """
    Take a snapshot of a droplet, and wait for it: shut it down, snapshot it, switch it on again.

    Ctrl-C cancels: the droplet is switched on again before it returns.

    Args:
        account: the account.
        droplet_id: the droplet. One that is off stays off.
        name: the snapshot's; by default the droplet's and the time in UTC.
        live: leave the droplet on; what it writes meanwhile may be in the snapshot half-way.

    Raises:
        SnapshotFailed: there is no snapshot, or the droplet is not as it was; the message and its `run` say which.
        NotFound, NotPossible: the droplet is not there, or cannot be worked on; nothing was changed.
        KeyboardInterrupt: Ctrl-C, after the droplet's power was restored.

    Example:
        >>> import contextlib, io
        >>> from doaudit.account import demo
        >>> with demo(speed=1000) as account, contextlib.redirect_stderr(io.StringIO()):
        ...     run = snapshot(account, account.droplets()["id"].iloc[0], "before the upgrade")
        >>> run.ok, run.power_is_as_before
        (True, True)
    """
    plan = account.snapshot_plan(droplet_id, name, live=live)
    for line in (plan.sentence, *plan.notes):
        _say(line)
    return run_to_completion(account.snapshot_job(plan))


def resume(account: Account) -> list[Run]:
    """
    Go on with the snapshot workflows that a lost kernel or machine has left, and see that their droplets are on.

    Returns:
        The runs, as they ended; none if nothing was left.

    Raises:
        SnapshotFailed: one did not end well; those after it are still to be resumed.
    """
    left = account.unfinished()
    if not left:
        _say("Nothing was left unfinished.")
    return [run_to_completion(account.resume_job(run), wanted=not run.ended) for run in left]


def run_to_completion(job: Job, *, wanted: bool = True) -> Run:
    """
    Start a job and wait for it, with its log as text; the portable way in Colab, plain IPython and scripts.

    Args:
        job: from `account.snapshot_job` or `account.resume_job`.
        wanted: whether it is a failure if the snapshot does not exist at the end.

    Raises:
        SnapshotFailed: it did not end well.
        KeyboardInterrupt: Ctrl-C, after the droplet's power was restored.
    """
    shown = _Shown()
    job.listeners.append(shown)
    job.start()
    interrupted = False
    while job.running:
        try:
            job.wait(_EACH_S)
        except KeyboardInterrupt:
            if interrupted:
                raise
            interrupted = True
            job.cancel()
            _say("Stopping. The droplet's power is restored first; Ctrl-C once more leaves it as it is.")
    run = job.state
    shown(run)
    if interrupted and run.phase == "cancelled":
        raise KeyboardInterrupt(run.sentence)
    if not run.ok and (wanted or run.needs_power_on):
        raise SnapshotFailed(run.sentence, run)
    return run


class _Shown:
    """Shows what is new in the log of a run."""

    def __init__(self, say: Callable[[str], None] | None = None) -> None:
        self._told = 0
        self._say = say or _say

    def __call__(self, run: Run) -> None:
        for line in run.log[self._told :]:
            which = f" [action {line.action_id}]" if line.action_id else ""
            self._say(f"{line.at:%H:%M:%S} UTC  {line.text}{which}")
        self._told = len(run.log)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- this is the progress of a call that takes minutes
