"""A notebook executed in a fresh kernel that has only this machine to talk to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["NOTEBOOKS", "STARTUP_S", "code_cells", "execute", "outputs", "said", "seal"]

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
ONE_CELL_S = 120
STARTUP_S = 300

# What a kernel needs of its environment; anything else could make a notebook run here and nowhere else.
ENVIRONMENT = ("PATH", "HOME", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LANG", "MPLCONFIGDIR", "XDG_CACHE_HOME")

LOOPBACK_ONLY = """
import sys

def refuse(event, arguments):
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
        if not host.startswith("127.") and host not in ("::1", "localhost"):
            raise PermissionError(f"A notebook tried to reach {host}.")

sys.addaudithook(refuse)
"""


def seal(home: Path) -> Path:
    """Make the folder of IPython's settings for `execute`, with which a kernel reaches this machine only."""
    # A machine's first use of matplotlib lists its fonts, and says so on stderr if that takes long.
    import matplotlib.font_manager  # noqa: F401, PLC0415

    startup = home / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-loopback-only.py").write_text(LOOPBACK_ONLY)
    return home


def execute(notebook: NotebookNode, folder: Path, home: Path, *, one_cell_s: int = ONE_CELL_S) -> NotebookNode:
    """Execute a notebook in a folder, in a kernel of the running interpreter; *home* is what `seal` has made."""
    environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    # Without any kernelspec on disk, python3 is the ipykernel of this very interpreter.
    kernel = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
    place = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, km=kernel, timeout=one_cell_s, startup_timeout=STARTUP_S, resources=place)
    return client.execute(env=environment | {"IPYTHONDIR": str(home)}, cleanup_kc=True)


def code_cells(notebook):
    """The cells that run."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(notebook):
    """Each output beside the id of the cell it came from."""
    return [(cell.id, output) for cell in code_cells(notebook) for output in cell.outputs]


def said(notebook, cell_id):
    """What the last output of a cell says as plain text."""
    return [output.data["text/plain"] for cell, output in outputs(notebook) if cell == cell_id and "data" in output][-1]
