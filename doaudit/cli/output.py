"""Rows as a command prints them: a table for people, CSV, or JSON; nothing else goes to standard output."""

from __future__ import annotations

import io
import json
import math
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from doaudit.cli.streams import show, show_bytes, show_prepared
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["json_text", "print_rows"]

_WIDE_ENOUGH = 100_000  # columns; nothing is wrapped where no terminal is


def print_rows(rows: pd.DataFrame, form: str, most: int, *, how_to_read: str = "") -> None:
    """
    Print a table.

    Args:
        rows: any table.
        form: 'table', 'csv' or 'json'. A terminal that is shown CSV gets control characters as escapes; JSON has none.
        most: rows that are shown as a table; 0 for all.
        how_to_read: a sentence, printed beside a table.

    Raises:
        OutputLost: standard output takes nothing more.
    """
    if form == "csv":
        from doaudit.csv import csv_bytes  # noqa: PLC0415 -- loads pandas

        text = csv_bytes(rows)
        if sys.stdout.isatty():
            show(text.decode().rstrip("\n"))
        else:
            show_bytes(text)
    elif form == "json":
        show_bytes(json_text(rows).encode())
    else:
        _print_table(rows, most or None, how_to_read)


def json_text(rows: pd.DataFrame) -> str:
    r"""
    Return a table as a JSON list with an object for each row.

    Times are text in UTC with seconds, and what is null, not a number or infinite is null. It is ASCII.

    Example:
        >>> import pandas as pd
        >>> json_text(pd.DataFrame({"at": pd.to_datetime([0], utc=True), "p50_s": [float("nan")], "id": [7]}))
        '[\n  {"at": "1970-01-01T00:00:00Z", "p50_s": null, "id": 7}\n]\n'
    """
    columns = [[_json_value(value) for value in rows[name].astype(object).tolist()] for name in rows.columns]
    objects = [json.dumps(dict(zip(rows.columns, row, strict=True))) for row in zip(*columns, strict=True)]
    return "[\n  " + ",\n  ".join(objects) + "\n]\n" if objects else "[]\n"


def _json_value(value: Any) -> Any:  # noqa: ANN401 -- whatever a cell holds
    import pandas as pd  # noqa: PLC0415 -- a help text does not need it

    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, pd.Timestamp):
        return f"{value.tz_convert('UTC'):%Y-%m-%dT%H:%M:%SZ}"
    return value if isinstance(value, str | bool | int | float | list) else str(value)


def _print_table(rows: pd.DataFrame, most: int | None, how_to_read: str) -> None:
    from rich.console import Console  # noqa: PLC0415 -- loaded only to show text

    from doaudit.show import make_grid  # noqa: PLC0415 -- loads pandas
    from doaudit.show.text import rich_table  # noqa: PLC0415 -- see above

    if how_to_read:
        print_line(how_to_read)
    if rows.empty:
        print_line("There are no rows.")
        return
    on_terminal = sys.stdout.isatty()
    has_color = on_terminal and not os.getenv("NO_COLOR") and os.getenv("TERM") != "dumb"
    buffer = io.StringIO()
    console = Console(
        file=buffer,
        width=shutil.get_terminal_size().columns if on_terminal else _WIDE_ENOUGH,
        force_jupyter=False,
        force_terminal=has_color,
        no_color=not has_color,
        color_system="standard" if has_color else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    console.print(rich_table(make_grid(rows, rows=most), wraps=on_terminal))
    show_prepared("\n".join(line.rstrip() for line in buffer.getvalue().splitlines()))
    if most is not None and len(rows) > most:
        print_line(f"{most:,} of {len(rows):,} rows; --rows 0 shows all, --format csv has every column, too.")
