"""The list of actions: newest first, counted exactly, with equal seconds in no particular order."""

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
    Every action of an account.

    An action that starts later than the clock is not there yet.

    Args:
        actions: In any order.
        seed: Decides how actions of the same second are ordered.
        tie_shuffle: The share of list requests, between 0 and 1, that show equal seconds in an order of their own.
            0 always gives one order, 1 a new one each time. The k-th reading of a page always gives the same,
            whatever is read in between, so that concurrent readers see the same account twice.

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
        self._of: defaultdict[str, list[Action]] = defaultdict(list)
        for action in self._oldest_first:
            self._of[action.resource].append(action)
        self._readings: Counter[tuple[int, int]] = Counter()
        self._last_id = max(self._by_id, default=3_330_000_000)

    def __len__(self) -> int:
        """Return how many there are, started or not."""
        return len(self._oldest_first)

    def next_id(self, gap: int) -> int:
        """Return the id of the next action; the account's neighbours have used *gap* ids meanwhile."""
        self._last_id += gap
        return self._last_id

    def add(self, action: Action) -> None:
        """Put in one more action."""
        insort(self._oldest_first, action, key=_started)
        self._by_id[action.id] = action
        insort(self._of[action.resource], action, key=_started)

    def get(self, action_id: int, now: float) -> Action | None:
        """Return one action, if it has started."""
        action = self._by_id.get(action_id)
        return action if action is not None and action.started_at <= now else None

    def total(self, now: float) -> int:
        """Return how many have started."""
        return bisect_right(self._oldest_first, now, key=_started)

    def of(self, resource: str, now: float) -> list[Action]:
        """Return the actions of one resource, newest first."""
        rows = self._of.get(resource, [])
        return rows[: bisect_right(rows, now, key=_started)][::-1]

    def page(self, page: int, per_page: int, now: float) -> list[Action]:
        """Return one page, newest first; past the end it is empty."""
        visible = self.total(now)
        newest, oldest = visible - (page - 1) * per_page, max(visible - page * per_page, 0)
        if newest <= 0:
            return []
        low, high = _whole_seconds(self._oldest_first, oldest, newest, visible)
        salt = self._salt(page, per_page)
        rows = sorted(self._oldest_first[low:high], key=lambda action: (-action.started_at, _mix(action.id, salt)))
        return rows[high - newest : high - oldest]

    def _salt(self, page: int, per_page: int) -> int:
        self._readings[page, per_page] += 1
        own = _mix(self._readings[page, per_page] * 0x1_0001 + page, self._seed + 1)
        return own if own < self.tie_shuffle * _MASK else self._seed


def _whole_seconds(rows: Sequence[Action], low: int, high: int, end: int) -> tuple[int, int]:
    """Widen a slice so that it cuts through no second."""
    while low > 0 and rows[low - 1].started_at == rows[low].started_at:
        low -= 1
    while high < end and rows[high].started_at == rows[high - 1].started_at:
        high += 1
    return low, high


def _mix(number: int, salt: int) -> int:
    """Scatter *number* over 32 bits, differently for each *salt*."""
    mixed = (number ^ (salt * 0x9E37_79B1)) & _MASK
    mixed = ((mixed ^ (mixed >> 16)) * 0x85EB_CA6B) & _MASK
    mixed = ((mixed ^ (mixed >> 13)) * 0xC2B2_AE35) & _MASK
    return mixed ^ (mixed >> 16)
