"""An audit as files: tables as CSV, figures as PNG, a page that shows them, and a manifest with their hashes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from doaudit.actions import COLUMNS
from doaudit.csv import csv_bytes
from doaudit.errors import FileProblem, InvalidArgument
from doaudit.files import write_files
from doaudit.report.manifest import manifest, scope
from doaudit.report.page import page
from doaudit.tables import TABLES

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import pandas as pd

    from doaudit.api.listing import Proof

__all__ = ["report"]

_DPI = 110


def report(
    actions: pd.DataFrame, folder: str | os.PathLike[str], *, proof: Proof | None = None, source: str = ""
) -> Path:
    """
    Write one audit of *actions* into *folder*: CSV files, figures, index.html and manifest.json.

    The same actions give the same bytes. The files appear all together or not at all where the folder is new; in one
    that has an earlier report each file is replaced whole, the manifest last.

    Args:
        actions: an actions frame (see `doaudit.actions`).
        folder: where to; it and its parents are made.
        proof: of the read that the actions come from (`account.proof`); the report says so if there is none.
        source: whose actions they are (`account.source`).

    Returns:
        The path of index.html.

    Raises:
        InvalidArgument: *actions* is no actions frame.
        FileProblem: the folder cannot be written; nothing in it has changed then.
    """
    lacking = [name for name in COLUMNS if name not in actions.columns]
    if lacking:
        raise InvalidArgument(
            f"A report is made of an actions frame, and this one lacks {', '.join(lacking)}. "
            "Use what account.actions() or read_csv() returns."
        )
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise FileProblem(f"{target} is a file, and a report is a folder. Choose another name.")
    variants = [(table, variant) for table in TABLES for variant in table.variants]
    tables = {
        "actions": actions[list(COLUMNS)],
        **{variant.name: table.function(actions, **variant.arguments) for table, variant in variants},
    }
    figures = dict(_figures(actions, tables))
    about = scope(actions, tables, proof, source)
    files = {f"{name}.csv": csv_bytes(table) for name, table in tables.items()} | figures
    sections = [(table, variant) for table, variant in variants if variant.section]
    files["index.html"] = page(about, tables, list(figures), sections).encode()
    files["manifest.json"] = manifest(about, files)
    write_files(target, files.items())
    return target / "index.html"


def _figures(actions: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> Iterator[tuple[str, bytes]]:
    # Drawn on figures of their own, not through pyplot, so that a report can be written from any thread.
    from matplotlib.figure import Figure  # noqa: PLC0415 -- matplotlib is loaded only where something is drawn

    for table in TABLES:
        for variant in table.variants:
            if not variant.figure:
                continue
            figure = Figure(figsize=(9, 5), dpi=_DPI, layout="constrained")
            table.draw(actions, tables[variant.name], variant.arguments, ax=figure.subplots())
            buffer = io.BytesIO()
            # Without the name and version of the software, which would change bytes that show the same picture.
            figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
            yield f"{variant.name}.png", buffer.getvalue()
