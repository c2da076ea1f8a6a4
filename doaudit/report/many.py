"""A report of several accounts: how complete the actions of each are, and one row about each."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

import pandas as pd

from doaudit.actions import ACCOUNT, categorical
from doaudit.analysis.failures import failure_rates
from doaudit.errors import DoauditError
from doaudit.formatting import count, one_line, visible
from doaudit.report.completeness import (
    COMPLETE,
    COMPLETE_SINCE,
    INCOMPLETE,
    SELECTION,
    UNPROVED,
    Completeness,
    ask,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from doaudit.report.completeness import ReportedAccount, ReportedReads

__all__ = ["ReportedAccounts", "account_table", "ask_each"]

_WORST_FIRST = (INCOMPLETE, UNPROVED, SELECTION, COMPLETE_SINCE, COMPLETE)
_SEVERITIES = {"act_now": "act now", "look": "look"}
_SHOWN = 5


class ReportedAccounts(Protocol):
    """Several accounts of which a report is made: `doaudit.Accounts`, as far as a report asks them."""

    @property
    def source(self) -> str:
        """Source of the actions."""

    @property
    def is_simulated(self) -> bool:
        """True if one is a simulated account."""

    @property
    def history(self) -> ReportedReads:
        """Their histories."""

    def started(self) -> pd.DataFrame:
        """Return the actions that doaudit started in them."""

    def items(self) -> Iterable[tuple[str, ReportedAccount]]:
        """Return each account with its name."""


def ask_each(actions: pd.DataFrame, members: ReportedAccounts) -> Completeness:
    """
    Judge the actions of several accounts, each by its own history, and all by the worst of them.

    Args:
        actions: with the column `account`.
        members: the accounts by name. Rows of other accounts are proved by nothing.

    Returns:
        The verdict on all, with that on each in `accounts`.
    """
    rows_of = dict(list(actions.groupby(ACCOUNT, observed=True)))
    none = actions.iloc[:0]
    each = {name: _ask_one(rows_of.get(name, none), member) for name, member in members.items()}
    unknown = {
        str(name): Completeness(UNPROVED, "No proof of completeness: it is none of the accounts given.", len(rows))
        for name, rows in rows_of.items()
        if name not in each
    }
    each |= unknown
    verdict = next(word for word in _WORST_FIRST if word in {one.verdict for one in each.values()})
    held, foreign = ([getattr(one, name) for one in each.values()] for name in ("held", "foreign"))
    return Completeness(
        verdict,
        _sentence(verdict, each),
        len(actions),
        held=None if None in held else sum(held),
        later=sum(one.later for one in each.values()),
        foreign=None if None in foreign else sum(foreign),
        accounts=each,
    )


def account_table(actions: pd.DataFrame, findings: pd.DataFrame, completeness: Completeness) -> pd.DataFrame:
    """
    Make one row about each account, those with most to act on first.

    Args:
        actions: with the column `account`.
        findings: `doaudit.findings` of them.
        completeness: as `ask_each` returns it, or of no accounts.

    Returns:
        `account`; `actions`, `finished`, `errored`, `open` (int64); `failure_rate` with `low` and `high` (float64, NaN
        if none has finished); `act_now`, `look`: findings (int64); `completeness` (text).
    """
    rates = failure_rates(actions, by=ACCOUNT).set_index(ACCOUNT)
    names = sorted({*map(str, rates.index), *completeness.accounts})
    rates.index = rates.index.astype(object)
    rates = rates.reindex(names)
    found = Counter(zip(findings[ACCOUNT].astype(object), findings["severity"].astype(object), strict=True))
    counts = {name: rates[name].fillna(0).astype("int64").to_numpy() for name in ("actions", "finished", "errored")}
    unknown = "No proof of completeness: no account was given (account=)."
    table = pd.DataFrame(
        {
            ACCOUNT: categorical(names),
            **counts,
            "open": counts["actions"] - counts["finished"],
            **{name: rates[name].to_numpy() for name in ("failure_rate", "low", "high")},
            **{name: [found[account, word] for account in names] for name, word in _SEVERITIES.items()},
            "completeness": [
                completeness.accounts[name].sentence if name in completeness.accounts else unknown for name in names
            ],
        }
    )
    worst_first = ["act_now", "look", "errored"]
    return table.sort_values(worst_first, ascending=False, kind="stable", ignore_index=True)


def _ask_one(rows: pd.DataFrame, account: ReportedAccount) -> Completeness:
    try:
        return ask(rows["id"].to_numpy(), account, rows["started_at"].min())
    except DoauditError as fault:
        reason = f"No proof of completeness: its history cannot be asked. {one_line(str(fault))}"
        return Completeness(UNPROVED, reason, len(rows))


def _sentence(verdict: str, each: Mapping[str, Completeness]) -> str:
    if verdict == COMPLETE:
        ids = sum(one.actions for one in each.values())
        return f"Complete: {ids:,} distinct ids of {count(len(each), 'account')}, each as many as the API reports."
    less = {name: one for name, one in each.items() if one.verdict != COMPLETE}
    told = [f"{visible(name)}: {one.sentence}" for name, one in list(less.items())[:_SHOWN]]
    more = [f"{len(less) - _SHOWN:,} more are in accounts.csv."] if len(less) > _SHOWN else []
    loud = "INCOMPLETE: " if verdict == INCOMPLETE else "Not complete: " if verdict == UNPROVED else ""
    number = f"{len(less):,} {'is' if len(less) == 1 else 'are'}"
    return f"{loud}Of {count(len(each), 'account')} {number} not proved to be here as a whole. {' '.join(told + more)}"
