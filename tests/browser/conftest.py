"""JupyterLab and Chromium for the tests that need a real browser."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from lab_page import KERNEL
from lab_server import CHROMIUM_OPTIONS, READY_S, free_port, lab_server, running
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parent.parent.parent
VIEW = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A JupyterLab with settings of its own on a copy of the notebooks: its address and its token."""
    home = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".*"))
    with lab_server(home) as served:
        yield served


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


@pytest.fixture
def errors(page):
    """What the page's console calls an error."""
    said = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return said


def end_kernels(address, token):
    """End all kernels of a JupyterLab: each holds a few hundred MB."""
    key = {"Authorization": f"token {token}"}
    for session in requests.get(f"{address}/api/sessions", headers=key, timeout=READY_S).json():
        requests.delete(f"{address}/api/sessions/{session['id']}", headers=key, timeout=READY_S)


def refuse(route, noted):
    """Note what a request wanted, and let it fail."""
    noted.append(route.request.url)
    route.abort()
