"""
Audit what happened in a DigitalOcean account: a toolkit for Jupyter.

    import doaudit as da

    account = da.demo()                 # a simulated account; da.connect() opens yours
    actions = account.actions()         # every action as a DataFrame, with a proof that none is missing
    da.failure_rates(actions, by="type")
    da.plots.durations(da.durations(actions))
    da.report(actions, "data/reports/today", proof=account.proof, source=account.source)
    da.snapshot(account, droplet_id)    # shut down, snapshot, switch on again; or da.widgets.SnapshotPanel(account)

Every function that takes actions takes the frame described in `doaudit.actions` and changes nothing in it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from doaudit.account import Account, connect, demo
from doaudit.actions import Action
from doaudit.analysis import (
    activity,
    duration_distribution,
    durations,
    failure_rates,
    failures,
    open_actions,
    slowest,
    week_pattern,
)
from doaudit.csv import read_csv
from doaudit.errors import DoauditError
from doaudit.report import report
from doaudit.snapshot.console import resume, run_to_completion, snapshot, wait

if TYPE_CHECKING:
    from doaudit import plots, widgets

__all__ = [
    "Account",
    "Action",
    "DoauditError",
    "activity",
    "connect",
    "demo",
    "duration_distribution",
    "durations",
    "failure_rates",
    "failures",
    "open_actions",
    "plots",
    "problems",
    "read_csv",
    "report",
    "resume",
    "run_to_completion",
    "slowest",
    "snapshot",
    "wait",
    "week_pattern",
    "widgets",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- a module or a text
    """Load what is heavy, or rarely asked for, on first use."""
    if name in {"plots", "widgets"}:
        return import_module(f"doaudit.{name}")
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("doaudit")
    raise AttributeError(f"doaudit has no attribute {name!r}; it has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
