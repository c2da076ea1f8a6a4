"""How far a read has come, as a bar in a notebook or a terminal; silent where nobody looks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from doaudit.api.paging import Progress

__all__ = ["ReadBar"]

_SHOWN_AFTER_S = 0.5


class ReadBar:
    """
    Shows `Progress` values it is called with, until its `with` block ends.

    In a file, a pipe or a cron job it prints nothing.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._bar: Any = None

    def __enter__(self) -> Self:
        """Begin, without a bar yet: an answer that comes at once needs none."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def __call__(self, progress: Progress) -> None:
        """Show how far it has come, or why it waits."""
        if self._bar is None:
            self._bar = _bar(self._label)
        bar = self._bar
        bar.total = progress.total or None
        bar.n = min(progress.rows, progress.total) if progress.total else progress.rows
        if progress.pause is None:
            bar.set_postfix_str(f"{progress.pages:,} pages", refresh=False)
        else:
            bar.set_postfix_str(f"waiting {progress.pause.seconds:.0f} s, {progress.pause.reason}", refresh=False)
        bar.refresh() if progress.pause is not None else bar.update(0)


def _bar(label: str) -> Any:  # noqa: ANN401 -- one of tqdm's two classes, which share no useful type
    # Imported here: tqdm.auto loads ipywidgets in a notebook, and `import doaudit` must not.
    from tqdm.auto import tqdm  # noqa: PLC0415
    from tqdm.std import tqdm as terminal_bar  # noqa: PLC0415

    in_notebook = tqdm.__init__ is not terminal_bar.__init__ and "ipykernel" in sys.modules
    return tqdm(
        desc=label,
        unit=" actions",
        unit_scale=False,
        disable=not (in_notebook or sys.stderr.isatty()),
        delay=0 if in_notebook else _SHOWN_AFTER_S,
        mininterval=0.1,
    )
