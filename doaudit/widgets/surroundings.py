"""What a lookout needs of an account: what its history knows, and the two requests by which open actions are seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from doaudit.actions import IN_PROGRESS, Action
from doaudit.analysis import durations
from doaudit.expected_duration import ExpectedDuration, default_durations
from doaudit.operations.poller import Baseline
from doaudit.operations.action_requests import newest_actions, read_action

if TYPE_CHECKING:
    from datetime import datetime

    from doaudit.account import Account

__all__ = ["baseline_of", "newest_of", "one_of"]

_NAMES = "SELECT key, name FROM resources WHERE name IS NOT NULL"
_PERCENTILES = ["p50_s", "p90_s", "p99_s"]


def baseline_of(account: Account) -> Baseline:
    """What the local history of an account knows, as it is; nothing is asked of the API."""
    actions = account.history.read()
    left = actions[actions["status"].isin(IN_PROGRESS)].to_dict("records")
    names = account.history.sql(_NAMES)
    return Baseline(
        expected=default_durations() | _expected(actions),
        names=dict(zip(names["key"].astype(str), names["name"].astype(str), strict=True)),
        open_actions=tuple(_action({str(key): value for key, value in row.items()}) for row in left),
    )


def _expected(actions: pd.DataFrame) -> dict[str, ExpectedDuration]:
    if actions.empty:
        return {}
    table = durations(actions, by="type").dropna(subset=["type"])
    rows = zip(table["type"].astype(str), *(table[name] for name in _PERCENTILES), strict=True)
    return {kind: ExpectedDuration(*times) for kind, *times in rows if all(map(math.isfinite, times))}


def _action(row: dict[str, Any]) -> Action:
    known = {name: None if pd.isna(value) else value for name, value in row.items()}
    return Action(
        id=int(row["id"]),
        type=known["type"],
        status=known["status"],
        resource_type=known["resource_type"],
        resource_id=known["resource_id"],
        resource=known["resource"],
        region=known["region"],
        started_at=_moment(known["started_at"]),
        completed_at=_moment(known["completed_at"]),
        observed_at=row["observed_at"].to_pydatetime(),
    )


def _moment(value: pd.Timestamp | None) -> datetime | None:
    return None if value is None else value.to_pydatetime()


def newest_of(account: Account) -> tuple[tuple[Action, ...], datetime]:
    """The newest actions of an account, and the server's time: one request."""
    return newest_actions(account._client, "/v2/actions")  # noqa: SLF001 -- one request, as `follow` makes it


def one_of(account: Account, action_id: int) -> Action:
    """One action of an account: one request."""
    return read_action(account._client, action_id)  # noqa: SLF001 -- one request, as `follow` makes it
