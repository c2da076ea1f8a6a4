"""What a snapshot workflow is at one moment: frozen values, without a wish or a way to act."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime  # noqa: TC003 -- msgspec reads the annotations when a run is stored
from typing import Literal

from doaudit.workflow.expected import Expected, usual

__all__ = ["LogLine", "Phase", "Run", "Step", "Submission", "SubmissionState", "logged", "planned_steps"]

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
]
SubmissionState = Literal[
    "sending", "lost", "accepted", "completed", "errored", "refused", "blocked", "unknown", "overdue"
]
_ENDS = ("done", "failed", "cancelled")
_LOG_LINES = 500


@dataclass(frozen=True)
class Step:
    """
    One step as a reader sees it.

    `p50_s` and `p90_s` are within how many seconds half and 9 of 10 of its kind end.
    """

    name: str
    sentence: str
    status: Literal["waiting", "running", "done", "failed", "skipped"] = "waiting"
    action_id: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    p50_s: float = 0.0
    p90_s: float = 0.0


@dataclass(frozen=True)
class LogLine:
    """What happened, when (UTC), and which action of DigitalOcean's it is about."""

    at: datetime
    text: str
    action_id: int | None = None


@dataclass(frozen=True)
class Submission:
    """
    One event that was asked for with a POST.

    `state` is 'sending' from before it is sent; then 'lost' (no answer), 'accepted', or at the end 'completed',
    'errored', 'refused' (certainly not started), 'blocked' (never sent: another event was in the way for too long),
    'unknown' (no answer, and no trace of it) or 'overdue' (accepted, and open for too long). `known` are the ids of the
    droplet's actions before it was sent, `since` the server's time.
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

    @property
    def settled(self) -> bool:
        """Whether nothing more is to be learnt about it by waiting."""
        return self.state not in {"sending", "lost", "accepted"}


@dataclass(frozen=True)
class Run:
    """
    A snapshot workflow at one moment.

    Attributes:
        live: the droplet stays on while the snapshot is taken.
        was_on: whether the droplet was on when the run began (in phase 'planned': when it was planned).
        sentence: what is going on, for people.
        power: how the droplet was left as far as is known: 'untouched', 'unknown', 'off' or 'on'.
        snapshot_id: the snapshot that was made, once it was found.
        error: why it failed, in one paragraph; empty if it did not.
        notes: what is worth knowing before it is started, such as a name that is taken.
        phase_since, submissions, ending and what follows: how far the workflow has come, for `doaudit.workflow.machine`.

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
    expected: dict[str, Expected] = field(default_factory=usual)
    ended_at: datetime | None = None
    power: Literal["untouched", "unknown", "off", "on"] = "untouched"
    droplet_gone: bool = False
    phase_since: datetime | None = None
    phase_deadline: datetime | None = None
    submissions: tuple[Submission, ...] = ()
    submission: Submission | None = None
    ending: Literal["done", "failed", "cancelled"] | None = None
    snapshots_before: tuple[str, ...] = ()
    seen_off: bool = False
    refusals: int = 0
    blocking_action_id: int | None = None
    absent_since: datetime | None = None
    read_errors: int = 0
    auth_errors: int = 0
    power_on_attempts: int = 0

    @property
    def ended(self) -> bool:
        """Whether it is over, one way or the other."""
        return self.phase in _ENDS

    @property
    def ok(self) -> bool:
        """Whether the snapshot exists and the droplet is as it was."""
        return self.phase == "done"

    @property
    def power_is_as_before(self) -> bool | None:
        """Whether the droplet is on or off as it was at the start; None if that is not known."""
        return {"untouched": True, "on": True, "off": False, "unknown": None}[self.power]

    @property
    def needs_power_on(self) -> bool:
        """Whether the droplet was on, may be off because of this run, and still exists."""
        return self.was_on and self.power in {"unknown", "off"} and not self.droplet_gone

    @property
    def every_submission(self) -> tuple[Submission, ...]:
        """What it has asked for so far, the one under way last."""
        return self.submissions if self.submission is None else (*self.submissions, self.submission)

    @property
    def action_ids(self) -> tuple[int, ...]:
        """The actions that this run started."""
        return tuple(submission.action_id for submission in self.every_submission if submission.action_id is not None)

    @property
    def off_s(self) -> tuple[float, float] | None:
        """For how many seconds the droplet will be off: about, and 9 times in 10 at most; None if it stays as it is."""
        if self.live or not self.was_on:
            return None
        halves, most = (
            sum(getattr(self.expected[kind], name) for kind in ("snapshot", "power_on")) for name in ("p50_s", "p90_s")
        )
        return halves, most


def planned_steps(run: Run) -> tuple[Step, ...]:
    """What will happen, step by step, before anything has."""
    check = Step("prepare", "See that the droplet is there and that nothing else is being done to it.")
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


def _timed(run: Run, name: str, kind: str, sentence: str) -> Step:
    expected = run.expected[kind]
    return Step(name, sentence, p50_s=expected.p50_s, p90_s=expected.p90_s)


def logged(run: Run, at: datetime, text: str, action_id: int | None = None) -> Run:
    """The run with one more line in its log; of very many, the oldest go."""
    return replace(run, log=(*run.log[1 - _LOG_LINES :], LogLine(at, text, action_id)))
