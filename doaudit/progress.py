"""Progress of a read as a bar in a notebook or a terminal; silent in a file, a pipe or a cron job."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from doaudit.api.retry import estimate_read
from doaudit.formatting import count, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from doaudit.api.listing import Progress

__all__ = ["AccountBar", "ReadBar", "row_bar"]

_SHOWN_AFTER_S = 0.5
_GROWN = 1.25  # from which on a plan that has grown is worth saying again
_LONG_READ_MIN = 2.0  # from which on it is worth saying beforehand how long it will take


class ReadBar:
    """
    Shows how far a read has come, as one bar for whatever is read at the moment, until its `with` block ends.

    In a file, a pipe or a cron job it prints nothing.
    """

    def __init__(self) -> None:
        self._label = ""
        self._bar: Any = None
        self._planned = 0

    def __enter__(self) -> Self:
        """Begin, without a bar yet: an answer that comes at once needs none."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def __call__(self, label: str, progress: Progress) -> None:
        """Show how far the reading of *label* has come, or why it waits; before a long one, how long it will take."""
        label = visible(label)
        if self._bar is None:
            self._bar = _bar(label, progress.total or None)
        elif label != self._label:
            self._bar.set_description_str(label, refresh=False)
            self._bar.reset(progress.total or None)
        if label != self._label:
            self._label, self._planned = label, 0
        bar = self._bar
        expected = estimate_read(progress.planned)
        if progress.planned > self._planned * _GROWN and expected.minutes >= _LONG_READ_MIN and not bar.disable:
            bar.write(str(expected))
            self._planned = progress.planned
        bar.total = progress.total or None
        bar.n = min(progress.rows, progress.total) if progress.total else progress.rows
        if progress.pause is None:
            bar.set_postfix_str(count(progress.pages, "page"), refresh=False)
            bar.update(0)
        else:
            bar.set_postfix_str(f"waiting {progress.pause.seconds:.0f} s, {visible(progress.pause.reason)}")


class AccountBar:
    """
    Shows how many accounts have been read, how far the others are, and which wait, until its `with` block ends.

    In a file, a pipe or a cron job it prints nothing.
    """

    def __init__(self, accounts: int) -> None:
        self._bar = _bar("accounts", accounts, unit=" accounts")

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the bar as it stands."""
        self._bar.close()

    def __call__(self, done: int, under_way: Mapping[str, Progress]) -> None:
        """Show how many are done, and the progress of those that are being read, by name."""
        rows = sum(progress.rows for progress in under_way.values())
        waits = {name: each.pause for name, each in under_way.items() if each.pause is not None}
        said = [f"{rows:,} actions of {len(under_way):,} under way"] if under_way else []
        for name, pause in list(waits.items())[:1]:
            more = f" and {len(waits) - 1:,} more" if len(waits) > 1 else ""
            said.append(f"{visible(name)}{more} waits, {visible(pause.reason)}")
        self._bar.n = done
        self._bar.set_postfix_str("; ".join(said))


@contextmanager
def row_bar(label: str, total: int, *, unit: str = " actions", shown: bool = True) -> Iterator[Callable[[int], None]]:
    """
    Show how many of some actions, or other things, are done, while the block runs; it gets what adds to them.

    In a file, a pipe or a cron job nothing is printed.

    Args:
        label: what is done.
        total: how many there are.
        unit: what they are, after a space.
        shown: whether there is a bar at all; what is done at once needs none.

    Example:
        >>> with row_bar("export", 52292, shown=False) as add:
        ...     add(52292)
    """
    if not shown:
        yield lambda _: None
        return
    bar = _bar(label, total, unit)
    try:
        yield bar.update
    finally:
        bar.close()


def _bar(label: str, total: int | None, unit: str = " actions") -> Any:  # noqa: ANN401 -- one of tqdm's two classes, which share no useful type
    # Imported here: tqdm.auto loads ipywidgets in a notebook, and `import doaudit` must not.
    from tqdm.auto import tqdm  # noqa: PLC0415

    in_notebook = any(base.__module__ == "tqdm.notebook" for base in tqdm.__mro__)
    return tqdm(
        desc=label,
        total=total,
        unit=unit,
        unit_scale=False,
        disable=not (in_notebook or sys.stderr.isatty()),
        # Without a rate, which a read that takes seconds gives with five digits.
        bar_format="{desc}: {percentage:3.0f}% {bar} {n_fmt}/{total_fmt}{unit}, {elapsed}, {remaining} left{postfix}",
        delay=0 if in_notebook else _SHOWN_AFTER_S,
        mininterval=0.1,
    )
