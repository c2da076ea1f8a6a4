"""One audit as files: tables as CSV, pictures as PNG, a page that shows them, and a manifest that seals them."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from dataclasses import asdict
from datetime import datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from doaudit.actions import COLUMNS
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
from doaudit.analysis.problems import problems
from doaudit.csv import csv_bytes
from doaudit.files import write_files
from doaudit.errors import FileProblem, InvalidArgument

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from doaudit.api.paging import Proof

__all__ = ["report"]

_DPI = 110
_SHOWN_ROWS = 12
_SIX_DECIMALS = re.compile(r"-?\d+\.\d{6}")
_FOUR_FIGURES = 10_000
_NOT_COVERED = (
    "The API records no actor, IP address or reason for a failure, and no logins, DNS or SSH-key events: what is not "
    "in this list may still have happened."
)
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;"
    "background:#fff}table{border-collapse:collapse;font-size:13px}td,th{padding:.2rem .6rem;text-align:left;"
    "border-bottom:1px solid #ddd}img{max-width:100%}.wide{overflow-x:auto}td{white-space:nowrap}"
    ".loud{background:#fff1c9;padding:.6rem 1rem;font-weight:600}"
)


def report(
    actions: pd.DataFrame, folder: str | os.PathLike[str], *, proof: Proof | None = None, source: str = ""
) -> Path:
    """
    Write one audit of *actions* into *folder*: CSV files, figures, index.html and manifest.json.

    The same actions give the same bytes. The files appear all together or not at all where the folder is new; in one
    that has an earlier report each file is replaced whole, the manifest last.

    Args:
        actions: an actions frame (see `doaudit.actions`).
        folder: where to; it and its parents are made.
        proof: of the read that the actions come from (`account.proof`); the report says so if there is none.
        source: whose actions they are (`account.source`).

    Returns:
        The path of index.html.

    Raises:
        InvalidArgument: *actions* is no actions frame.
        FileProblem: the folder cannot be written; nothing in it has changed then.
    """
    lacking = [name for name in COLUMNS if name not in actions.columns]
    if lacking:
        raise InvalidArgument(
            f"A report is made of an actions frame, and this one lacks {', '.join(lacking)}. "
            "Use what account.actions() or read_csv() returns."
        )
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise FileProblem(f"{target} is a file, and a report is a folder. Choose another name.")
    tables = _tables(actions)
    files = {f"{name}.csv": csv_bytes(table) for name, table in tables.items()}
    files |= dict(_figures(actions, tables))
    scope = _scope(actions, tables, proof, source)
    files["index.html"] = _page(scope, tables, [name for name in files if name.endswith(".png")]).encode()
    scope["files"] = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in files.items()
    }
    files["manifest.json"] = (json.dumps(scope, indent=2, default=_json) + "\n").encode()
    write_files(target, files.items())
    return target / "index.html"


def _tables(actions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        "actions": actions[list(COLUMNS)],
        "durations_by_type": durations(actions, by="type"),
        "durations_by_resource": durations(actions, by="resource"),
        "failure_rates_by_type": failure_rates(actions, by="type"),
        "failure_rates_by_resource": failure_rates(actions, by="resource"),
        "failures": failures(actions),
        "open_actions": open_actions(actions),
        "activity_by_day": activity(actions, freq="D"),
        "problems": problems(actions),
    }


def _figures(actions: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, bytes]]:
    # Drawn on figures of their own, not through pyplot, so that a report can be written from any thread.
    from matplotlib.figure import Figure  # noqa: PLC0415 -- matplotlib is loaded only where something is drawn

    from doaudit import plots  # noqa: PLC0415

    drawings: dict[str, Any] = {
        "durations_by_type": lambda ax: plots.durations(
            tables["durations_by_type"], distribution=duration_distribution(actions, by="type"), ax=ax
        ),
        "failure_rates_by_type": lambda ax: plots.failure_rates(tables["failure_rates_by_type"], ax=ax),
        "activity_by_week": lambda ax: plots.activity(activity(actions, freq="W"), ax=ax),
        "week_pattern": lambda ax: plots.week_pattern(week_pattern(actions), ax=ax),
        "slowest": lambda ax: plots.slowest(slowest(actions, n=10), ax=ax),
        "open_actions": lambda ax: plots.open_actions(tables["open_actions"], ax=ax),
    }
    for name, draw in drawings.items():
        figure = Figure(figsize=(9, 5), dpi=_DPI, layout="constrained")
        draw(figure.subplots())
        buffer = io.BytesIO()
        # Without the name and version of the software, which would change bytes that show the same picture.
        figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
        yield f"{name}.png", buffer.getvalue()


def _scope(actions: pd.DataFrame, tables: dict[str, pd.DataFrame], proof: Proof | None, source: str) -> dict[str, Any]:
    finished = int(tables["failure_rates_by_type"]["finished"].sum())
    errored = int(tables["failure_rates_by_type"]["errored"].sum())
    return {
        "doaudit": version("doaudit"),
        "source": source,
        "window": {"first_started_at": actions["started_at"].min(), "last_started_at": actions["started_at"].max()},
        "observed_at": {"first": actions["observed_at"].min(), "last": actions["observed_at"].max()},
        "actions": len(actions),
        "finished": finished,
        "errored": errored,
        "open": len(tables["open_actions"]),
        "problems": len(tables["problems"]),
        "proof": None if proof is None else asdict(proof),
    }


def _json(value: object) -> str | None:
    if isinstance(value, datetime) and not pd.isna(value):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    return None


def _page(scope: dict[str, Any], tables: dict[str, pd.DataFrame], figures: list[str]) -> str:
    shown = ("durations_by_type", "failure_rates_by_type", "open_actions", "failures", "problems")
    window = " to ".join(_json(scope["window"][end]) or "?" for end in ("first_started_at", "last_started_at"))
    counts = (
        f"{scope['actions']:,} actions started {window} (UTC); {scope['finished']:,} finished, {scope['errored']:,} of "
        f"them errored; {scope['open']:,} open; {scope['problems']:,} oddities."
    )
    parts = [
        f"<h1>Audit of {escape(scope['source'] or 'an unnamed source')}</h1>",
        f'<p class="loud">{escape(_verdict(scope))}</p>',
        f"<p>{counts} Written by doaudit {escape(scope['doaudit'])}.</p>",
        f"<p>{_NOT_COVERED}</p>",
        *(f'<img src="{name}" alt="{escape(_title(name[:-4]))}">' for name in figures),
        *(_section(name, tables[name]) for name in shown),
        "<h2>All files</h2><ul>",
        *(f'<li><a href="{name}.csv">{name}.csv</a>, {len(table):,} rows</li>' for name, table in tables.items()),
        '<li><a href="manifest.json">manifest.json</a>, with the SHA-256 of each file</li></ul>',
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>doaudit report</title><style>{_STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</html>\n"
    )


def _verdict(scope: dict[str, Any]) -> str:
    loud = "SIMULATED ACCOUNT: none of this is real. " if scope["source"] == "simulated account" else ""
    proof = scope["proof"]
    if proof is None:
        return loud + "No proof of completeness was given: actions may be missing."
    if not proof["complete"]:
        return (
            loud + f"INCOMPLETE: {proof['distinct_ids']:,} of {proof['total_reported']:,} actions ({proof['reason']})."
        )
    return loud + f"Complete: {proof['distinct_ids']:,} distinct ids, exactly as many as the API reports."


def _section(name: str, table: pd.DataFrame) -> str:
    head = table.head(_SHOWN_ROWS)
    more = f"<p>{len(table) - len(head):,} more rows in {name}.csv.</p>" if len(table) > len(head) else ""
    rows = _rows(head)
    heading = "".join(f"<th>{escape(cell)}</th>" for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(_short(cell))}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f'<h2>{_title(name)}</h2><div class="wide"><table><tr>{heading}</tr>{body}</table></div>{more}'


def _short(cell: str) -> str:
    # Six decimals are for machines; a reader gets four figures. Whole numbers and text stay as they are.
    if _SIX_DECIMALS.fullmatch(cell):
        return f"{float(cell):.4g}" if abs(float(cell)) < _FOUR_FIGURES else f"{float(cell):.0f}"
    return cell


def _rows(table: pd.DataFrame) -> list[list[str]]:
    """Rows of a table as its CSV file has them, the heading first."""
    return list(csv.reader(io.StringIO(csv_bytes(table).decode())))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
