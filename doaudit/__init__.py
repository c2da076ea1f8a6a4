"""
Audit what happened in a DigitalOcean account: a toolkit for Jupyter.

    import doaudit as da

    account = da.demo()                 # a simulated account; da.connect() opens yours
    actions = account.actions()         # every action as a DataFrame, with a proof that none is missing
    da.failure_rates(actions, by="type")
    da.plots.durations(da.durations(actions))
    da.report(actions, "data/reports/today", proof=account.proof, source=account.source)

Every function that takes actions takes the frame described in `doaudit.actions` and changes nothing in it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from doaudit.account import Account, connect, demo
from doaudit.actions import problems
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
from doaudit.csvfiles import read_csv
from doaudit.errors import DoauditError
from doaudit.report import report

if TYPE_CHECKING:
    from doaudit import plots

__all__ = [
    "Account",
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
    "slowest",
    "week_pattern",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- a module or a text
    """Load what is heavy, or rarely asked for, on first use."""
    if name == "plots":
        return import_module("doaudit.plots")
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("doaudit")
    raise AttributeError(f"doaudit has no attribute {name!r}; it has {', '.join(__all__)}.")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
