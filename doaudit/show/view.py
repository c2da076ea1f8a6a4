"""The view of a table: HTML where a notebook shows it, text where a terminal does."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from doaudit.formatting import count
from doaudit.show.grid import Grid, make_grid
from doaudit.show.text import grid_text

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd
    from jinja2 import Environment

__all__ = ["View", "notes_of", "show", "table_html", "table_stylesheet"]

_ROWS = 12
_NAMED = 8  # columns that are not shown, by name


@dataclass(frozen=True, slots=True, repr=False)
class View:
    """
    View of a table: notebooks show it as HTML, `print` and terminals as text.

    Attributes:
        grid: the cells that are shown.
    """

    grid: Grid

    def __repr__(self) -> str:
        """Return the table as text."""
        return grid_text(self.grid, notes_of(self.grid))

    def _repr_html_(self) -> str:
        return f"<style>{table_stylesheet()}</style>\n{table_html(self.grid)}"


def show(table: pd.DataFrame, *, rows: int | None = _ROWS, columns: Sequence[str] | None = None) -> View:
    """
    Show a table as people read it: names instead of ids, "41 d 7 h", "1.02 % (0.59-1.74)", UTC to the minute.

    The table itself stays what it is. What is shown is read from its columns: those that end in `_s` are spans, a value
    with `_low` and `_high` beside it has its interval in brackets and as a bar, verdicts are marked, and columns that
    are for programs are left out. Bars of shares begin at nought; those of spans and ratios are logarithmic.

    Args:
        table: any DataFrame, such as every function of doaudit returns.
        rows: show so many of its first rows; None shows all.
        columns: show these, in this order; by default all that are for people.

    Returns:
        The view. It has at most *rows* rows, and says how many there are.

    Raises:
        InvalidArgument: a column is not there, or two have the same name.

    Example:
        >>> import pandas as pd
        >>> rates = pd.DataFrame({"type": ["resize"], "failure_rate": [0.0102], "low": [0.0059], "high": [0.0174]})
        >>> show(rates)
        type          failure rate
        resize  1.02 % (0.59-1.74)
        1 row; in brackets: the interval
    """
    return View(make_grid(table, rows=rows, columns=columns))


def notes_of(grid: Grid) -> str:
    """Write what is to be known of a grid: how many rows there are, what brackets hold, what is not shown."""
    shown = len(grid.rows)
    rows = count(grid.total, "row") if shown == grid.total else f"{shown:,} of {count(grid.total, 'row')}"
    notes = [rows if grid.total else "no rows"]
    if shown and any(column.has_intervals for column in grid.columns):
        notes.append("in brackets: the interval")
    if grid.hidden:
        more = len(grid.hidden) - _NAMED
        names = [*grid.hidden[:_NAMED], *([f"and {more} more"] if more > 0 else [])]
        notes.append(f"columns not shown: {', '.join(names)}")
    return "; ".join(notes)


def table_html(
    grid: Grid, *, label: str = "table", notes: str | None = None, printed: Collection[str] | None = None
) -> str:
    """
    Return a grid as an HTML table, without its stylesheet.

    Args:
        grid: as `make_grid` makes it.
        label: the name of the table for screen readers.
        notes: what stands below it; by default `notes_of` it.
        printed: names of the columns that paper has; by default all.
    """
    template = _environment().get_template("table.html.j2")
    return template.render(
        grid=grid,
        label=label,
        notes=notes_of(grid) if notes is None else notes,
        unprinted=[printed is not None and column.name not in printed for column in grid.columns],
    )


@cache
def table_stylesheet() -> str:
    """Return the stylesheet of tables, which takes its colours from where it is shown: it fits light and dark."""
    return (files("doaudit.show") / "templates" / "table.css").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 -- loaded only to show HTML

    environment = Environment(
        loader=PackageLoader("doaudit.show"), autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True
    )
    environment.globals.update(zip=zip, percent=_percent, unbroken=_unbroken)
    return environment


def _percent(place: float) -> str:
    return f"{100 * place:.1f}".removesuffix(".0")


def _unbroken(interval: str) -> str:
    """Let an interval be wrapped between its ends only."""
    return " to\u00a0".join(end.replace(" ", "\u00a0") for end in interval.split(" to "))
