"""JupyterLab and Chromium for the tests that need a real browser."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from lab_page import KERNEL
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parent.parent.parent
VIEW = {"width": 1280, "height": 900}
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


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab with settings of its own on a copy of the notebooks: its address and its token."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
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


@pytest.fixture
def voila(tmp_path):
    """Return a function that serves a notebook of some cells by Voila, behind a token, and returns its address."""
    with ExitStack() as stack:

        def served(*cells):
            notebook = new_notebook(cells=[new_code_cell(source) for source in cells], metadata=KERNEL)
            (tmp_path / "panel.ipynb").write_text(json.dumps(notebook))
            port, token = free_port(), secrets.token_hex(16)
            options = ["panel.ipynb", "--no-browser", f"--port={port}", f"--token={token}", "--Voila.ip=127.0.0.1"]
            address = f"http://127.0.0.1:{port}/?token={token}"
            stack.enter_context(running(tmp_path, "voila", options, f"http://127.0.0.1:{port}/api?token={token}"))
            return address

        yield served


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
    pytest.fail(f"The server did not start:\n{log.read_text()[-2000:]}")


# No longer than a module: while it runs, so does an event loop in this thread, which other tests have no use for.
@pytest.fixture(scope="module")
def chromium():
    """Return a Chromium, or skip; in CI there has to be one."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        reason = "No Chromium here; on Debian: apt-get install -y --no-install-recommends chromium fonts-dejavu-core"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def foreign():
    """Addresses outside this machine that a page has asked for."""
    return []


@pytest.fixture
def page(chromium, lab, foreign):
    """A tab in which a request that would leave this machine is noted and refused; its kernels end with it."""
    context = chromium.new_context(viewport=VIEW, timezone_id="America/New_York")
    tab = context.new_page()
    tab.route(lambda url: urlsplit(url).hostname not in {"127.0.0.1", None}, lambda route: refuse(route, foreign))
    tab.set_default_timeout(READY_S * 1000)
    yield tab
    context.close()
    end_kernels(*lab)


def end_kernels(address, token):
    """End all kernels of a JupyterLab: each holds a few hundred MB."""
    key = {"Authorization": f"token {token}"}
    for session in requests.get(f"{address}/api/sessions", headers=key, timeout=READY_S).json():
        requests.delete(f"{address}/api/sessions/{session['id']}", headers=key, timeout=READY_S)


def refuse(route, noted):
    """Note what a request wanted, and let it fail."""
    noted.append(route.request.url)
    route.abort()
