"""A snapshot run as cells for a page, as HTML and as plain text: plan, steps, progress, log, result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.formatting import html_text, time_span, utc_datetime, utc_time, visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from doaudit.snapshot.run import LogLine, Run, Step

__all__ = ["RESUME", "button_text", "confirmation", "fallback_html", "fallback_text", "plan_cells", "run_cells"]

RESUME = "account.resume()"
_LOG_LINES = 500
_FALLBACK_LINES = 200
_MARKS = {"waiting": "○", "running": "▶", "done": "✓", "failed": "✗", "skipped": "-"}
_LARGEST_SHARE = 0.99  # of the bar, while something is left to do
_MOST_NAMED = 4


def plan_cells(plan: Run) -> dict[str, Any]:
    """Return a plan as texts: what will be taken, for how long the droplet is off, what else to know, the steps."""
    return {
        "id": plan.id,
        "title": visible(f"'{plan.snapshot_name}' of {plan.droplet_name}"),
        "power": visible(_power_plan(plan)),
        "is_off": plan.off_s is not None,
        "notes": [visible(note) for note in plan.notes],
        "existing": visible(f"Snapshots that exist: {', '.join(plan.existing_names) or 'none'}."),
        "steps": [_step_cells(step, plan.created_at) for step in plan.steps],
    }


def _power_plan(run: Run) -> str:
    if run.off_s is None:
        return f"{run.droplet_name} stays {'on' if run.was_on else 'off, as it is,'} while the snapshot is taken."
    p50_s, p90_s = run.off_s
    off = f"about {time_span(p50_s)}, 9 times in 10 for no more than {time_span(p90_s)}"
    return f"{run.droplet_name} will be off for {off}."


def confirmation(plans: Sequence[Run]) -> str:
    """Return the sentence that is confirmed before anything starts."""
    off = [plan.droplet_name for plan in plans if plan.off_s]
    if len(plans) == 1:
        before = f"switch {plans[0].droplet_name} off, take" if off else "take"
        after = ", and switch it on again" if off else ""
        return visible(f"Yes, {before} the snapshot '{plans[0].snapshot_name}'{after}.")
    before = f"switch {_named(off)} off, take" if off else "take"
    after = f", and switch {'each' if len(off) > 1 else off[0]} on again" if off else ""
    return visible(f"Yes, {before} these {len(plans)} snapshots{after}.")


def button_text(plans: Sequence[Run]) -> str:
    """Return what the button that starts does."""
    if len(plans) == 1:
        return visible(f"Take snapshot of {plans[0].droplet_name}")
    return f"Take {len(plans)} snapshots" if plans else "Take snapshot"


def _named(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
    return ", ".join(names)


def run_cells(run: Run, now: datetime, *, cancelling: bool, over: bool, link: str | None) -> dict[str, Any]:
    """
    Return a run as texts: its state, progress, steps and log.

    Args:
        run: the run, planned or begun.
        now: the time.
        cancelling: whether it was told to stop.
        over: whether no more will be begun.
        link: the address of DigitalOcean's control panel; None for a simulated account, which has none.
    """
    path = "images/snapshots/droplets" if run.ok else f"droplets/{run.droplet_id}"
    return {
        "id": run.id,
        "name": visible(f"{run.droplet_name} ({run.droplet_id})"),
        "snapshot": visible(run.snapshot_name),
        "kind": _kind(run, cancelling=cancelling),
        "sentence": visible(_sentence(run, now, cancelling=cancelling, over=over)),
        "has_ended": run.ended,
        "progress": _progress(run, now),
        "steps": [_step_cells(step, now) for step in run.steps],
        "log": [visible(_log_line(line)) for line in run.log[-_LOG_LINES:]],
        "link": f"{link}/{path}" if link and run.ended else None,
    }


def _kind(run: Run, *, cancelling: bool) -> str:
    """Return how good the news is: planned, running, stopping, done, cancelled or failed."""
    if run.ended:
        is_harmless = run.phase == "cancelled" and run.power_is_as_before
        return "done" if run.ok else "cancelled" if is_harmless else "failed"
    if run.phase == "planned":
        return "planned"
    return "stopping" if cancelling or run.ending == "cancelled" else "running"


def _sentence(run: Run, now: datetime, *, cancelling: bool, over: bool) -> str:
    if run.phase == "planned":
        return "Not begun." if over else "Not begun yet."
    if run.ended or not (cancelling or run.ending == "cancelled"):
        return run.sentence
    if not run.snapshot_under_way:
        return f"Cancelling: the power of {run.droplet_name} is restored first. {run.sentence}"
    step = next((each for each in run.steps if each.name == "snapshot"), None)
    left = ""
    if step is not None and step.started_at is not None and step.p50_s > (age_s := _age_s(step.started_at, now)):
        left = f", about {time_span(step.p50_s - age_s)}"
    return f"Cancelling: waiting for the snapshot to end, which cannot be stopped{left}."


def _step_cells(step: Step, now: datetime) -> dict[str, Any]:
    action = f" (action {step.action_id})" if step.action_id else ""
    return {
        "status": step.status,
        "mark": _MARKS.get(step.status, "○"),
        "sentence": visible(f"{step.sentence}{action}"),
        "time": _step_time(step, now),
    }


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


def _progress(run: Run, now: datetime) -> dict[str, Any]:
    """Return a share, by the steps that have ended and the running one's usual duration, and the same in words."""
    steps = [step for step in run.steps if step.status != "skipped"]
    expected_s = sum(step.p50_s for step in steps)
    share = 1.0 if run.ended and run.ok else _share(steps, expected_s, now)
    started_at = min((step.started_at for step in steps if step.started_at), default=now)
    elapsed_s = run.elapsed_s if run.ended else _age_s(started_at, now)
    ended = sum(step.status in {"done", "failed"} for step in steps)
    usual = f"; about {time_span(expected_s)} is usual" if expected_s else ""
    so_far = "" if run.ended else " so far"
    return {"share": share, "text": f"{ended} of {len(steps)} steps, {time_span(elapsed_s)}{so_far}{usual}"}


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


