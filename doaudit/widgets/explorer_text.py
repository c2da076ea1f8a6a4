"""A selection of the explorer as HTML and as plain text that need no kernel. Nothing is decided here."""

from __future__ import annotations

from typing import Any

from doaudit.formatting import html_text, visible

__all__ = ["fallback_html", "fallback_text"]

_FACETS = {"account": "Account", "type": "Type", "outcome": "Outcome", "region": "Region"}
_VALUES = 8
_NO_LONGER = "As it was last seen; no longer live. Run the cell again to explore."


def fallback_html(seen: dict[str, Any]) -> str:
    """Return what was last seen as HTML without style, script or widget: counts, the line of code, small tables."""
    tables = "".join(_facet_html(title, values) for title, values in _facets(seen))
    return (
        f"<p><b>{html_text(_counts(seen))}</b></p><p>{_NO_LONGER}</p><p><code>{html_text(seen['code'])}</code></p>"
        f"{tables}{_measures_html(seen)}"
    )


def fallback_text(seen: dict[str, Any]) -> str:
    """Return what was last seen as plain text, for terminals and exports."""
    lines = [f"Explorer: {_counts(seen)}", _NO_LONGER, visible(seen["code"])]
    for title, values in _facets(seen):
        lines.append(f"{title}: " + ", ".join(f"{label} {number:,}" for label, number in values))
    return "\n".join(lines)


def _counts(seen: dict[str, Any]) -> str:
    outcomes = ", ".join(f"{number:,} {outcome}" for outcome, number in seen["outcomes"].items() if number)
    return f"{seen['selected']:,} of {seen['total']:,} actions{f': {outcomes}' if outcomes else ''}"


def _facets(seen: dict[str, Any]) -> list[tuple[str, list[tuple[str, int]]]]:
    """
    Return the title of each facet, its most frequent values and their numbers of actions.

    A facet in which values are chosen counts what else could be, which nobody can choose here: it is left out.
    """
    facets = {
        title: [(label, number) for _, label, number in seen["facets"][name] if number][:_VALUES]
        for name, title in _FACETS.items()
        if name in seen["facets"] and name not in seen["selection"]
    }
    return [(title, values) for title, values in facets.items() if values]


def _facet_html(title: str, values: list[tuple[str, int]]) -> str:
    rows = "".join(f"<tr><td>{html_text(label)}</td><td>{number:,}</td></tr>" for label, number in values)
    return f"<table><thead><tr><th>{title}</th><th>Actions</th></tr></thead><tbody>{rows}</tbody></table>"


def _measures_html(seen: dict[str, Any]) -> str:
    rates = {row["type"]: row["text"] for row in seen["failure_rates"]}
    rows = "".join(
        f"<tr><td>{html_text(row['label'])}</td><td>{row['p50_s']['text']}</td><td>{row['p90_s']['text']}</td>"
        f"<td>{rates.get(row['type'], '')}</td></tr>"
        for row in seen["durations"][:_VALUES]
    )
    head = "".join(f"<th>{each}</th>" for each in ("Type", "Median", "p90", "Errored (95 % interval)"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
