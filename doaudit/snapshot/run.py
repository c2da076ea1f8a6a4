"""A run: the state of a snapshot workflow at one moment, as frozen values that can be stored."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime  # noqa: TC003 -- msgspec reads the annotations when a run is stored
from typing import Literal

from doaudit.expected_duration import ExpectedDuration, default_durations
from doaudit.formatting import visible

__all__ = [
    "LogLine",
    "Moment",
    "Phase",
    "Power",
    "Run",
    "Step",
    "Submission",
    "SubmissionState",
    "add_log_line",
    "planned_steps",
]

Phase = Literal[
    "planned",
    "waiting for another action",
    "shutting down",
    "powering off",
    "confirming off",
    "snapshotting",
    "confirming snapshot",
    "powering on",
    "confirming on",
    "done",
    "failed",
    "cancelled",
    "unreadable",
]
Power = Literal["untouched", "unknown", "may go off", "off", "on"]
SubmissionState = Literal[
    "sending", "lost", "accepted", "completed", "errored", "refused", "blocked", "unknown", "overdue"
]
_ENDS = ("done", "failed", "cancelled")
_LOG_LINES = 500


@dataclass(frozen=True)
class Moment:
    """
    A moment of a run.

    `at` is the wall clock's time in UTC, and is only a label. `elapsed_s` is the seconds for which the run has been
    driven so far. Everything that depends on time uses it, because anybody may set the wall clock.
    """

    at: datetime
    elapsed_s: float


@dataclass(frozen=True)
class Step:
    """
    A step of a run as people see it.

    `started_s` and `ended_s` are elapsed seconds of the run. Half of the steps of this kind end within `p50_s` seconds,
    9 of 10 within `p90_s`.
    """

    name: str
    sentence: str
    status: Literal["waiting", "running", "done", "failed", "skipped"] = "waiting"
    action_id: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    p50_s: float = 0.0
    p90_s: float = 0.0
    started_s: float | None = None
    ended_s: float | None = None


@dataclass(frozen=True)
class LogLine:
    """A line of the log: the time (UTC), what happened, and the id of DigitalOcean's action that it is about."""

    at: datetime
    text: str
    action_id: int | None = None


@dataclass(frozen=True)
class Submission:
    """
    An event that was asked for with a POST, and what became of it.

    Attributes:
        state: 'sending' from before it is sent; then 'lost' (no response) or 'accepted'; at the end 'completed',
            'errored', 'refused' (certainly not started), 'blocked' (never sent: another action was in the way for too
            long, or the journal could not be written), 'unknown' (no response, and no trace of it) or 'overdue'
            (accepted, and open for too long).
        known: the ids of the droplet's actions before it was sent.
        since: the server's time then.
        sent_s: the run's elapsed seconds then.
        said: why it has this state, as the end of a sentence.
    """

    type: str
    sent_at: datetime
    since: datetime
    known: tuple[int, ...] = ()
    state: SubmissionState = "sending"
    action_id: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    said: str = ""
    sent_s: float = 0.0

    @property
    def settled(self) -> bool:
        """True if the state is final."""
        return self.state not in {"sending", "lost", "accepted"}


