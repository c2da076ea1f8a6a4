"""
Panels for a notebook: views over the workflows, which decide everything.

    da.widgets.SnapshotPanel(account)   # choose a droplet, see what will happen, confirm, watch, cancel, resume
    da.widgets.Monitor(account)         # every open action, live

Making a panel, or running its cell again, changes nothing in the account.
"""

from __future__ import annotations

from doaudit.widgets.monitor import Monitor
from doaudit.widgets.snapshot_panel import SnapshotPanel

__all__ = ["Monitor", "SnapshotPanel"]
