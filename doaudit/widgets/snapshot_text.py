"""A snapshot run as HTML and as plain text: its steps, how far it is, its log, its end. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.widgets.words import box, clock_time, day_time, escaped, span

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.snapshot.run import LogLine, Run, Step

__all__ = [
    "LOG_LINES",
    "RESUME",
    "confirmation",
    "left_html",
    "log_html",
    "plain_run",
    "plan_html",
    "progress_html",
    "result_html",
    "status_html",
    "steps_html",
    "still_html",
]

LOG_LINES = 200
RESUME = "account.resume()"
_MARKS = {"waiting": "○", "running": "▶", "done": "✓", "failed": "✗", "skipped": "-"}
_NEARLY = 0.99


def steps_html(run: Run, now: datetime) -> str:
    """The steps as a list: a mark, the sentence, the action's id, and how long it took, takes or may take."""
    return f'<ol class="da-steps">{"".join(_step_html(step, now) for step in run.steps)}</ol>'


def _step_html(step: Step, now: datetime) -> str:
    action = f' <span class="da-pale">action {step.action_id}</span>' if step.action_id else ""
    return (
        f'<li class="da-{escaped(step.status)}"><span class="da-mark" aria-label="{escaped(step.status)}">'
        f"{_MARKS.get(step.status, '○')}</span><span>{escaped(step.sentence)}{action}</span>"
        f'<span class="da-time">{escaped(_step_time(step, now))}</span></li>'
    )


def _step_time(step: Step, now: datetime) -> str:
    if step.status == "skipped":
        return "skipped"
    if step.started_s is not None and step.ended_s is not None:
        return f"took {span(step.ended_s - step.started_s)}"
    expected = _expected(step.p50_s, step.p90_s)
    if step.status == "running" and step.started_at is not None:
        return f"{span(_so_far_s(step.started_at, now))} so far{f' ({expected})' if expected else ''}"
    return expected if step.status == "waiting" else ""


def _so_far_s(started_at: datetime, now: datetime) -> float:
    # By the wall clock, which somebody may have set back meanwhile.
    return max(0.0, (now - started_at).total_seconds())


def _expected(p50_s: float, p90_s: float) -> str:
    return f"about {span(p50_s)}, 9 of 10 within {span(p90_s)}" if p50_s else ""


def plan_html(run: Run) -> str:
    """What will happen, before anything does: for how long the droplet is off, what else to know, and the steps."""
    notes = "".join(f"<p>{escaped(note)}</p>" for note in run.notes)
    return (
        f"<h3>What will happen to {escaped(run.droplet_name)}</h3>"
        + box("warn" if run.off_s else "info", f"<p><b>{escaped(_power_plan(run))}</b></p>{notes}", role="status")
        + steps_html(run, run.created_at)
    )


def _power_plan(run: Run) -> str:
    name = run.droplet_name
    if run.off_s is None:
        return f"{name} stays {'on' if run.was_on else 'off, as it is,'} while the snapshot is taken."
    about, most = run.off_s
    return f"{name} will be off for about {span(about)}, 9 times in 10 for no more than {span(most)}."


def confirmation(run: Run) -> str:
    """The words that are confirmed before it starts."""
    switched = f"switch {run.droplet_name} off, take" if run.off_s else "take"
    after = ", and switch it on again" if run.off_s else ""
    return f"Yes, {switched} the snapshot '{run.snapshot_name}'{after}."


def status_html(run: Run) -> str:
    """What is going on, in a sentence that a screen reader hears."""
    return f'<div role="status"><b>{escaped(run.droplet_name)}: {escaped(run.sentence)}</b></div>'


def progress_html(run: Run, now: datetime) -> str:
    """A bar: the steps that are over, and the one that runs measured by what is usual for it."""
    needed = [step for step in run.steps if step.status != "skipped"]
    default_durations = sum(step.p50_s for step in needed)
    share = 1.0 if run.ended and run.ok else _share(needed, default_durations, now)
    began = min((step.started_at for step in needed if step.started_at), default=now)
    elapsed = run.elapsed_s if run.ended else _so_far_s(began, now)
    kind = ("good" if run.ok else "bad") if run.ended else ("late" if _is_late(needed, now) else "")
    over = sum(step.status in {"done", "failed"} for step in needed)
    about = f"; about {span(default_durations)} is usual" if default_durations else ""
    said = f"{over} of {len(needed)} steps, {span(elapsed)}{'' if run.ended else ' so far'}{about}"
    return (
        f'<div class="da-bar{f" da-{kind}" if kind else ""}" role="progressbar" aria-label="Snapshot" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{round(100 * share)}" aria-valuetext="{said}">'
        f'<div style="width: {share:.1%}"></div></div><p class="da-pale">{said}</p>'
    )


