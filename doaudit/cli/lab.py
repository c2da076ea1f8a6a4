"""The command that opens JupyterLab on the notebooks, of a checkout or copied from the wheel: `doaudit lab`."""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import click

from doaudit.cli.group import Command
from doaudit.errors import DoauditError
from doaudit.operations.console import print_line

__all__ = ["COMMANDS", "prepare_notebooks"]


@click.command("lab", cls=Command, help="open JupyterLab on the notebooks; what follows -- is passed on to it")
@click.argument("folder", type=click.Path(path_type=Path), default=Path("notebooks"))
@click.pass_obj
def _lab(passed_on: list[str], folder: Path) -> int:
    if find_spec("jupyterlab") is None:
        raise DoauditError('JupyterLab is not installed here. Run `make lab`, or pip install "doaudit[lab]".')
    place = _place(prepare_notebooks(folder))
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", *place, *passed_on])  # noqa: S606 -- our own program


def _place(folder: Path) -> list[str]:
    """Return what tells JupyterLab its root: where the command runs, so that links to reports there can be followed."""
    if not folder.resolve().is_relative_to(Path.cwd()) or folder.resolve() == Path.cwd():
        return [str(folder)]
    below = folder.resolve().relative_to(Path.cwd()).as_posix()
    return ["--ServerApp.root_dir=.", f"--LabApp.default_url=/lab/tree/{quote(below)}"]


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


COMMANDS = (_lab,)
