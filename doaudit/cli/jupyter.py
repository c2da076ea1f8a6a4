"""The command that opens JupyterLab on the notebooks: `doaudit lab`."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from doaudit.errors import DoauditError

if TYPE_CHECKING:
    import argparse

    from doaudit.cli.options import Commands

__all__ = ["add_commands"]


def add_commands(commands: Commands) -> None:
    """Describe the command."""
    lab = commands.add_parser("lab", help="open JupyterLab on the notebooks; what follows -- is passed on to it")
    lab.add_argument("folder", nargs="?", type=Path, default=Path("notebooks"), help="where they are (notebooks)")
    lab.set_defaults(run=_lab)


def _lab(parsed: argparse.Namespace) -> int:
    if find_spec("jupyterlab") is None:
        raise DoauditError('JupyterLab is not installed here. Run `make lab`, or pip install "doaudit[lab]".')
    if not parsed.folder.is_dir():
        raise DoauditError(
            f"There is no folder {parsed.folder} here. Run this where the notebooks are, or name theirs."
        )
    os.execv(sys.executable, [sys.executable, "-m", "jupyterlab", str(parsed.folder), *parsed.passed_on])  # noqa: S606 -- our own program
