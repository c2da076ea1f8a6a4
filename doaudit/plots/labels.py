"""Labels in a figure: names of groups and actions, additions to titles, durations and percentages."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.font_manager import FontProperties, findfont, get_font

from doaudit.actions import ACCOUNT
from doaudit.formatting import visible
from doaudit.plots.table_columns import group_keys

if TYPE_CHECKING:
    from collections.abc import Sequence

    from doaudit.plots.table_columns import GroupKey

__all__ = [
    "action_names",
    "by_phrase",
    "first_rows_phrase",
    "group_labels",
    "group_names",
    "percentage",
    "resource_names",
    "shorten",
]

_MAX_NAME_LENGTH = 44
_MAX_ACCOUNT_LENGTH = 12  # in front of another name
_DAY_LENGTH = len(" 2026-03-12")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def group_names(keys: Sequence[GroupKey], *, longest: int = _MAX_NAME_LENGTH) -> list[str]:
    """
    Return the label of each group, of at most *longest* characters.

    Example:
        >>> group_names([("droplet", "snapshot"), ("volume", None), ()])
        ['droplet · snapshot', 'volume · (none)', 'all actions']
    """
    return [shorten(name, longest=longest) or "all actions" for name in _joined(keys, " · ")]


def _joined(keys: Sequence[GroupKey], separator: str) -> list[str]:
    return [separator.join("(none)" if part is None else part for part in key) for key in keys]


def group_labels(rows: pd.DataFrame, by: Sequence[str], *, among: pd.DataFrame) -> list[str]:
    """
    Return the label of each row's group (see `group_names`), in which a resource goes by its name.

    A resource without a known name is labelled by its key, and one whose name another one *among* all rows has by both.
    In front stands the account, if the rows have one.

    Example:
        >>> rows = pd.DataFrame({"resource": ["droplet:1", "droplet:2", None], "type": ["resize", None, "reboot"]})
        >>> group_labels(rows.assign(resource_name=["web-1", None, None]), ["resource", "type"], among=rows)
        ['web-1 · resize', 'droplet:2 · (none)', '(none) · reboot']
        >>> group_labels(rows.assign(account="acme"), ["account", "type"], among=rows)
        ['acme: resize', 'acme: (none)', 'acme: reboot']
    """
    if list(by) == [ACCOUNT]:
        return group_names(group_keys(rows, by))
    keys = _with_names(rows, [name for name in by if name != ACCOUNT], among)
    names = [name or "all actions" for name in _joined(keys, " · ")]
    return _with_accounts(rows, names)


def _with_accounts(rows: pd.DataFrame, labels: Sequence[str], *, longest: int = _MAX_NAME_LENGTH) -> list[str]:
    """Return the label of each row, shortened, with its account in front, if the rows have one."""
    if ACCOUNT not in rows:
        return [shorten(label, longest=longest) for label in labels]
    accounts = group_names(group_keys(rows, [ACCOUNT]), longest=_MAX_ACCOUNT_LENGTH)
    return [
        f"{account}: {shorten(label, longest=longest - len(account) - 2)}"
        for account, label in zip(accounts, labels, strict=True)
    ]


def _with_names(rows: pd.DataFrame, by: Sequence[str], among: pd.DataFrame) -> list[GroupKey]:
    """Return the key of each row, with the names of resources in place of their keys."""
    keys = group_keys(rows, by)
    if "resource" not in by or "resource_name" not in rows:
        return keys
    shared, place = _shared_names(among), list(by).index("resource")
    labels = [
        resource if resource is None or name is None else f"{name} ({resource})" if name in shared else name
        for resource, name in group_keys(rows, ["resource", "resource_name"])
    ]
    return [(*key[:place], label, *key[place + 1 :]) for key, label in zip(keys, labels, strict=True)]


def _shared_names(table: pd.DataFrame) -> set[str]:
    """Return the names that more than one resource has, in one account."""
    if "resource_name" not in table:
        return set()
    within = [ACCOUNT] if ACCOUNT in table else []
    names = table[[*within, "resource", "resource_name"]].dropna(subset=["resource", "resource_name"]).drop_duplicates()
    return set(names["resource_name"][names.duplicated([*within, "resource_name"])].astype(str))


def action_names(actions: pd.DataFrame) -> list[str]:
    """
    Return the label of each action: type, resource and day; needs `type`, `resource`, `started_at`.

    A resource is labelled by its name if that is known, and in front stands the account (see `group_labels`).

    Example:
        >>> started = pd.to_datetime(["2026-03-12T22:27:07Z"])
        >>> action_names(pd.DataFrame({"type": ["snapshot"], "resource": ["droplet:123"], "started_at": started}))
        ['snapshot droplet:123 2026-03-12']
    """
    days = ["(no start)" if pd.isna(start) else f"{start:%Y-%m-%d}" for start in actions["started_at"]]
    keys = _with_names(actions, ["type", "resource"], actions)
    # The day is never cut off by a long name: it is what tells two actions on one resource apart.
    names = _with_accounts(actions, _joined(keys, " "), longest=_MAX_NAME_LENGTH - _DAY_LENGTH)
    return [f"{name} {day}" for name, day in zip(names, days, strict=True)]


def resource_names(table: pd.DataFrame, *, beside: int = 0) -> list[str]:
    """
    Return the label of each row's resource, its name or else its key; needs `resource`, `resource_name`.

    In front stands the account, if the rows have one.

    Args:
        table: the rows.
        beside: number of characters that will stand beside it in the same label.

    Example:
        >>> names = {"resource": ["droplet:123", "droplet:124"], "resource_name": ["web-01", None]}
        >>> resource_names(pd.DataFrame(names))
        ['web-01', 'droplet:124']
    """
    keys = group_keys(table, ["resource_name", "resource"])
    names = [name or resource or "(none)" for name, resource in keys]
    return _with_accounts(table, names, longest=_MAX_NAME_LENGTH - beside)


def shorten(text: str, *, longest: int = _MAX_NAME_LENGTH) -> str:
    r"""
    Return one printable line of at most *longest* characters: a longer text loses its middle, for names differ at
    their ends. Control characters are made visible.

    Example:
        >>> shorten("reserved_ip:45.55.96.47\nassign", longest=15)
        'reserved_…ssign'
    """
    line = visible(" ".join(text.split()))
    line = "".join(letter if ord(letter) in _drawable() else "\ufffd" for letter in line)
    if len(line) <= longest:
        return line
    tail = (longest - 1) * 2 // 5
    return f"{line[: longest - 1 - tail]}…{line[-tail:]}"


@cache
def _drawable() -> frozenset[int]:
    """Return the characters of the font of all figures; any other would be drawn as a box, with a warning each time."""
    font = get_font(findfont(FontProperties(family=["DejaVu Sans"])))
    return frozenset(font.get_charmap())


def percentage(share: float) -> str:
    """
    Write a share in percent with one decimal, rounded down: 99.96 % is not called all.

    Example:
        >>> percentage(0.9996), percentage(1.0), percentage(0.5)
        ('99.9 %', '100 %', '50 %')
    """
    # The tiny addend undoes what a binary fraction lacks: 0.29 * 1000 is 289.99999999999994.
    return f"{math.floor(share * 1000 + 1e-9) / 10:g} %"


def by_phrase(by: Sequence[str]) -> str:
    """
    Return the addition to a title that names the columns a table is grouped by.

    Example:
        >>> by_phrase(["resource_type", "type"]), by_phrase([])
        (', by resource type and type', '')
    """
    return f", by {' and '.join(by)}".replace("_", " ") if by else ""


def first_rows_phrase(rows: int, of: int, noun: str, order: str = "") -> str:
    """
    Return the addition to a title that says in which order rows are drawn, and that only the first of a table are.

    Args:
        rows: number of rows that are drawn.
        of: number of rows of the table.
        noun: what they are, in the plural.
        order: which of them come first; empty if the title says so.

    Example:
        >>> first_rows_phrase(12, 31, "groups", "most actions first"), first_rows_phrase(5, 5, "groups")
        (' (first 12 of 31 groups, most actions first)', '')
        >>> first_rows_phrase(5, 5, "groups", "most actions first")
        ' (most actions first)'
    """
    parts = [f"first {rows:,} of {of:,} {noun}"] if rows < of else []
    parts += [order] if order and of > 1 else []
    return f" ({', '.join(parts)})" if parts else ""
