"""Bins of a time axis: equally wide, few enough to be seen, and how many actions of each outcome start in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from doaudit.analysis.tally import OUTCOMES
from doaudit.explore.coded_actions import NO_TIME

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from doaudit.explore.coded_actions import CodedActions

__all__ = ["TimeBins", "choose_bins"]

_MOST = 160
_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_WIDTHS_S = (_MINUTE, 10 * _MINUTE, _HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 28 * _DAY, 364 * _DAY)
_MONDAY_S = 4 * _DAY  # the first Monday since 1970


@dataclass(frozen=True, eq=False)
class TimeBins:
    """
    Bins of the starts of all rows.

    Attributes:
        first_s: the beginning of the first bin, in Unix seconds.
        width_s: of each bin.
        number: of bins; 0 if no row has a start.
        place: for each row its bin and outcome as one number; that after the last where it starts in none of them.
    """

    first_s: int
    width_s: int
    number: int
    place: NDArray[np.int32]

    def count(self, rows: NDArray[np.bool_] | None) -> list[list[int]]:
        """Count in each bin the rows of each outcome (see `doaudit.analysis.tally.OUTCOMES`), of some rows or all."""
        chosen = self.place if rows is None else self.place[rows]
        counts = np.bincount(chosen, minlength=self.number * len(OUTCOMES) + 1)[:-1]
        return [[int(count) for count in each] for each in counts.reshape(-1, len(OUTCOMES))]


def choose_bins(actions: CodedActions, span: tuple[int, int] | None = None) -> TimeBins:
    """
    Choose the narrowest bins of which 160 are enough: minutes, hours, days, weeks from Monday, or several of them.

    Args:
        actions: an actions frame as numbers.
        span: the first second and the one after the last, in Unix seconds; None for all starts.

    Example:
        >>> from doaudit.actions import Record, to_frame
        >>> from doaudit.explore.coded_actions import code_actions
        >>> taken = [Record(n, "done", "resize", f"2021-10-0{n}T10:00:00Z") for n in (1, 3)]
        >>> bins = choose_bins(code_actions(to_frame(taken, observed_at=1633400000)))
        >>> bins.width_s, bins.number, [sum(counts) for counts in bins.count(None)][::48]
        (3600, 49, [1, 1])
    """
    has_start = actions.start != NO_TIME
    if not has_start.any():
        return TimeBins(0, _DAY, 0, np.zeros(len(actions), dtype=np.int32))
    first, last = int(actions.start[has_start].min()), int(actions.start.max())
    if span is not None:
        first = min(max(first, span[0]), last)
        last = max(min(last, span[1] - 1), first)
    width = next((each for each in _WIDTHS_S if _number(first, last, each) <= _MOST), _WIDTHS_S[-1])
    number, begin = _number(first, last, width), _floor(first, width)
    is_in = has_start & (actions.start >= begin) & (actions.start < begin + number * width)
    at = (np.where(is_in, actions.start, begin) - begin) // width * len(OUTCOMES) + actions.outcome
    return TimeBins(begin, width, number, np.where(is_in, at, number * len(OUTCOMES)).astype(np.int32))


def _floor(second: int, width: int) -> int:
    """Return the beginning of the bin of a second; those of days and more begin at midnight, of weeks on Mondays."""
    return (second - _MONDAY_S) // width * width + _MONDAY_S


def _number(first: int, last: int, width: int) -> int:
    return (_floor(last, width) - _floor(first, width)) // width + 1
