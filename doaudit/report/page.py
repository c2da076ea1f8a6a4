"""The page of a report: a verdict on completeness, findings, figures, the first rows of tables, links to all files."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from doaudit.analysis.findings import in_short
from doaudit.csv import csv_bytes
from doaudit.formatting import count, html_text
from doaudit.report.manifest import MANIFEST, SEAL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from doaudit.tables import Table, Variant

__all__ = ["page"]

_SHOWN_ROWS = 12
_SIX_DECIMALS = re.compile(r"-?\d+\.\d{6}")
_FOUR_FIGURES = 10_000
_READS = (
    "When the account was read, the latest read first: with how many requests, how many actions were new, and whether "
    "the read was complete, or why not. asked_at is by the clock of the machine that read, the other times are by the "
    "server's."
)
_ACCOUNTS = (
    "Each row is an account: how many of its actions failed, what was found that is to be acted on or looked at, and "
    "whether all of its actions are here."
)
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


def page(
    scope: dict[str, Any],
    tables: dict[str, pd.DataFrame],
    figures: Sequence[str],
    sections: Sequence[tuple[Table, Variant]],
) -> str:
    """
    Write the page as HTML.

    Args:
        scope: as `doaudit.report.manifest.scope` makes it.
        tables: by the name of their CSV file.
        figures: the names of the figures' files.
        sections: the tables whose first rows are shown, in order.
    """
    counts = (
        f"{scope['actions']:,} actions started {scope['window']['first_started_at'] or '?'} to "
        f"{scope['window']['last_started_at'] or '?'} (UTC); {scope['finished']:,} finished, {scope['errored']:,} of "
        f"them errored; {scope['open']:,} open; {scope['problems']:,} problems."
    )
    parts = [
        f"<h1>Audit of {html_text(scope['source'] or 'an unnamed source')}</h1>",
        f'<p class="loud">{html_text(_verdict(scope))}</p>',
        f"<p>{counts} Written by doaudit {html_text(scope['doaudit'])}.</p>",
        f"<p>{_NOT_COVERED}</p>",
        "<h2>Findings</h2><ul>",
        *(
            f"<li><strong>{severity}</strong>: {html_text(sentence)}</li>"
            for severity, sentence in in_short(tables["findings"])
        ),
        '</ul><p>All of them, with the calls that show more, are in <a href="findings.csv">findings.csv</a>.</p>',
        *([_section("accounts", _ACCOUNTS, tables["accounts"])] if "accounts" in tables else []),
        *_links(scope.get("reports", {})),
        *(f'<img src="{name}" alt="{html_text(_title(name.removesuffix(".png")))}">' for name in figures),
        *(_section(variant.name, table.how_to_read, tables[variant.name]) for table, variant in sections),
        *([_section("reads", _READS, tables["reads"])] if "reads" in tables else []),
        *_files(scope, tables),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>doaudit report</title><style>{_STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</html>\n"
    )


def _files(scope: Mapping[str, Any], tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return links to all files."""
    rows = {f"{name}.csv": f", {count(len(table), 'row')}" for name, table in tables.items()}
    workbook = {scope["workbook"]: ", with all tables"} if "workbook" in scope else {}
    others = {
        MANIFEST: ", with the SHA-256 of each file",
        SEAL: ", with that of the manifest: <code>doaudit.verify</code> compares both with the files",
    }
    links = [f'<li><a href="{name}">{name}</a>{words}</li>' for name, words in (rows | workbook | others).items()]
    return ["<h2>All files</h2><ul>", *links, "</ul>"]


def _links(reports: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return links to the reports of single accounts."""
    links = [f'<a href="{html_text(quote(each["page"]))}">{html_text(name)}</a>' for name, each in reports.items()]
    return [f"<p>A report of each: {', '.join(links)}.</p>"] if links else []


def _verdict(scope: dict[str, Any]) -> str:
    loud = "SIMULATED ACCOUNT: none of this is real. " if scope["simulated"] else ""
    return f"{loud}{scope['completeness']['sentence']}"


def _section(name: str, how_to_read: str, rows: pd.DataFrame) -> str:
    head = rows.head(_SHOWN_ROWS)
    more = f"<p>{len(rows) - len(head):,} more rows in {name}.csv.</p>" if len(rows) > len(head) else ""
    heading, *cells = _rows(head)
    titles = "".join(f"<th>{html_text(cell)}</th>" for cell in heading)
    body = "".join("<tr>" + "".join(f"<td>{html_text(_short(cell))}</td>" for cell in row) + "</tr>" for row in cells)
    return (
        f"<h2>{_title(name)}</h2><p>{html_text(how_to_read)}</p>"
        f'<div class="wide"><table><tr>{titles}</tr>{body}</table></div>{more}'
    )


def _short(cell: str) -> str:
    # Six decimals are for machines; a reader gets four figures. Whole numbers and text stay as they are.
    if _SIX_DECIMALS.fullmatch(cell):
        return f"{float(cell):.4g}" if abs(float(cell)) < _FOUR_FIGURES else f"{float(cell):.0f}"
    return cell


def _rows(table: pd.DataFrame) -> list[list[str]]:
    """Return the rows of a table as its CSV file has them, the heading first."""
    return list(csv.reader(io.StringIO(csv_bytes(table).decode())))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
