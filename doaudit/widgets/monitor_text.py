"""The open actions of an account as HTML and as plain text. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.expected_duration import VERDICTS
from doaudit.formatting import html_text, time_span, utc_datetime, utc_time, visible

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.operations.poller import ClassifiedAction, Observation

__all__ = ["fallback_html", "fallback_text", "status_html", "table_html"]

_TITLES = ("Action", "Resource", "Region", "Started (UTC)", "Age", "Expected end", "Verdict")
_VERDICTS = (*VERDICTS[1:], VERDICTS[0])
_NOT_READ = "Monitor: nothing has been read yet. No longer live: run the cell again."


def status_html(observation: Observation) -> str:
    """Return HTML with the number of open actions, the time of the observation, and the last error."""
    numbers = {verdict: sum(row.verdict == verdict for row in observation.open) for verdict in _VERDICTS}
    counts = [f"{number:,} {verdict}" for verdict, number in numbers.items() if number or verdict != _VERDICTS[-1]]
    if observation.at is None:
        open_actions, as_of = "Nothing has been read yet.", ""
    else:
        open_actions = f"{len(observation.open):,} open: {', '.join(counts)}."
        as_of = f'<span class="da-pale">As of {utc_datetime(observation.at)}.</span>'
    error = f"<br>{html_text(observation.error)}" if observation.error else ""
    return f'<div role="status"><b>{open_actions}</b> {as_of}{error}</div>'


def table_html(observation: Observation) -> str:
    """Return an HTML table: open actions, oldest first, then those that have just ended, in a pale colour."""
    if observation.at is None:
        return ""
    head = "".join(f'<th scope="col">{title}</th>' for title in _TITLES)
    rows = "".join(_row(row) for row in (*observation.open, *observation.ended))
    no_rows = f'<tr><td colspan="{len(_TITLES)}">Nothing is running.</td></tr>'
    return f'<table class="da-table"><thead><tr>{head}</tr></thead><tbody>{rows or no_rows}</tbody></table>'


def _row(row: ClassifiedAction) -> str:
    action = row.action
    css_class = f"da-{row.verdict.replace(' ', '-')}"
    started = "-" if action.started_at is None else utc_datetime(action.started_at).removesuffix(" UTC")
    cells = [
        f'<td>{html_text(action.type or "unknown")} <span class="da-pale">{action.id}</span></td>',
        f"<td>{html_text(_resource(row))}</td>",
        f"<td>{html_text(action.region or '-')}</td>",
        f'<td class="da-time">{started}</td>',
        f'<td class="da-number">{time_span(row.age_s)}</td>',
        f'<td class="da-time">{_end(row)}</td>',
        f'<td title="{html_text(row.sentence)}"><span class="da-verdict {css_class}">{row.verdict}</span></td>',
    ]
    return f"<tr{' class=da-ended' if action.finished else ''}>{''.join(cells)}</tr>"


def _resource(row: ClassifiedAction) -> str:
    key = row.action.resource or row.action.resource_type or "-"
    return f"{row.name} ({key})" if row.name else key


def _end(row: ClassifiedAction) -> str:
    started_at: datetime | None = row.action.started_at
    if row.action.completed_at is not None:
        return f"ended {utc_time(row.action.completed_at)}"
    if row.expected_end is None or started_at is None or row.age_s is None:
        return "-"
    overdue_s = row.age_s - (row.expected_end - started_at).total_seconds()
    return f"about {utc_time(row.expected_end)}" if overdue_s <= 0 else f"{time_span(overdue_s)} ago"


def fallback_html(observation: Observation) -> str:
    """Return the actions that were open as plain HTML, for when the kernel has ended."""
    if observation.at is None:
        return f"<p>{_NOT_READ}</p>"
    items = "".join(f"<li>{html_text(_line(row))}</li>" for row in observation.open)
    return (
        f"<p><b>{len(observation.open):,} open actions</b> as of {utc_datetime(observation.at)}; "
        f"no longer live: run the cell again.</p><ul>{items}</ul>"
    )


def fallback_text(observation: Observation) -> str:
    """Return the actions that were open as plain text, for terminals and exports."""
    if observation.at is None:
        return _NOT_READ
    count, at = f"{len(observation.open):,} open actions", utc_datetime(observation.at)
    lines = [f"  {visible(_line(row))}" for row in observation.open]
    return "\n".join([f"{count} as of {at}; no longer live: run the cell again.", *lines])


def _line(row: ClassifiedAction) -> str:
    return f"{row.action.type} {row.action.id}, {_resource(row)}: {row.verdict}, {row.sentence}"
