"""
Bodies of the list of actions: the rows of a page, and those among them that cannot be told from others.

One odd row never costs the others: it is kept aside as it came, and a read with such a row is not complete. A body that
is no page at all (cut short, another document, without a total) is a damaged response, which is asked for again.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from doaudit.json_slices import elements, members
from doaudit.records import Record, decode

if TYPE_CHECKING:
    from doaudit.api.responses import Response

__all__ = ["Page", "excerpt", "parse_page", "parse_single"]

_EXCERPT = 400


class _Meta(msgspec.Struct, frozen=True):
    total: int


class _Envelope(msgspec.Struct, frozen=True):
    actions: list[Record]
    meta: _Meta


class _SingleEnvelope(msgspec.Struct, frozen=True):
    action: msgspec.Raw


_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_meta = msgspec.json.Decoder(_Meta).decode
_decode_single = msgspec.json.Decoder(_SingleEnvelope).decode


@dataclass(frozen=True)
class Page:
    """
    A page of the list of actions.

    Attributes:
        rows: each row of the page, newest first; None for one that is set aside.
        total: rows of the whole list.
        date: when the response was sent, in Unix seconds by the server's clock.
        set_aside: the text of each row that has no usable id, cut where it is long.
    """

    rows: tuple[Record | None, ...]
    total: int
    date: int
    set_aside: tuple[str, ...] = field(default=())

    @property
    def records(self) -> list[Record]:
        """The rows that have an id."""
        return [row for row in self.rows if row is not None]


def parse_page(response: Response) -> Page:
    """
    Read a page of the list of actions.

    Raises:
        ValueError: it is no such page.
    """
    try:
        envelope = _decode_envelope(response.body)
        page = Page(tuple(envelope.actions), envelope.meta.total, response.date)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        page = _parse_row_by_row(response)
    if page.total < 0:
        raise ValueError(f"the total is {page.total}")
    return page


def _parse_row_by_row(response: Response) -> Page:
    parts = members(response.body)
    if b"actions" not in parts or b"meta" not in parts:
        raise ValueError("there is no `actions`, or no `meta`")
    rows: list[Record | None] = []
    set_aside = []
    for text in elements(parts[b"actions"]):
        try:
            rows.append(decode(text))
        except msgspec.ValidationError:
            rows.append(None)
            set_aside.append(excerpt(text))
    return Page(tuple(rows), _decode_meta(parts[b"meta"]).total, response.date, tuple(set_aside))


def excerpt(text: bytes) -> str:
    """
    Return a row's text; where it is cut, a hash of the whole keeps it apart from others.

    Example:
        >>> excerpt(b'{"id": null}')
        '{"id": null}'
    """
    readable = text.decode("utf-8", errors="replace")
    if len(readable) <= _EXCERPT:
        return readable
    return f"{readable[:_EXCERPT]} ... (sha256 {hashlib.sha256(text).hexdigest()[:16]})"


def parse_single(response: Response) -> tuple[Record, int] | None:
    """
    Read one action and the date of the response.

    Raises:
        ValueError: it is none.
    """
    try:
        raw: bytes | msgspec.Raw = _decode_single(response.body).action
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raw = members(response.body).get(b"action", b"")
    return decode(raw), response.date
