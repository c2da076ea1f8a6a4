"""Commands that read an account: `doaudit audit` and `doaudit refresh`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from doaudit.cli.options import (
    add_accounts,
    add_demo,
    add_history,
    add_since,
    open_accounts,
    print_left_unfinished,
    source_line,
)
from doaudit.cli.streams import patient_output
from doaudit.formatting import rate, time_span, visible
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from doaudit.cli.options import Commands

__all__ = ["add_commands"]

_MOST_KINDS = 7


def add_commands(commands: Commands) -> None:
    """Describe the commands."""
    audit = commands.add_parser("audit", help="read every action, print a summary, write a report")
    add_demo(audit)
    audit.add_argument("--out", type=Path, help="folder of the report (data/reports/DATE, the date of the read in UTC)")
    audit.add_argument("--excel", action="store_true", help="also write all tables as one workbook, report.xlsx")
    add_since(audit)
    add_history(audit)
    add_accounts(audit)
    audit.set_defaults(run=_audit, output_matters=False)
    refresh = commands.add_parser(
        "refresh", help="bring the local history up to date; quiet in a cron job if all is well"
    )
    refresh.add_argument("--full", action="store_true", help="read everything again, whatever is known")
    add_since(refresh)
    add_history(refresh)
    add_accounts(refresh)
    refresh.set_defaults(run=_refresh)


def _audit(parsed: argparse.Namespace) -> int:
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    with patient_output() as say, open_accounts(parsed) as account:
        is_several = isinstance(account, Mapping)
        say(source_line(account))
        print_left_unfinished(account)
        result = account.refresh(since=parsed.since)
        if result.read_at is None:  # of several accounts none could be read
            print_line(str(result))
            return 1
        actions = account.actions(refresh=False, since=parsed.since)
        of_them = "in the history" if parsed.since is None else f"in the history since {parsed.since}"
        say(f"{len(actions):,} actions {of_them}. {result}")
        for line in _summary(actions):
            say(line)
        folder = parsed.out or Path("data/reports") / f"{result.read_at:%Y-%m-%d}"
        page = da.report(actions, folder, account=account, each=is_several, excel=parsed.excel)
        say(f"Report: {page}, beside it CSV files, figures and manifest.json")
        say(f"Note this hash where others cannot write: {da.verify(folder).sha256} is the SHA-256 of manifest.json.")
        say(source_line(account))
        say("Next: `make lab`, or `doaudit lab`, opens the notebooks.")
    return 0 if result.as_asked else 1


def _refresh(parsed: argparse.Namespace) -> int:
    with open_accounts(parsed) as account:
        print_left_unfinished(account)
        result = account.refresh(full=parsed.full, since=parsed.since)
    well = result.as_asked and not result.names_problem
    if sys.stdout.isatty() or not well:
        for line in str(result).splitlines():
            print_line(line, sys.stdout if well else sys.stderr)
    return 0 if result.as_asked else 1


def _summary(actions: pd.DataFrame) -> list[str]:
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    rates = da.failure_rates(actions, by=())
    if rates.empty or not len(actions):
        return ["  The account has no actions yet."]
    overall, by_type = rates.iloc[0], da.durations(actions, by="type")
    with_p90 = by_type.dropna(subset=["p90_s"]).sort_values("p90_s", ascending=False)
    open_actions, problems = da.open_actions(actions), da.problems(actions)
    failed = (
        f"  Failed: {int(overall['errored']):,} of {int(overall['finished']):,} finished actions, "
        f"{rate(overall['failure_rate'])} (95 % interval {rate(overall['low'])} to {rate(overall['high'])})"
    )
    lines = [failed]
    if len(with_p90):
        slowest = with_p90.iloc[0]
        lines.append(f"  Slowest type: {slowest['type']}, 9 of 10 end within {time_span(slowest['p90_s'])}")
    if len(open_actions):
        oldest, stuck = open_actions.iloc[0], int((open_actions["verdict"] == "stuck").sum())
        lines.append(
            f"  Open: {len(open_actions):,}, of which {stuck:,} look stuck; the oldest is "
            f"{oldest['type']} {oldest['id']}, {time_span(oldest['age_s'])} old"
        )
    lines += _findings(da.findings(actions))
    lines.append(f"  Odd rows: {problems['id'].nunique():,} (problems.csv says what is odd about each)")
    return lines


def _findings(found: pd.DataFrame) -> list[str]:
    """Return the number of findings, and the first of each kind that is to be acted on or looked at."""
    from doaudit.analysis.findings import in_short  # noqa: PLC0415 -- loads pandas

    number = found["severity"].value_counts()
    unusual = in_short(found[found["severity"] != "know"])
    return [
        f"  Findings: {number['act now']:,} to act on now, {number['look']:,} to look at; doaudit findings has all",
        *(f"    {visible(sentence)}" for _, _, sentence in unusual[:_MOST_KINDS]),
    ]
