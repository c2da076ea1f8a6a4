"""Short lists, read whole: the resources of an account and their names."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.api.page_body import excerpt
from doaudit.api.paging import PER_PAGE
from doaudit.api.worker_pool import Fetch, WorkerPool
from doaudit.errors import ApiProblem, Forbidden, NotFound
from doaudit.json_slices import elements, members
from doaudit.records import decoded_members

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Mapping, Sequence

    from doaudit.api.client import Client
    from doaudit.api.responses import Response

__all__ = ["Listed", "ResourceList", "read_list", "read_lists", "read_one"]


_PASSES = 3
_IN_FLIGHT = 4  # beside twelve for pages of actions; a session keeps sixteen connections


class _Meta(msgspec.Struct, frozen=True):
    total: int


@dataclass(frozen=True)
class Listed:
    """
    A list to be read.

    Attributes:
        path: its address, as in /v2/droplets.
        key: the field of the response that holds the records.
        query: further parameters.
    """

    path: str
    key: str
    query: tuple[tuple[str, str], ...] = ()

    def fetch(self, page: int) -> Fetch[tuple[Listed, int]]:
        """Return the request for a page of it."""
        query: dict[str, int | str] = {**dict(self.query), "page": page, "per_page": PER_PAGE}
        return Fetch((self, page), self.path, query, lambda response: _page(response, self.key))


@dataclass
class ResourceList:
    """
    A list of resources, read whole.

    Attributes:
        by_id: its records as dictionaries, by `id` or `ip` as text.
        set_aside: the texts of rows that are no objects, or have no id.
        totals: rows of the list that the API reported with each page; more than one if it has changed meanwhile.
        date: of the last response, in Unix seconds by the server's clock.
    """

    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    set_aside: dict[str, None] = field(default_factory=dict)
    totals: set[int] = field(default_factory=set)
    date: int = 0

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The records."""
        return list(self.by_id.values())

    @property
    def adds_up(self) -> bool:
        """True if these are as many rows as the API reports, and it has reported no other number."""
        return self.totals == {len(self.by_id) + len(self.set_aside)}

    def add(self, page: ResourceList) -> bool:
        """Add the rows of a page; return whether one of them is new, and more are to be expected."""
        before = len(self.by_id) + len(self.set_aside)
        self.by_id |= page.by_id
        self.set_aside |= page.set_aside
        self.totals |= page.totals
        self.date = page.date
        return before < len(self.by_id) + len(self.set_aside) < max(page.totals)


def read_list(
    client: Client,
    path: str,
    key: str,
    query: Mapping[str, str] | None = None,
    *,
    passes: int = _PASSES,
    stop: threading.Event | None = None,
) -> ResourceList:
    """
    Read every record of a list, page after page, until one brings nothing new.

    Records are told apart by `id`, or by `ip`. If the list changes while it is read, a record may have slid to a page
    that was read before; so it is read again, up to three times in all.

    Args:
        client: the account.
        path: of the list, as in /v2/droplets.
        key: the field of the response that holds the records.
        query: further parameters.
        passes: how often it is read at most.
        stop: once set, no further page is asked for.

    Returns:
        The records; look at `adds_up`.

    Raises:
        ApiProblem: a page could not be read.
        Stopped: *stop* was set.
    """
    for _ in range(passes):
        found = ResourceList()
        for number in count(1):
            page: dict[str, int | str] = {**(query or {}), "page": number, "per_page": PER_PAGE}
            if not found.add(client.get(path, page, parse=lambda response: _page(response, key), stop=stop)):
                break
        if found.adds_up:
            break
    return found


def read_lists(
    client: Client,
    lists: Sequence[Listed],
    *,
    then: Callable[[Listed, ResourceList], Sequence[Listed]] = lambda *_: (),
    stop: threading.Event | None = None,
) -> dict[Listed, ResourceList | ApiProblem]:
    """
    Read several lists whole, side by side, four requests at a time.

    Where one is forbidden, those of the same key that were not begun are left out. Where one fails for another reason
    than that it is forbidden or gone, which says nothing of others, no more is begun at all.

    Args:
        client: the account.
        lists: the lists, different ones.
        then: returns further lists to read, after one that was read; it is not asked after those.
        stop: once set, no more is read.

    Returns:
        Each list that was begun, or the reason why it could not be read.

    Raises:
        Stopped: *stop* was set.
    """
    reader = _Reader(client, then, stop)
    try:
        reader.read(lists)
    finally:
        reader.pool.shutdown()
    return reader.found


