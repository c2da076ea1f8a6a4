"""Choose a droplet, see what a snapshot of it means, confirm, and watch it happen. The workflow decides, not this."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name

from doaudit.widgets.droplet_list import LABEL_WIDTH, DropletList
from doaudit.widgets.live_panel import LivePanel, Pace
from doaudit.widgets.snapshot_text import (
    RESUME,
    confirmation,
    left_html,
    log_html,
    plain_run,
    plan_html,
    progress_html,
    result_html,
    status_html,
    steps_html,
    still_html,
)
from doaudit.widgets.words import escaped

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from doaudit.account import Account
    from doaudit.snapshot.job import Job
    from doaudit.snapshot.run import LogLine, Run

__all__ = ["SnapshotPanel"]

_CONTROL_PANEL = "https://cloud.digitalocean.com"
_LAST_SNAPSHOTS = """
    SELECT resource_id AS droplet, max(started_at) AS begun FROM actions
    WHERE type = 'snapshot' AND resource_type = 'droplet' AND status IN ('completed', 'done')
        AND resource_id IS NOT NULL
    GROUP BY ALL
"""
_EACH_S = 1.0
_GONE = (
    "<p><b>No longer live.</b> The kernel that drove this panel is gone. What was started goes on at DigitalOcean; "
    f"to take it up again, open the account and run <code>{RESUME}</code>.</p>"
)
_WIDE = {"description_width": "initial"}


class SnapshotPanel(LivePanel):
    """
    A panel that takes a snapshot of one droplet: choose, look at the plan, confirm, start, watch, cancel.

    Making one, or running its cell again, changes nothing in the account; when it is shown it reads the list of
    droplets. A panel that is shown while a snapshot runs in this kernel watches that one. Snapshots that an earlier
    kernel left unfinished are offered for being taken up again.

    Example:
        >>> from doaudit import demo
        >>> with demo() as account:
        ...     panel = SnapshotPanel(account)
        >>> panel.start.disabled
        True
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._page = None if account.is_simulated else _CONTROL_PANEL
        self._plan: Run | None = None
        self._job: Job | None = None
        self._busy = ""
        self._ended = threading.Event()
        self._pace = Pace()
        self._told: tuple[str, tuple[LogLine, ...]] = ("", ())
        self._make_widgets()
        super().__init__("SnapshotPanel", _GONE, [self._heading, self._left, *self._stages()])
        self._connect_handlers()
        self._draw()

    def _make_widgets(self) -> None:
        wide = W.Layout(width="100%", max_width="40rem")
        self._heading = W.HTML(
            f"<h3>Snapshot of a droplet <small>{escaped(self._account.source)}; all times in UTC</small></h3>"
        )
        self.droplets = DropletList()
        self.name = W.Text(
            description="Snapshot's name",
            placeholder="droplet's name and time",
            style={"description_width": LABEL_WIDTH},
            layout=wide,
        )
        self.live = W.Checkbox(
            description="Leave it switched on meanwhile (files being written may be caught half-done)",
            indent=False,
            style=_WIDE,
            layout=W.Layout(width="100%"),
        )
        self.look = W.Button(description="Show what will happen", button_style="primary", layout=_fitting())
        self.again = W.Button(description="Read the list again", layout=_fitting())
        self._planned = W.HTML()
        self.confirm = W.Checkbox(value=False, indent=False, style=_WIDE, layout=W.Layout(width="100%"))
        self.start = W.Button(description="Start", button_style="danger", disabled=True, layout=_fitting())
        self._status, self._bar, self._steps, self._log, self._result = (W.HTML() for _ in range(5))
        self.cancel = W.Button(
            description="Cancel", button_style="warning", layout=_fitting(), tooltip="Stop, and restore the power"
        )
        self.another = W.Button(description="Take another snapshot", layout=_fitting())
        self._said = W.HTML()
        self._left = W.VBox()

    def _stages(self) -> list[W.Widget]:
        self._choosing = W.VBox([self.droplets, self.name, self.live, W.HBox([self.look, self.again]), self._said])
        self._confirming = W.VBox([self._planned, self.confirm, self.start])
        self._watching = W.VBox([self._status, self._bar, self._steps, self.cancel, self._log])
        self._ending = W.VBox([self._result, self.another])
        for widget, word in (
            (self.look, "look"),
            (self.again, "again"),
            (self.confirm, "confirm"),
            (self.start, "start"),
            (self.cancel, "cancel"),
            (self.another, "another"),
            (self.name, "name"),
            (self.live, "live"),
            (self._status, "status"),
            (self._log, "log"),
            (self._result, "result"),
        ):
            widget.add_class(f"doaudit-{word}")
        return [self._choosing, self._confirming, self._ending, self._watching]

    def _connect_handlers(self) -> None:
        for chosen in (self.droplets.choice, self.name, self.live):
            chosen.observe(self._handler(self._forget_plan), "value")
        self.droplets.filter.observe(self._handler(self.droplets.narrow), "value")
        self.confirm.observe(self._handler(self._draw), "value")
        for button, work in (
            (self.look, self._make_plan),
            (self.again, self.read),
            (self.start, self._start),
            (self.cancel, self._cancel),
            (self.another, self._begin_again),
        ):
            button.on_click(self._handler(work))

    def read(self) -> None:
        """Read the list of droplets, and look what an earlier kernel has left; nothing is changed by it."""
        with self._lock:
            if self._busy or self._job is not None:
                return
            self._busy = "Reading the list of droplets ..."
            self._draw()
        self._aside(self._look_around, self._fill, self._be_idle)

    def _was_shown(self) -> None:
        self.read()

    def _look_around(self) -> _Surroundings:
        account = self._account
        return _Surroundings(
            account.droplets(),
            _last_snapshots(account),
            account.snapshot_runs.unfinished(),
            account.snapshot_runs.running(),
        )

    def _fill(self, found: _Surroundings) -> None:
        self.droplets.fill(found.droplets, found.last_snapshots)
        if found.jobs:
            self._watch(found.jobs[0])
        self._offer(found.unfinished)

    def _be_idle(self) -> None:
        self._busy = ""
        self._draw()

    def _forget_plan(self) -> None:
        self._plan = None
        self.confirm.value = False
        self._draw()

    def _make_plan(self) -> None:
        droplet_id = self.droplets.chosen
        if droplet_id is None or self._busy:
            return
        self._forget_plan()
        self._busy = "Looking at the droplet ..."
        self._draw()
        name, live = self.name.value.strip() or None, bool(self.live.value)
        self._aside(
            lambda: self._account.snapshot_runs.plan(droplet_id, name, live=live),
            functools.partial(self._keep_plan, (droplet_id, name, live)),
            self._be_idle,
        )

    def _keep_plan(self, asked: tuple[int, str | None, bool], plan: Run) -> None:
        # Only if it is still what somebody looks at.
        if asked == (self.droplets.chosen, self.name.value.strip() or None, bool(self.live.value)):
            self._plan = plan

    def _start(self) -> None:
        if self._plan is not None and not self._busy and self._job is None and self.confirm.value:
            self._go(self._account.snapshot_runs.job(self._plan))

    def _go(self, job: Job) -> None:
        job.start()
        self._watch(job)

    def _watch(self, job: Job) -> None:
        """Show this job from now on, whoever started it."""
        self._job, self._plan, self._told = job, None, ("", ())
        self._ended.clear()
        self.cancel.disabled = False
        job.listeners.append(self.update)
        threading.Thread(target=self._keep_time, name="doaudit-panel", daemon=True).start()
        self.update(job.state)

    def _keep_time(self) -> None:
        """While a run is watched, move its times and its bar on, also where nothing happens."""
        while not self._ended.wait(_EACH_S):
            with self._lock:
                if self._job is not None:
                    self.update(self._job.state)

    def update(self, run: Run) -> None:
        """Show a run as it is now; may be called from any thread, and as often as it likes."""
        with self._lock:
            if self._job is None or run.id != self._job.state.id:
                return
            news = (run.phase, run.log[-1:]) != self._told
            if not self._pace.lets_through(urgent=news or run.ended):
                return
            self._told = (run.phase, run.log[-1:])
            if run.ended:
                self._ended.set()
            self._draw()
            if news:
                self._keep_still()

    def _cancel(self) -> None:
        if self._job is not None:
            self.cancel.disabled = True
            self._job.cancel()

    def _begin_again(self) -> None:
        if self._job is not None and self._job.state.ended:
            self._job = None
            self._forget_plan()
            self.read()

    def _offer(self, unfinished: list[Run]) -> None:
        """One line and one button for each run that an earlier kernel left unfinished."""
        offers = []
        for run in unfinished:
            if not run.readable:
                offers.append(W.VBox([W.HTML(left_html(run))]))
                continue
            button = W.Button(description="Take it up again", button_style="warning", layout=_fitting())
            button.add_class("doaudit-resume")
            button.on_click(self._handler(functools.partial(self._resume, run)))
            offers.append(W.VBox([W.HTML(left_html(run)), button]))
        self._left.children = offers

    def _resume(self, run: Run) -> None:
        if self._job is None:
            self._go(self._account.snapshot_runs.job(run))

    def _draw(self) -> None:
        """Bring every widget into the state that follows from plan, job and what is being read."""
        job, plan = self._job, self._plan
        _show(self._choosing, job is None)
        _show(self._left, job is None)
        _show(self._confirming, job is None and plan is not None)
        _show(self._watching, job is not None)
        self.look.disabled = bool(self._busy) or self.droplets.chosen is None
        self.again.disabled = bool(self._busy)
        self.start.disabled = bool(self._busy) or plan is None or not self.confirm.value
        _put(self._said, f'<div role="status" class="da-pale">{escaped(self._busy)}</div>' if self._busy else "")
        if plan is not None:
            _put(self._planned, plan_html(plan))
            self.confirm.description = confirmation(plan)
        if job is not None:
            self._draw_run(job.state, self._account.now())
        else:
            _show(self._ending, False)

    def _draw_run(self, run: Run, now: datetime) -> None:
        _put(self._status, status_html(run))
        _put(self._bar, progress_html(run, now))
        _put(self._steps, steps_html(run, now))
        _put(self._log, log_html(run))
        _put(self._result, result_html(run, self._page) if run.ended else "")
        _show(self._status, not run.ended)
        _show(self._ending, run.ended)
        _show(self.cancel, not run.ended)

    def _still_state(self) -> tuple[str, str]:
        if self._job is None:
            words = "Nothing has been started here. No longer live: run the cell again."
            return f"<p>{self._name}. {words}</p>", f"{self._name}. {words}"
        now = self._account.now()
        return still_html(self._job.state, now), plain_run(self._job.state, now)


@dataclass(frozen=True)
class _Surroundings:
    """What is there before anything is started."""

    droplets: pd.DataFrame
    last_snapshots: dict[int, pd.Timestamp]
    unfinished: list[Run]
    jobs: list[Job]


def _last_snapshots(account: Account) -> dict[int, pd.Timestamp]:
    """When the latest snapshot of each droplet was begun, as far as the local history knows."""
    known = account.history.sql(_LAST_SNAPSHOTS)
    return dict(zip(known["droplet"].astype(int), known["begun"], strict=True))


def _fitting() -> W.Layout:
    return W.Layout(width="auto", min_width="9rem", align_self="flex-start")


def _show(widget: W.DOMWidget, wanted: bool) -> None:  # noqa: FBT001 -- it says what is wanted
    display = None if wanted else "none"
    if widget.layout.display != display:
        widget.layout.display = display


def _put(widget: W.HTML, value: str) -> None:
    if widget.value != value:
        widget.value = value
