"""Short lists, read whole: the resources of an account and their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.api.paging import IN_FLIGHT, PER_PAGE
from doaudit.api.worker_pool import Fetch, WorkerPool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from doaudit.api.client import Client
    from doaudit.api.responses import Response

__all__ = ["read_list", "read_lists", "read_one"]


class _Meta(msgspec.Struct, frozen=True):
    total: int


def read_list(client: Client, path: str, key: str, query: Mapping[str, str] | None = None) -> tuple[list[Any], int]:
    """
    Read every record of a list, page after page.

    A record that moves to another page between two responses comes once: records are told apart by `id`, or by `ip`.

    Args:
        client: the account.
        path: of the list, as in /v2/droplets.
        key: the field of the response that holds the records.
        query: further parameters.

    Returns:
        The records as dictionaries, and the date of the last response (Unix seconds by the server's clock).

    Raises:
        ApiProblem: a page could not be read.
    """
    found: dict[Any, dict[str, Any]] = {}
    page = 0
    while True:
        page += 1
        rows, total, date = client.get(
            path, {**(query or {}), "page": page, "per_page": PER_PAGE}, parse=lambda response: _page(response, key)
        )
        found |= {row.get("id", row.get("ip")): row for row in rows}
        if not rows or len(found) >= total:
            return list(found.values()), date


def read_lists(client: Client, paths: Sequence[str], key: str) -> dict[str, list[Any]]:
    """
    Read several lists whole, as many at a time as pages of actions.

    Args:
        client: the account.
        paths: of the lists.
        key: the field of each response that holds the records.

    Returns:
        The records of each list by its path; a list that is not there (404) is left out.

    Raises:
        ApiProblem: a page could not be read, for another reason.
    """
    first = {"page": 1, "per_page": PER_PAGE}
    pool: WorkerPool[str, tuple[list[Any], int, int] | None] = WorkerPool(
        client, lambda response: _page(response, key), IN_FLIGHT, when_absent=lambda: None
    )
    try:
        pool.submit([Fetch(path, path, first) for path in paths])
        pages = dict(pool.next_result(lambda _: None) for _ in paths)
    finally:
        pool.shutdown()
    found = {path: page for path, page in pages.items() if page is not None}
    return {
        path: rows if len(rows) >= total else read_list(client, path, key)[0]
        for path, (rows, total, _) in found.items()
    }


def _page(response: Response, key: str) -> tuple[list[dict[str, Any]], int, int]:
    body = msgspec.json.decode(response.body, type=dict[str, msgspec.Raw])
    if key not in body or "meta" not in body:
        raise msgspec.ValidationError(f"Object missing required field `{key}` or `meta`")
    rows = msgspec.json.decode(body[key], type=list[dict[str, Any]])
    return rows, msgspec.json.decode(body["meta"], type=_Meta).total, response.date


def read_one(client: Client, path: str, key: str) -> dict[str, Any]:
    """
    Read one record as a dictionary; *key* is the field of the response that holds it.

    Raises:
        ApiProblem: it could not be read.
    """
    return client.get(
        path, parse=lambda response: msgspec.json.decode(response.body, type=dict[str, dict[str, Any]])[key]
    )
