"""A table read for people: cells with text, a tone and a bar, from which HTML and text are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from doaudit.errors import InvalidArgument
from doaudit.formatting import visible
from doaudit.show.cells import Cell, column_cells
from doaudit.show.columns import Kind, choose_columns, known_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

__all__ = ["Cell", "Grid", "GridColumn", "make_grid"]

_LEFT = {Kind.TEXT, Kind.CHIP, Kind.RESOURCE, Kind.FLAG, Kind.MOMENT, Kind.WEEKDAY}


@dataclass(frozen=True, slots=True)
class GridColumn:
    """
    A column of a grid.

    Attributes:
        name: of the table's column.
        heading: above it.
        align: 'left' for text, 'right' for numbers.
        has_intervals: true if its cells name an interval in brackets.
    """

    name: str
    heading: str
    align: str
    has_intervals: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """
    A table as people read it.

    Attributes:
        columns: from left to right.
        rows: the cells of each row, as many as there are columns.
        total: number of rows of the table, of which these are the first.
        hidden: names of the table's columns that are not shown.
    """

    columns: tuple[GridColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    hidden: tuple[str, ...]


def make_grid(table: pd.DataFrame, *, rows: int | None = None, columns: Sequence[str] | None = None) -> Grid:
    """
    Read a table for people: names before ids, units from the names of columns, intervals beside their value.

    Args:
        table: any DataFrame; those of doaudit have their units in the names of their columns.
        rows: show so many of its first rows; None shows all.
        columns: show these, in this order; None leaves out what is for programs.

    Returns:
        The grid. Control characters in its texts are visible; nothing in them is escaped for HTML.

    Raises:
        InvalidArgument: a column is not there, or two have the same name.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"id": [7], "age_s": [3_568_322.0], "verdict": ["stuck"]})
        >>> [[cell.text for cell in row] for row in make_grid(table).rows]
        [['41 d 7 h', 'stuck', '7']]
    """
    _check(table, rows, columns)
    head = table if rows is None else table.head(rows)
    chosen = choose_columns(head, columns)
    cells = [column_cells(head, column) for column in chosen]
    shown = {name for column in chosen for name in (column.name, column.low, column.high)}
    if "resource" in shown:
        shown.add("resource_name")  # which is how a resource is called
    return Grid(
        tuple(
            GridColumn(column.name, column.heading, "left" if column.kind in _LEFT else "right", bool(column.low))
            for column in chosen
        ),
        tuple(zip(*cells, strict=True)) if cells else (),
        len(table),
        tuple(visible(name) for name in known_names(table) if name not in shown),
    )


def _check(table: pd.DataFrame, rows: int | None, columns: Sequence[str] | None) -> None:
    names = known_names(table)
    if not table.columns.is_unique:
        twice = ", ".join(sorted({name for name in names if names.count(name) > 1}))
        raise InvalidArgument(f"This table has several columns called {twice}. Rename one, then show it again.")
    if rows is not None and rows < 0:
        raise InvalidArgument(f"rows is {rows}; it is a number of rows, or None for all of them.")
    missing = [name for name in columns or () if name not in names]
    if missing:
        raise InvalidArgument(f"This table has no column {', '.join(missing)}; it has {', '.join(names)}.")
