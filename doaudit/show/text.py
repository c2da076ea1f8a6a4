"""A grid as lines of text, and as a table of rich for terminals."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from doaudit.show.grid import Cell, Grid

__all__ = ["grid_text", "rich_table"]

_STYLES = {"good": "green", "warn": "yellow", "bad": "bold red", "accent": "cyan", "muted": "dim", "": ""}
_WIDE_ENOUGH = 100_000  # columns; nothing is wrapped


def rich_table(grid: Grid, *, wraps: bool = False) -> Table:
    """
    Return a grid as a table of rich.

    Its texts are `rich.text.Text`, in which rich interprets nothing.

    Args:
        grid: as `make_grid` makes it.
        wraps: true if long texts may be wrapped to fit a terminal.
    """
    from rich.table import Table  # noqa: PLC0415 -- loaded only to show text
    from rich.text import Text  # noqa: PLC0415 -- see above

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(grid.columns))
    for column in grid.columns:
        words = wraps and column.align == "left"
        table.add_column(
            Text(column.heading, style="bold"),
            justify="left" if column.align == "left" else "right",
            no_wrap=not words,
            overflow="fold",
        )
    for row in grid.rows:
        table.add_row(*(Text(_words(cell), style=_STYLES[cell.tone]) for cell in row))
    return table


def _words(cell: Cell) -> str:
    return f"{cell.text} ({cell.detail})" if cell.detail else cell.text


def grid_text(grid: Grid, notes: str) -> str:
    """Return a grid as lines of plain text in their full width, with *notes* as the last line."""
    from rich.console import Console  # noqa: PLC0415 -- loaded only to show text

    buffer = io.StringIO()
    if grid.rows:
        # In a notebook rich would show it as an output of its own, and leave the buffer empty.
        console = Console(
            file=buffer,
            width=_WIDE_ENOUGH,
            force_jupyter=False,
            no_color=True,
            highlight=False,
            markup=False,
            emoji=False,
        )
        console.print(rich_table(grid))
    lines = [line.rstrip() for line in buffer.getvalue().splitlines()]
    return "\n".join([*lines, notes])
