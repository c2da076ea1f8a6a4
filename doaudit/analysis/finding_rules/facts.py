"""
Rules of fact: each says what it counts, and is never wrong about what the actions say.

They look at the last 30 days, where nothing else is said: what happened long ago is history, and in the tables.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.analysis.account_keys import account_keys
from doaudit.analysis.action_rows import ACTION_COLUMNS, action_rows
from doaudit.analysis.backups import backups
from doaudit.analysis.engines import to_pandas, unix_seconds
from doaudit.analysis.finding_rules.finding import (
    Finding,
    account_of,
    by_account,
    each_row,
    joined_ids,
    label,
    moment,
    until,
)
from doaudit.analysis.groups import ranks
from doaudit.analysis.power_periods import power_periods
from doaudit.analysis.problems import problems
from doaudit.analysis.retries import retries
from doaudit.analysis.tally import timed
from doaudit.formatting import count, time_span

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.analysis.finding_rules.finding import Evidence, Severity

__all__ = ["RULES"]

_DAY_S, _HOUR_S = 86_400, 3_600
_RECENT_DAYS = 30
_MANY = {_DAY_S: 5, 6 * _HOUR_S: 8}  # how many are many, by the least age in seconds
_LEAST_HISTORY_DAYS = 180
_LEAST_ATTEMPTS = 3
_BACKUP_DAYS = 7
_SENSITIVE = ("destroy", "password_reset", "rebuild", "resize", "restore")
_NAMED = 3


def droplets_off(evidence: Evidence) -> list[Finding]:
    """Report droplets that have been off for a day or longer: they are billed all the same."""
    table = power_periods(evidence.actions)
    off = table[table["still_off"] & (table["off_s"] >= _DAY_S)]
    return [
        Finding(
            "look" if row.certain else "know",
            "droplet off",
            label(row.resource_name, row.resource),
            row.off_from,
            f"{label(row.resource_name, row.resource)} has been off for {time_span(row.off_s)}, and is still billed"
            f"{f' ({row.note})' if row.note else ''}.",
            "da.power_periods(actions)",
            str(row.off_id),
            account_of(row),
        )
        for row in each_row(off)
    ]


def droplets_without_backup(evidence: Evidence) -> list[Finding]:
    """Report how many droplets have had no snapshot or backup taken for 7 days."""
    call = "da.backups(actions)" if evidence.droplets is None else "da.backups(actions, account.droplets())"
    seen = " seen in the actions" if evidence.droplets is None else ""
    found = []
    for account, table in by_account(backups(evidence.actions, evidence.droplets, days=_BACKUP_DAYS)):
        without = table[table["without"]]
        if without.empty:
            continue
        has = "has" if len(without) == 1 else "have"
        never = int(without["last_taken_at"].isna().sum())
        sentence = (
            f"{len(without):,} of {count(len(table), 'droplet')}{seen} {has} had no snapshot or backup taken for "
            f"{_BACKUP_DAYS} days, {never:,} of them never in these actions: {_listed(without)}."
        )
        found.append(Finding("look", "no backup", "droplets", pd.NaT, sentence, call, account=account))
    return found


def many_destroyed(evidence: Evidence) -> list[Finding]:
    """
    Report 5 or more droplets older than a day that were destroyed within an hour, or 8 or more older than six hours.

    Younger ones come and go with the load. One whose creation is not among the actions counts as older.
    """
    found = []
    for account, gone in by_account(_destroyed(evidence.droplet_rows)):
        for burst in _bursts(gone[gone["age_s"] >= min(_MANY)].sort_values(["start", "id"])):
            first, last = moment(burst["start"].iloc[0]), moment(burst["start"].iloc[-1])
            off_hours = ", outside business hours" if evidence.is_off_hours(first) else ""
            sentence = (
                f"{len(burst):,} droplets that had existed for {time_span(min(burst['age_s'].min(), _DAY_S))} or "
                f"longer were destroyed from {first:%Y-%m-%d %H:%M} to {until(first, last)} UTC{off_hours}: "
                f"{_listed(burst)}."
            )
            severity: Severity = "act now" if evidence.is_within(last, 1, account) else "look"
            call, ids = 'da.select(actions, type="destroy")', joined_ids(burst["id"])
            found.append(Finding(severity, "many destroyed", "droplets", first, sentence, call, ids, account))
    return found


def _destroyed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the destructions of droplets, and the age of each in seconds, infinite where its creation is not known."""
    created = rows[rows["type"] == "create"].drop_duplicates("droplet", keep="last").set_index("droplet")["start"]
    gone = rows[rows["type"] == "destroy"]
    age = gone["start"] - gone["droplet"].map(created).astype("Float64")
    return gone.assign(age_s=age.to_numpy(dtype="float64", na_value=np.inf))


