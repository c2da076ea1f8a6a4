"""
Ids that the history had before a read, and what earlier reads covered, as a read of the list needs them.

The note `coverage` says which ranks of the list the stored ids stand for; see `doaudit.api.read_attempt`.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from doaudit.api.listing import Coverage, Known
from doaudit.api.proved_part import Part
from doaudit.api.rank_anchor import Anchor
from doaudit.history.proof import VANISHED

if TYPE_CHECKING:
    from collections.abc import Collection

    from doaudit.history.facts import Facts
    from doaudit.history.store import Store

__all__ = ["COVERAGE", "coverage_note", "read_known"]

COVERAGE = "coverage"


class _StoredIds:
    """
    Ids that a history had, without some that do not count; the history is asked only about ids that a read meets.

    Args:
        store: the history.
        facts: of the history, as it was before the read.
        excluded: ids that do not count.
        recent: ids that are known to be there and count.
    """

    def __init__(self, store: Store, facts: Facts, excluded: frozenset[int], recent: frozenset[int]) -> None:
        self._store, self._number, self._excluded = store, facts.actions - len(excluded), excluded
        self._highest = facts.highest_id
        # What is stored during the read was not there before, so an answer is never asked for twice.
        self._known, self._unknown = set(recent), set(excluded)

    def __len__(self) -> int:
        return self._number

    def among(self, ids: Collection[int]) -> frozenset[int]:
        in_range = (i for i in ids if i <= self._highest) if self._number else ()
        asked = {i for i in in_range if i not in self._known and i not in self._unknown}
        if asked:
            held = self._store.held(asked) - self._excluded
            self._known |= held
            self._unknown |= asked - held
        return frozenset(self._known.intersection(ids))

    def all(self) -> frozenset[int]:
        # Asked for at the end of a read that proved the whole list: what it stored is in the list, and is not missed.
        return frozenset(self._store.ids().tolist()) - self._excluded if self._number else frozenset()

    def newer(self, second: str) -> frozenset[int]:
        return frozenset(self._store.ids(since=datetime.fromisoformat(f"{second}+00:00")).tolist())


def read_known(store: Store, facts: Facts, *, full: bool) -> Known:
    """
    Return what earlier reads have in hand; if everything is to be read again, nothing of it counts.

    Args:
        store: the history.
        facts: of the history, as it is now.
        full: whether everything is to be read again.
    """
    note = facts.notes.get(COVERAGE)
    vanished = frozenset[int]() if full else frozenset(facts.notes.get(VANISHED, ()))
    # Where another process wrote rows that the note does not know of, it says nothing of them.
    if full or note is None or note["anchor"] is None or note["held"] != facts.actions:
        return Known(_StoredIds(store, facts, vanished, frozenset()))
    anchor = Anchor(note["anchor"]["second"], note["anchor"]["below"], tuple(note["anchor"]["ids"]))
    recent = frozenset(note.get("recent", ()))
    coverage = Coverage(
        spans=tuple((lowest, above) for lowest, above in note["spans"]),
        anchor=anchor,
        uncounted=frozenset(note["uncounted"]),
        set_aside=frozenset(note["set_aside"]),
        recent=recent,
        part=_part(note.get("part")),
    )
    excluded = vanished | coverage.uncounted
    return Known(_StoredIds(store, facts, excluded, recent - excluded), coverage)


def _part(note: Any) -> Part | None:  # noqa: ANN401 -- JSON
    return note and Part(Anchor(note["floor"]["second"], note["floor"]["below"]), note["top"], note["until"])


def coverage_note(coverage: Coverage, held: int) -> dict[str, Any]:
    """
    Return the note of what was covered, for a history that holds so many actions.

    Example:
        >>> coverage_note(Coverage(), held=0)["coverage"]["anchor"] is None
        True
    """
    return {
        COVERAGE: {
            "held": held,
            "spans": coverage.spans,
            "anchor": asdict(coverage.anchor) if coverage.anchor else None,
            "uncounted": sorted(coverage.uncounted),
            "set_aside": sorted(coverage.set_aside),
            "recent": sorted(coverage.recent),
            "part": asdict(coverage.part) if coverage.part else None,
        }
    }
