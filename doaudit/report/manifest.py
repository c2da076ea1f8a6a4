"""The manifest of a report: what the report is about, how complete it is, and the SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from doaudit.analysis.failures import failure_rates

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from datetime import datetime
    from pathlib import Path

    from doaudit.report.completeness import Completeness
    from doaudit.report.contents import ReportedActions

__all__ = ["MANIFEST", "SEAL", "Named", "facts", "files_listed", "manifest", "scope", "seal"]

MANIFEST, SEAL = "manifest.json", "manifest.sha256"
_NONE: dict[Hashable, Any] = {"finished": 0, "errored": 0, "failure_rate": None, "low": None, "high": None}


class Named(NamedTuple):
    """
    Name of a report, and whose actions they are.

    Attributes:
        title: of the page; empty for the usual one.
        source: whose actions they are.
        simulated: true if they are of a simulated account.
    """

    title: str
    source: str
    simulated: bool


def scope(
    chosen: ReportedActions, tables: Mapping[str, pd.DataFrame], completeness: Completeness, named: Named
) -> dict[str, Any]:
    """
    Collect what a report is about: the source, the window, the counts, and how complete it is.

    Times are text in UTC; where there is none, null. The proof stands beside the verdict, since it is about the
    history, and the report may be about a part of it.

    Args:
        chosen: the actions that it is about.
        tables: by the name of their CSV file.
        completeness: of these actions.
        named: how it is called, and whose actions they are.
    """
    actions, [counts] = chosen.rows, failure_rates(chosen.rows, by=()).to_dict("records") or [_NONE]
    title, source, simulated = named
    return {
        "doaudit": version("doaudit"),
        "title": title,
        "source": source,
        "simulated": simulated,
        "window": {
            "first_started_at": _utc(actions["started_at"].min()),
            "last_started_at": _utc(actions["started_at"].max()),
        },
        "observed_at": {"first": _utc(actions["observed_at"].min()), "last": _utc(actions["observed_at"].max())},
        "actions": len(actions),
        "given": len(chosen.given),
        "selection": chosen.selection.code() if chosen.is_part else None,
        "finished": int(counts["finished"]),
        "errored": int(counts["errored"]),
        "failure_rate": {
            name: None if pd.isna(counts[name]) else float(counts[name]) for name in ("failure_rate", "low", "high")
        },
        "open": len(tables["open_actions"]),
        "problems": len(tables["problems"]),
        "completeness": {"complete": completeness.complete, **asdict(completeness)},
    }


def facts(report_scope: Mapping[str, Any]) -> dict[str, str]:
    """Return what a report is about as names and texts, for those who read no manifest."""
    window, read = report_scope["window"], report_scope["observed_at"]
    counts = {name: f"{report_scope[name]:,}" for name in ("actions", "finished", "errored", "open", "problems")}
    selection = {"selection": report_scope["selection"]} if report_scope["selection"] else {}
    return {
        "title": report_scope["title"] or "-",
        "source": report_scope["source"] or "not named",
        "simulated account": "yes, none of this is real" if report_scope["simulated"] else "no",
        "first start (UTC)": window["first_started_at"] or "-",
        "last start (UTC)": window["last_started_at"] or "-",
        "last read (UTC)": read["last"] or "-",
        **counts,
        **selection,
        "completeness": report_scope["completeness"]["sentence"],
        "times": "all in UTC",
        "written by": f"doaudit {report_scope['doaudit']}",
    }


def _utc(moment: datetime) -> str | None:
    return None if pd.isna(moment) else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def manifest(report_scope: Mapping[str, Any], files: Mapping[str, bytes], hashes: Mapping[str, str]) -> bytes:
    """Return the manifest as JSON: the scope, and size and SHA-256 of each file."""
    sums = {name: {"sha256": hashes[name], "bytes": len(content)} for name, content in files.items()}
    return (json.dumps({**report_scope, "files": sums}, indent=2, default=_utc) + "\n").encode()


def seal(content: bytes) -> bytes:
    r"""
    Return what manifest.sha256 says of a manifest, in the form that `sha256sum --check` reads.

    Example:
        >>> seal(b"{}")[:12], seal(b"{}")[64:]
        (b'44136fa355b3', b'  manifest.json\n')
    """
    return f"{hashlib.sha256(content).hexdigest()}  {MANIFEST}\n".encode()


def files_listed(path: Path) -> set[str]:
    """Return the names that the manifest of an earlier report lists; none if there is no such manifest."""
    try:
        files = json.loads(path.read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return set()
    return set(files) if isinstance(files, dict) else set()
