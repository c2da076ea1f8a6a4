"""The figures on top of a report: how many actions, how many failed, what is open, what is different."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from doaudit.formatting import count, rate, time_span
from doaudit.report.chapters import SIGNIFICANT

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

__all__ = ["tiles"]


def tiles(tables: Mapping[str, pd.DataFrame], scope: Mapping[str, Any], compared: str) -> list[dict[str, str]]:
    """
    Return each figure with its label, what stands below it, and a tone: '', 'good', 'warn' or 'bad'.

    Args:
        tables: by the name of their CSV file.
        scope: as `doaudit.report.manifest.scope` makes it.
        compared: a sentence that says which periods are compared.
    """
    opened = tables["open_actions"]
    stuck = int((opened["verdict"] == "stuck").sum())
    overall = scope["failure_rate"]
    known = overall["failure_rate"] is not None
    interval = f"true rate {rate(overall['low'])} to {rate(overall['high'])}, 95 %" if known else "none has finished"
    changed = int((tables["compare"]["q"] <= SIGNIFICANT).sum())
    oldest = f"the oldest for {time_span(opened['age_s'].max())}" if len(opened) else "all have ended"
    groups = f"of {count(len(tables['compare']), 'group')}; {compared}"
    return [
        _tile("Actions", f"{scope['actions']:,}", f"{scope['finished']:,} finished"),
        _tile("Failure rate", rate(overall["failure_rate"]) if known else "-", interval),
        _tile("Open", f"{len(opened):,}", oldest),
        _tile("Stuck", f"{stuck:,}", "open far longer than usual", "bad" if stuck else "good"),
        _tile("Different from before", f"{changed:,}", groups, "warn" if changed else ""),
    ]


def _tile(label: str, value: str, detail: str, tone: str = "") -> dict[str, str]:
    return {"label": label, "value": value, "detail": detail, "tone": tone}
