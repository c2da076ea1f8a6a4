"""A report that was written: where it is, and what it found."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from doaudit.analysis.findings import MOST_IN_SHORT, in_short
from doaudit.formatting import html_text, visible

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Report"]


@dataclass(frozen=True, repr=False, eq=False)
class Report:
    """
    Report that was written into a folder: `path` is its page; notebooks show a link to it, and its findings.

    Attributes:
        path: of index.html.
        findings: what `doaudit.findings` returns, of these actions.
        completeness: whether the report has all actions of the account, in a sentence.
        sha256: the SHA-256 of manifest.json, to be noted where others cannot write.
    """

    path: Path
    findings: pd.DataFrame
    completeness: str
    sha256: str

    @property
    def folder(self) -> Path:
        """The folder with all files."""
        return self.path.parent

    def __fspath__(self) -> str:
        """Return the path of the page, for whatever opens files."""
        return str(self.path)

    def __repr__(self) -> str:
        """Return the path, the completeness and the first findings as lines of text."""
        found = [f"  {severity}: {visible(sentence)}" for severity, _, sentence in self._first()]
        lines = [f"Report: {self.path}", visible(self.completeness), *found]
        return "\n".join([*lines, f"SHA-256 of manifest.json: {self.sha256}"])

    def _repr_html_(self) -> str:
        found = [f"<li>{severity}: {html_text(sentence)}</li>" for severity, _, sentence in self._first()]
        return (
            f'<p><a href="{html_text(_link(self.path))}" target="_blank" rel="noopener">Open the report</a> '
            f"({html_text(self.path)})</p><p>{html_text(self.completeness)}</p><ul>{''.join(found)}</ul>"
            f"<p>SHA-256 of manifest.json: <code>{self.sha256}</code></p>"
        )

    def _first(self) -> list[tuple[str, str, str]]:
        return in_short(self.findings)[:MOST_IN_SHORT]


def _link(path: Path) -> str:
    """Return the address of a file as seen from a notebook: JupyterLab opens a relative one in a tab of its own."""
    try:
        return quote(Path(os.path.relpath(path)).as_posix())
    except ValueError:  # on another drive of Windows
        return path.resolve().as_uri()
