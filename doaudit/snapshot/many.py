"""Several snapshots in the foreground: named, planned, confirmed once, taken by a queue, and taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.errors import NotPossible, SnapshotFailed
from doaudit.operations.console import confirmed, print_line
from doaudit.progress import row_bar
from doaudit.snapshot.foreground import LogPrinter, check_not_recent, print_unfinished, resume_runs, wait_for
from doaudit.snapshot.signals import signals_received

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from doaudit.snapshot.queue import SnapshotQueue
    from doaudit.snapshot.queue_record import QueuedSnapshot, QueueRecord
    from doaudit.snapshot.run import Run
    from doaudit.snapshot.runs import SnapshotRuns

__all__ = ["plan_each", "queue_to_completion", "resume_all", "take_snapshots"]


def take_snapshots(  # noqa: PLR0913 -- one for each thing that may be said
    runs: SnapshotRuns,
    droplet_ids: Iterable[int],
    name: str | None,
    *,
    live: bool,
    confirm: bool | None,
    again: bool,
    at_once: int,
    keep_going: bool,
) -> list[Run]:
    """
    Plan several snapshots, confirm them together, take them and wait for all; see `doaudit.account.Account.snapshot`.

    Raises:
        SnapshotFailed, NotFound, NotPossible, KeyboardInterrupt, SystemExit: as there.
    """
    print_unfinished(runs)
    wanted = list(droplet_ids)
    if not again:
        for droplet_id in wanted:
            check_not_recent(runs, droplet_id, name)
    plans = plan_each(runs, wanted, name, live=live)
    queue = runs.queue(plans, at_once=at_once, keep_going=keep_going)
    for plan in plans:
        print_line(f"Snapshot '{plan.snapshot_name}' of droplet {plan.droplet_name} ({plan.droplet_id}).")
        for line in (plan.sentence, *plan.notes):
            print_line(f"  {line}")
    if confirm is None:
        confirm = runs.simulated or confirmed("Begin? Type yes: ", how_without="confirm=True")
    if not confirm:
        raise NotPossible("Nothing was begun, because it was not confirmed.")
    return queue_to_completion(queue)


def plan_each(runs: SnapshotRuns, droplet_ids: Sequence[int], name: str | None, *, live: bool) -> list[Run]:
    """
    Plan a snapshot of each droplet, which takes requests for each; of several with a bar in a notebook or terminal.

    Raises:
        NotFound, NotPossible, InvalidArgument, ApiProblem: as `SnapshotRuns.plan`.
    """
    plans = []
    with row_bar("planning", len(droplet_ids), unit=" snapshots", shown=len(droplet_ids) > 1) as add:
        for droplet_id in droplet_ids:
            plans.append(runs.plan(droplet_id, name, live=live))
            add(1)
    return plans


def queue_to_completion(queue: SnapshotQueue) -> list[Run]:
    """
    Start a queue and wait for it, with the logs of its runs as text on standard error.

    Raises:
        SnapshotFailed: one did not end well; the message names those that were not begun.
        FileProblem, NotPossible: the queue as a whole was not begun.
        KeyboardInterrupt: Ctrl-C, after the power of those that ran was restored; the second one, at once.
        SystemExit: SIGTERM (143) or SIGHUP (129), likewise.
    """
    printers = {run.droplet_id: LogPrinter(run, f"{run.droplet_name}: ") for run in queue.states}
    queue.listeners.append(lambda run: printers[run.droplet_id](run))
    with signals_received() as received:
        stopped_by = wait_for(queue, received)
    ended = [run for run in queue.states if run not in queue.waiting]
    for run in ended:
        printers[run.droplet_id](run)
    left = ""
    if queue.waiting:
        left = f" Not begun: {', '.join(f'{run.droplet_name} ({run.droplet_id})' for run in queue.waiting)}."
        print_line(left.strip())
    if queue.refusal is not None:
        raise queue.refusal
    failed = [run for run in ended if not run.ok]
    harmed = [run for run in failed if run.needs_power_on]
    if harmed or (failed and stopped_by is None):
        worst = (harmed or failed)[0]
        raise SnapshotFailed(f"{worst.droplet_name}: {worst.sentence}{left}", worst)
    if stopped_by is not None:
        raise KeyboardInterrupt(queue.sentence) if isinstance(stopped_by, KeyboardInterrupt) else stopped_by
    return list(queue.states)


def resume_all(runs: SnapshotRuns) -> list[Run]:
    """
    Resume every unfinished run, and then the queues; see `doaudit.account.Account.resume`.

    Raises:
        SnapshotFailed: one did not end well, or its journal is damaged; the others were resumed all the same.
    """
    had_runs = bool(runs.unfinished())
    ended, failures = resume_runs(runs)  # first: their droplets may be off
    queues = runs.unfinished_queues()
    if not had_runs and not queues:
        print_line("Nothing was left unfinished.")
    for record in queues:
        try:
            ended += _go_on(runs, record)
        except SnapshotFailed as failure:
            print_line(str(failure))
            failures.append(failure)
    if failures:
        raise failures[0]
    return ended


def _go_on(runs: SnapshotRuns, record: QueueRecord) -> list[Run]:
    """Take the snapshots of a queue that were not begun, unless one has failed and that was to end it."""
    queue = runs.queue_left_of(record)
    if queue is None:
        if record.waiting:
            print_line(f"Not begun, because another of the queue did not end well: {_named(record.waiting)}.")
        return []
    print_line(f"Going on with a queue of snapshots: {_named(queue.states)}.")
    return queue_to_completion(queue)


def _named(items: Iterable[QueuedSnapshot | Run]) -> str:
    return ", ".join(f"{item.droplet_name} ({item.droplet_id})" for item in items)
