"""What a test does in a page of JupyterLab: open a notebook, run it, ask its kernel, look at it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import requests
from nbformat.v4 import new_code_cell, new_notebook

__all__ = [
    "COMMAND_MODE",
    "IS_READY",
    "KERNEL",
    "KINDS",
    "RESTART",
    "RUN_ALL",
    "RUN_CELL",
    "SAVE",
    "SHUT_DOWN",
    "open_notebook",
    "put",
    "python",
    "save_screenshot",
    "serious_faults",
    "use_theme",
]

ROOT = Path(__file__).parents[2]

KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}
IS_READY = """() => {
    const shown = window.jupyterapp?.shell.currentWidget?.context;
    return shown?.isReady && shown.sessionContext.session?.kernel?.status === "idle";
}"""
RUN_ALL = "async () => { await window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
SAVE = "async () => { await window.jupyterapp.commands.execute('docmanager:save'); }"
RESTART = """async () => {
    await window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel.restart(); }"""
SHUT_DOWN = """async () => {
    await window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown(); }"""
RUN_CELL = """async (number) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = number;
    await window.jupyterapp.commands.execute('notebook:run-cell'); }"""
KINDS = "() => window.jupyterapp.shell.currentWidget.content.widgets.map(cell => cell.model.type).join()"
COMMAND_MODE = "() => { window.jupyterapp.shell.currentWidget.content.mode = 'command'; }"
THEME = "async (theme) => { await window.jupyterapp.commands.execute('apputils:change-theme', {theme}); }"
ASK = """async (expression) => {
    const kernel = window.jupyterapp.shell.currentWidget.context.sessionContext.session.kernel;
    const asked = {code: "import json", silent: true, user_expressions: {value: `json.dumps(${expression})`}};
    const {value} = (await kernel.requestExecute(asked).done).content.user_expressions;
    return value.status === "ok" ? value.data["text/plain"] : JSON.stringify(value);
}"""


def put(lab, name, *cells):
    """Write a notebook of these cells where Lab finds it."""
    address, token = lab
    content = new_notebook(cells=[new_code_cell(source) for source in cells], metadata=KERNEL)
    body = {"type": "notebook", "format": "json", "content": content}
    key = {"Authorization": f"token {token}"}
    requests.put(f"{address}/api/contents/{name}", json=body, headers=key, timeout=30).raise_for_status()


def open_notebook(lab, page, *cells, name="panel.ipynb", path="doc/tree"):
    """Open a notebook of these cells, and run all of them."""
    put(lab, name, *cells)
    address, token = lab
    page.goto(f"{address}/{path}/{name}?token={token}&reset")
    page.wait_for_function(IS_READY)
    page.evaluate(RUN_ALL)


def python(page, expression):
    """Return the value of a Python expression in the notebook's kernel."""
    text = page.evaluate(ASK, expression)
    if not text.startswith(("'", '"')):
        pytest.fail(f"{expression}: {text[:2_000]}")
    return json.loads(eval(text))  # noqa: S307 -- the repr of a text that the kernel has made


def use_theme(page, theme):
    """Switch Lab to its theme Dark or Light."""
    page.evaluate(THEME, f"JupyterLab {theme}")
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def save_screenshot(page, name, selector):
    """Save a picture of a panel, if DOAUDIT_SCREENSHOTS is set."""
    if os.environ.get("DOAUDIT_SCREENSHOTS"):
        folder = ROOT / "screenshots"
        folder.mkdir(exist_ok=True)
        page.locator(selector).first.screenshot(path=folder / f"{name}.png")


def serious_faults(page, context):
    """What axe-core finds serious or critical in the panels: contrast, names, roles."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, context=context).response["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    return [(each["id"], [node["html"][:160] for node in each["nodes"][:3]]) for each in grave]
