"""A panel that takes snapshots: choose droplets, read the plan, confirm, watch. The workflow decides, not this."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from doaudit.clock import SystemClock
from doaudit.errors import InvalidArgument
from doaudit.formatting import count, utc_datetime, visible
from doaudit.widgets.droplet_rows import droplet_rows
from doaudit.widgets.fault_text import fault_text
from doaudit.widgets.panel_work import Work, running_work
from doaudit.widgets.snapshot_request import read_request
from doaudit.widgets.snapshot_text import button_text, confirmation, fallback_html, fallback_text, plan_cells, run_cells
from doaudit.widgets.static_fallback import StaticFallback
from doaudit.widgets.static_files import static_text
from doaudit.widgets.throttle import Throttle

if TYPE_CHECKING:
    from collections.abc import Callable

    from doaudit.account import Account
    from doaudit.snapshot.queue_record import QueueRecord
    from doaudit.snapshot.run import Run
    from doaudit.widgets.snapshot_request import SnapshotRequest

__all__ = ["SnapshotPanel"]

_CONTROL_PANEL = "https://cloud.digitalocean.com"
_REDRAW_S = 1.0
_READING = "Reading what is chosen, for the plan ..."
_NOTHING_STARTED = "SnapshotPanel. Nothing has been started here. No longer live: run the cell again."


class SnapshotPanel(StaticFallback, anywidget.AnyWidget):  # type: ignore[misc]  # ipywidgets has no types
    """
    A panel that takes snapshots of droplets: choose, read the plan, confirm, start, watch, cancel.

    Making one, or running its cell again, changes nothing in the account; when it is shown it reads the list of
    droplets. If snapshots are being taken in this kernel, the panel shows those. What an earlier kernel left unfinished
    can be resumed in it. Several droplets are taken by a queue, one after another by default.

    Args:
        account: the account.

    Attributes:
        plans: of what is chosen; empty until they are made.
        work: what is being taken, or was; None before.

    Example:
        >>> from doaudit import demo
        >>> with demo() as account:
        ...     panel = SnapshotPanel(account)
        >>> panel.plans, panel.work
        ((), None)
    """

    _esm: ClassVar[str] = static_text("base.js", "snapshot_droplets.js", "snapshot_panel.js")
    _css: ClassVar[str] = static_text("base.css", "snapshot_panel.css")
    _name = "SnapshotPanel"
    fallback_class = traitlets.Unicode().tag(sync=True)

    def __init__(self, account: Account) -> None:
        super().__init__()
        self.fallback_class = self._fallback_class
        self.plans: tuple[Run, ...] = ()
        self.work: Work | None = None
        self._account = account
        self._rows: list[dict[str, Any]] = []
        self._unfinished: list[Run] = []
        self._queues: list[QueueRecord] = []
        self._chosen: SnapshotRequest | None = None
        self._busy, self._error = "", ""
        self._planning = ""  # how far it has come, while there is any
        self._cancelling = False
        self._throttle, self._last_shown = Throttle(), ""
        self.on_msg(self._receive)

    def read(self) -> None:
        """Read the list of droplets, and what an earlier kernel left unfinished; nothing is changed by it."""
        with self._lock:
            if self._busy or (self.work is not None and self.work.running):
                return
            self._busy = "Reading the list of droplets ..."
        self._show()
        self._run_in_background(self._read_account)

    def _on_display(self) -> None:
        self.read()

    def _receive(self, widget: object, content: Any, buffers: object) -> None:  # noqa: ANN401 -- anything
        """Do what a page asks, one at a time; nobody would see what a handler raises, so it is shown."""
        del widget, buffers
        with self._lock:
            try:
                request = read_request(content)
                if request.kind != "look":  # which pages ask by themselves, too
                    self._error = ""
                self._carry_out(request)
            except Exception as error:  # noqa: BLE001 -- see above
                self._error = fault_text(error)
            self._update_fallback()
            self._show()

    def _carry_out(self, request: SnapshotRequest) -> None:
        actions: dict[str, Callable[[SnapshotRequest], None]] = {
            "choose": self._choose,
            "start": self._start,
            "cancel": lambda _: self._cancel(),
            "again": lambda _: self._take_another(),
            "resume": self._resume,
            "resume all": lambda _: self._resume_queues(),
            "read": lambda _: self.read(),
        }
        if request.kind in actions:
            actions[request.kind](request)

    def _read_account(self) -> None:
        try:
            runs, account = self._account.snapshot_runs, self._account
            rows = droplet_rows(account.droplets(), account.history.read(), account.now())
            unfinished, queues = runs.unfinished(), runs.unfinished_queues()
            with self._lock:
                self._rows, self._unfinished, self._queues = rows, unfinished, queues
                if self.work is None and (work := running_work(runs)):
                    self._watch(work)
        finally:
            self._busy = ""

    def _choose(self, request: SnapshotRequest) -> None:
        """Plan what is chosen now; a plan of what was chosen before is dropped, also if it comes later."""
        if self.work is not None and self.work.running:
            return
        self._chosen, self.plans = request, ()
        if request.droplets and not self._planning:
            self._planning = _READING
            self._run_in_background(self._make_plans)

    def _make_plans(self) -> None:
        """Plan the newest choice, again if another was made meanwhile."""
        while True:
            wanted = self._chosen
            plans: tuple[Run, ...] = ()
            error = ""
            try:
                if wanted is not None:
                    plans = self._plan_each(wanted)
            except Exception as fault:  # noqa: BLE001 -- nobody sees what a thread raises
                error = fault_text(fault)
            with self._lock:
                if self._chosen == wanted:
                    self.plans, self._planning, self._error = plans, "", error
                    return

    def _plan_each(self, wanted: SnapshotRequest) -> tuple[Run, ...]:
        """Plan one droplet after another, which takes requests for each; stop once another choice was made."""
        plans: list[Run] = []
        for droplet_id in wanted.droplets:
            if self._chosen != wanted:
                break
            if plans and self._throttle.allows():
                self._planning = f"{_READING} {len(plans)} of {len(wanted.droplets)}"
                self._show()
            name = wanted.name.strip() or None
            plans.append(self._account.snapshot_runs.plan(droplet_id, name, live=wanted.live))
        return tuple(plans)

    def _start(self, request: SnapshotRequest) -> None:
        is_planned = bool(self.plans) and request.plans == tuple(plan.id for plan in self.plans)
        if self.work is not None and self.work.running:
            return
        if not (is_planned and request.confirmed) or self._planning:
            raise InvalidArgument("Nothing was begun: this is not the plan that was shown and confirmed.")
        runs = self._account.snapshot_runs
        droplets = {plan.droplet_id for plan in self.plans}
        already = running_work(runs, droplets)
        if already is not None:
            self._watch(already)
            return
        queue = runs.queue(self.plans, at_once=request.at_once, keep_going=request.keep_going)
        self._watch(Work(queue=queue))
        queue.start()

    def _watch(self, work: Work) -> None:
        """Show this work from now on, whoever started it."""
        self.work, self.plans, self._chosen, self._cancelling = work, (), None, False
        self._last_shown = ""
        work.listen(lambda _: self.update())
        threading.Thread(target=self._redraw_regularly, args=(work,), name="doaudit-panel", daemon=True).start()

    def _redraw_regularly(self, work: Work) -> None:
        """While work is watched, keep its times and bars moving, also where nothing happens."""
        stop = threading.Event()
        SystemClock().wait(0.05, stop)
        while work.running and self.work is work:
            self.update()
            SystemClock().wait(_REDRAW_S, stop)
        if work.queue is not None and work.queue.refusal is not None:
            self._error = str(work.queue.refusal)
        self.update(urgent=True)

    def update(self, *, urgent: bool = False) -> None:
        """Show the work as it is now; may be called from any thread, and as often as it likes."""
        with self._lock:
            if self.work is None:
                return
            latest = repr([(run.phase, run.log[-1:]) for run in self.work.states])
            changed = latest != self._last_shown
            if self._throttle.allows(urgent=urgent or changed):
                self._last_shown = latest
                if changed or urgent:
                    self._update_fallback()  # first: what a page has shown is there to read when the kernel has ended
                self._show()

    def _cancel(self) -> None:
        if self.work is not None and self.work.running:
            self._cancelling = True
            self.work.cancel()

    def _take_another(self) -> None:
        if self.work is not None and not self.work.running:
            self.work = None
            self.read()

    def _resume(self, request: SnapshotRequest) -> None:
        run = next((run for run in self._unfinished if run.id == request.run and run.readable), None)
        if run is not None and (self.work is None or not self.work.running):
            self._watch(Work(jobs=(self._account.snapshot_runs.resume(run),)))

    def _resume_queues(self) -> None:
        """Go on with what a queue had left, once no run is unfinished."""
        if not self._queues or self._unfinished or (self.work is not None and self.work.running):
            return
        queue = self._account.snapshot_runs.queue_left_of(self._queues[0])
        if queue is None:
            self.read()
        else:
            self._watch(Work(queue=queue))
            queue.start()

    def _run_in_background(self, task: Callable[[], None]) -> None:
        """Run a slow task in a thread; show its error, and what is to be seen then."""

        def run() -> None:
            try:
                task()
            except Exception as error:  # noqa: BLE001 -- nobody sees what a thread raises
                self._error = fault_text(error)
            self._show()

        threading.Thread(target=run, name="doaudit-background", daemon=True).start()

    def _show(self) -> None:
        """Send every page the state."""
        with self._lock:
            self.send(
                {
                    "kind": "state",
                    "heading": f"Snapshots of droplets of {self._account.source}; all times in UTC",
                    "busy": self._busy or self._planning,
                    "error": self._error,
                    # Nobody can choose while work is shown, and a state is sent each second.
                    "droplets": self._rows if self.work is None else [],
                    "plan": self._plan_told(),
                    "is_planning": bool(self._planning),
                    "work": self._work_told(),
                    "unfinished": [
                        {"id": run.id, "text": visible(_left(run)), "can_resume": run.readable}
                        for run in self._unfinished
                    ],
                    "queues": [_left_queue(record) for record in self._queues],
                }
            )

    def _plan_told(self) -> dict[str, Any] | None:
        if not self.plans:
            return None
        return {
            "items": [plan_cells(plan) for plan in self.plans],
            "confirmation": confirmation(self.plans),
            "button": button_text(self.plans),
        }

    def _work_told(self) -> dict[str, Any] | None:
        if self.work is None:
            return None
        now, link = self._account.now(), None if self._account.is_simulated else _CONTROL_PANEL
        is_running = self.work.running
        return {
            "is_running": is_running,
            "is_stopping": self._cancelling,
            "sentence": visible(self.work.sentence),
            "items": [
                run_cells(run, now, cancelling=self._cancelling, over=not is_running, link=link)
                for run in self.work.states
            ],
        }

    def _static_fallback(self) -> tuple[str, str]:
        if self.work is None:
            return f"<p>{_NOTHING_STARTED}</p>", _NOTHING_STARTED
        runs, now = self.work.states, self._account.now()
        return fallback_html(runs, now), fallback_text(runs, now)


def _left(run: Run) -> str:
    begun = (
        f"Left unfinished: snapshot '{run.snapshot_name}' of {run.droplet_name}, begun {utc_datetime(run.created_at)}"
    )
    return f"{begun}. Last known: {run.sentence}"


def _left_queue(record: QueueRecord) -> str:
    names = ", ".join(visible(item.droplet_name) for item in record.waiting)
    return f"Left of a queue of {count(len(record.items), 'snapshot')}, not begun: {names or 'none'}."
