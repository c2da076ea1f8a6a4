"""The open actions of an account as rows for the page, as HTML, and as plain text. Nothing is decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.expected_duration import VERDICTS
from doaudit.formatting import html_text, time_span, utc_datetime, utc_time, visible

if TYPE_CHECKING:
    from doaudit.expected_duration import ExpectedDuration
    from doaudit.operations.observation import ClassifiedAction, Observation

__all__ = ["fallback_html", "fallback_text", "row_cells", "status_text"]

_VERDICTS = (*VERDICTS[1:], VERDICTS[0])
_NOT_READ = "Monitor: nothing has been read yet. No longer live: run the cell again."


def status_text(observation: Observation, *, running: bool, resting: bool) -> str:
    """Return the number of open actions by verdict, when they were read, and whether reading goes on."""
    if observation.at is None:
        return "Nothing has been read yet."
    numbers = {verdict: sum(row.verdict == verdict for row in observation.open) for verdict in _VERDICTS}
    counts = [f"{number:,} {verdict}" for verdict, number in numbers.items() if number or verdict != _VERDICTS[-1]]
    state = " Paused while the page is hidden." if resting else "" if running else " Stopped."
    return f"{len(observation.open):,} open: {', '.join(counts)}. As of {utc_datetime(observation.at)}.{state}"


def row_cells(row: ClassifiedAction) -> dict[str, Any]:
    """Return an action as cells of text, and what they are sorted and searched by."""
    action = row.action
    cells = {
        "verdict": row.verdict,
        "event": visible(action.type or "unknown"),
        "resource": visible(row.name or action.resource or action.resource_type or "-"),
        "region": visible(action.region or "-"),
    }
    ended = "" if action.completed_at is None else f", ended {utc_time(action.completed_at)}"
    started = "-" if action.started_at is None else utc_datetime(action.started_at).removesuffix(" UTC")
    return {
        **cells,
        "id": str(action.id),
        "started": started,
        "started_s": None if action.started_at is None else action.started_at.timestamp(),
        "age": f"{time_span(row.age_s)}{ended}",
        "age_s": row.age_s,
        "usual": _usual(row.usual),
        "bar": _bar(row.age_s, row.usual),
        "is_ended": action.finished or row.verdict == "gone",
        "details": f"Action {action.id} of {_resource(row)}: {visible(row.sentence) or row.verdict}.",
        "searched": " ".join([*cells.values(), str(action.id), visible(action.resource or "")]).lower(),
    }


def _usual(usual: ExpectedDuration | None) -> str:
    if usual is None or not usual.finished:
        return "nothing to compare with"
    return f"usually {time_span(usual.p50_s)} to {time_span(usual.p90_s)}"


def _bar(age_s: float | None, usual: ExpectedDuration | None) -> dict[str, float] | None:
    """Return the age, what is usual (median to p90) and the p99 as shares of a bar that has room for all of them."""
    if age_s is None or usual is None or not usual.finished:
        return None
    whole = max(age_s, 1.2 * usual.p99_s, 1.0)
    ends = {"age": max(0.0, age_s), "from": usual.p50_s, "to": usual.p90_s, "p99": usual.p99_s}
    return {name: seconds / whole for name, seconds in ends.items()}


def _resource(row: ClassifiedAction) -> str:
    key = row.action.resource or row.action.resource_type or "-"
    return visible(f"{row.name} ({key})" if row.name else key)


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
