"""
The tally by type and day of any part of one frame, without sorting that part.

All rows are sorted once by type, day, outcome and seconds, and each gets the number of its combination. The tally of a
part is then a matter of counting numbers.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import narwhals as nw
import numpy as np
import pandas as pd

from doaudit.actions import text_dtype
from doaudit.analysis.daily_counts import sum_days
from doaudit.analysis.day_effects import effects_of_days
from doaudit.analysis.durations import durations_of_tally
from doaudit.analysis.failures import rates_of_counts
from doaudit.analysis.groups import LARGEST, first_of_runs, run_lengths
from doaudit.analysis.tally import OUTCOMES
from doaudit.explore.coded_actions import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.explore.coded_actions import CodedActions

    Numbers = NDArray[np.int64]

__all__ = ["TypeTally"]

_DAY_S = 86_400


class TypeTally:
    """
    Counts of one frame by type, day, outcome and seconds, and the tables of durations and failure rates of its parts.

    Args:
        actions: an actions frame as numbers.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.explore.coded_actions import code_actions
        >>> taken = [Record(n, "errored" if n else "done", "resize") for n in range(4)]
        >>> tally = TypeTally(code_actions(to_frame(taken, observed_at=1632996060)))
        >>> tally.tables(np.array([True, True, False, False]))[1]["errored"].tolist()
        [2]
    """

    def __init__(self, actions: CodedActions) -> None:
        column = actions.texts["type"]
        self._types = pd.Index([text for text in column.texts if text is not None], dtype=text_dtype())
        no_start = actions.start == NO_TIME
        day = np.where(no_start, 0, actions.start // _DAY_S)
        self._no_day = int(day.max(initial=0)) + 1
        # Null comes last in each, as in every tally.
        day = np.where(no_start, self._no_day, day)
        codes = np.where(column.codes < 0, len(self._types), column.codes).astype(np.int64)
        values = [codes, day, actions.outcome.astype(np.int64), actions.seconds]
        self._number, self._known, self._total = _combinations(values)

    def tables(self, rows: NDArray[np.bool_] | None) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return `durations` and `failure_rates` by type of some rows, or all."""
        number, known = self._total, self._known
        if rows is not None:
            counts = np.bincount(self._number[rows], minlength=len(number))
            there = np.flatnonzero(counts)
            number, known = counts[there], [each[there] for each in known]
        kind, day, outcome, seconds = known
        counted = self._tally(kind, day, outcome, seconds, number)
        taken = durations_of_tally(counted, "type", effects_of_days(counted, "type", of="completed"))
        return taken, rates_of_counts(sum_days(self._days(kind, day, outcome, number), ["type"]))

    def _tally(self, kind: Numbers, day: Numbers, outcome: Numbers, seconds: Numbers, number: Numbers) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "type": self._names(kind),
                "day": pd.arrays.IntegerArray(day, day == self._no_day),
                "outcome": pd.Categorical.from_codes(outcome, categories=pd.Index(OUTCOMES)),
                "seconds": pd.arrays.IntegerArray(seconds, seconds < 0),
                "actions": number,
            },
            copy=False,
        )

    def _days(self, kind: Numbers, day: Numbers, outcome: Numbers, number: Numbers) -> nw.DataFrame[Any]:
        """Count the outcomes of each type and day; those without a start are of one day."""
        first = first_of_runs(kind, day)  # they are in order
        of = np.repeat(np.arange(len(first)), run_lengths(first, len(kind)))
        cells = np.bincount(of * len(OUTCOMES) + outcome, weights=number, minlength=len(first) * len(OUTCOMES))
        counts = cells.astype(np.int64).reshape(-1, len(OUTCOMES))
        columns = dict(zip(OUTCOMES, counts.T, strict=True))
        return nw.from_native(pd.DataFrame({"type": self._names(kind[first]), **columns}), eager_only=True)

    def _names(self, codes: Numbers) -> pd.Categorical[str]:
        return pd.Categorical.from_codes(np.where(codes == len(self._types), -1, codes), categories=self._types)


def _combinations(values: list[Numbers]) -> tuple[NDArray[np.int32], list[Numbers], Numbers]:
    """Number the combinations of values in their order: for each row its number; the values and the rows of each."""
    least = [int(each.min(initial=0)) for each in values]
    sizes = [int(each.max(initial=low)) - low + 1 for each, low in zip(values, least, strict=True)]
    known: list[Numbers | None] = [None] * len(values)
    if math.prod(sizes) > LARGEST:
        # Times of thousands of years: ranks in their place, which are no more than there are rows.
        ranked = [np.unique(each, return_inverse=True) for each in values]
        known, values = [each for each, _ in ranked], [rank for _, rank in ranked]
        least, sizes = [0] * len(values), [max(1, len(each)) for each, _ in ranked]
    shifted = [each - low for each, low in zip(values, least, strict=True)]
    packed = np.ravel_multi_index(shifted, tuple(sizes))
    unique, number, total = np.unique(packed, return_inverse=True, return_counts=True)
    parts = [part.astype(np.int64) + low for part, low in zip(np.unravel_index(unique, sizes), least, strict=True)]
    of_each = [part if texts is None else texts[part] for part, texts in zip(parts, known, strict=True)]
    return number.astype(np.int32), of_each, total
