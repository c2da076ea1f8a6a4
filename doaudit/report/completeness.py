"""
Judgement on the completeness of a report: are its actions all that the account's history held at its proof?

The proof is about the history, and a report about the rows in it. Only where both have the same ids is the report
called complete; a part is called a selection, whatever the history is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from doaudit.formatting import count, utc_datetime

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from doaudit.api.listing import Proof

__all__ = [
    "COMPLETE",
    "COMPLETE_SINCE",
    "INCOMPLETE",
    "SELECTION",
    "UNPROVED",
    "Completeness",
    "ReportedAccount",
    "ReportedReads",
    "ask",
    "judge",
]

COMPLETE, COMPLETE_SINCE = "complete", "complete since"
SELECTION, INCOMPLETE, UNPROVED = "selection", "incomplete", "unproved"
_NO_PROOF = "No proof of completeness"


class ReportedReads(Protocol):
    """History of one account or of several, as far as a report asks it for its log."""

    def reads(self) -> pd.DataFrame:
        """Return the log of reads, the latest first."""


class ReportedHistory(ReportedReads, Protocol):
    """History of an account, as far as a report asks it."""

    def ids(self, since: datetime | None = None) -> np.ndarray:
        """Return the ids of all actions, or of those that started later than a moment."""

    def proved_ids(self) -> np.ndarray | None:
        """Return the ids that were there at the proof; None if nothing tells which they were."""


class ReportedAccount(Protocol):
    """Account of which a report is made: `doaudit.Account`, as far as a report asks it."""

    @property
    def source(self) -> str:
        """Source of the actions."""

    @property
    def is_simulated(self) -> bool:
        """True for a simulated account."""

    @property
    def proof(self) -> Proof | None:
        """Proof of the latest read."""

    @property
    def history(self) -> ReportedHistory:
        """The local history."""

    def started(self) -> pd.DataFrame:
        """Return the actions that doaudit started in it."""


@dataclass(frozen=True)
class Completeness:
    """
    Completeness of the actions in a report.

    Attributes:
        verdict: 'complete', 'complete since' (every action from a moment on, which the sentence names), 'selection',
            'incomplete' (the history lacks actions), or 'unproved'.
        sentence: the verdict in words.
        actions: rows in the report.
        held: actions that the history held at its proof, of the part that was proved; null if that is not known.
        later: actions in the report that came into the history after its proof.
        foreign: actions in the report that the history does not have; null without an account.
        proof: of the history; null if there is none, or several.
        accounts: that of each, where the report is of several accounts.
    """

    verdict: str
    sentence: str
    actions: int
    held: int | None = None
    later: int = 0
    foreign: int | None = None
    proof: Proof | None = None
    accounts: Mapping[str, Completeness] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """True if the report has every action that the account had when it was read."""
        return self.verdict == COMPLETE


def ask(ids: np.ndarray, account: ReportedAccount | None, first: datetime | None = None) -> Completeness:
    """
    Judge the ids of a report by what an account says of itself; without one, nothing is said.

    Args:
        ids: of the report's rows.
        account: of which it is.
        first: the earliest start of its rows. If they are all that the history has from then on, that is said.
    """
    if account is None:
        text = f"{_NO_PROOF}: no account was given (account=), so nothing tells whether actions are missing."
        return Completeness(UNPROVED, text, len(ids))
    history, proof, held = account.history, account.proof, account.history.proved_ids()
    if proof is not None and held is not None and first is not None and not pd.isna(first):
        expected = np.intersect1d(history.ids(since=first - timedelta(seconds=1)), held)
        if len(expected) < len(held) and np.array_equal(np.sort(ids), expected):
            sentence = _every_since(proof, first, held, expected)
            return Completeness(COMPLETE_SINCE, sentence, len(ids), len(held), 0, 0, proof)
    return judge(ids, proof, held, history.ids())


def judge(ids: np.ndarray, proof: Proof | None, held: np.ndarray | None, known: np.ndarray) -> Completeness:
    """
    Judge the ids of a report by the proof of a history, and by its ids.

    Args:
        ids: of the report's rows.
        proof: of the history; None if it was never read.
        held: ids in the history when it was proved; None if nothing tells which they were.
        known: ids in the history now.

    Example:
        >>> judge(np.array([1, 2]), None, None, np.array([1, 2])).sentence
        'No proof of completeness: the history of this account was never read, so actions may be missing.'
    """
    distinct = np.unique(ids)
    foreign = len(distinct) - int(np.isin(distinct, known).sum())
    is_held = np.isin(distinct, known if held is None else held)
    later = len(distinct) - foreign - int(is_held.sum())
    held_count = None if held is None else len(held)
    if proof is None:
        reason = "the history of this account was never read, so actions may be missing"
    elif foreign:
        reason = f"the history of this account does not have {foreign:,} of these {count(len(ids), 'action')}"
    elif len(distinct) < len(ids):
        reason = f"its {len(ids):,} rows have only {count(len(distinct), 'distinct id')}"
    elif proof.complete and held is None:
        reason = (
            f"rows have come into the history since it was proved at {utc_datetime(proof.finished)}, and nothing tells "
            "which. Refresh the account, and write the report again"
        )
    else:
        verdict, sentence = _compare(int(is_held.sum()), later, proof, held_count or 0, len(known))
        return Completeness(verdict, sentence, len(ids), held_count, later, foreign, proof)
    return Completeness(UNPROVED, f"{_NO_PROOF}: {reason}.", len(ids), held_count, later, foreign, proof)


def _compare(chosen: int, later: int, proof: Proof, held: int, known: int) -> tuple[str, str]:
    """
    Compare distinct ids, all of them in the history, with what it held at its proof.

    Args:
        chosen: ids in the report that the history held.
        later: ids in the report that came into the history afterwards.
        proof: of the history.
        held: ids that the history held.
        known: ids that it has now.
    """
    if not proof.complete and proof.complete_since is not None and held:
        return _compare_part(chosen, later, proof, held)
    if not proof.complete:
        lacks = f"{proof.distinct_ids:,} of {proof.total_reported:,} actions"
        if chosen + later == known:
            return INCOMPLETE, f"INCOMPLETE: {lacks} ({proof.reason})."
        part = f"This is a selection of {chosen + later:,} of {known:,} actions"
        return SELECTION, f"{part} (the history is INCOMPLETE: {lacks}, {proof.reason})."
    if chosen < held:
        more = f", and {later:,} more that were read since" if later else ""
        return SELECTION, f"This is a selection of {chosen:,} of {held:,} actions (the history is complete){more}."
    if later:
        every = f"every action known at {utc_datetime(proof.finished)}, {held:,} of them"
        return UNPROVED, f"{_NO_PROOF}: these are {every}, and {later:,} of a later read that was cut off."
    left = held - proof.distinct_ids
    more = f", and {left:,} more that have left its list" if left else ""
    return COMPLETE, f"Complete: {proof.distinct_ids:,} distinct ids, exactly as many as the API reports{more}."


def _compare_part(chosen: int, later: int, proof: Proof, held: int) -> tuple[str, str]:
    """Compare distinct ids with the part of the list that the history was proved to hold; see `_compare`."""
    part = f"from {proof.complete_since:%Y-%m-%d %H:%M:%S} to {proof.complete_until:%Y-%m-%d %H:%M:%S} UTC"
    older = f"{proof.older:,} older ones are not all known ({proof.reason})"
    if chosen < held:
        text = f"This is a selection of {chosen:,} of {held:,} actions {part} (of these the history has every one)"
        return SELECTION, f"{text}; {older}."
    more = f", and {later:,} more" if later else ""
    return COMPLETE_SINCE, f"Every action {part}, {held:,} of them{more}; {older}."


def _every_since(proof: Proof, first: datetime, held: np.ndarray, expected: np.ndarray) -> str:
    """Say that these are all that the history has from a moment on, and what it has or lacks before."""
    until = proof.finished if proof.complete_until is None else proof.complete_until
    every = f"Every action from {first:%Y-%m-%d %H:%M:%S} to {until:%Y-%m-%d %H:%M:%S} UTC, {len(expected):,} of them"
    if proof.complete:
        return f"{every}; the history is complete, and has {len(held) - len(expected):,} that are older."
    return f"{every}; older ones are not all known ({proof.reason})."
