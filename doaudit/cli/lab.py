"""The command that opens JupyterLab on the notebooks, of a checkout or copied from the wheel: `doaudit lab`."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from doaudit.errors import DoauditError
from doaudit.operations.console import print_line

if TYPE_CHECKING:
    import argparse

    from doaudit.cli.options import Commands

__all__ = ["add_commands", "prepare_notebooks"]


def add_commands(commands: Commands) -> None:
    """Describe the command."""
    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks; what follows -- is passed on to it")
    lab.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("notebooks"),
        help="where they are, or are copied to (notebooks)",
    )
    lab.set_defaults(run=_lab)


def _lab(parsed: argparse.Namespace) -> int:
    if find_spec("jupyterlab") is None:
        raise DoauditError('JupyterLab is not installed here. Run `make lab`, or pip install "doaudit[lab]".')
    folder = prepare_notebooks(parsed.folder)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(folder), *parsed.passed_on])  # noqa: S606 -- our own program


def prepare_notebooks(folder: Path) -> Path:
    """
    Return the folder with the notebooks; if there is none, copy them there from the wheel and say so.

    A folder that is there is taken as it is, so that nobody's changes are overwritten.

    Args:
        folder: where the notebooks are, or are to be.

    Raises:
        DoauditError: there is no such folder, and this doaudit was installed without notebooks.
        FileProblem: the folder cannot be written.
    """
    if folder.is_dir():
        return folder
    from doaudit.files import write_files  # noqa: PLC0415 -- a help text does not need it

    packaged = files("doaudit") / "notebooks"
    if folder.exists() or not packaged.is_dir():
        raise DoauditError(f"There is no folder {folder} here. Run this where the notebooks are, or name theirs.")
    notebooks = sorted((file.name, file.read_bytes()) for file in packaged.iterdir() if file.name.endswith(".ipynb"))
    write_files(folder, notebooks)
    print_line(f"Copied {len(notebooks)} notebooks to {folder.resolve()}. They are yours to change.")
    return folder