def _bursts(gone: pd.DataFrame) -> list[pd.DataFrame]:
    """Return the destructions, each within an hour of the one before it, that are many within an hour."""
    start, age_s = gone["start"].to_numpy(), gone["age_s"].to_numpy()
    ends = [0, *np.flatnonzero(np.diff(start, prepend=start[:1]) > _HOUR_S), len(start)]
    runs = (slice(first, last) for first, last in pairwise(ends))
    return [
        gone.iloc[run]
        for run in runs
        if any(_most_within_an_hour(start[run][age_s[run] >= least]) >= many for least, many in _MANY.items())
    ]


def _most_within_an_hour(starts: NDArray[np.int64]) -> int:
    return int((np.searchsorted(starts, starts + _HOUR_S, side="right") - np.arange(len(starts))).max(initial=0))


def destroyed_without_backup(evidence: Evidence) -> list[Finding]:
    """Report droplets older than a day that were destroyed within 30 days, and not backed up in the 7 days before."""
    rows = evidence.droplet_rows
    taken = rows[rows["type"].isin(["snapshot", "backup"])].groupby("droplet")["start"].max()
    gone = _destroyed(rows)
    backup_age = gone["start"] - gone["droplet"].map(taken).astype("Float64")
    lacks = (backup_age.isna() | (backup_age > _BACKUP_DAYS * _DAY_S)).to_numpy(dtype=bool)
    found = []
    for account, lost in by_account(gone[(gone["age_s"] >= _DAY_S) & lacks].sort_values(["start", "id"])):
        recent = lost[lost["end"] >= evidence.now_s[account] - _RECENT_DAYS * _DAY_S]
        if recent.empty:
            continue
        since, ids = moment(recent["start"].iloc[0]), joined_ids(recent["id"])
        sentence = (
            f"{count(len(recent), 'droplet')} that had existed for a day or longer {_were(len(recent))} destroyed in "
            f"the last {_RECENT_DAYS} days without a snapshot or backup taken within {_BACKUP_DAYS} days before: "
            f"{_listed(recent)}."
        )
        kind, call = "destroyed without backup", "da.lifespans(actions)"
        found.append(Finding("look", kind, "droplets", since, sentence, call, ids, account))
    return found


def sensitive_actions(evidence: Evidence) -> list[Finding]:
    """Report password resets of the last 30 days, and what was destroyed or changed outside business hours."""
    columns = [*account_keys(evidence.actions), *ACTION_COLUMNS]
    earliest = min(evidence.now_s.values(), default=0) - _RECENT_DAYS * _DAY_S
    frame = timed(evidence.actions, columns).filter(
        nw.col("type").is_in(list(_SENSITIVE)), unix_seconds("started_at") >= earliest
    )
    rows = action_rows(frame, columns, seconds="duration_s").sort_values(["started_at", "id"])
    return [finding for account, its in by_account(rows) for finding in _sensitive_in(evidence, account, its)]


def _sensitive_in(evidence: Evidence, account: str | None, rows: pd.DataFrame) -> list[Finding]:
    rows = rows[rows["started_at"] >= moment(evidence.now_s[account] - _RECENT_DAYS * _DAY_S)]
    is_off = np.array([evidence.is_off_hours(started) for started in rows["started_at"]], dtype=bool)
    first, last = evidence.hours
    where = f"outside business hours (Monday to Friday, {first}:00 to {last}:00, {evidence.zone.key})"
    types = ", ".join(_SENSITIVE)
    chosen = (
        ("password reset", rows[rows["type"] == "password_reset"], "password reset", "", "password_reset"),
        ("outside business hours", rows[is_off], "action", f" ({types}) {where}", list(_SENSITIVE)),
    )
    return [
        Finding(
            "know",
            kind,
            "account",
            found["started_at"].iloc[0],
            f"{count(len(found), noun)}{which} in the last {_RECENT_DAYS} days, the last one a "
            f"{found['type'].iloc[-1]} of {label(found['resource_name'].iloc[-1], found['resource'].iloc[-1])}.",
            f'da.select(actions, type={asked!r}, since="{_RECENT_DAYS}d")',
            joined_ids(found["id"]),
            account,
        )
        for kind, found, noun, which, asked in chosen
        if len(found)
    ]


