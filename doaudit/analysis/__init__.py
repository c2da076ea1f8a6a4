"""Statistics of actions: an actions frame in, a table out, with the uncertainty of each figure."""

from __future__ import annotations

from doaudit.analysis.activity import activity, week_pattern
from doaudit.analysis.backups import backups
from doaudit.analysis.changes import change_series, changes
from doaudit.analysis.compare import compare
from doaudit.analysis.concurrency import concurrency, daily_concurrency
from doaudit.analysis.duration_curves import duration_curves, outcome_curves
from doaudit.analysis.durations import duration_distribution, durations, slowest
from doaudit.analysis.failures import failure_rates, failures
from doaudit.analysis.findings import findings
from doaudit.analysis.groups import By
from doaudit.analysis.incidents import daily_failures, incidents
from doaudit.analysis.last_actions import last_actions
from doaudit.analysis.lifespans import churn, lifespans
from doaudit.analysis.open_actions import open_actions
from doaudit.analysis.power_periods import power_periods
from doaudit.analysis.problems import problems
from doaudit.analysis.retries import retries
from doaudit.analysis.retry_rates import retry_rates
from doaudit.analysis.selection import Selection, select
from doaudit.analysis.tally import OUTCOMES, tally
from doaudit.analysis.timeline import timeline

__all__ = [
    "OUTCOMES",
    "By",
    "Selection",
    "activity",
    "backups",
    "change_series",
    "changes",
    "churn",
    "compare",
    "concurrency",
    "daily_concurrency",
    "daily_failures",
    "duration_curves",
    "duration_distribution",
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
    "select",
    "slowest",
    "tally",
    "timeline",
    "week_pattern",
]


def __dir__() -> list[str]:
    return sorted(__all__)