class _Reader:
    """
    Reads lists in rounds: in each the next pages of all of them.

    Attributes:
        found: each list that was begun, or the reason why it could not be read.
    """

    def __init__(
        self,
        client: Client,
        then: Callable[[Listed, ResourceList], Sequence[Listed]],
        stop: threading.Event | None,
    ) -> None:
        self._client, self._then, self._stop = client, then, stop
        self._has_failed = False
        self.found: dict[Listed, ResourceList | ApiProblem] = {}
        self.pool: WorkerPool[tuple[Listed, int], ResourceList | ApiProblem] = WorkerPool(
            client, lambda _: ResourceList(), _IN_FLIGHT, when_failed=lambda fault: fault, stop=stop
        )

    def read(self, lists: Sequence[Listed]) -> None:
        """Read lists, and those that follow from them."""
        asked = [(listed, 1) for listed in lists]
        while asked and not self._has_failed:
            pages = self._read_round(asked)
            asked = [each for listed, results in pages.items() for each in self._take(listed, results)]

    def _read_round(self, asked: Sequence[tuple[Listed, int]]) -> dict[Listed, dict[int, ResourceList | ApiProblem]]:
        """Read pages of lists, side by side; those that were withdrawn after a failure are not in the result."""
        self.pool.submit([listed.fetch(number) for listed, number in asked])
        pages: dict[Listed, dict[int, ResourceList | ApiProblem]] = {listed: {} for listed, _ in asked}
        waiting = len(asked)
        while waiting:
            (listed, number), result = self.pool.next_result(lambda _: None)
            pages[listed][number] = result
            waiting -= 1
            if isinstance(result, Forbidden):
                waiting -= self.pool.withdraw(lambda other, key=listed.key: other[0].key == key)  # type: ignore[misc]
            elif isinstance(result, ApiProblem) and not isinstance(result, NotFound):
                self._has_failed = True
                waiting -= self.pool.withdraw()
        return pages

    def _take(self, listed: Listed, results: dict[int, ResourceList | ApiProblem]) -> list[tuple[Listed, int]]:
        """Take in the next pages of a list; return those that are to be read after them, of it or of its followers."""
        more, read = False, self.found.get(listed, ResourceList())
        for _, page in sorted(results.items()):
            if isinstance(page, ApiProblem) or isinstance(read, ApiProblem):
                read = page if isinstance(page, ApiProblem) else read
            else:
                more = read.add(page)
        if results:
            self.found[listed] = read
        if isinstance(read, ApiProblem) or not results:
            return []
        if more:
            last, whole = max(results), -(-max(read.totals) // PER_PAGE)
            return [(listed, number) for number in range(last + 1, max(min(whole, last + _IN_FLIGHT), last + 1) + 1)]
        if not read.adds_up:
            self.found[listed] = self._read_again(listed)
        return [(follower, 1) for follower in self._then(listed, read)]

    def _read_again(self, listed: Listed) -> ResourceList | ApiProblem:
        try:
            return read_list(
                self._client, listed.path, listed.key, dict(listed.query), passes=_PASSES - 1, stop=self._stop
            )
        except ApiProblem as fault:
            self._has_failed = True
            return fault


def _page(response: Response, key: str) -> ResourceList:
    return _whole_page(response, key) or _page_row_by_row(response, key)


def _whole_page(response: Response, key: str) -> ResourceList | None:
    """Read a page, in a hundredth of the time that its rows take one by one; None if there is anything odd about it."""
    try:
        parts = msgspec.json.decode(response.body, type=dict[str, Any])
        meta = msgspec.convert(parts.get("meta"), _Meta)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    rows = parts.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    by_id = {str(identity): row for row in rows if (identity := _identity(row)) is not None}
    return ResourceList(by_id, {}, {meta.total}, response.date) if len(by_id) == len(rows) else None


def _page_row_by_row(response: Response, key: str) -> ResourceList:
    parts = members(response.body)
    if key.encode() not in parts or b"meta" not in parts:
        raise ValueError(f"there is no `{key}`, or no `meta`")
    page = ResourceList(totals={msgspec.json.decode(parts[b"meta"], type=_Meta).total}, date=response.date)
    for text in elements(parts[key.encode()]):
        row = decoded_members(text)
        identity = _identity(row)
        if identity is None:
            page.set_aside[excerpt(text)] = None
        else:
            page.by_id[str(identity)] = row
    return page


def _identity(row: dict[str, Any]) -> str | int | None:
    identity = row.get("id", row.get("ip"))
    return identity if isinstance(identity, str | int) and not isinstance(identity, bool) else None


def read_one(client: Client, path: str, key: str) -> dict[str, Any]:
    """
    Read one record as a dictionary; *key* is the field of the response that holds it.

    Raises:
        ApiProblem: it could not be read.
    """
    return client.get(
        path, parse=lambda response: msgspec.json.decode(response.body, type=dict[str, dict[str, Any]])[key]
    )
