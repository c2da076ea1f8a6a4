"""Changes in words, with their numbers and how sure they are."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from doaudit.analysis.change_search import DURATION
from doaudit.formatting import rate, time_span

if TYPE_CHECKING:
    from doaudit.analysis.change_search import Change
    from doaudit.analysis.change_sizes import Levels

__all__ = ["change_sentence"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HALF_A_SECOND = 0.5
_LARGE, _CLEAR = 10, 1.3  # ratios that need no digit, and one


def change_sentence(name: str, change: Change, levels: Levels) -> str:
    """
    Say in plain words what changed in the group with this name, by how much, and since when.

    Example:
        >>> import pandas as pd
        >>> from doaudit.analysis.change_search import Change
        >>> from doaudit.analysis.change_sizes import Levels
        >>> drift = Change(0, "duration", 0.0, 9.0, 20098, 20052, 20124, True, 1.0, pd.DataFrame())
        >>> change_sentence("attach_volume", drift, Levels(8.0, 13.0, 1.56, 1.5, 1.62))
        'attach_volume takes 1.6 x as long as it did (1.5 to 1.6): 8 s before, 13 s now, gradually'
        >>> step = Change(0, "failure rate", 0.0, 9.0, 20098, 20095, 20102, False, 1.0, pd.DataFrame())
        >>> print(change_sentence("resize", step, Levels(0.01, 0.04, 4.0, 2.1, 8.6)))
        resize fails 4.0 x as often as it did (2.1 to 8.6): 1.00 % before, 4.00 % since 2025-01-10 (01-07 to 01-14)
    """
    is_duration = change.what == DURATION
    verb, manner = ("takes", "long") if is_duration else ("fails", "often")
    before, after = (time_span(level) if is_duration else rate(level) for level in (levels.before, levels.after))
    like = ", like with like" if is_duration and not _is_ratio_of_medians(levels) else ""
    since, low, high = (_EPOCH + timedelta(day) for day in (change.since, change.since_low, change.since_high))
    short = "%m-%d" if low.year == since.year == high.year else "%Y-%m-%d"
    when = "now, gradually" if change.is_gradual else f"since {since:%Y-%m-%d} ({low:{short}} to {high:{short}})"
    return f"{name} {verb} {_times(levels, f'as {manner} as it did{like}')}: {before} before, {after} {when}"


def _times(levels: Levels, than: str) -> str:
    """Write a ratio and its interval with as many digits as tell its limits from 1."""
    if math.isinf(levels.ratio):
        return f"at least {levels.low:.2g} x {than}"
    digits = 0 if levels.low >= _LARGE else 1 if levels.low >= _CLEAR else 2
    return f"{levels.ratio:.{digits}f} x {than} ({levels.low:.{digits}f} to {levels.high:.{digits}f})"


def _is_ratio_of_medians(levels: Levels) -> bool:
    """Return true if the medians, which are rounded to seconds, have the ratio of like with like."""
    least = (levels.after - _HALF_A_SECOND) / (levels.before + _HALF_A_SECOND)
    most = (levels.after + _HALF_A_SECOND) / max(levels.before - _HALF_A_SECOND, _HALF_A_SECOND)
    return least <= levels.high and levels.low <= most