def _log_line(line: LogLine) -> str:
    action = f"  [action {line.action_id}]" if line.action_id else ""
    return f"{utc_time(line.at)}  {line.text}{action}"


def fallback_html(runs: Sequence[Run], at: datetime) -> str:
    """Return the state of runs as HTML that needs no style, script or widget, for when the kernel has ended."""
    hint = (
        " What was started goes on at DigitalOcean. To resume it, and to have droplets switched on again that were on, "
        f"run <code>{html_text(RESUME)}</code>."
    )
    head = f"<p>As of {utc_datetime(at)}; no longer live.{'' if all(run.ended for run in runs) else hint}</p>"
    return head + "".join(map(_run_html, runs))


def _run_html(run: Run) -> str:
    steps = "".join(
        f"<li>{_MARKS.get(step.status, '○')} {html_text(step.sentence)}"
        f"{f' (action {step.action_id})' if step.action_id else ''}</li>"
        for step in run.steps
    )
    log = "\n".join(html_text(_log_line(line)) for line in run.log[-_FALLBACK_LINES:])
    name = f"Snapshot '{html_text(run.snapshot_name)}' of {html_text(run.droplet_name)}"
    return f"<p><b>{name}: {html_text(run.sentence)}</b></p><ul>{steps}</ul><pre>{log}</pre>"


def fallback_text(runs: Sequence[Run], at: datetime) -> str:
    """Return the state of runs as plain text, for terminals and exports."""
    resume = "" if all(run.ended for run in runs) else f" To resume it: {RESUME}"
    lines = [f"As of {utc_datetime(at)}; no longer live.{resume}"]
    for run in runs:
        lines.append(f"Snapshot '{run.snapshot_name}' of {run.droplet_name}: {run.sentence}")
        lines += [f"  {_MARKS.get(step.status, '○')} {step.sentence}" for step in run.steps]
        lines += [_log_line(line) for line in run.log[-_FALLBACK_LINES:]]
    return "\n".join(map(visible, lines))
