"""The account's list of actions: newest first, counted exactly, actions of the same second in no particular order."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from doaudit.demo.world.records import Action

__all__ = ["ActionLog"]

_MASK = 0xFFFF_FFFF


def _started(action: Action) -> int:
    return action.started_at


class ActionLog:
    """
    All actions of an account; those that start later than the clock are not visible yet.

    Args:
        actions: The actions, in any order.
        seed: The seed of the order of actions that start in the same second.
        tie_shuffle: The share of list requests, between 0 and 1, that order the actions of a second anew.
            0 always gives one order, 1 a new one for each request. The k-th read of a page always gives the same
            order, whatever is read in between, so that concurrent readers get reproducible results.

    Raises:
        ValueError: Two actions have the same id.

    Example:
        >>> from doaudit.demo.world.records import Action
        >>> log = ActionLog([Action(id=n, type="reboot", started_at=n) for n in range(1, 6)])
        >>> [action.id for action in log.page(2, 2, now=4)], log.total(now=4)
        ([2, 1], 4)
    """

    def __init__(self, actions: Iterable[Action] = (), *, seed: int = 0, tie_shuffle: float = 1.0) -> None:
        self.tie_shuffle = tie_shuffle
        self._seed = seed
        self._oldest_first = sorted(actions, key=_started)
        self._by_id = {action.id: action for action in self._oldest_first}
        if len(self._by_id) < len(self._oldest_first):
            raise ValueError("Two actions have the same id; an id belongs to one action.")
        self._by_resource: defaultdict[str, list[Action]] = defaultdict(list)
        for action in self._oldest_first:
            self._by_resource[action.resource].append(action)
        self._reads: Counter[tuple[int, int]] = Counter()
        self._last_id = max(self._by_id, default=3_330_000_000)

    def __len__(self) -> int:
        """Return the number of actions, started or not."""
        return len(self._oldest_first)

    def next_id(self, gap: int) -> int:
        """Return the id of the next action; other accounts have used the ids in between, so that it is *gap* higher."""
        self._last_id += gap
        return self._last_id

    def add(self, action: Action) -> None:
        """Add an action."""
        insort(self._oldest_first, action, key=_started)
        self._by_id[action.id] = action
        insort(self._by_resource[action.resource], action, key=_started)

    def get(self, action_id: int, now: float) -> Action | None:
        """Return an action by its id; None if there is none or it has not started."""
        action = self._by_id.get(action_id)
        return action if action is not None and action.started_at <= now else None

    def total(self, now: float) -> int:
        """Return the number of actions that have started."""
        return bisect_right(self._oldest_first, now, key=_started)

    def of_resource(self, resource: str, now: float) -> list[Action]:
        """Return the actions of *resource* (a "kind:key") that have started, newest first."""
        actions = self._by_resource.get(resource, [])
        return actions[: bisect_right(actions, now, key=_started)][::-1]

    def page(self, page: int, per_page: int, now: float) -> list[Action]:
        """Return page number *page* (from 1), newest first; empty past the end."""
        visible = self.total(now)
        newest, oldest = visible - (page - 1) * per_page, max(visible - page * per_page, 0)
        if newest <= 0:
            return []
        low, high = _widen_to_seconds(self._oldest_first, oldest, newest, visible)
        salt = self._salt(page, per_page)
        actions = sorted(self._oldest_first[low:high], key=lambda action: (-action.started_at, _hash(action.id, salt)))
        return actions[high - newest : high - oldest]

    def _salt(self, page: int, per_page: int) -> int:
        """Return the salt that orders the ties of this read of a page."""
        self._reads[page, per_page] += 1
        salt = _hash(self._reads[page, per_page] * 0x1_0001 + page, self._seed + 1)
        return salt if salt < self.tie_shuffle * _MASK else self._seed


def _widen_to_seconds(actions: Sequence[Action], low: int, high: int, end: int) -> tuple[int, int]:
    """Widen the slice from *low* to *high* until it holds whole seconds; it ends at *end* at the latest."""
    while low > 0 and actions[low - 1].started_at == actions[low].started_at:
        low -= 1
    while high < end and actions[high].started_at == actions[high - 1].started_at:
        high += 1
    return low, high


def _hash(number: int, salt: int) -> int:
    """Hash *number* to 32 bits, differently for each *salt* (the finaliser of MurmurHash3)."""
    mixed = (number ^ (salt * 0x9E37_79B1)) & _MASK
    mixed = ((mixed ^ (mixed >> 16)) * 0x85EB_CA6B) & _MASK
    mixed = ((mixed ^ (mixed >> 13)) * 0xC2B2_AE35) & _MASK
    return mixed ^ (mixed >> 16)
