"""
Plots of the tables that `doaudit` makes: a table in, matplotlib Axes out.

Nothing is computed here: no percentile, no rate, no total. Each number in a figure is in its table, or says how many of
its rows there are, so a reader can check the two against each other. Without *ax* a function opens one figure through
pyplot, which a notebook then shows by itself. With *ax* it draws there, never touches pyplot, and leaves layout and
size to the owner of the figure (`layout="constrained"` makes room for long names). A figure has a white background in
light and in dark notebooks alike.
"""

from __future__ import annotations

from doaudit.plots.activity import activity
from doaudit.plots.backups import backups
from doaudit.plots.changes import changes
from doaudit.plots.churn import churn
from doaudit.plots.compare import compare
from doaudit.plots.concurrency import concurrency
from doaudit.plots.duration_curves import duration_curves
from doaudit.plots.durations import durations
from doaudit.plots.failure_rates import failure_rates
from doaudit.plots.failures import failures
from doaudit.plots.findings import findings
from doaudit.plots.incidents import incidents
from doaudit.plots.last_actions import last_actions
from doaudit.plots.lifespans import lifespans
from doaudit.plots.open_actions import open_actions
from doaudit.plots.outcome_curves import outcome_curves
from doaudit.plots.power_periods import power_periods
from doaudit.plots.problems import problems
from doaudit.plots.retries import retries
from doaudit.plots.retry_rates import retry_rates
from doaudit.plots.slowest import slowest
from doaudit.plots.timeline import timeline
from doaudit.plots.week_pattern import week_pattern

__all__ = [
    "activity",
    "backups",
    "changes",
    "churn",
    "compare",
    "concurrency",
    "duration_curves",
    "durations",
    "failure_rates",
    "failures",
    "findings",
    "incidents",
    "last_actions",
    "lifespans",
    "open_actions",
    "outcome_curves",
    "power_periods",
    "problems",
    "retries",
    "retry_rates",
    "slowest",
    "timeline",
    "week_pattern",
]


def __dir__() -> list[str]:
    return sorted(__all__)
