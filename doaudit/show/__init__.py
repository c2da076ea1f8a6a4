"""Tables as people read them: one reading of a table as cells, shown as HTML or as text."""

from __future__ import annotations

from doaudit.show.grid import Cell, Grid, GridColumn, make_grid
from doaudit.show.view import View, show

__all__ = ["Cell", "Grid", "GridColumn", "View", "make_grid", "show"]
