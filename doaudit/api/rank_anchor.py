"""
Anchor in the list of actions: a second, and how many rows are of that second or older.

Rows arrive in front of the list. So as long as none leaves it, the number of rows of a past second and older never
changes, however the rows of one second are ordered. A page that shows where those rows begin tells the number anew: if
it is the same, nothing below the anchor has left; if it is another, ids that were read earlier prove nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doaudit.api.page_planner import Read

__all__ = ["Anchor", "find_anchor", "newest_anchor", "second_of"]

_SECOND = len("2026-03-12T22:27:07")


@dataclass(frozen=True)
class Anchor:
    """
    A place in the list whose rank is known.

    Attributes:
        second: the second of the newest row below it, as in '2026-03-12T22:27:07'. Empty if page 1 shows no second that
            is older than its first; then the whole page is the anchor, and anything that changes on it has moved it.
        below: rows below it.
        ids: the ids on page 1 if `second` is empty.
    """

    second: str
    below: int
    ids: tuple[int, ...] = ()


def newest_anchor(page: Read, ids: tuple[int, ...]) -> Anchor:
    """
    Return the newest anchor on page 1: rows of its first second may still be joined by others, so it is below them.

    Args:
        page: page 1 as it was read.
        ids: the ids on it.

    Example:
        >>> from doaudit.api.page_planner import Read, Window
        >>> starts = ("2026-03-12T22:27:09Z", "2026-03-12T22:27:09Z", "2026-03-12T22:27:07Z")
        >>> newest_anchor(Read(Window(1, 3), 50, starts), (7, 6, 5))
        Anchor(second='2026-03-12T22:27:07', below=48, ids=())
    """
    seconds = [(at, second) for at, start in enumerate(page.starts) if (second := second_of(start))]
    if all(upper >= lower for (_, upper), (_, lower) in pairwise(seconds)):
        for at, second in seconds:
            if second < seconds[0][1]:
                return Anchor(second, page.total - at)
    return Anchor("", page.total, tuple(sorted(ids)))


def find_anchor(page: Read, ids: tuple[int, ...], anchor: Anchor) -> int | None:
    """
    Return how many rows are below the anchor now; None if this page does not show where they begin.

    Args:
        page: a page as it was read.
        ids: the ids on it.
        anchor: of an earlier response.

    Example:
        >>> from doaudit.api.page_planner import Read, Window
        >>> starts = ("2026-03-12T22:27:09Z", "2026-03-12T22:27:07Z", "2026-03-12T22:27:06Z")
        >>> find_anchor(Read(Window(1, 3), 49, starts), (7, 6, 5), Anchor("2026-03-12T22:27:07", 48))
        48
    """
    if not anchor.second:
        same = page.total == anchor.below and tuple(sorted(ids)) == anchor.ids
        return None if page.window.page > 1 else anchor.below if same else -1
    begin = (page.window.page - 1) * page.window.per_page
    for at, start in enumerate(page.starts):
        second = second_of(start)
        if second and second <= anchor.second:
            return None if at == 0 and begin else page.total - begin - at
    return 0 if page.starts and page.lowest == 0 else None


def second_of(start: str | int | None) -> str:
    """Return the second of a start in UTC; empty where it cannot be compared."""
    return start[:_SECOND] if isinstance(start, str) and start.endswith("Z") and len(start) > _SECOND else ""
