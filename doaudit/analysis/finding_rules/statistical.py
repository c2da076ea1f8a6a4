"""
Statistical rules: what is more than chance, with a threshold and the rate of false alarms.

Each takes the threshold of the table that it reads: a q of at most 5 %, that is, of the rows listed at most 5 in 100
are false alarms, on average. A stuck action is a false alarm in fewer than 1 of 100 healthy ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from doaudit.analysis.account_keys import account_keys, within_accounts
from doaudit.analysis.changes import changes
from doaudit.analysis.failures import failure_rates
from doaudit.analysis.finding_rules.finding import Finding, account_of, by_account, each_row, label, until
from doaudit.analysis.groups import number_groups
from doaudit.analysis.open_actions import open_actions
from doaudit.analysis.significance import benjamini_hochberg, fisher_greater
from doaudit.formatting import count, rate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.analysis.finding_rules.finding import Evidence

__all__ = ["RULES"]

_MAX_Q = 0.05


def hanging_actions(evidence: Evidence) -> list[Finding]:
    """Report open actions that are stuck, and those that are slow."""
    table = open_actions(evidence.actions)
    unusual = table[table["verdict"].isin(["stuck", "slow"])]
    return [
        Finding(
            "act now" if row.verdict == "stuck" else "look",
            f"{row.verdict} action",
            label(row.resource_name, row.resource),
            row.started_at,
            f"{row.type} of {label(row.resource_name, row.resource)} has not ended: {row.sentence}.",
            "da.open_actions(actions)",
            str(row.id),
            account_of(row),
        )
        for row in each_row(unusual)
    ]


def incidents_by_region(evidence: Evidence) -> list[Finding]:
    """Report days on which far more actions of a region failed than usual; to act on, if within the last 24 hours."""
    return [
        Finding(
            "act now" if evidence.is_within(row.last_failure_at, 1, account_of(row)) else "look",
            "incident",
            label(row.region, None),
            row.first_failure_at,
            f"{row.errored:,} of {count(row.actions, 'action')} in {label(row.region, None)} failed, where "
            f"{row.expected:.1f} were to be expected, from {row.first_failure_at:%Y-%m-%d %H:%M} to "
            f"{until(row.first_failure_at, row.last_failure_at)} UTC.",
            'da.incidents(actions, by="region")',
            row.ids,
            account_of(row),
        )
        for row in each_row(evidence.incidents)
    ]


def changes_by_type(evidence: Evidence) -> list[Finding]:
    """Report types whose durations or failures are different since some day."""
    return [
        Finding(
            "look",
            f"change of {row.what}",
            label(row.type, None),
            row.since,
            f"{_without_account(row)}.",
            'da.changes(actions, by="type")',
            account=account_of(row),
        )
        for row in each_row(changes(evidence.actions, by="type", max_q=_MAX_Q))
    ]


def failing_types(evidence: Evidence) -> list[Finding]:
    """Report types that fail more often than the others there, also if failures of one day count as fewer."""
    table = failure_rates(evidence.actions, by=within_accounts(evidence.actions, "type"))
    _, account = number_groups(table, account_keys(table))
    errored, finished = (
        np.bincount(account, weights=table[name])[account] - table[name] for name in ("errored", "finished")
    )
    rest = errored / finished.clip(lower=1)
    worse = table[(_q_within_accounts(table) <= _MAX_Q) & (table["low"] > rest)]
    return [
        Finding(
            "know",
            "failing type",
            label(row.type, None),
            pd.NaT,
            f"{label(row.type, None)} fails more often than the other types: {row.errored:,} of {row.finished:,}, "
            f"{rate(row.failure_rate)} ({rate(row.low)} to {rate(row.high)}).",
            'da.failure_rates(actions, by="type")',
            account=account_of(row),
        )
        for row in each_row(worse)
    ]


def _q_within_accounts(table: pd.DataFrame) -> NDArray[np.float64]:
    """Return the q of `failure_rates` with each group tested against those of its account, all as one family."""
    p = np.full(len(table), np.nan)
    for _, its in by_account(table):
        p[its.index] = fisher_greater(its["errored"], its["finished"])
    return benjamini_hochberg(p)


def _without_account(row: Any) -> str:  # noqa: ANN401 -- a row of `changes`
    sentence: str = row.sentence
    return sentence.removeprefix(f"{account_of(row)}: ")  # which all findings get in one place


RULES = (incidents_by_region, changes_by_type, hanging_actions, failing_types)
"""Every statistical rule."""
