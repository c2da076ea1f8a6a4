"""A panel that takes a snapshot of a droplet: choose, read the plan, confirm, watch. The workflow decides, not this."""

from __future__ import annotations

import functools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ipywidgets as W  # type: ignore[import-untyped]  # noqa: N812 -- the usual name

from doaudit.clock import SystemClock
from doaudit.formatting import html_text
from doaudit.widgets.droplet_list import LABEL_WIDTH, DropletList
from doaudit.widgets.live_panel import LivePanel, Throttle
from doaudit.widgets.snapshot_text import (
    RESUME,
    confirmation,
    fallback_html,
    fallback_text,
    log_html,
    plan_html,
    progress_html,
    result_html,
    status_html,
    steps_html,
    unfinished_html,
)

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from doaudit.account import Account
    from doaudit.snapshot.job import Job
    from doaudit.snapshot.run import LogLine, Run

__all__ = ["SnapshotPanel"]

_CONTROL_PANEL = "https://cloud.digitalocean.com"
_LAST_SNAPSHOTS = """
    SELECT resource_id AS droplet, max(started_at) AS started FROM actions
    WHERE type = 'snapshot' AND resource_type = 'droplet' AND status IN ('completed', 'done')
        AND resource_id IS NOT NULL
    GROUP BY ALL
"""
_REDRAW_S = 1.0
_DISCONNECTED = (
    "<p><b>No longer live.</b> The kernel behind this panel has ended. What was started goes on at DigitalOcean; to "
    f"resume the run, open the account and run <code>{RESUME}</code>.</p>"
)
_NOTHING_STARTED = "Nothing has been started here. No longer live: run the cell again."