@dataclass(frozen=True)
class Run:
    """
    A snapshot workflow at one moment.

    Attributes:
        live: true if the droplet stays on while the snapshot is taken.
        was_on: true if the droplet was on when the run began (in phase 'planned': when it was planned).
        sentence: what is going on, for people.
        power: how the droplet was left as far as is known: 'untouched', 'unknown', 'may go off' (on, but asked to shut
            down, and it may still do so), 'off' or 'on'.
        snapshot_id: the snapshot that was made, once it was found.
        error: why it failed, in one paragraph; empty if it did not.
        notes: what is worth knowing before it is started, such as a name that is taken.
        default_name: true if the snapshot's name was made up, not chosen.
        elapsed_s: the seconds for which it has been driven, whatever the wall clock says.
        began_since: the server's time when it began.
        phase_since_s, submissions, ending and what follows: how far it has come, for `doaudit.snapshot.machine`.

    Example:
        >>> from datetime import UTC, datetime
        >>> now = datetime(2026, 11, 23, 12, tzinfo=UTC)
        >>> run = Run("r1", 7, "web-01", "before the upgrade", live=False, was_on=True, created_at=now)
        >>> run.phase, run.ended, run.power_is_as_before
        ('planned', False, True)
    """

    id: str
    droplet_id: int
    droplet_name: str
    snapshot_name: str
    live: bool
    was_on: bool
    created_at: datetime
    phase: Phase = "planned"
    sentence: str = ""
    steps: tuple[Step, ...] = ()
    log: tuple[LogLine, ...] = ()
    snapshot_id: str | None = None
    error: str = ""
    notes: tuple[str, ...] = ()
    region: str = ""
    expected: dict[str, ExpectedDuration] = field(default_factory=default_durations)
    ended_at: datetime | None = None
    power: Power = "untouched"
    droplet_gone: bool = False
    default_name: bool = False
    elapsed_s: float = 0.0
    began_since: datetime | None = None
    resumed: bool = False
    phase_since_s: float | None = None
    phase_deadline_s: float | None = None
    submissions: tuple[Submission, ...] = ()
    submission: Submission | None = None
    ending: Literal["done", "failed", "cancelled"] | None = None
    snapshots_before: tuple[str, ...] = ()
    existing_names: tuple[str, ...] = ()
    seen_off: bool = False
    refusals: int = 0
    blocking_action_id: int | None = None
    absent_since_s: float | None = None
    read_errors: int = 0
    auth_errors: int = 0
    power_on_attempts: int = 0

    def __repr__(self) -> str:
        """Return the droplet and its sentence, which is what the end of a cell is to show."""
        return visible(f"<Run of {self.droplet_name}: {self.sentence}>")

    @property
    def ended(self) -> bool:
        """True if it has ended, one way or the other."""
        return self.phase in _ENDS

    @property
    def readable(self) -> bool:
        """True if its journal could be read; a run without one says only which droplet to look at."""
        return self.phase != "unreadable"

    @property
    def ok(self) -> bool:
        """True if the snapshot exists and the droplet is as it was."""
        return self.phase == "done"

    @property
    def power_is_as_before(self) -> bool | None:
        """True if the droplet is on or off as it was at the start, False if not, None if that is not known."""
        return {"untouched": True, "on": True, "off": False}.get(self.power)

    @property
    def needs_power_on(self) -> bool:
        """True if the droplet was on, may be off because of this run, and still exists."""
        return self.was_on and self.power in {"unknown", "may go off", "off"} and not self.droplet_gone

    @property
    def every_submission(self) -> tuple[Submission, ...]:
        """Everything that it has asked for so far; the submission under way comes last."""
        return self.submissions if self.submission is None else (*self.submissions, self.submission)

    @property
    def asked_for_anything(self) -> bool:
        """True if a request that changes something was sent, or may have been."""
        return any(submission.state != "blocked" for submission in self.every_submission)

    @property
    def snapshot_under_way(self) -> bool:
        """True if the snapshot was asked for and may not have ended yet."""
        return self.phase == "snapshotting" and self.submission is not None and not self.submission.settled

    @property
    def action_ids(self) -> tuple[int, ...]:
        """The ids of the actions that this run started."""
        ids = (submission.action_id for submission in self.every_submission)
        return tuple(action_id for action_id in ids if action_id is not None)

    @property
    def switched_off(self) -> bool:
        """True if the droplet was seen off, or a power-off was asked for, which only a power-on undoes."""
        return self.seen_off or any(
            submission.type == "power_off" and submission.state != "blocked" for submission in self.every_submission
        )

    @property
    def shutdown_may_come(self) -> bool:
        """True if the guest was asked to shut down, and may still do so."""
        without_effect = {"errored", "refused", "blocked"}
        shutdowns = (submission for submission in self.every_submission if submission.type == "shutdown")
        power_offs = (submission for submission in self.submissions if submission.type == "power_off")
        asked = any(shutdown.state not in without_effect for shutdown in shutdowns)
        powered_off = any(power_off.state == "completed" for power_off in power_offs)
        return asked and not powered_off and not self.seen_off

    @property
    def off_s(self) -> tuple[float, float] | None:
        """Seconds for which the droplet will be off: about, and 9 times in 10 at most; None if it stays as it is."""
        if self.live or not self.was_on:
            return None
        snapshot, power_on = self.expected["snapshot"], self.expected["power_on"]
        return snapshot.p50_s + power_on.p50_s, snapshot.p90_s + power_on.p90_s


def planned_steps(run: Run) -> tuple[Step, ...]:
    """Return the steps that will be taken, before any has been."""
    check = Step("prepare", "Check that the droplet is there and that nothing else is being done to it.")
    snapshot = _timed(run, "snapshot", "snapshot", f"Take the snapshot '{run.snapshot_name}'.")
    find = Step("find snapshot", "Find it among the droplet's snapshots.")
    if run.live or not run.was_on:
        return check, snapshot, find
    return (
        check,
        _timed(run, "shut down", "shutdown", "Ask the droplet to shut down."),
        _timed(run, "power off", "power_off", "Only if it has not shut down by then: switch it off."),
        snapshot,
        find,
        _timed(run, "power on", "power_on", "Switch the droplet on again."),
    )


def _timed(run: Run, name: str, event_type: str, sentence: str) -> Step:
    expected = run.expected[event_type]
    return Step(name, sentence, p50_s=expected.p50_s, p90_s=expected.p90_s)


def add_log_line(run: Run, at: datetime, text: str, action_id: int | None = None) -> Run:
    """Return the run with one more line in its log; of more than 500 lines, the oldest are dropped."""
    return replace(run, log=(*run.log[1 - _LOG_LINES :], LogLine(at, text, action_id)))
