"""A use of the public names for the type checker: `make check` reads it, nothing runs it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import doaudit as da

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    import pandas as pd
    from matplotlib.axes import Axes

    from doaudit.snapshot.run import Run


def read(token: str) -> tuple[pd.DataFrame, object]:
    """Read an account."""
    account: da.Account = da.connect(token=token, history=":memory:")
    complete: bool = account.refresh(full=True).complete
    rows: pd.DataFrame = account.history.sql("SELECT 1")
    simulated: bool = account.is_simulated
    now: datetime = account.now()
    return account.actions(refresh=False), (complete, rows, simulated, now, account.proof, account.source)


def compute(actions: pd.DataFrame) -> list[pd.DataFrame]:
    """Compute every table."""
    return [
        da.durations(actions, by=["region", "type"], confidence=0.9),
        da.duration_distribution(actions),
        da.failure_rates(actions, by=()),
        da.changes(actions, by=["region", "type"], max_q=0.01),
        da.change_series(actions),
        da.compare(actions, at="2026-06-01"),
        da.compare(actions, actions, by="region"),
        da.failures(actions),
        da.slowest(actions, n=3),
        da.open_actions(actions),
        da.activity(actions, freq="W", by=["region", "type"]),
        da.week_pattern(actions, tz="Asia/Kolkata"),
        da.problems(actions),
        da.retries(actions, within_s=3600),
        da.retry_rates(actions, by="region", confidence=0.9),
        da.timeline(actions, ["web-01", "droplet:7"]),
        da.concurrency(actions, by="region"),
        da.daily_concurrency(actions, by=()),
        da.last_actions(actions, outcome="completed"),
    ]


def narrow(actions: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Select a part of the actions."""
    chosen = da.Selection(since="7d", type=["resize", None], outcome="errored")
    part: pd.DataFrame = da.select(actions, until="1d", resource="web-*", overlapping=True)
    steps: pd.DataFrame = chosen.explain(part)
    return chosen.apply(part), chosen.code() + chosen.why_nothing(part) + str(steps)


def draw(actions: pd.DataFrame, account: da.Account) -> tuple[Axes, pd.DataFrame]:
    """Draw a table, and write a report."""
    written = da.report(actions, "out", account=account, source="here", by="region", since="30d", type=["resize"])
    folder: Path = written.folder
    assert written.findings.empty == (written.sha256 == "")
    return da.plots.failure_rates(da.failure_rates(actions)), da.read_csv(folder / "actions.csv")


def act(account: da.Account) -> tuple[da.Action, object]:
    """Start, wait, watch and snapshot."""
    action: da.Action = account.act("droplet:7", "power_off")
    both: list[da.Action] = account.wait([action, 7])
    result = account.watch([action.id], stop=threading.Event())
    run = account.snapshot(7, "name", live=True, confirm=True, again=True)
    several: list[Run] = account.snapshot(["web-01", 8], "{droplet} nightly", at_once=2, keep_going=True)
    pattern: Run | list[Run] = account.snapshot("web-*", confirm=True)
    resumed = account.resume()
    plan = account.snapshot_runs.plan(7)
    job = account.snapshot_runs.start(plan)
    job.cancel()
    ok: bool = run.ok and all(each.ok for each in resumed) and job.wait().ok and bool(both)
    p90_s: float = account.expected("droplet:7")["snapshot"].p90_s
    listed = account.snapshot_runs.unfinished(), account.snapshot_runs.running()
    explorer = da.widgets.Explorer(account, name="actions")
    explorer.select(type="snapshot", since="30d")
    chosen: pd.DataFrame = explorer.actions
    panels = da.widgets.SnapshotPanel(account), da.widgets.Monitor(account)
    return account.wait(action), (result.unfinished, ok, p90_s, listed, panels, chosen, several, pattern)
