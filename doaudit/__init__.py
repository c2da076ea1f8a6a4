"""
Audit what happened in a DigitalOcean account: a toolkit for Jupyter.

    import doaudit as da

    account = da.demo()                 # a simulated account; da.connect() opens yours
    actions = account.actions()         # every action as a DataFrame, with a proof that none is missing
    recent = da.select(actions, since="30d", resource="web-*")
    da.failure_rates(recent, by="type")
    da.plots.durations(da.durations(actions))
    da.report(actions, "data/reports/today", account=account)
    account.snapshot(droplet_id)        # shut down, snapshot, switch on again; or da.widgets.SnapshotPanel(account)

A frame goes into a function, an account is asked by a method. Every function that takes actions takes the frame that
is described in `doaudit.actions`, and changes nothing in it.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from doaudit import plots, widgets
    from doaudit.account import Account
    from doaudit.accounts import Accounts, accounts, read_accounts
    from doaudit.actions import Action
    from doaudit.analysis import (
        Selection,
        activity,
        backups,
        change_series,
        changes,
        churn,
        compare,
        concurrency,
        daily_concurrency,
        daily_failures,
        duration_curves,
        duration_distribution,
        durations,
        failure_rates,
        failures,
        findings,
        incidents,
        last_actions,
        lifespans,
        open_actions,
        outcome_curves,
        power_periods,
        problems,
        retries,
        retry_rates,
        select,
        slowest,
        timeline,
        week_pattern,
    )
    from doaudit.connect import connect, demo
    from doaudit.csv import read_csv
    from doaudit.errors import DoauditError
    from doaudit.report import report, verify
    from doaudit.show import show

__all__ = [
    "Account",
    "Accounts",
    "Action",
    "DoauditError",
    "Selection",
    "accounts",
    "activity",
    "backups",
    "change_series",
    "changes",
    "churn",
    "compare",
    "concurrency",
    "connect",
    "daily_concurrency",
    "daily_failures",
    "demo",
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
    "plots",
    "power_periods",
    "problems",
    "read_accounts",
    "read_csv",
    "report",
    "retries",
    "retry_rates",
    "select",
    "show",
    "slowest",
    "timeline",
    "verify",
    "week_pattern",
    "widgets",
]

_MODULES = ("plots", "widgets")
_HOME = {
    "Account": "account",
    "Accounts": "accounts",
    "Action": "actions",
    "DoauditError": "errors",
    "accounts": "accounts",
    "connect": "connect",
    "demo": "connect",
    "read_accounts": "accounts",
    "read_csv": "csv",
    "report": "report",
    "show": "show",
    "verify": "report",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 -- a function, a class, a module or a text
    """Load a public name on first use, so that `doaudit --help` and `import doaudit` need no pandas."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415

        return version("doaudit")
    if name not in __all__:
        raise AttributeError(f"doaudit has no attribute {name!r}; it has {', '.join(__all__)}.")
    if name in _MODULES:
        return import_module(f"doaudit.{name}")
    return getattr(import_module(f"doaudit.{_HOME.get(name, 'analysis')}"), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


class _Package(ModuleType):
    """A package in which a public function is never hidden by the module of the same name that was imported later."""

    def __setattr__(self, name: str, value: object) -> None:
        # The import system binds doaudit.demo, a package, where users find doaudit.demo, a function.
        if not (isinstance(value, ModuleType) and name in __all__ and name not in _MODULES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
