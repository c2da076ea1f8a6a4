"""Ctrl-C in a program that waits for a response: what it prints, with all variables, has no token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hostile import hostile_server

TOKEN = "dop_v1_" + 16 * "3fa9"
PATIENCE_S = 300
SUPPORT = str(Path(__file__).parents[1] / "support")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send a signal to one process")

WITH_TRACEBACK = """
import sys, traceback

def show(kind, fault, trace):
    print("".join(traceback.TracebackException(kind, fault, trace, capture_locals=True).format()))

sys.excepthook = show
import doaudit as da
account = da.connect(history=":memory:")
account.droplets()
"""
WITH_IPYTHON = """
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_line_magic("xmode", "Verbose")
shell.run_cell("import doaudit as da; account = da.connect(history=':memory:')")
shell.run_cell("account.droplets()")
"""
WITH_EACH = f"""
import sys; sys.path.insert(0, {SUPPORT!r})
import doaudit as da
from exposed import TOOLS, raised_by, shown
account = da.connect(history=":memory:")
fault = raised_by(account.droplets)
for tool in TOOLS:
    print(tool, shown(tool, fault))
"""


def said_when_interrupted(program, folder):
    """Run a program against a server that never answers, press Ctrl-C once it waits, and return what it prints."""
    with hostile_server(lambda: [float(PATIENCE_S)]) as server:
        environment = {"DIGITALOCEAN_TOKEN": TOKEN, "DIGITALOCEAN_API_URL": server.url, "IPYTHONDIR": str(folder)}
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env=os.environ | environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        until = time.monotonic() + PATIENCE_S
        while not server.requests and process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=PATIENCE_S)[0].decode()
        [request] = server.requests
    assert b"Bearer " + TOKEN.encode() in request
    return said


def test_ctrl_c_prints_no_token(tmp_path):
    """The request was sent with the token, and the frames that wait for its response are shown without it."""
    said = said_when_interrupted(WITH_TRACEBACK, tmp_path)

    assert "KeyboardInterrupt" in said
    assert "path = '/v2/droplets'" in said
    assert TOKEN[7:30] not in said


@pytest.mark.thorough
@pytest.mark.parametrize("program", [WITH_IPYTHON, WITH_EACH], ids=["%xmode Verbose", "each tool"])
def test_ctrl_c_shows_no_token_in_a_notebook_or_tool(program, tmp_path):
    """A cell in Verbose mode, and every tool that shows variables, can be kept and sent on after Ctrl-C."""
    said = said_when_interrupted(program, tmp_path)

    assert "KeyboardInterrupt" in said
    assert "/v2/droplets" in said
    assert TOKEN[7:30] not in said
