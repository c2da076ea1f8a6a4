"""JupyterLab and Voila as servers with settings of their own, and how Chromium is started."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import requests

__all__ = ["CHROMIUM_OPTIONS", "READY_S", "free_port", "lab_server", "running"]

READY_S = 180

CHROMIUM_OPTIONS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update
    --disable-sync
""".split()

LAB_OPTIONS = """
    --no-browser --ip=127.0.0.1 --ServerApp.port_retries=0 --allow-root --expose-app-in-browser --LabApp.news_url=None
    --JupyterNotebookApp.expose_app_in_browser=True --LabApp.extension_manager=readonly
    --ServerApp.terminals_enabled=False
""".split()

SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
    # Cells out of sight are drawn as well, so that a test can look at all of them.
    "notebook-extension/tracker": {"windowingMode": "none"},
}


@contextmanager
def lab_server(home):
    """A JupyterLab on a folder: its address and its token."""
    settings = home / "settings"
    for name, values in SETTINGS.items():
        file = settings / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    port, token = free_port(), secrets.token_hex(16)
    command = [*LAB_OPTIONS, f"--port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={home}"]
    with running(home, "jupyterlab", command, f"http://127.0.0.1:{port}/api?token={token}"):
        yield f"http://127.0.0.1:{port}", token


@contextmanager
def running(home, module, options, url):
    """A server with settings of its own, started and answering."""
    places = "JUPYTER_CONFIG_DIR JUPYTER_DATA_DIR JUPYTER_RUNTIME_DIR IPYTHONDIR JUPYTERLAB_WORKSPACES_DIR".split()
    baseline = {name: value for name, value in os.environ.items() if not name.startswith(("DO_", "DIGITALOCEAN_"))}
    baseline |= {place: str(home / place.lower()) for place in places}
    baseline |= {
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", module, *options], env=baseline, cwd=home, stdout=log, stderr=log
        )
        try:
            wait_for(url, server, home / "log")
            yield
        finally:
            server.terminate()
            server.wait(30)


def free_port():
    """A port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def wait_for(url, server, log):
    """Ask until somebody answers."""
    for _ in range(READY_S * 5):
        try:
            requests.get(url, timeout=5)
        except requests.ConnectionError:
            pass
        else:
            return
        if server.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError(f"The server did not start:\n{log.read_text()[-2000:]}")
