"""The command line: `doaudit audit`, `refresh`, `snapshot`, `resume`, `watch`, `lab` and `demo`."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import doaudit as da
from doaudit.clock import SystemClock
from doaudit.errors import DoauditError
from doaudit.snapshot.console import say, tell_unfinished

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["main"]


_HISTORY = "file of the local history (one in the user's data directory); :memory: keeps nothing"


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command and return its exit status: 0 only if what was asked really happened.

    2 means that the arguments were not understood, 130 that Ctrl-C ended it, 143 that SIGTERM and 129 that SIGHUP
    cancelled a snapshot, 1 anything else.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # What stands behind -- is JupyterLab's; argparse would take the first of it for the folder.
    own = words[: words.index("--")] if words[:1] == ["lab"] and "--" in words else words
    asked = _parser().parse_args(own)
    asked.passed_on = words[len(own) + 1 :]
    try:
        return int(asked.run(asked))
    except (DoauditError, ModuleNotFoundError) as fault:
        say(f"doaudit: {fault}")
        return 1
    except KeyboardInterrupt as stopped:
        say(f"\ndoaudit: {str(stopped) or 'Stopped.'}")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="doaudit", description="Audit what happened in a DigitalOcean account. The token is DIGITALOCEAN_TOKEN."
    )
    parser.add_argument("--version", action="version", version=f"doaudit {version('doaudit')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    audit = commands.add_parser("audit", help="read every action, print a summary, write a report")
    audit.add_argument("--demo", action="store_true", help="use the simulated account instead of a real one")
    audit.add_argument("--out", type=Path, help="folder of the report (data/reports/DATE, the date of the read in UTC)")
    audit.add_argument("--history", help=_HISTORY)
    audit.set_defaults(run=_audit)

    update = commands.add_parser(
        "refresh", help="bring the local history up to date; quiet in a cron job if all is well"
    )
    update.add_argument("--full", action="store_true", help="read everything again, whatever is in hand")
    update.add_argument("--history", help=_HISTORY)
    update.set_defaults(run=_refresh)

    _add_snapshots(commands)

    watch = commands.add_parser("watch", help="follow actions until they have ended")
    watch.add_argument("actions", nargs="*", type=int, metavar="ACTION_ID", help="none for all that are open")
    watch.add_argument("--history", help=_HISTORY)
    watch.set_defaults(run=_watch)

    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks; what follows -- is passed on to it")
    lab.add_argument("folder", nargs="?", type=Path, default=Path("notebooks"), help="where they are (notebooks)")
    lab.set_defaults(run=_lab)

    demo = commands.add_parser("demo", help="serve the simulated account on this machine for other tools")
    demo.add_argument("--port", type=int, default=8089, help="0 takes a free one (8089)")
    demo.add_argument("--seed", type=int, default=7, help="another seed is another company (7)")
    demo.add_argument("--speed", type=float, default=1.0, help="simulated seconds a second (1)")
    demo.set_defaults(run=_demo)
    return parser


def _add_snapshots(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    snapshot = commands.add_parser(
        "snapshot", help="take a snapshot of a droplet: shut down, snapshot, switch on again"
    )
    snapshot.add_argument("droplet", type=int, metavar="DROPLET_ID")
    snapshot.add_argument("name", nargs="?", metavar="NAME", help="of the snapshot (the droplet's and the time in UTC)")
    snapshot.add_argument("--live", action="store_true", help="leave the droplet on")
    snapshot.add_argument("--yes", action="store_true", help="begin without asking")
    snapshot.add_argument("--history", help=_HISTORY)
    snapshot.set_defaults(run=_snapshot)

    resume = commands.add_parser(
        "resume", help="take up snapshots that a lost machine left, and see that droplets are on"
    )
    resume.add_argument("--yes", action="store_true", help="begin without asking")
    resume.add_argument("--history", help=_HISTORY)
    resume.set_defaults(run=_resume)


def _audit(asked: argparse.Namespace) -> int:
    with da.demo() if asked.demo else da.connect(history=asked.history) as account:
        _announce(account)
        tell_unfinished(account)
        result = account.refresh()
        actions = account.actions(refresh=False)
        print(f"{len(actions):,} actions in hand. {result}", flush=True)
        for line in _summary(actions):
            print(line)
        folder = asked.out or Path("data/reports") / f"{result.proof.finished:%Y-%m-%d}"
        page = da.report(actions, folder, proof=account.proof, source=account.source)
        print(f"Report: {page}, beside it CSV files, figures and manifest.json")
        _announce(account)
        print("Next: `make lab`, or `doaudit lab`, opens the notebooks.")
    return 0 if result.complete else 1


def _refresh(asked: argparse.Namespace) -> int:
    with da.connect(history=asked.history) as account:
        tell_unfinished(account)
        result = account.refresh(full=asked.full)
    if sys.stdout.isatty() or not result.complete:
        print(result, file=sys.stdout if result.complete else sys.stderr)
    return 0 if result.complete else 1


def _snapshot(asked: argparse.Namespace) -> int:
    with da.connect(history=asked.history) as account:
        tell_unfinished(account)
        plan = account.snapshot_plan(asked.droplet, asked.name, live=asked.live)
        what = f"Snapshot '{plan.snapshot_name}' of droplet {plan.droplet_name} ({plan.droplet_id}, {plan.region})."
        say(what, sys.stdout)
        for line in (plan.sentence, *plan.notes, *(f"  - {step.sentence}" for step in plan.steps)):
            say(line, sys.stdout)
        if not asked.yes and not _agreed("Begin? Type yes: "):
            say("Nothing was begun.", sys.stdout)
            return 1
        da.run_to_completion(account.snapshot_job(plan))
        return 0


def _resume(asked: argparse.Namespace) -> int:
    with da.connect(history=asked.history) as account:
        tell_unfinished(account)
        if account.unfinished() and not asked.yes and not _agreed("Take this up? Type yes: "):
            say("Nothing was taken up.", sys.stdout)
            return 1
        da.resume(account)
        return 0


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() in {"y", "yes"}
    except (EOFError, OSError, RuntimeError):
        return False


def _watch(asked: argparse.Namespace) -> int:
    with da.connect(history=asked.history) as account:
        tell_unfinished(account)
        ids = asked.actions
        if not ids:
            account.refresh()
            ids = da.open_actions(account.actions(refresh=False))["id"].tolist()
            print(f"{len(ids)} actions are open.", flush=True)
        followed = account.follow(
            ids,
            on_change=lambda action: print(
                f"{account.now():%H:%M:%S} UTC  {action.type} {action.id} of {action.resource}: {action.status}",
                flush=True,
            ),
            on_trouble=lambda text: print(text, file=sys.stderr, flush=True),
        )
    for one in followed.timed_out:
        print(f"Action {one} is open for longer than its kind takes; it has not failed.", file=sys.stderr)
    for one in followed.absent:
        print(f"DigitalOcean knows no action {one}.", file=sys.stderr)
    if followed.stopped:
        left = " ".join(map(str, followed.unfinished))
        print(f"Stopped. Still open: {left}", file=sys.stderr)
        return 130
    ended_well = all(action.outcome == "completed" for action in followed.actions)
    return 0 if ended_well and not followed.absent else 1


def _announce(account: da.Account) -> None:
    if account.source == "simulated account":
        text = "SIMULATED ACCOUNT: no token was used, and nothing below is real. Set DIGITALOCEAN_TOKEN to audit yours."
    else:
        text = f"REAL ACCOUNT at {account.source}, read with your token; nothing in it is changed."
    print(f"== {text}")


def _summary(actions: pd.DataFrame) -> list[str]:
    rates = da.failure_rates(actions, by=())
    if rates.empty or not len(actions):
        return ["  The account has no actions yet."]
    overall, by_type = rates.iloc[0], da.durations(actions, by="type")
    timed = by_type.dropna(subset=["p90_s"]).sort_values("p90_s", ascending=False)
    still_open, odd = da.open_actions(actions), da.problems(actions)
    counted = f"{int(overall['errored']):,} of {int(overall['finished']):,} finished actions"
    interval = f"95 % interval {overall['low']:.2%} to {overall['high']:.2%}"
    lines = [f"  Failed: {counted}, {overall['failure_rate']:.2%} ({interval})"]
    if len(timed):
        slow = timed.iloc[0]
        lines.append(f"  Slowest type: {slow['type']}, 9 of 10 end within {_span(slow['p90_s'])}")
    if len(still_open):
        oldest = still_open.iloc[0]
        lines.append(
            f"  Open: {len(still_open):,}, of which {int(still_open['stuck'].sum()):,} look stuck; the oldest is "
            f"{oldest['type']} {oldest['id']}, {_span(oldest['age_s'])} old"
        )
    lines.append(f"  Odd rows: {odd['id'].nunique():,} (problems.csv says what is odd about each)")
    return lines


def _span(seconds: float) -> str:
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}" if seconds < float("inf") else "no known time"
    return f"{seconds:.0f} s"


def _lab(asked: argparse.Namespace) -> int:
    if find_spec("jupyterlab") is None:
        raise DoauditError('JupyterLab is not installed here. Run `make lab`, or pip install "doaudit[lab]".')
    if not asked.folder.is_dir():
        raise DoauditError(f"There is no folder {asked.folder} here. Run this where the notebooks are, or name theirs.")
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(asked.folder), *asked.passed_on])  # noqa: S606 -- our own program


def _demo(asked: argparse.Namespace) -> int:
    from doaudit.demo import serve  # noqa: PLC0415 -- Flask is loaded only where it serves

    try:
        served = serve(seed=asked.seed, port=asked.port, speed=asked.speed)
    except (OSError, ValueError) as fault:  # the simulated account stands apart and knows none of our errors
        raise DoauditError(str(fault)) from None
    with served as server:
        print(f"A simulated DigitalOcean account answers at {server.url} until Ctrl-C. For other tools:")
        print(f"  export DIGITALOCEAN_API_URL={server.url}")
        print(f"  export DIGITALOCEAN_TOKEN={server.token}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                SystemClock().wait(3600)
    return 0
