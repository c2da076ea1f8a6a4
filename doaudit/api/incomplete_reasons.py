"""Reasons why a read of the list of actions is not complete, in words."""

from __future__ import annotations

__all__ = ["DOES_NOT_ADD_UP", "ROWS_LEFT", "empty_page", "only_since", "rows_missing"]

DOES_NOT_ADD_UP = "the list does not add up to the total that the API reports"
ROWS_LEFT = "rows left the list while it was read"


def rows_missing(missing: int, set_aside: int) -> str:
    """
    Say why rows are missing, where some were set aside.

    Example:
        >>> rows_missing(1, set_aside=1)
        '1 row has no id by which an action can be told from others'
    """
    if set_aside == 0:
        return DOES_NOT_ADD_UP
    rows = "1 row has" if set_aside == 1 else f"{set_aside:,} rows have"
    also = "" if missing <= set_aside else f"; {DOES_NOT_ADD_UP}"
    return f"{rows} no id by which an action can be told from others{also}"


def empty_page(page: int, total: int) -> str:
    """
    Say that a page is empty where rows should be.

    Example:
        >>> empty_page(6, 1_200)
        'page 6 is empty, though the API reports 1,200 actions'
    """
    return f"page {page:,} is empty, though the API reports {total:,} actions"


def only_since(second: str) -> str:
    """
    Say that older actions were not asked for.

    Example:
        >>> only_since("2026-03-12T22:27:07")
        'only actions from 2026-03-12 22:27:07 UTC on were asked for'
    """
    return f"only actions from {second.replace('T', ' ')} UTC on were asked for"
