"""Baseline of a poller from a history: expected durations, names of resources, and actions that were open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from doaudit.actions import IN_PROGRESS, Action
from doaudit.analysis.expected import comparable_durations
from doaudit.expected_duration import ExpectedDurations, default_durations
from doaudit.operations.observation import Baseline

if TYPE_CHECKING:
    from doaudit.history.store import Store

__all__ = ["read_baseline"]

_NAMES = "SELECT key, name FROM resources WHERE name IS NOT NULL"


def read_baseline(store: Store) -> Baseline:
    """
    Read the baseline from a history as it is; nothing is asked of the API.

    Raises:
        HistoryLocked: another process has been using the history for too long.
    """
    actions = store.read()
    open_rows = actions[actions["status"].isin(IN_PROGRESS)].to_dict("records")
    names = store.sql(_NAMES)
    usual = comparable_durations(actions)
    return Baseline(
        # What is published tells when to look again; a verdict is only ever from the account's own actions.
        expected=ExpectedDurations({**default_durations(), **usual.by_type}, usual.by_resource),
        names=dict(zip(names["key"].astype(str), names["name"].astype(str), strict=True)),
        open_actions=tuple(_action({str(key): value for key, value in row.items()}) for row in open_rows),
    )


def _action(row: dict[str, Any]) -> Action:
    values: dict[str, Any] = {
        name: None if pd.isna(value) else value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
        for name, value in row.items()
        if name != "resource_name"
    }
    return Action(**values)
