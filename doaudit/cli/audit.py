"""Commands that read an account: `doaudit audit` and `doaudit refresh`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from doaudit.cli.group import Command
from doaudit.cli.options import Source, print_left_unfinished, since_option, source_line, with_accounts
from doaudit.cli.streams import patient_output
from doaudit.errors import ApiProblem, DoauditError
from doaudit.formatting import rate, time_span, visible
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    import pandas as pd

    from doaudit.account import Account
    from doaudit.accounts import Accounts

__all__ = ["COMMANDS", "existing_droplets"]


@click.command("audit", cls=Command, output_matters=False, help="read every action, print a summary, write a report")
@click.option("--out", type=click.Path(path_type=Path), help="folder of the report (data/reports/DATE)")
@click.option("--excel", is_flag=True, help="also write all tables as one workbook, report.xlsx")
@since_option
@with_accounts
def _audit(source: Source, out: Path | None, since: str | None, *, excel: bool) -> int:
    import doaudit as da  # noqa: PLC0415 -- loads pandas

    with patient_output() as say, source.open_all() as account:
        is_several = isinstance(account, Mapping)
        say(source_line(account))
        print_left_unfinished(account)
        result = account.refresh(since=since)
        if result.read_at is None:  # of several accounts none could be read
            print_line(str(result))
            return 1
        actions = account.actions(refresh=False, since=since)
        of_them = "in the history" if since is None else f"in the history since {since}"
        say(f"{len(actions):,} actions {of_them}. {result}")
        droplets = existing_droplets(account)
        for line in _summary(actions, droplets):
            say(line)
        folder = out or Path("data/reports") / f"{result.read_at:%Y-%m-%d}"
        report = da.report(actions, folder, account=account, droplets=droplets, each=is_several, excel=excel)
        say(f"Report: {report.path}, one page to send on; beside it CSV files, figures and manifest.json")
        say(f"Note this hash where others cannot write: {report.sha256} is the SHA-256 of manifest.json.")
        say("Next: `make lab`, or `doaudit lab`, opens the notebooks; `doaudit --help` lists what can be asked here.")
    return 0 if result.as_asked else 1


def existing_droplets(account: Account | Accounts) -> pd.DataFrame | None:
    """Return the droplets that exist now; None if they cannot be read, which is printed."""
    try:
        return account.droplets()
    except (ApiProblem, DoauditError) as fault:
        print_line(f"{fault} So only droplets that have an action are looked at for backups.")
        return None


@click.command("refresh", cls=Command, help="bring the local history up to date; quiet in a cron job if all is well")
@click.option("--full", is_flag=True, help="read everything again, whatever is known")
@since_option
@with_accounts
def _refresh(source: Source, since: str | None, *, full: bool) -> int:
    with source.open_all() as account:
        print_left_unfinished(account)
        result = account.refresh(full=full, since=since)
    well = result.as_asked and not result.names_problem
    if sys.stdout.isatty() or not well:
        for line in str(result).splitlines():
            print_line(line, sys.stdout if well else sys.stderr)
    return 0 if result.as_asked else 1


COMMANDS = (_audit, _refresh)


def _summary(actions: pd.DataFrame, droplets: pd.DataFrame | None) -> list[str]:
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
    lines += _findings(da.findings(actions, droplets))
    lines.append(f"  Odd rows: {problems['id'].nunique():,} (problems.csv says what is odd about each)")
    return lines


def _findings(found: pd.DataFrame) -> list[str]:
    """Return the number of findings, and the first of each kind that is to be acted on or looked at."""
    from doaudit.analysis.findings import MOST_IN_SHORT, in_short  # noqa: PLC0415 -- loads pandas

    number = found["severity"].value_counts()
    unusual = in_short(found[found["severity"] != "know"])
    return [
        f"  Findings: {number['act now']:,} to act on now, {number['look']:,} to look at; doaudit findings has all",
        *(f"    {visible(sentence)}" for _, _, sentence in unusual[:MOST_IN_SHORT]),
    ]
