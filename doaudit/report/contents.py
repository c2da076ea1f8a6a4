"""Contents of a report: which actions it is about, and each table of the registry that is made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from doaudit.actions import ACCOUNT, COLUMNS
from doaudit.analysis.findings import concerning, findings
from doaudit.analysis.part import end_of, of_part, window_of
from doaudit.formatting import time_span
from doaudit.tables import TABLES

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from doaudit.analysis.selection import Selection
    from doaudit.tables import Table, Variant

__all__ = ["Known", "ReportedActions", "actions_table", "choose_actions", "choose_variants", "make_table"]

_LAST_30_DAYS = "the last 30 days are compared with the 30 before them"
_MINUTE = "%Y-%m-%d %H:%M"


@dataclass(frozen=True)
class Known:
    """
    Facts that only the account can tell.

    Attributes:
        droplets: those that exist now, as `account.droplets()` returns them; None if nobody has asked.
        started: the actions that doaudit started, as `account.started()` returns them; None without an account.
    """

    droplets: pd.DataFrame | None = None
    started: pd.DataFrame | None = None


@dataclass(frozen=True)
class ReportedActions:
    """
    The actions of a report.

    Attributes:
        given: all that there are; they tell what is usual.
        rows: those that the report is about.
        window: its beginning and end; None if there is none.
        before: those of the window before, to compare with; None if there is no window, or nothing is in it.
        selection: the conditions by which the rows were selected.
        compared: a sentence that says which periods are compared.
    """

    given: pd.DataFrame
    rows: pd.DataFrame
    window: tuple[datetime, datetime] | None
    before: pd.DataFrame | None
    selection: Selection
    compared: str

    @property
    def is_part(self) -> bool:
        """True if conditions were given."""
        return bool(self.selection.conditions())


def choose_actions(actions: pd.DataFrame, selection: Selection) -> ReportedActions:
    """
    Select the actions of a report, and those of the window before, which is as long and ends where it begins.

    Args:
        actions: an actions frame.
        selection: the conditions; without `since` there is no window, and the last 30 days are compared instead.
    """
    rows = selection.apply(actions) if selection.conditions() else actions
    window = window_of(selection, actions)
    if window is None or selection.since is None or rows.empty:
        return ReportedActions(actions, rows, window, None, selection, _LAST_30_DAYS)
    begin, end = window
    others = replace(selection, since=None, until=None, overlapping=False)
    rest = others.apply(actions) if others.conditions() else actions
    before = rest[(rest["started_at"] >= begin - (end - begin)) & (rest["started_at"] < begin)]
    if before.empty:
        return ReportedActions(actions, rows, window, None, selection, _LAST_30_DAYS)
    long = time_span((end - begin).total_seconds())
    compared = f"{begin:{_MINUTE}} to {end:{_MINUTE}} UTC is compared with the {long} before"
    return ReportedActions(actions, rows, window, before, selection, compared)


def choose_variants(actions: pd.DataFrame, by: str) -> list[tuple[Table, Variant]]:
    """
    Return how a report has each table, once for each name of a file.

    Args:
        actions: with the column `account` if they are of several; by resource is by account and resource then.
        by: the column in place of `type` by which tables are grouped.
    """
    variants = [(table, _grouped(variant, actions, by)) for table in TABLES for variant in table.variants]
    return list({variant.name: (table, variant) for table, variant in reversed(variants)}.values())[::-1]


def _grouped(variant: Variant, actions: pd.DataFrame, by: str) -> Variant:
    column = variant.arguments.get("by")
    if column == "type":
        column, variant = by, replace(variant, name=variant.name.removesuffix("_by_type") + _suffix(variant, by))
    if column is None:
        return variant
    keys = [ACCOUNT, column] if ACCOUNT in actions.columns and column == "resource" else column
    return replace(variant, arguments={**variant.arguments, "by": keys})


def _suffix(variant: Variant, by: str) -> str:
    return f"_by_{by}" if variant.name.endswith("_by_type") else ""


def make_table(table: Table, variant: Variant, chosen: ReportedActions, known: Known) -> pd.DataFrame:
    """
    Make one table of a report.

    Findings are looked for in all actions, since these tell what is usual, and those that concern the selected ones are
    kept. What only the account can tell is used where the report is about all of it.
    """
    if table.name == "findings":
        return _findings(chosen, known)
    if table.name == "compare" and chosen.before is not None:
        return table.function(chosen.before, chosen.rows, **variant.arguments)
    arguments = {**variant.arguments, **_of_account(table, known)}
    if chosen.is_part and table.told_by_all:
        return of_part(table.function(chosen.given, **arguments), chosen.rows, table.told_by_all, chosen.window)
    return table.function(chosen.rows, **arguments)


def _findings(chosen: ReportedActions, known: Known) -> pd.DataFrame:
    found = findings(chosen.given, known.droplets, chosen.selection.since)
    if not chosen.is_part or chosen.given.empty:
        return found
    newest = chosen.given["observed_at"].max().to_pydatetime()
    return concerning(found, chosen.rows, end_of(chosen.selection, newest))


def _of_account(table: Table, known: Known) -> dict[str, Any]:
    if table.from_account == "started_by_doaudit" and known.started is not None:
        return {"started_by_doaudit": known.started if ACCOUNT in known.started else known.started["id"]}
    return {"droplets": known.droplets} if table.from_account == "droplets" else {}


def actions_table(actions: pd.DataFrame) -> pd.DataFrame:
    """Return the actions as their CSV file has them."""
    return actions[[name for name in (ACCOUNT, *COLUMNS) if name in actions.columns]]
