"""
Proof of the latest read that is in a history, and the ids that the history held when it was made.

The proof counts the distinct ids that were in hand when it was made. Rows can have come in since, from a read that was
killed before it had a proof of its own. Whatever was in hand then was first seen no later than the proof's last
response, so if the history has as many such rows as the proof counts, these are the ones. If it has more, of a later
read but of the same second, nothing tells them apart.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from doaudit.api.listing import Proof
from doaudit.history.side_tables import read_note

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from doaudit.history.store import Store

__all__ = ["PROOF", "VANISHED", "proof_as_json", "read_proved_ids", "stored_proof"]

# Names of the notes that hold the proof, and the ids that have left the API's list.
PROOF, VANISHED = "proof", "vanished"

_TIMES = ("started", "finished", "complete_since", "complete_until")

_FIRST_SEEN_BY = """
    SELECT id FROM stored.actions
    WHERE first_seen_at <= make_timestamp($moment::BIGINT * 1000000) AND ($since IS NULL OR started_at >= $since)
    ORDER BY id
"""


def stored_proof(store: Store) -> Proof | None:
    """Return the proof of the latest read that is in the history; None before the first."""
    fields: Any = store.recall(PROOF)
    if fields is None:
        return None
    times = {name: datetime.fromisoformat(fields[name]) for name in _TIMES if fields.get(name)}
    return Proof(**{**fields, **times})


def proof_as_json(proof: Proof) -> dict[str, object]:
    """Return a proof as it is noted in a history."""
    fields = asdict(proof)
    return fields | {name: fields[name].isoformat() for name in _TIMES if fields[name]}


def read_proved_ids(connection: DuckDBPyConnection) -> np.ndarray | None:
    """
    Return the ids that the history held at its latest proof, those that had left the API's list included, ascending.

    Where only the newest part was proved, these are the ids of that part.

    Returns:
        The ids (int64); None if there is no proof, or if nothing tells which they were.
    """
    proof: Any = read_note(connection, PROOF)
    if proof is None:
        return None
    moment = round(datetime.fromisoformat(proof["finished"]).astimezone(UTC).timestamp())
    since = proof.get("complete_since")
    expected = proof["total_reported"] - proof["older"] if since else proof["distinct_ids"]
    started = datetime.fromisoformat(since).astimezone(UTC).replace(tzinfo=None) if since else None
    rows = connection.execute(_FIRST_SEEN_BY, {"moment": moment, "since": started})
    held = np.asarray(rows.fetchnumpy()["id"], dtype="int64")
    vanished: Any = read_note(connection, VANISHED, [])
    left = np.isin(held, np.array(vanished, dtype="int64"))
    return held if len(held) - int(left.sum()) == expected else None