def _share(steps: list[Step], default_durations: float, now: datetime) -> float:
    if not default_durations:
        return sum(step.ended_at is not None for step in steps) / max(1, len(steps)) * _NEARLY
    over = 0.0
    for step in steps:
        p50 = step.p50_s
        if step.ended_at is not None:
            over += p50
        elif step.started_at is not None:
            over += min(p50 * _NEARLY, _so_far_s(step.started_at, now))
    return min(_NEARLY, over / default_durations)


def _is_late(steps: list[Step], now: datetime) -> bool:
    return any(
        step.status == "running" and step.started_at is not None and _so_far_s(step.started_at, now) > step.p90_s > 0
        for step in steps
    )


def log_html(run: Run) -> str:
    """The last lines of the log, with UTC times and action ids; the newest stays in sight."""
    if not run.log:
        return ""
    lines = "\n".join(escaped(log_line(line)) for line in run.log[-LOG_LINES:])
    return (
        '<p class="da-pale">Log (times in UTC)</p>'
        f'<div class="da-log" role="log" tabindex="0" aria-label="Log"><pre>{lines}</pre></div>'
    )


def log_line(line: LogLine) -> str:
    """One line of a log: time, action if there is one, text."""
    action = f"  [action {line.action_id}]" if line.action_id else ""
    return f"{clock_time(line.at)}  {line.text}{action}"


def result_html(run: Run, panel: str | None) -> str:
    """
    How a run ended, and where to look at it.

    Args:
        run: one that is finished.
        panel: the address of DigitalOcean's control panel; None for a simulated account, which has none.
    """
    kind = "good" if run.ok else ("warn" if run.phase == "cancelled" and run.power_is_as_before else "bad")
    place = "images/snapshots/droplets" if run.ok else f"droplets/{run.droplet_id}"
    words = "Show the snapshots at DigitalOcean" if run.ok else "Show the droplet at DigitalOcean"
    link = f'<a href="{panel}/{place}" target="_blank" rel="noopener noreferrer">{words}</a>'
    return box(
        kind,
        f"<p><b>{escaped(run.sentence)}</b></p>"
        f"<p>{link if panel else f'In a real account, a link stands here: {words}.'}</p>",
        role="status" if kind == "good" else "alert",
    )


def left_html(run: Run) -> str:
    """A run that was left unfinished, as it was when last heard of."""
    begun = day_time(run.created_at)
    return box(
        "warn" if run.readable else "bad",
        f"<p><b>Left unfinished: snapshot '{escaped(run.snapshot_name)}' of {escaped(run.droplet_name)}</b>, begun "
        f"{begun}. Last known: {escaped(run.sentence)}</p>",
    )


def still_html(run: Run, at: datetime) -> str:
    """The state of a run for when there is no kernel any more: HTML that needs no style, no script and no widget."""
    steps = "".join(
        f"<li>{_MARKS.get(step.status, '○')} {escaped(step.sentence)}"
        f"{f' (action {step.action_id})' if step.action_id else ''}</li>"
        for step in run.steps
    )
    log = "\n".join(escaped(log_line(line)) for line in run.log[-LOG_LINES:])
    return (
        f"<p><b>Snapshot '{escaped(run.snapshot_name)}' of {escaped(run.droplet_name)}: {escaped(run.sentence)}</b></p>"
        f"<p>As of {day_time(at)}; no longer live.{'' if run.ended else f' {_hint_html()}'}</p>"
        f"<ul>{steps}</ul><pre>{log}</pre>"
    )


def _hint_html() -> str:
    return (
        "What was started goes on at DigitalOcean. To take it up again, and to have the droplet switched on again "
        f"where it was on, run <code>{escaped(RESUME)}</code>."
    )


def plain_run(run: Run, at: datetime) -> str:
    """The state of a run in plain text, for terminals and exports."""
    lines = [
        f"Snapshot '{run.snapshot_name}' of {run.droplet_name}: {run.sentence}",
        f"As of {day_time(at)}; no longer live." + ("" if run.ended else f" To take it up again: {RESUME}"),
        *(f"  {_MARKS.get(step.status, '○')} {step.sentence}" for step in run.steps),
        *(log_line(line) for line in run.log[-LOG_LINES:]),
    ]
    return "\n".join(lines)
