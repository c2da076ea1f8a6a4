"""Exit status of `doaudit findings`, for jobs that are to fail where something is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from doaudit.operations.console import print_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FOUND", "OPTIONS", "SEVERITIES", "exit_status"]

FOUND = 3
SEVERITIES = ("act-now", "look", "know")
"""Severities as the command line has them, the worst first: a shell likes no spaces."""


OPTIONS = (
    click.Option(
        ["--fail-on"],
        type=click.Choice(SEVERITIES),
        help=f"exit with {FOUND} if a finding has this severity or a worse one; an incomplete history is still 1",
    ),
)
"""The option that makes the status of the command depend on what is found."""


def exit_status(rows: pd.DataFrame, fail_on: str | None, usual: int) -> int:
    """
    Return the exit status for findings, and print why it is not 0.

    Args:
        rows: the findings. The row that says that nothing is unusual is none.
        fail_on: what --fail-on names; None if it was not given.
        usual: the status of any table: 0, or 1 if the history is not complete.

    Returns:
        `FOUND` if a finding has the severity that --fail-on names, or a worse one; otherwise, and if the history is not
        complete, *usual*.
    """
    if fail_on is None:
        return usual
    if usual:
        print_line(f"Not all actions are here, so the exit status is {usual}, whatever was found.")
        return usual
    failing = [word.replace("-", " ") for word in SEVERITIES[: SEVERITIES.index(fail_on) + 1]]
    number = int((rows["severity"].isin(failing) & (rows["kind"] != "nothing unusual")).sum())
    if not number:
        return 0
    print_line(f"Findings that are {' or '.join(map(repr, failing))}: {number:,}, so the exit status is {FOUND}.")
    return FOUND
