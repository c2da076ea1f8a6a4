"""Facets: how many rows have each value of a column, among those that fulfil every other condition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from doaudit.actions import ACCOUNT
from doaudit.analysis.tally import OUTCOMES
from doaudit.explore.matching import all_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from doaudit.explore.coded_actions import CodedActions, Numbers

__all__ = ["FACETS", "count_facets"]

FACETS = (ACCOUNT, "type", "outcome", "region", "resource_type")
"""Columns that have a facet, in this order, where the frame has them."""

Facet = list[tuple[str | None, int, int]]


def count_facets(actions: CodedActions, masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, Facet]:
    """
    Count for each facet the rows that have each of its values.

    Args:
        actions: an actions frame as numbers.
        masks: the rows that fulfil each condition, by its name. A facet leaves out the one that has its own name, so
            that it shows what else could be chosen.

    Returns:
        For each facet its values, the most frequent of all rows first: the value, None for null; the rows that have it;
        and those of them that fulfil the other conditions.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.explore.coded_actions import code_actions
        >>> taken = [Record(n, "done", kind) for n, kind in enumerate(["resize", "reboot", "resize"])]
        >>> actions = code_actions(to_frame(taken, observed_at=1632996060))
        >>> count_facets(actions, {"type": np.array([False, True, False])})["type"]
        [('resize', 2, 2), ('reboot', 1, 1)]
    """
    left = {name: all_of(mask for other, mask in masks.items() if other != name) for name in FACETS if name in masks}
    everything = all_of(masks.values())
    counted = {}
    for name in FACETS:
        rows = left.get(name, everything)
        if name == "outcome":
            counted[name] = _facet(OUTCOMES, _count(actions.outcome, None, 4), _count(actions.outcome, rows, 4))
        elif name in actions.texts:
            column = actions.texts[name]
            found = column.counts if rows is None else _count(column.codes, rows, len(column.texts))
            counted[name] = _facet(column.texts, column.counts, found)
    return counted


def _count(codes: Numbers, rows: NDArray[np.bool_] | None, places: int) -> NDArray[np.int64]:
    """Count each place among some rows, or all; the last one is also -1."""
    chosen = codes if rows is None else codes[rows]
    counts = np.bincount(chosen.astype(np.int64) + 1, minlength=places + 1)
    counts[places] += counts[0]
    return counts[1:]


def _facet(texts: tuple[str | None, ...], total: NDArray[np.int64], found: NDArray[np.int64]) -> Facet:
    order = np.argsort(-total, kind="stable")
    return [(texts[at], int(total[at]), int(found[at])) for at in order if total[at]]
