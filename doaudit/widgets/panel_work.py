"""Work that a snapshot panel watches: a queue, or runs that were started or resumed by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from doaudit.snapshot.queue import count_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from doaudit.snapshot.job import Job
    from doaudit.snapshot.queue import SnapshotQueue
    from doaudit.snapshot.run import Run
    from doaudit.snapshot.runs import SnapshotRuns

__all__ = ["Work", "running_work"]


@dataclass(frozen=True, eq=False)
class Work:
    """
    A queue, or jobs.

    Attributes:
        queue: the queue; None if there is none.
        jobs: the jobs, without a queue.
    """

    queue: SnapshotQueue | None = None
    jobs: tuple[Job, ...] = ()

    @property
    def states(self) -> tuple[Run, ...]:
        """Each run as it is now."""
        return self.queue.states if self.queue is not None else tuple(job.state for job in self.jobs)

    @property
    def running(self) -> bool:
        """True while any of it runs."""
        return self.queue.running if self.queue is not None else any(job.running for job in self.jobs)

    @property
    def sentence(self) -> str:
        """State in a sentence: of one run its own, of several how many are how far."""
        if self.queue is not None and self.queue.refusal is not None:
            return str(self.queue.refusal)
        runs = self.states
        if len(runs) == 1:
            return runs[0].sentence
        if self.queue is not None:
            return self.queue.sentence
        return count_runs(runs, over=not self.running)

    def cancel(self) -> None:
        """Begin no more, and restore the power of those that run."""
        for each in (self.queue,) if self.queue is not None else self.jobs:
            each.cancel()

    def listen(self, listener: Callable[[Run], None]) -> None:
        """Call a function with each new state of each run."""
        for each in (self.queue,) if self.queue is not None else self.jobs:
            each.listeners.append(listener)


def running_work(runs: SnapshotRuns, droplets: Collection[int] | None = None) -> Work | None:
    """
    Return the work of an account that runs in this process: its queue, or its jobs; None if there is none.

    Args:
        runs: of the account.
        droplets: only work on one of these.
    """
    queues = runs.running_queues()
    for queue in queues:
        if droplets is None or any(run.droplet_id in droplets for run in queue.states):
            return Work(queue=queue)
    jobs = [job for job in runs.running() if droplets is None or job.state.droplet_id in droplets]
    return Work(jobs=tuple(jobs)) if jobs else None
