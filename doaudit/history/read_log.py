"""Log of reads: when the account was read, with how many requests, and whether the read was complete or why not."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from doaudit.actions import text_dtype
from doaudit.errors import DoauditError
from doaudit.formatting import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from duckdb import DuckDBPyConnection

    from doaudit.api.listing import Proof

__all__ = ["LoggedRead", "log_fault", "read_reads", "write_read"]

_LARGEST = 2**63 - 1
_LONGEST_REASON = 500
_TIMES = ("asked_at", "started_at", "ended_at")
_WRITE = """
    INSERT INTO stored.reads
    SELECT coalesce(max(number), 0) + 1, make_timestamp($asked_at::BIGINT * 1000000)::TIMESTAMP_S,
        make_timestamp($started_at::BIGINT * 1000000)::TIMESTAMP_S,
        make_timestamp($ended_at::BIGINT * 1000000)::TIMESTAMP_S, $requests, $new, $total, $complete, $reason
    FROM stored.reads
"""
_READ = """
    SELECT asked_at, started_at, ended_at, requests, new, total_reported, complete, reason
    FROM stored.reads ORDER BY number DESC
"""


@dataclass(frozen=True)
class LoggedRead:
    """
    One read of the account, as it ended.

    Attributes:
        asked_at: when it was begun, in Unix seconds by the clock of this machine.
        requests: requests sent.
        new: actions that were not known before.
        proof: of the list; None if no page of it was read.
        fault: the error that ended it, in words; empty if it came to its end.
    """

    asked_at: float
    requests: int
    new: int
    proof: Proof | None
    fault: str = ""

    @property
    def complete(self) -> bool:
        """True if it came to its end with every action in hand."""
        return self.proof is not None and self.proof.complete and not self.fault


@contextmanager
def log_fault(write: Callable[[str], None]) -> Iterator[None]:
    """
    Log the read that the block makes if an error ends it, whatever error.

    Args:
        write: writes the read into the log, with the fault in words.
    """
    try:
        yield
    except BaseException as fault:
        with suppress(DoauditError):  # what ended the read is the error to hear of
            write(_in_words(fault))
        raise


def _in_words(fault: BaseException) -> str:
    if isinstance(fault, KeyboardInterrupt):
        return "stopped by the user (Ctrl-C)"
    if isinstance(fault, DoauditError):
        return one_line(str(fault), _LONGEST_REASON) or type(fault).__name__
    # The text of a foreign exception may quote anything, also what belongs into no file.
    return f"ended by {type(fault).__name__}"


def write_read(connection: DuckDBPyConnection, read: LoggedRead) -> None:
    """Add a read to the log."""
    proof = read.proof
    values = {
        "asked_at": round(read.asked_at),
        "started_at": None if proof is None else round(proof.started.timestamp()),
        "ended_at": None if proof is None else round(proof.finished.timestamp()),
        "requests": read.requests,
        "new": read.new,
        "total": None if proof is None or proof.total_reported > _LARGEST else proof.total_reported,
        "complete": read.complete,
        "reason": None if read.complete else read.fault or (proof.reason if proof else "") or "unknown",
    }
    connection.execute(_WRITE, values)


def read_reads(connection: DuckDBPyConnection) -> pd.DataFrame:
    """Return the log, the latest read first; see `Store.reads`."""
    table = connection.execute(_READ).df()
    columns: dict[str, object] = {str(name): table[name] for name in table}
    for name in _TIMES:
        columns[name] = table[name].dt.as_unit("s").dt.tz_localize("UTC")
    columns["total_reported"] = table["total_reported"].astype("Int64")
    reasons = [None if pd.isna(reason) else str(reason) for reason in table["reason"]]
    columns["reason"] = pd.Series(reasons, dtype=text_dtype())
    return pd.DataFrame(columns)
