"""Distinct ids in hand during a read of the list: those that are known from earlier reads, and those read at a rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

from doaudit.api.listing import IdSet

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, ValuesView

    from doaudit.api.listing import KnownIds

__all__ = ["IdsInHand"]


class IdsInHand:
    """
    Distinct ids in hand: a base, which counts though it was not read again, and ids with the ranks they were read at.

    Args:
        base: ids of rows below the anchor that earlier reads have in hand.

    Example:
        >>> from doaudit.api.listing import IdSet
        >>> ids = IdsInHand(IdSet([5, 6]))
        >>> ids.add([(7, 2), (6, 1)])
        >>> len(ids), ids.below(2), ids.below(3)
        (3, 2, 3)
    """

    def __init__(self, base: KnownIds) -> None:
        self._base, self._base_count = base, len(base)
        self._met: set[int] = set()  # ids of the base that were read again
        self._ranks: dict[int, int] = {}
        self._new = 0

    def __len__(self) -> int:
        """Return how many distinct ids there are."""
        return self._base_count + self._new

    @property
    def counts_base(self) -> bool:
        """True if ids of the base count that were not read again."""
        return self._base_count > len(self._met)

    @property
    def ranks(self) -> ValuesView[int]:
        """The rank of each id that was read, one of the base or not."""
        return self._ranks.values()

    def rank(self, action_id: int) -> int | None:
        """Return the rank at which an id was last read; None if it was not."""
        return self._ranks.get(action_id)

    def add(self, rows: Iterable[tuple[int, int]]) -> None:
        """Add ids with the ranks at which they were just read."""
        rows = list(rows)
        self._met |= self._base.among({action_id for action_id, _ in rows if action_id not in self._ranks})
        for action_id, rank in rows:
            self._new += action_id not in self._ranks and action_id not in self._met
            self._ranks[action_id] = rank

    def below(self, rank: int) -> int:
        """Return how many distinct ids are in hand of rows below a rank that is not below that of the base."""
        return self._base_count + sum(at < rank and i not in self._met for i, at in self._ranks.items())

    def above(self, rank: int) -> set[int]:
        """Return the ids of rows at a rank or above it that are not of the base."""
        return {i for i, at in self._ranks.items() if at >= rank and i not in self._met}

    def missing(self, ids: Iterable[int]) -> frozenset[int]:
        """Return those of the ids that are not in hand; one of the base is known to be only if it was read again."""
        return frozenset(i for i in ids if i not in self._met and i not in self._ranks)

    def drop_base(self) -> None:
        """Let the base no longer count."""
        self._base, self._base_count = IdSet(), 0
        self._met.clear()

    def join_base(self, below: int) -> None:
        """Let every id that was read below a rank be one of the base."""
        joined = {i for i, rank in self._ranks.items() if rank < below and i not in self._met}
        self._met |= joined
        self._base_count += len(joined)

    def keep(self, ids: Collection[int], below: int | None = None) -> set[int]:
        """Keep the ranks of these ids, and those below a rank; return the ids of which the rank is forgotten."""
        wanted = frozenset(ids)
        kept = {i: rank for i, rank in self._ranks.items() if i in wanted or (below is not None and rank < below)}
        forgotten = self._ranks.keys() - kept.keys()
        self._ranks, self._new = kept, sum(i not in self._met for i in kept)
        return forgotten
