"""What is measured, how, and how it is shown."""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["Finding", "at_least", "at_most", "best_of", "in_turns", "seconds", "table"]

T = TypeVar("T")


@dataclass(frozen=True)
class Finding:
    """
    One line of the table.

    Attributes:
        what, measured, compared_with, ratio, wanted: in words.
        met: None where nothing is wanted.
        figures: the numbers behind the words, for the file of the run; not every measure has them.
    """

    what: str
    measured: str
    compared_with: str = ""
    ratio: str = ""
    wanted: str = ""
    met: bool | None = None
    figures: Mapping[str, float] = field(default_factory=dict)


def best_of(times: int, run: Callable[[], T]) -> tuple[float, T]:
    """
    The shortest of some runs in seconds, and what the last run returned.

    The shortest, because whatever else a machine does can only make a run longer.
    """
    taken = []
    for _ in range(times):
        duration, result = _timed(run)
        taken.append(duration)
    return min(taken), result


def in_turns(times: int, ours: Callable[[], T], theirs: Callable[[], object]) -> tuple[float, float, T]:
    """
    The shortest runs of two contenders in seconds, and what the last run of the first returned.

    They take turns, so that a machine that is busy for a while is busy for both.
    """
    taken = []
    for _ in range(times):
        duration, result = _timed(ours)
        taken.append((duration, _timed(theirs)[0]))
    ours_s, theirs_s = map(min, zip(*taken, strict=True))
    return ours_s, theirs_s, result


def _timed(run: Callable[[], T]) -> tuple[float, T]:
    gc.collect()
    began = time.perf_counter()
    result = run()
    return time.perf_counter() - began, result


def at_most(figure: float, limit: float, unit: str) -> tuple[str, bool]:
    """
    What is wanted, in words, and whether it is met.

    Example:
        >>> at_most(1.2, 1.3, "x")
        ('<= 1.3 x', True)
    """
    return f"<= {limit:,g} {unit}", bool(figure <= limit)


def at_least(figure: float, limit: float, unit: str) -> tuple[str, bool]:
    """
    What is wanted, in words, and whether it is met.

    Example:
        >>> at_least(99_999, 100_000, "actions/s")
        ('>= 100,000 actions/s', False)
    """
    return f">= {limit:,.7g} {unit}", figure >= limit


def seconds(duration: float) -> str:
    """
    A duration in words.

    Example:
        >>> seconds(0.0312), seconds(31.234)
        ('31 ms', '31.23 s')
    """
    return f"{duration * 1000:.0f} ms" if duration < 1 else f"{duration:.2f} s"


def table(findings: Iterable[Finding]) -> str:
    """
    All findings as one plain table.

    Example:
        >>> print(table([Finding("a fetch", "3 s", "a bound of 2 s", "1.5 x", "<= 1.3 x", met=False)]))
        what     measured  compared with   ratio  wanted
        -------  --------  --------------  -----  --------  ---
        a fetch  3 s       a bound of 2 s  1.5 x  <= 1.3 x  NOT
    """
    verdict = {True: "ok", False: "NOT", None: ""}
    rows = [("what", "measured", "compared with", "ratio", "wanted", "")]
    rows += [(f.what, f.measured, f.compared_with, f.ratio, f.wanted, verdict[f.met]) for f in findings]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
