"""
Panels for a notebook. They show what the workflows do, and decide nothing themselves.

    da.widgets.Explorer(account)        # filter, drag over the timeline, search, sort, take the rows or the code away
    da.widgets.SnapshotPanel(account)   # choose a droplet, read the plan, confirm, watch, cancel, resume
    da.widgets.Monitor(account)         # every open action, live

Making a panel, or running its cell again, changes nothing in the account.
"""

from __future__ import annotations

from doaudit.widgets.explorer import Explorer
from doaudit.widgets.monitor import Monitor
from doaudit.widgets.snapshot_panel import SnapshotPanel

__all__ = ["Explorer", "Monitor", "SnapshotPanel"]


def __dir__() -> list[str]:
    return __all__
