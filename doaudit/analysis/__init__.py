"""Statistics of actions: an actions frame in, a table out, with the uncertainty of each figure."""

from __future__ import annotations

from doaudit.analysis.activity import activity, week_pattern
from doaudit.analysis.durations import duration_distribution, durations, slowest
from doaudit.analysis.failures import failure_rates, failures
from doaudit.analysis.groups import By
from doaudit.analysis.incidents import daily_failures, incidents
from doaudit.analysis.open_actions import open_actions
from doaudit.analysis.problems import problems
from doaudit.analysis.selection import Selection, select
from doaudit.analysis.tally import OUTCOMES, tally

__all__ = [
    "OUTCOMES",
    "By",
    "Selection",
    "activity",
    "daily_failures",
    "duration_distribution",
    "durations",
    "failure_rates",
    "failures",
    "incidents",
    "open_actions",
    "problems",
    "select",
    "slowest",
    "tally",
    "week_pattern",
]


def __dir__() -> list[str]:
    return sorted(__all__)