def first_seen(evidence: Evidence) -> list[Finding]:
    """Report a type or region that was seen for the first time within 30 days, in a history of at least 180."""
    return [
        Finding(
            "look",
            f"new {name}",
            str(value),
            moment(second),
            f"The {name} {value} was seen for the first time on {moment(second):%Y-%m-%d %H:%M} UTC.",
            f"da.select(actions, {name}={str(value)!r})",
            account=account,
        )
        for name in ("type", "region")
        for account, first in by_account(_first_starts(evidence, name))
        if evidence.now_s[account] - first["start"].min() >= _LEAST_HISTORY_DAYS * _DAY_S
        for value, second in zip(first[name], first["start"], strict=True)
        if second >= evidence.now_s[account] - _RECENT_DAYS * _DAY_S
    ]


def _first_starts(evidence: Evidence, name: str) -> pd.DataFrame:
    """Return the first start of each value of a column in each account, in their order."""
    keys, start = [*account_keys(evidence.actions), name], unix_seconds("started_at")
    rows: Any = timed(evidence.actions, keys).filter(~start.is_null())
    first = to_pandas(rows.group_by(keys, drop_null_keys=True).agg(start.min().alias("start"))).dropna()
    first = first.astype({"start": "int64"})
    return first.iloc[np.lexsort([ranks(first[name]), first["start"].to_numpy()])]


def failing_again(evidence: Evidence) -> list[Finding]:
    """Report what failed three times in a row outside incidents: to look at, unless an attempt has worked since."""
    table = retries(evidence.actions)
    often = table[table["errored"] >= _LEAST_ATTEMPTS]
    in_incidents = {action for row in each_row(evidence.incidents) for action in _actions_of(row)}
    return [
        Finding(
            "know" if row.outcome == "recovered" else "look",
            "failed again and again",
            label(row.resource_name, row.resource),
            row.first_failure_at,
            f"{row.type} of {label(row.resource_name, row.resource)} failed {row.errored:,} times in a row from "
            f"{row.first_failure_at:%Y-%m-%d %H:%M} UTC on, and {_came_to(row)}.",
            "da.retries(actions)",
            row.ids,
            account_of(row),
        )
        for row in each_row(often)
        if in_incidents.isdisjoint(_actions_of(row))
    ]


def _actions_of(row: Any) -> list[tuple[str | None, str]]:  # noqa: ANN401 -- a row of a table with `ids`
    return [(account_of(row), id_) for id_ in row.ids.split(", ")]


def odd_rows(evidence: Evidence) -> list[Finding]:
    """Report how many actions break an expectation."""
    return [
        _odd_rows_in(account, table) for account, table in by_account(problems(evidence.actions)) if not table.empty
    ]


def _odd_rows_in(account: str | None, table: pd.DataFrame) -> Finding:
    ids, kinds = table["id"].drop_duplicates(), table["problem"].value_counts()
    most_first = sorted(kinds.items(), key=lambda each: (-each[1], str(each[0])))
    listed = ", ".join(f"{kind} ({number:,})" for kind, number in most_first)
    records = "The record of 1 action is" if len(ids) == 1 else f"The records of {len(ids):,} actions are"
    sentence = f"{records} odd: {listed}."
    return Finding("know", "odd rows", "history", pd.NaT, sentence, "da.problems(actions)", joined_ids(ids), account)


def _listed(resources: pd.DataFrame) -> str:
    shown = ", ".join(label(row.resource_name, row.resource) for row in each_row(resources.head(_NAMED)))
    return shown if len(resources) <= _NAMED else f"{shown} and {len(resources) - _NAMED:,} more"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"


def _came_to(row: Any) -> str:  # noqa: ANN401 -- a row of `retries`
    if row.outcome == "recovered":
        return f"worked after {time_span(row.recovery_s)}"
    return {"open": "the last attempt is open"}.get(row.outcome, "no attempt has worked")


RULES = (
    many_destroyed,
    destroyed_without_backup,
    droplets_without_backup,
    droplets_off,
    failing_again,
    first_seen,
    sensitive_actions,
    odd_rows,
)
"""Every rule of fact."""
