"""Methods of an account that take snapshots, and tell of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast, overload

from doaudit.operations.droplet_names import droplet_ids, is_pattern
from doaudit.snapshot.foreground import take_snapshot
from doaudit.snapshot.many import resume_all, take_snapshots

if TYPE_CHECKING:
    import pandas as pd

    from doaudit.snapshot.run import Run
    from doaudit.snapshot.runs import SnapshotRuns

__all__ = ["SnapshotMethods"]


class SnapshotMethods:
    """
    The part of an account that takes snapshots.

    Attributes:
        snapshot_runs: its runs; see `doaudit.snapshot.runs.SnapshotRuns`.
    """

    snapshot_runs: SnapshotRuns

    def droplets(self) -> pd.DataFrame:
        """Return the droplets that exist now."""
        raise NotImplementedError

    @overload
    def snapshot(
        self,
        droplet: int,
        name: str | None = None,
        *,
        live: bool = False,
        confirm: bool | None = None,
        again: bool = False,
        at_once: int = 1,
        keep_going: bool = False,
    ) -> Run: ...
    @overload
    def snapshot(  # type: ignore[overload-overlap]  # a text is an Iterable, too
        self,
        droplet: str,
        name: str | None = None,
        *,
        live: bool = False,
        confirm: bool | None = None,
        again: bool = False,
        at_once: int = 1,
        keep_going: bool = False,
    ) -> Run | list[Run]: ...
    @overload
    def snapshot(
        self,
        droplet: Iterable[int | str],
        name: str | None = None,
        *,
        live: bool = False,
        confirm: bool | None = None,
        again: bool = False,
        at_once: int = 1,
        keep_going: bool = False,
    ) -> list[Run]: ...
    def snapshot(  # noqa: PLR0913 -- one for each thing that may be said
        self,
        droplet: int | str | Iterable[int | str],
        name: str | None = None,
        *,
        live: bool = False,
        confirm: bool | None = None,
        again: bool = False,
        at_once: int = 1,
        keep_going: bool = False,
    ) -> Run | list[Run]:
        """
        Take a snapshot of a droplet, or of several, and wait: shut it down, snapshot it, switch it on again.

        Several are taken one after another; the first that fails ends it. Ctrl-C, SIGTERM and SIGHUP cancel: droplets
        are switched on again before it returns.

        Args:
            droplet: an id or a name; for several a list, or a pattern such as `"web-*"`. One that is off stays off.
            name: the snapshot's; by default the droplet's and the time in UTC. `{droplet}` in it is the droplet's name.
            live: leave the droplet on; what it writes meanwhile may be in the snapshot half-way.
            confirm: begin without asking. By default a real account is asked for, in the cell or the terminal.
            again: begin although a run of the same droplet and name was begun within the last hour.
            at_once: of several, take so many at the same time.
            keep_going: of several, take the others although one has failed.

        Returns:
            The run, or of several a list of them.

        Raises:
            SnapshotFailed: there is no snapshot, or the droplet is not as it was; the message and its `run` say which.
            NotFound, NotPossible: the droplet is not there, or cannot be worked on, or it was not confirmed, or the
                same snapshot was asked for within the last hour; nothing was changed.
            InvalidArgument: a name is that of no droplet or of several, or no snapshot can have this name.
            KeyboardInterrupt: Ctrl-C, after the power was restored.

        Example:
            >>> import contextlib, io
            >>> from doaudit.connect import demo
            >>> with demo(speed=1000) as account, contextlib.redirect_stderr(io.StringIO()):
            ...     run = account.snapshot("web-01", "before the upgrade")
            >>> run.ok, run.power_is_as_before
            (True, True)
        """
        # Not by type of number: ids out of a frame are integers of numpy.
        is_many = isinstance(droplet, Iterable) and not isinstance(droplet, str)
        words: list[Any] = list(cast("Iterable[int | str]", droplet)) if is_many else [droplet]
        is_one = not is_many and not is_pattern(str(droplet))
        # An id needs no list of droplets, and so no scope to read it.
        wanted = words
        if any(isinstance(word, str) for word in words):
            wanted = droplet_ids([str(word) for word in words], self.droplets())
        if is_one:
            return take_snapshot(self.snapshot_runs, int(wanted[0]), name, live=live, confirm=confirm, again=again)
        return take_snapshots(
            self.snapshot_runs,
            dict.fromkeys(map(int, wanted)),
            name,
            live=live,
            confirm=confirm,
            again=again,
            at_once=at_once,
            keep_going=keep_going,
        )

    def resume(self) -> list[Run]:
        """
        Resume what a lost kernel or machine left: its snapshot runs, so that droplets are on, and then its queues.

        Raises:
            SnapshotFailed: one did not end well, or its journal is damaged; the others were resumed all the same.
        """
        return resume_all(self.snapshot_runs)

    def started(self) -> pd.DataFrame:
        """
        Return the actions that doaudit started in this account, from this machine; the API itself names no actor.

        Returns:
            `id` (int64), `type`, `resource`, `run` (text; null for single events), `asked_at` (datetime64[s, UTC]).
        """
        return self.snapshot_runs.started_table()
