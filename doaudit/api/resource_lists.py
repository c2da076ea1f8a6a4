"""Short lists whole: what resources an account has, and what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from doaudit.api.address import DEFAULT_URL
from doaudit.api.paging import IN_FLIGHT, PER_PAGE
from doaudit.api.worker_pool import Fetch, WorkerPool
from doaudit.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from doaudit.api.client import Client
    from doaudit.api.responses import Response

__all__ = ["account_name", "read_list", "read_lists", "read_one"]


class _Meta(msgspec.Struct, frozen=True):
    total: int


def read_list(client: Client, path: str, key: str, query: Mapping[str, str] | None = None) -> tuple[list[Any], int]:
    """
    Every record of a list as dictionaries, page after page, and when the last page was answered (Unix seconds).

    A record that moves to another page between two answers comes once: records are told apart by `id`, or by `ip`.

    Raises:
        ApiProblem: a page could not be had.
    """
    found: dict[Any, dict[str, Any]] = {}
    page = 0
    while True:
        page += 1
        rows, total, date = client.get(
            path, {**(query or {}), "page": page, "per_page": PER_PAGE}, parse=lambda answer: _page(answer, key)
        )
        found |= {row.get("id", row.get("ip")): row for row in rows}
        if not rows or len(found) >= total:
            return list(found.values()), date


def read_lists(client: Client, paths: Sequence[str], key: str) -> dict[str, list[Any]]:
    """
    Several lists whole, as many at a time as pages of actions; one that is not there (404) is left out.

    Raises:
        ApiProblem: a page could not be had, for another reason.
    """
    first = {"page": 1, "per_page": PER_PAGE}
    pool: WorkerPool[str, tuple[list[Any], int, int] | None] = WorkerPool(
        client, lambda answer: _page(answer, key), IN_FLIGHT, when_absent=lambda: None
    )
    try:
        pool.submit([Fetch(path, path, first) for path in paths])
        answers = dict(pool.next_result(lambda _: None) for _ in paths)
    finally:
        pool.shutdown()
    found = {path: answer for path, answer in answers.items() if answer is not None}
    return {
        path: rows if len(rows) >= total else read_list(client, path, key)[0]
        for path, (rows, total, _) in found.items()
    }


def _page(answer: Response, key: str) -> tuple[list[dict[str, Any]], int, int]:
    body = msgspec.json.decode(answer.body, type=dict[str, msgspec.Raw])
    if key not in body or "meta" not in body:
        raise msgspec.ValidationError(f"Object missing required field `{key}` or `meta`")
    rows = msgspec.json.decode(body[key], type=list[dict[str, Any]])
    return rows, msgspec.json.decode(body["meta"], type=_Meta).total, answer.date


def read_one(client: Client, path: str, key: str) -> dict[str, Any]:
    """
    One thing as a dictionary.

    Raises:
        ApiProblem: it could not be had.
    """
    return client.get(path, parse=lambda answer: msgspec.json.decode(answer.body, type=dict[str, dict[str, Any]])[key])


def account_name(client: Client) -> str | None:
    """
    Return the name by which an account is known whatever the token: its team's id; None if the token may not read it.

    Raises:
        ApiProblem: it could not be asked for.
    """
    try:
        said = read_one(client, "/v2/account", "account")
    except (Forbidden, NotFound):
        return None
    team = said.get("team")
    name = (team.get("uuid") if isinstance(team, dict) else None) or said.get("uuid")
    if not name:
        return None
    return str(name) if client.base_url == DEFAULT_URL else f"{name} at {client.base_url}"
