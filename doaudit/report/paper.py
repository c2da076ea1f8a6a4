"""Columns of a table that fit on a sheet of A4."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from doaudit.show import Cell, Grid, GridColumn

__all__ = ["printed_columns"]

_WIDTH = 690.0  # of a sheet between its margins, in CSS pixels
_LETTER, _PADDING = 6.0, 11.0  # of the page's font of 8.5 pt, and beside each column
_LONGEST_LINE = 24  # a longer text is wrapped


def printed_columns(grid: Grid) -> frozenset[str]:
    """
    Return the names of the columns that paper has: from the left, as many as fit by the widths of their texts.

    Example:
        >>> import pandas as pd
        >>> from doaudit.show import make_grid
        >>> wide = pd.DataFrame({f"column {n}": ["a" * 20] for n in range(9)})
        >>> len(printed_columns(make_grid(wide)))
        5
    """
    chosen: set[str] = set()
    left = _WIDTH
    for place, column in enumerate(grid.columns):
        left -= _width(column, [row[place] for row in grid.rows])
        if left < 0 and chosen:
            break
        chosen.add(column.name)
    return frozenset(chosen)


def _width(column: GridColumn, cells: list[Cell]) -> float:
    letters = max([max(map(len, column.heading.split())), *map(_letters, cells)], default=0)
    return letters * _LETTER + _PADDING + (_PADDING if any(cell.tone for cell in cells) else 0)


def _letters(cell: Cell) -> int:
    """Return the letters of a cell's longest line: an interval stands below its value, and is wrapped at its middle."""
    ends = cell.detail.split(" to ")
    return max(min(len(cell.text), _LONGEST_LINE), max(map(len, ends)) + 4)