class SnapshotPanel(LivePanel):
    """
    A panel that takes a snapshot of one droplet: choose, read the plan, confirm, start, watch, cancel.

    Making one, or running its cell again, changes nothing in the account; when it is shown it reads the list of
    droplets. If a snapshot is being taken in this kernel, the panel shows that one. Runs that an earlier kernel left
    unfinished can be resumed in it.

    Args:
        account: the account.

    Attributes:
        droplets: the list of droplets.
        name, live: the snapshot's name, and whether the droplet stays on.
        show_plan, reload, confirm, start, cancel, take_another: the buttons, and the box to tick before the start.

    Example:
        >>> from doaudit import demo
        >>> with demo() as account:
        ...     panel = SnapshotPanel(account)
        >>> panel.start.disabled
        True
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._plan: Run | None = None
        self._job: Job | None = None
        self._busy = ""
        self._ended = threading.Event()
        self._throttle = Throttle()
        self._last_shown: tuple[str, tuple[LogLine, ...]] = ("", ())
        self._heading = W.HTML(
            f"<h3>Snapshot of a droplet <small>{html_text(account.source)}; all times in UTC</small></h3>"
        )
        self._unfinished = W.VBox()
        stages = [self._make_choice(), self._make_confirmation(), self._make_result(), self._make_progress()]
        super().__init__("SnapshotPanel", _DISCONNECTED, [self._heading, self._unfinished, *stages])
        self._connect_handlers()
        self._draw()

    def _make_choice(self) -> W.VBox:
        self.droplets = DropletList()
        self.name = W.Text(
            description="Snapshot's name",
            placeholder="droplet's name and time",
            style={"description_width": LABEL_WIDTH},
            layout=W.Layout(width="100%", max_width="40rem"),
        )
        self.live = _checkbox("Leave it switched on meanwhile (files being written may be caught half-done)")
        self.show_plan = _button("Show what will happen", "primary")
        self.reload = _button("Read the list again")
        self._busy_line = W.HTML()
        _add_classes(name=self.name, live=self.live, show_plan=self.show_plan, reload=self.reload)
        buttons = W.HBox([self.show_plan, self.reload])
        self._choice = W.VBox([self.droplets, self.name, self.live, buttons, self._busy_line])
        return self._choice

    def _make_confirmation(self) -> W.VBox:
        self._plan_text = W.HTML()
        self.confirm = _checkbox("")
        self.start = _button("Start", "danger")
        _add_classes(confirm=self.confirm, start=self.start)
        self._confirmation = W.VBox([self._plan_text, self.confirm, self.start])
        return self._confirmation

    def _make_progress(self) -> W.VBox:
        self._status, self._bar, self._steps, self._log = W.HTML(), W.HTML(), W.HTML(), W.HTML()
        self.cancel = _button("Cancel", "warning", tooltip="Stop, and restore the power")
        _add_classes(status=self._status, cancel=self.cancel, log=self._log)
        self._progress = W.VBox([self._status, self._bar, self._steps, self.cancel, self._log])
        return self._progress

    def _make_result(self) -> W.VBox:
        self._result_text = W.HTML()
        self.take_another = _button("Take another snapshot")
        _add_classes(result=self._result_text, take_another=self.take_another)
        self._result = W.VBox([self._result_text, self.take_another])
        return self._result

    def _connect_handlers(self) -> None:
        for widget in (self.droplets.choice, self.name, self.live):
            widget.observe(self._handler(self._discard_plan), "value")
        self.droplets.filter.observe(self._handler(self.droplets.apply_filter), "value")
        self.confirm.observe(self._handler(self._draw), "value")
        for button, action in (
            (self.show_plan, self._make_plan),
            (self.reload, self.read),
            (self.start, self._start),
            (self.cancel, self._cancel),
            (self.take_another, self._take_another),
        ):
            button.on_click(self._handler(action))

    def read(self) -> None:
        """Read the list of droplets, and what an earlier kernel left unfinished; nothing is changed by it."""
        with self._lock:
            if self._busy or self._job is not None:
                return
            self._busy = "Reading the list of droplets ..."
            self._draw()
        self._run_in_background(self._read_account, self._show_account, self._end_busy)

    def _on_display(self) -> None:
        self.read()

    def _read_account(self) -> _AccountState:
        runs = self._account.snapshot_runs
        return _AccountState(
            self._account.droplets(), _last_snapshots(self._account), runs.unfinished(), runs.running()
        )

    def _show_account(self, state: _AccountState) -> None:
        self.droplets.show(state.droplets, state.last_snapshots)
        if state.running:
            self._watch(state.running[0])
        self._show_unfinished(state.unfinished)

    def _end_busy(self) -> None:
        self._busy = ""
        self._draw()

    def _discard_plan(self) -> None:
        self._plan = None
        self.confirm.value = False
        self._draw()

    def _request(self) -> tuple[int | None, str | None, bool]:
        """Return the droplet, name and mode that are chosen now."""
        return self.droplets.chosen, self.name.value.strip() or None, bool(self.live.value)

    def _make_plan(self) -> None:
        request = droplet_id, name, live = self._request()
        if droplet_id is None or self._busy:
            return
        self._discard_plan()
        self._busy = "Reading the droplet ..."
        self._draw()
        self._run_in_background(
            lambda: self._account.snapshot_runs.plan(droplet_id, name, live=live),
            functools.partial(self._accept_plan, request),
            self._end_busy,
        )

    def _accept_plan(self, request: tuple[int | None, str | None, bool], plan: Run) -> None:
        # A plan that comes after somebody has chosen something else is not shown.
        if request == self._request():
            self._plan = plan

    def _start(self) -> None:
        if self._plan is not None and not self._busy and self._job is None and self.confirm.value:
            self._watch(self._account.snapshot_runs.start(self._plan))

    def _watch(self, job: Job) -> None:
        """Show this job from now on, whoever started it."""
        self._job, self._plan, self._last_shown = job, None, ("", ())
        self._ended.clear()
        self.cancel.disabled = False
        job.listeners.append(self.update)
        threading.Thread(target=self._redraw_regularly, name="doaudit-panel", daemon=True).start()
        self.update(job.state)

    def _redraw_regularly(self) -> None:
        """While a run is watched, keep its times and its bar moving, also where nothing happens."""
        while not SystemClock().wait(_REDRAW_S, self._ended):
            with self._lock:
                if self._job is not None:
                    self.update(self._job.state)

    def update(self, run: Run) -> None:
        """Show a run as it is now; may be called from any thread, and as often as it likes."""
        with self._lock:
            if self._job is None or run.id != self._job.state.id:
                return
            latest = (run.phase, run.log[-1:])
            changed = latest != self._last_shown
            if not self._throttle.allows(urgent=changed or run.ended):
                return
            self._last_shown = latest
            if run.ended:
                self._ended.set()
            self._draw()
            if changed:
                self._update_fallback()

    def _cancel(self) -> None:
        if self._job is not None:
            self.cancel.disabled = True
            self._job.cancel()

    def _take_another(self) -> None:
        if self._job is not None and self._job.state.ended:
            self._job = None
            self._discard_plan()
            self.read()

    def _show_unfinished(self, runs: list[Run]) -> None:
        """Show each run that an earlier kernel left unfinished, with a button that resumes it if that is possible."""
        rows = []
        for run in runs:
            widgets = [W.HTML(unfinished_html(run))]
            if run.readable:
                button = _button("Resume", "warning")
                _add_classes(resume=button)
                button.on_click(self._handler(functools.partial(self._resume, run)))
                widgets.append(button)
            rows.append(W.VBox(widgets))
        self._unfinished.children = rows

    def _resume(self, run: Run) -> None:
        if self._job is None:
            self._watch(self._account.snapshot_runs.resume(run))

    def _draw(self) -> None:
        """Bring every widget into the state that follows from plan, job and what is being read."""
        job, plan = self._job, self._plan
        _set_visible(self._choice, visible=job is None)
        _set_visible(self._unfinished, visible=job is None)
        _set_visible(self._confirmation, visible=job is None and plan is not None)
        _set_visible(self._progress, visible=job is not None)
        self.show_plan.disabled = bool(self._busy) or self.droplets.chosen is None
        self.reload.disabled = bool(self._busy)
        self.start.disabled = bool(self._busy) or plan is None or not self.confirm.value
        busy = f'<div role="status" class="da-pale">{html_text(self._busy)}</div>' if self._busy else ""
        _set_html(self._busy_line, busy)
        if plan is not None:
            _set_html(self._plan_text, plan_html(plan))
            self.confirm.description = confirmation(plan)
        if job is not None:
            self._draw_run(job.state, self._account.now())
        else:
            _set_visible(self._result, visible=False)

    def _draw_run(self, run: Run, now: datetime) -> None:
        control_panel = None if self._account.is_simulated else _CONTROL_PANEL
        _set_html(self._status, status_html(run))
        _set_html(self._bar, progress_html(run, now))
        _set_html(self._steps, steps_html(run, now))
        _set_html(self._log, log_html(run))
        _set_html(self._result_text, result_html(run, control_panel) if run.ended else "")
        _set_visible(self._status, visible=not run.ended)
        _set_visible(self._result, visible=run.ended)
        _set_visible(self.cancel, visible=not run.ended)

    def _static_fallback(self) -> tuple[str, str]:
        if self._job is None:
            text = f"{self._name}. {_NOTHING_STARTED}"
            return f"<p>{text}</p>", text
        run, now = self._job.state, self._account.now()
        return fallback_html(run, now), fallback_text(run, now)


@dataclass(frozen=True)
class _AccountState:
    """The droplets and the runs of an account, before anything is started."""

    droplets: pd.DataFrame
    last_snapshots: dict[int, pd.Timestamp]
    unfinished: list[Run]
    running: list[Job]


def _last_snapshots(account: Account) -> dict[int, pd.Timestamp]:
    """Return the start of each droplet's latest snapshot, as far as the local history knows."""
    rows = account.history.sql(_LAST_SNAPSHOTS)
    return dict(zip(rows["droplet"].astype(int), rows["started"], strict=True))


def _button(label: str, style: str = "", tooltip: str | None = None) -> W.Button:
    layout = W.Layout(width="auto", min_width="9rem", align_self="flex-start")
    return W.Button(description=label, button_style=style, tooltip=tooltip, layout=layout)


def _checkbox(label: str) -> W.Checkbox:
    style, layout = {"description_width": "initial"}, W.Layout(width="100%")
    return W.Checkbox(value=False, description=label, indent=False, style=style, layout=layout)


def _add_classes(**widgets: W.DOMWidget) -> None:
    for name, widget in widgets.items():
        widget.add_class(f"doaudit-{name.replace('_', '-')}")


def _set_visible(widget: W.DOMWidget, *, visible: bool) -> None:
    display = None if visible else "none"
    if widget.layout.display != display:
        widget.layout.display = display


def _set_html(widget: W.HTML, html: str) -> None:
    if widget.value != html:
        widget.value = html
