"""The open actions of an account as HTML and as plain text. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.widgets.words import clock_time, day_time, escaped, span

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.operations.poller import ClassifiedAction, Observation

__all__ = ["monitor_status", "monitor_still", "monitor_table", "plain_monitor"]

_HEAD = ("Action", "Resource", "Region", "Started (UTC)", "Age", "Expected end", "Verdict")


def monitor_status(observation: Observation) -> str:
    """How many there are, when that was seen, and what keeps it from being seen again."""
    counts = [
        f"{sum(one.verdict == word for one in observation.open):,} {word}" for word in ("on time", "late", "stuck")
    ]
    seen = "Not looked yet." if observation.at is None else f"{len(observation.open):,} open: {', '.join(counts)}."
    trouble = f"<br>{escaped(observation.trouble)}" if observation.trouble else ""
    return f'<div role="status"><b>{seen}</b> {_since(observation.at)}{trouble}</div>'


def _since(at: datetime | None) -> str:
    return "" if at is None else f'<span class="da-pale">As of {day_time(at)}.</span>'


def monitor_table(observation: Observation) -> str:
    """A table: what runs, oldest first, then what has just ended, pale."""
    if observation.at is None:
        return ""
    head = "".join(f'<th scope="col">{title}</th>' for title in _HEAD)
    rows = "".join(_row(one) for one in (*observation.open, *observation.ended))
    none = f'<tr><td colspan="{len(_HEAD)}">Nothing is running.</td></tr>'
    return f'<table class="da-table"><thead><tr>{head}</tr></thead><tbody>{rows or none}</tbody></table>'


def _row(one: ClassifiedAction) -> str:
    action = one.action
    cells = [
        f'<td>{escaped(action.type or "unknown")} <span class="da-pale">{action.id}</span></td>',
        f"<td>{escaped(_resource(one))}</td>",
        f"<td>{escaped(action.region or '-')}</td>",
        f'<td class="da-time">{_day(action.started_at)}</td>',
        f'<td class="da-number">{span(one.age_s)}</td>',
        f'<td class="da-time">{_end(one)}</td>',
        f'<td><span class="da-verdict da-{escaped(one.verdict.replace(" ", "-"))}">{escaped(one.verdict)}</span></td>',
    ]
    return f"<tr{' class=da-ended' if action.finished else ''}>{''.join(cells)}</tr>"


def _resource(one: ClassifiedAction) -> str:
    key = one.action.resource or one.action.resource_type or "-"
    return f"{one.name} ({key})" if one.name else key


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else day_time(moment).removesuffix(" UTC")


def _end(one: ClassifiedAction) -> str:
    if one.action.completed_at is not None:
        return f"ended {clock_time(one.action.completed_at)}"
    if one.expected_end is None or one.action.started_at is None or one.age_s is None:
        return "-"
    over_s = one.age_s - (one.expected_end - one.action.started_at).total_seconds()
    return f"about {clock_time(one.expected_end)}" if over_s <= 0 else f"{span(over_s)} ago"


def monitor_still(observation: Observation) -> str:
    """What was open when last looked, for when there is no kernel any more: plain HTML."""
    if observation.at is None:
        return "<p>Monitor: has not looked yet. No longer live: run the cell again.</p>"
    rows = "".join(f"<li>{escaped(_line(one))}</li>" for one in observation.open)
    return (
        f"<p><b>{len(observation.open):,} open actions</b> as of {day_time(observation.at)}; "
        "no longer live: run the cell again.</p>"
        f"<ul>{rows}</ul>"
    )


def plain_monitor(observation: Observation) -> str:
    """The same in plain text."""
    if observation.at is None:
        return "Monitor: has not looked yet. No longer live: run the cell again."
    lines = [f"  {_line(one)}" for one in observation.open]
    return "\n".join(
        [
            f"{len(observation.open):,} open actions as of {day_time(observation.at)}; no longer live: run the cell again.",
            *lines,
        ]
    )


def _line(one: ClassifiedAction) -> str:
    return f"{one.action.type} {one.action.id}, {_resource(one)}: {span(one.age_s)}, {one.verdict}"
