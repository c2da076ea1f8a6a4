"""A snapshot run as HTML and as plain text: its plan, steps, progress, log and result. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.formatting import html_text, time_span, utc_datetime, utc_time, visible
from doaudit.widgets.html_box import box

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.snapshot.run import LogLine, Run, Step

__all__ = [
    "RESUME",
    "confirmation",
    "fallback_html",
    "fallback_text",
    "log_html",
    "plan_html",
    "progress_html",
    "result_html",
    "status_html",
    "steps_html",
    "unfinished_html",
]

RESUME = "account.resume()"
_LOG_LINES = 200
_MARKS = {"waiting": "○", "running": "▶", "done": "✓", "failed": "✗", "skipped": "-"}
_LARGEST_SHARE = 0.99  # of the bar, while something is left to do


def steps_html(run: Run, now: datetime) -> str:
    """Return the steps as a list: a mark, the sentence, the action's id, and how long it took, takes or may take."""
    return f'<ol class="da-steps">{"".join(_step_html(step, now) for step in run.steps)}</ol>'


def _step_html(step: Step, now: datetime) -> str:
    action = f' <span class="da-pale">action {step.action_id}</span>' if step.action_id else ""
    return (
        f'<li class="da-{html_text(step.status)}"><span class="da-mark" aria-label="{html_text(step.status)}">'
        f"{_MARKS.get(step.status, '○')}</span><span>{html_text(step.sentence)}{action}</span>"
        f'<span class="da-time">{html_text(_step_time(step, now))}</span></li>'
    )


def _step_time(step: Step, now: datetime) -> str:
    if step.status == "skipped":
        return "skipped"
    if step.started_s is not None and step.ended_s is not None:
        return f"took {time_span(step.ended_s - step.started_s)}"
    expected = f"about {time_span(step.p50_s)}, 9 of 10 within {time_span(step.p90_s)}" if step.p50_s else ""
    if step.status == "running" and step.started_at is not None:
        return f"{time_span(_age_s(step.started_at, now))} so far{f' ({expected})' if expected else ''}"
    return expected if step.status == "waiting" else ""


def _age_s(started_at: datetime, now: datetime) -> float:
    # By the wall clock, which somebody may have set back meanwhile.
    return max(0.0, (now - started_at).total_seconds())


def plan_html(run: Run) -> str:
    """Return the plan: for how long the droplet is off, what else to know, and the steps."""
    notes = "".join(f"<p>{html_text(note)}</p>" for note in run.notes)
    power = f"<p><b>{html_text(_power_plan(run))}</b></p>"
    return (
        f"<h3>What will happen to {html_text(run.droplet_name)}</h3>"
        + box("warn" if run.off_s else "info", f"{power}{notes}", role="status")
        + steps_html(run, run.created_at)
    )


def _power_plan(run: Run) -> str:
    name = run.droplet_name
    if run.off_s is None:
        return f"{name} stays {'on' if run.was_on else 'off, as it is,'} while the snapshot is taken."
    p50_s, p90_s = run.off_s
    return f"{name} will be off for about {time_span(p50_s)}, 9 times in 10 for no more than {time_span(p90_s)}."


def confirmation(run: Run) -> str:
    """Return the sentence that is confirmed before a run starts, as plain text."""
    before = f"switch {run.droplet_name} off, take" if run.off_s else "take"
    after = ", and switch it on again" if run.off_s else ""
    return visible(f"Yes, {before} the snapshot '{run.snapshot_name}'{after}.")


def status_html(run: Run) -> str:
    """Return the run's state in a sentence, which screen readers announce."""
    return f'<div role="status"><b>{html_text(run.droplet_name)}: {html_text(run.sentence)}</b></div>'


def progress_html(run: Run, now: datetime) -> str:
    """Return a progress bar: the steps that have ended, and the running one by its usual duration."""
    steps = [step for step in run.steps if step.status != "skipped"]
    expected_s = sum(step.p50_s for step in steps)
    share = 1.0 if run.ended and run.ok else _share(steps, expected_s, now)
    started_at = min((step.started_at for step in steps if step.started_at), default=now)
    elapsed_s = run.elapsed_s if run.ended else _age_s(started_at, now)
    ended = sum(step.status in {"done", "failed"} for step in steps)
    usual = f"; about {time_span(expected_s)} is usual" if expected_s else ""
    text = f"{ended} of {len(steps)} steps, {time_span(elapsed_s)}{'' if run.ended else ' so far'}{usual}"
    return (
        f'<div class="da-bar{_bar_class(run, steps, now)}" role="progressbar" aria-label="Snapshot" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{round(100 * share)}" aria-valuetext="{text}">'
        f'<div style="width: {share:.1%}"></div></div><p class="da-pale">{text}</p>'
    )


