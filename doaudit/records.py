"""
Records of actions: what the API sends of one, decoded, and merged from two readings.

A record is kept even where a field is not what it should be. Only a row without a usable id cannot be kept, since it
could not be told from others.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Annotated, Any

import msgspec

from doaudit.json_slices import members

__all__ = [
    "COMPLETED",
    "ERRORED",
    "IN_PROGRESS",
    "LATEST_S",
    "Record",
    "Region",
    "decode",
    "decoded_members",
    "is_rfc_3339",
    "merge",
    "whole_number",
]

# `done` is no documented word, but the API has twice sent it where it meant completed (floating IPs on 2021-09-30,
# volume resizes until 2023). The frame keeps the word; every statistic reads it as completed.
COMPLETED = frozenset({"completed", "done"})
ERRORED = frozenset({"errored"})
IN_PROGRESS = frozenset({"in-progress"})

LATEST_S = 253_402_214_400
"""Unix seconds of the last day of the year 9999: up to here a time has a date in every time zone."""

_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII).fullmatch
_COMMON_LENGTH = len("2026-03-12T22:27:07Z")
_MOST_DIGITS = 19  # of a number that fits into 64 bits

_Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, lt=LATEST_S)]


class Region(msgspec.Struct, frozen=True, gc=False):
    """The one field of a record's region that outlives the answer; the rest is as of today, not of then."""

    slug: str | None = None


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record of an action as the API sends it."""

    id: _Id
    status: str | None = None
    type: str | None = None
    started_at: str | _Seconds | None = None
    completed_at: str | _Seconds | None = None
    resource_id: _Id | None = None
    resource_type: str | None = None
    region: Region | str | None = None
    region_slug: str | None = None


_decode_record = msgspec.json.Decoder(Record).decode


def decode(raw: bytes | msgspec.Raw) -> Record:
    """
    Read one action from JSON, keeping it even where a field is not what it should be.

    A field of the wrong kind becomes null (or, for words, its text), which `doaudit.analysis.problems` then reports.

    Raises:
        msgspec.ValidationError: it is not an object, or has no id by which it could be told from others.

    Example:
        >>> decode(b'{"id": 36805022, "status": "completed", "type": "snapshot", "resource_id": "?"}').resource_id
    """
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_record(raw)
    fields = decoded_members(bytes(raw))
    number = whole_number(fields.get("id"))
    if number is None:
        raise msgspec.ValidationError("it is no object, or it has no id that is a whole number of 64 bits")
    return Record(id=number, **_salvaged(fields))


def decoded_members(text: bytes) -> dict[str, Any]:
    r"""
    Decode a JSON object member by member; one that cannot be decoded is null, and what is no object has none.

    Example:
        >>> decoded_members(b'{"id": 7, "name": "\xff"}'), decoded_members(b"[7]")
        ({'id': 7, 'name': '\ufffd'}, {})
    """
    with suppress(ValueError):
        return {name.decode("utf-8", errors="replace"): _value(value) for name, value in members(text).items()}
    return {}


def _value(text: bytes) -> object:
    """Decode one field; text that is no valid Unicode is kept as far as it goes, and anything else becomes null."""
    readable = text.decode("utf-8", errors="replace")
    with suppress(msgspec.DecodeError, RecursionError):
        return msgspec.json.decode(readable)
    return readable[1:-1] if readable.startswith('"') else None


def _salvaged(fields: dict[str, Any]) -> dict[str, Any]:
    words = ("status", "type", "resource_type", "region_slug")
    region = fields.get("region")
    slug = region.get("slug") if isinstance(region, dict) else region
    return {
        **{word: None if fields.get(word) is None else str(fields[word]) for word in words},
        **{name: _instant(fields.get(name)) for name in ("started_at", "completed_at")},
        "resource_id": whole_number(fields.get("resource_id")),
        "region": slug if isinstance(slug, str) else None,
    }


def whole_number(value: object) -> int | None:
    """
    Return a value as a whole number of 64 bits, also if it is one written as text; None if it is none.

    Example:
        >>> whole_number(7), whole_number(" 7 "), whole_number(2**63), whole_number(True), whole_number(None)
        (7, 7, None, None, None)
    """
    if isinstance(value, str) and len(value.strip()) <= _MOST_DIGITS and value.strip().isdecimal():
        value = int(value)
    fits = isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63
    return value if fits and isinstance(value, int) else None


def _instant(value: object) -> str | int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < LATEST_S else None
    return value if isinstance(value, str) else None


def is_rfc_3339(text: str) -> bool:
    """
    Return whether a text is a time as RFC 3339 writes it, with its zone; whether there is such a day is not asked.

    Example:
        >>> is_rfc_3339("2026-03-12T22:27:07Z"), is_rfc_3339("2026-03-12"), is_rfc_3339("now")
        (True, False, False)
    """
    if len(text) == _COMMON_LENGTH and text[10] == "T" and text[-1] == "Z":  # as nearly all are
        return True
    return _RFC_3339(text) is not None


def merge(known: Record, newer: Record) -> Record:
    """
    One record out of two readings of the same action, the second read later.

    A value that was known is never overwritten by null, and a finished action is never open again: points 1 and 2 of
    the policy in `doaudit.history.upsert`.

    Example:
        >>> finished = Record(1, status="completed", completed_at="2026-03-12T22:27:14Z")
        >>> merge(finished, Record(1, status="in-progress")).status
        'completed'
    """
    reopened = newer.status in IN_PROGRESS and known.status in COMPLETED | ERRORED
    first, second = (known, newer) if reopened else (newer, known)
    return Record(
        **{
            name: getattr(second, name) if getattr(first, name) is None else getattr(first, name)
            for name in Record.__struct_fields__
        }
    )
