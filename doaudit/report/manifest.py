"""The manifest of a report: what the report is about, and the SHA-256 of each of its files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from doaudit.api.listing import Proof

__all__ = ["manifest", "scope"]


def scope(
    actions: pd.DataFrame, tables: Mapping[str, pd.DataFrame], proof: Proof | None, source: str
) -> dict[str, Any]:
    """
    Collect what a report is about: the source, the window, the counts, and the proof of completeness.

    Times are text in UTC; where there is none, null.
    """
    counts = tables["failure_rates_by_type"]
    return {
        "doaudit": version("doaudit"),
        "source": source,
        "window": {
            "first_started_at": _utc(actions["started_at"].min()),
            "last_started_at": _utc(actions["started_at"].max()),
        },
        "observed_at": {"first": _utc(actions["observed_at"].min()), "last": _utc(actions["observed_at"].max())},
        "actions": len(actions),
        "finished": int(counts["finished"].sum()),
        "errored": int(counts["errored"].sum()),
        "open": len(tables["open_actions"]),
        "problems": len(tables["problems"]),
        "proof": None
        if proof is None
        else {name: _utc(value) if isinstance(value, datetime) else value for name, value in asdict(proof).items()},
    }


def _utc(moment: datetime) -> str | None:
    return None if pd.isna(moment) else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def manifest(report_scope: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return the manifest as JSON: the scope, and size and SHA-256 of each file."""
    sums = {
        name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)} for name, content in files.items()
    }
    return (json.dumps({**report_scope, "files": sums}, indent=2) + "\n").encode()
