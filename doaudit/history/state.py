"""State of a local history: where it is, what is in it, and whether that was proved to be everything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from doaudit.errors import ApiProblem, FileProblem
from doaudit.formatting import count
from doaudit.history.account_identity import existing_file, open_history
from doaudit.history.proof import stored_proof

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from doaudit.api.client import Client
    from doaudit.api.listing import Proof
    from doaudit.history.store import Store

__all__ = ["HistoryState", "read_state"]


@dataclass(frozen=True)
class HistoryState:
    """
    State of a local history.

    Attributes:
        path: its file; None if there is none, or it is in memory.
        actions, open_actions: how many are in it.
        proof: of the last read; None if there was none.
        problem: why it cannot be used; empty if it can.
    """

    path: Path | None = None
    actions: int = 0
    open_actions: int = 0
    proof: Proof | None = None
    problem: str = ""

    @property
    def complete(self) -> bool:
        """True if it held every action of the account when it was last read."""
        return self.proof is not None and self.proof.complete

    def __str__(self) -> str:
        """
        Summarize it in a sentence.

        Example:
            >>> print(HistoryState())
            INCOMPLETE: nothing was read yet. `doaudit refresh`, or account.refresh(), reads every action.
        """
        if self.problem:
            return f"It cannot be used. {self.problem}"
        proof = self.proof
        if proof is None:
            return "INCOMPLETE: nothing was read yet. `doaudit refresh`, or account.refresh(), reads every action."
        when = f"{proof.finished:%Y-%m-%d %H:%M} UTC"
        if proof.complete_since is not None and not proof.complete:
            said = str(proof)
            return f"{said[:1].upper()}{said[1:]}. `doaudit refresh`, or account.refresh(), goes on from there."
        if not proof.complete:
            return (
                f"INCOMPLETE: {proof.distinct_ids:,} of {proof.total_reported:,} actions as of {when} "
                f"({proof.reason}). `doaudit refresh`, or account.refresh(), goes on from there."
            )
        return f"Complete as of {when}: {count(self.actions, 'action')}, of which {self.open_actions:,} are open."

    __repr__ = __str__  # at the end of a cell


def read_state(client: Client, store: Store | None, path: str | os.PathLike[str] | None) -> HistoryState:
    """
    Read the state of an account's history, without beginning one where there is none.

    Args:
        client: the account.
        store: the history, if it is open already.
        path: the file that the account was opened with; see `doaudit.history.account_identity.open_history`.
    """
    file = None
    try:
        if store is None:
            file = existing_file(client, path)
            if file is None:
                return HistoryState()
            store = open_history(client, path)
        return HistoryState(store.path, store.count(), len(store.open_ids()), stored_proof(store))
    except (ApiProblem, FileProblem) as fault:
        return HistoryState(file, problem=str(fault))