def _bar_class(run: Run, steps: list[Step], now: datetime) -> str:
    if run.ended:
        return " da-good" if run.ok else " da-bad"
    return " da-late" if _is_late(steps, now) else ""


def _share(steps: list[Step], expected_s: float, now: datetime) -> float:
    if not expected_s:
        return sum(step.ended_at is not None for step in steps) / max(1, len(steps)) * _LARGEST_SHARE
    done_s = 0.0
    for step in steps:
        if step.ended_at is not None:
            done_s += step.p50_s
        elif step.started_at is not None:
            done_s += min(step.p50_s * _LARGEST_SHARE, _age_s(step.started_at, now))
    return min(_LARGEST_SHARE, done_s / expected_s)


def _is_late(steps: list[Step], now: datetime) -> bool:
    return any(
        step.status == "running" and step.started_at is not None and _age_s(step.started_at, now) > step.p90_s > 0
        for step in steps
    )


def log_html(run: Run) -> str:
    """Return the last lines of the log, with UTC times and action ids; the newest line stays visible."""
    if not run.log:
        return ""
    lines = "\n".join(html_text(_log_line(line)) for line in run.log[-_LOG_LINES:])
    return (
        '<p class="da-pale">Log (times in UTC)</p>'
        f'<div class="da-log" role="log" tabindex="0" aria-label="Log"><pre>{lines}</pre></div>'
    )


def _log_line(line: LogLine) -> str:
    action = f"  [action {line.action_id}]" if line.action_id else ""
    return f"{utc_time(line.at)}  {line.text}{action}"


def result_html(run: Run, control_panel: str | None) -> str:
    """
    Return the result of a run, with a link to look at it.

    Args:
        run: a run that has ended.
        control_panel: the address of DigitalOcean's control panel; None for a simulated account, which has none.
    """
    kind = "good" if run.ok else ("warn" if run.phase == "cancelled" and run.power_is_as_before else "bad")
    path = "images/snapshots/droplets" if run.ok else f"droplets/{run.droplet_id}"
    label = "Show the snapshots at DigitalOcean" if run.ok else "Show the droplet at DigitalOcean"
    link = f'<a href="{control_panel}/{path}" target="_blank" rel="noopener noreferrer">{label}</a>'
    return box(
        kind,
        f"<p><b>{html_text(run.sentence)}</b></p>"
        f"<p>{link if control_panel else f'In a real account, a link stands here: {label}.'}</p>",
        role="status" if kind == "good" else "alert",
    )


def unfinished_html(run: Run) -> str:
    """Return a box about a run that was left unfinished, with its last known state."""
    return box(
        "warn" if run.readable else "bad",
        f"<p><b>Left unfinished: snapshot '{html_text(run.snapshot_name)}' of {html_text(run.droplet_name)}</b>, begun "
        f"{utc_datetime(run.created_at)}. Last known: {html_text(run.sentence)}</p>",
    )


def fallback_html(run: Run, at: datetime) -> str:
    """Return the state of a run as HTML that needs no style, script or widget, for when the kernel has ended."""
    steps = "".join(
        f"<li>{_MARKS.get(step.status, '○')} {html_text(step.sentence)}"
        f"{f' (action {step.action_id})' if step.action_id else ''}</li>"
        for step in run.steps
    )
    log = "\n".join(html_text(_log_line(line)) for line in run.log[-_LOG_LINES:])
    hint = (
        " What was started goes on at DigitalOcean. To resume the run, and to have the droplet switched on again "
        f"where it was on, run <code>{html_text(RESUME)}</code>."
    )
    name = f"Snapshot '{html_text(run.snapshot_name)}' of {html_text(run.droplet_name)}"
    return (
        f"<p><b>{name}: {html_text(run.sentence)}</b></p>"
        f"<p>As of {utc_datetime(at)}; no longer live.{'' if run.ended else hint}</p>"
        f"<ul>{steps}</ul><pre>{log}</pre>"
    )


def fallback_text(run: Run, at: datetime) -> str:
    """Return the state of a run as plain text, for terminals and exports."""
    lines = [
        f"Snapshot '{run.snapshot_name}' of {run.droplet_name}: {run.sentence}",
        f"As of {utc_datetime(at)}; no longer live." + ("" if run.ended else f" To resume it: {RESUME}"),
        *(f"  {_MARKS.get(step.status, '○')} {step.sentence}" for step in run.steps),
        *(_log_line(line) for line in run.log[-_LOG_LINES:]),
    ]
    return "\n".join(map(visible, lines))
